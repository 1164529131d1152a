"""The add-on in Blender as a Python module, which has no window and no event loop:

    module.py ADDON.zip [CHECK...]

Each check is a function below; without one all are run.
"""

import os
import queue
import sys
import threading
import time
import traceback

import bpy

import scene
from scene import Client, RoughGrid, Unexpected, Watched, expect

addon = scene.install(sys.argv[1])
watched = Watched(addon)

import dcc_cancel  # noqa: E402  (the add-on has brought it)

main_thread = addon.main_thread
smooth = bpy.ops.object.cancellable_smooth


def blender_has_no_timers_here(grid):
    fired = []
    bpy.app.timers.register(lambda: fired.append(1), first_interval=0.0)
    expect(smooth("INVOKE_DEFAULT", passes=1) == {"FINISHED"}, "an operator that blocks, without a window")
    time.sleep(0.05)
    expect(not fired, "no timer of Blender's to be called")
    expect(not bpy.app.timers.is_registered(main_thread.tick), "none to be waited for")


def the_operator_completes(grid):
    expect(smooth(passes=25) == {"FINISHED"}, "it to finish")
    grid.expect_smoothed(25)


def _cancelled(grid, what, arm):
    """Runs the operator. What `arm` sets up as the native loop begins cancels its token."""
    passes = grid.many_passes(addon.native.smooth)
    token = dcc_cancel.CancelToken()
    cancelled = queue.Queue()
    token.add_callback(lambda: cancelled.put(time.monotonic()))
    reset = dcc_cancel.set_cancel_token(token)
    jobs = []

    def when_it_begins():
        jobs.append(dcc_cancel.current_job.get())
        arm(token)

    watched.when_it_begins = when_it_begins
    try:
        ended = smooth(passes=passes)
    finally:
        watched.when_it_begins = lambda: None
        dcc_cancel.reset_cancel_token(reset)
    watched.expect_stopped(what, cancelled.get(timeout=scene.HANG_SECONDS))
    expect(ended == {"CANCELLED"}, f"the operator to be cancelled, not {ended}")
    expect(jobs[0].cancelled and jobs[0].state == "cancelled", f"the same of its job: {jobs[0]}")
    grid.expect_as_it_was()


def a_deadline_cancels_the_operator(grid):
    _cancelled(grid, "deadline", lambda token: token.set_deadline_after(0.2))


def a_timer_thread_cancels_the_operator(grid):
    _cancelled(grid, "timer", lambda token: threading.Timer(0.2, token.cancel).start())


def what_is_cancelled_before_never_begins(grid):
    token = dcc_cancel.CancelToken()
    token.cancel()
    watched.returned_at = None
    reset = dcc_cancel.set_cancel_token(token)
    try:
        expect(smooth(passes=10) == {"CANCELLED"}, "nothing to be done")
    finally:
        dcc_cancel.reset_cancel_token(reset)
    expect(watched.returned_at is None, "the native function not to be called")
    grid.expect_as_it_was()


def _at_the_write(act):
    """Calls `act` in the midst of the next write-back."""
    kind = addon.mesh_copy.MeshCopy
    write_back = kind.write_back

    def write_and_act(copy):
        kind.write_back = write_back
        write_back(copy)
        act()

    kind.write_back = write_and_act


def a_cancel_at_the_write_is_too_late(grid):
    token = dcc_cancel.CancelToken()
    jobs = []
    told = []
    watched.when_it_begins = lambda: jobs.append(dcc_cancel.current_job.get())

    def cancel():
        token.cancel()
        told.append(jobs[0].cancel())

    _at_the_write(cancel)
    reset = dcc_cancel.set_cancel_token(token)
    try:
        ended = smooth(passes=25)
    finally:
        watched.when_it_begins = lambda: None
        dcc_cancel.reset_cancel_token(reset)
    expect(ended == {"FINISHED"} and told == [False], f"the cancel to be too late: {ended}, {told}")
    expect(jobs[0].state == "completed" and jobs[0].is_sealed, f"the job to complete: {jobs[0]}")
    grid.expect_smoothed(25)


def a_cancel_before_the_write_is_first(grid):
    token = dcc_cancel.CancelToken()
    native_smooth = addon.native.smooth

    def smooth_and_cancel(*arguments):
        native_smooth(*arguments)
        token.cancel()

    addon.native.smooth = smooth_and_cancel
    reset = dcc_cancel.set_cancel_token(token)
    try:
        ended = smooth(passes=25)
    finally:
        addon.native.smooth = native_smooth
        dcc_cancel.reset_cancel_token(reset)
    expect(ended == {"CANCELLED"}, f"the operator to be cancelled, not {ended}")
    grid.expect_as_it_was()


def a_mesh_that_others_hold_is_refused(grid):
    copy = addon.mesh_copy.MeshCopy(grid.name)
    moved = grid.before + 1
    grid.set_positions(moved)
    _expect_mesh_error(copy.write_back, "was changed meanwhile")
    expect((grid.positions() == moved).all(), "the change to be kept")
    bpy.data.objects[grid.name].shape_key_add(name="Basis")
    _expect_mesh_error(lambda: addon.mesh_copy.MeshCopy(grid.name), "has shape keys")
    bpy.data.objects.remove(bpy.data.objects[grid.name])
    _expect_mesh_error(copy.write_back, "there is no mesh object")


def _expect_mesh_error(function, text):
    try:
        function()
    except addon.mesh_copy.MeshError as error:
        expect(text in str(error), f"an error that says {text!r}, not {error}")
    else:
        raise Unexpected(f"expected an error that says {text!r}")


def an_edge_without_vertices_is_an_error(grid):
    copy = addon.mesh_copy.MeshCopy(grid.name)
    copy.edges[7] = len(grid.before)
    try:
        addon.native.smooth(copy.positions, copy.edges, 1, 0.5)
    except RuntimeError as error:
        expect(f"edge 3 has vertex {len(grid.before)}" in str(error), f"the edge, not {error}")
    else:
        raise Unexpected("expected an error")
    expect((copy.positions == grid.before.ravel()).all(), "the positions as they were")


def _until(holds, what):
    """The main loop of a script: it is the tick where Blender has none."""
    end = time.monotonic() + scene.HANG_SECONDS
    while not holds():
        expect(time.monotonic() < end, f"{what}")
        time.sleep(main_thread.tick())


def an_mcp_client(grid, era):
    bpy.ops.wm.cancellable_smooth_serve(port=0)
    url = addon.mcp_server.running.url
    client = Client(url, era, grid.name, 30, grid.many_passes(addon.native.smooth))
    _until(lambda: not client.is_running(), "the client to end")
    report = client.report()
    _until(lambda: watched.returned_at is not None, "the native loop to return")
    watched.expect_stopped(f"mcp-{era}", report["cancelled_at"])
    scene.expect_completed_and_cancelled(report, era)
    grid.expect_smoothed(30)


def the_tool_has_three_steps_in_one_bar(grid):
    job = dcc_cancel.Job(f"Smooth {grid.name}")
    seen = []

    def look():
        seen.append((round(job.fraction, 3), job.progress.message))

    watched.when_it_begins = look
    _at_the_write(look)
    arguments = (main_thread.ui, job, grid.name, 25, 0.5)
    worker = threading.Thread(target=addon.mcp_server._smooth, args=arguments)
    worker.start()
    _until(lambda: not worker.is_alive(), "the tool to end")
    watched.when_it_begins = lambda: None
    expect(seen == [(0.05, "Smooth"), (0.95, "Write")], f"what is done and what comes next: {seen}")
    expect(job.fraction == 1, f"a whole bar: {job.fraction}")


def an_mcp_client_of_2025_cancels(grid):
    an_mcp_client(grid, "legacy")


def an_mcp_client_of_2026_cancels(grid):
    an_mcp_client(grid, "2026-07-28")


def what_cannot_be_done_fails_the_call(grid):
    bpy.ops.wm.cancellable_smooth_serve(port=0)
    url = addon.mcp_server.running.url
    client = Client(url, "legacy", "Nobody", 30)
    _until(lambda: not client.is_running(), "the client to end")
    report = client.report()
    expect(report["is_error"], f"an error: {report}")
    expect("there is no mesh object 'Nobody'" in report["text"], f"what is wrong: {report}")

    client = Client(url, "legacy", grid.name, -1)
    _until(lambda: not client.is_running(), "the client to end")
    report = client.report()
    expect("greater than or equal to 1" in report["text"], f"what is wrong: {report}")

    addon.mcp_server.MAIN_THREAD_SECONDS = 0.2
    client = Client(url, "legacy", grid.name, 30)
    report = client.report()  # nobody pumps meanwhile
    addon.mcp_server.MAIN_THREAD_SECONDS = 30
    expect("had not begun after 0.2 seconds" in report["text"], f"what is wrong: {report}")
    main_thread.tick()
    grid.expect_as_it_was()


def disabling_ends_the_calls_of_clients(grid):
    bpy.ops.wm.cancellable_smooth_serve(port=0)
    passes = grid.many_passes(addon.native.smooth)
    watched.returned_at = watched.began_at = None
    client = Client(addon.mcp_server.running.url, "legacy", grid.name, passes)
    _until(lambda: watched.began_at is not None, "the call to begin")
    disabled_at = time.monotonic()
    bpy.ops.preferences.addon_disable(module=scene.MODULE)
    watched.expect_stopped("disabled", disabled_at)
    grid.expect_as_it_was()
    client.wait()
    _enable_again()


def _enable_again():
    bpy.ops.preferences.addon_enable(module=scene.MODULE)
    global watched
    watched = Watched(addon)


def disabling_stops_what_runs(grid):
    copy = addon.mesh_copy.MeshCopy(grid.name)
    call = main_thread.ui.post(
        addon.native.smooth, copy.positions, copy.edges, scene.FOR_EVER, 0.5, any_thread=True
    )
    _until(lambda: call.job.progress.done > 0, "the job to begin")
    bpy.ops.preferences.addon_disable(module=scene.MODULE)
    expect(call.done() and watched.was_stopped, f"its job to be over: {call}")
    expect(not hasattr(bpy.types, "OBJECT_OT_cancellable_smooth"), "the operator to be gone")
    _enable_again()
    expect(smooth(passes=25) == {"FINISHED"}, "it to work when it is enabled again")
    grid.expect_smoothed(25)


CHECKS = [
    blender_has_no_timers_here,
    the_operator_completes,
    a_deadline_cancels_the_operator,
    a_timer_thread_cancels_the_operator,
    what_is_cancelled_before_never_begins,
    a_cancel_at_the_write_is_too_late,
    a_cancel_before_the_write_is_first,
    a_mesh_that_others_hold_is_refused,
    an_edge_without_vertices_is_an_error,
    the_tool_has_three_steps_in_one_bar,
    an_mcp_client_of_2025_cancels,
    an_mcp_client_of_2026_cancels,
    what_cannot_be_done_fails_the_call,
    disabling_stops_what_runs,
    disabling_ends_the_calls_of_clients,
]


def main():
    """Whether all passed."""
    named = sys.argv[2:]
    failed = 0
    for check in [check for check in CHECKS if not named or check.__name__ in named]:
        bpy.ops.wm.read_homefile(use_empty=True)
        try:
            check(RoughGrid(120))
            print(f"passed: {check.__name__}", flush=True)
        except Unexpected:
            traceback.print_exc()
            failed += 1
    bpy.ops.preferences.addon_disable(module=scene.MODULE)
    return failed == 0


try:
    passed = main()
except Exception:
    traceback.print_exc()
    passed = False
if passed:
    print("all passed")
sys.stdout.flush()
sys.stderr.flush()
# The module's own exit waits for ever if a script has kept an object of Blender's.
os._exit(0 if passed else 1)
