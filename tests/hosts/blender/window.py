"""The add-on in a Blender with a window, whose own timers are the tick:

    blender --python window.py -- ADDON.zip PICTURE [CHECK...]

Each check is a generator below, and goes on at the next tick of a timer of Blender's.
"""

import os
import subprocess
import sys
import time
import traceback

import bpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import scene  # noqa: E402
from scene import Client, RoughGrid, Watched, WatchedBar, expect  # noqa: E402

arguments = sys.argv[sys.argv.index("--") + 1 :]
ZIP, PICTURE = arguments[:2]
addon = scene.install(ZIP)
watched = Watched(addon)

PRESS_ESCAPE = ["xdotool", "mousemove", "400", "400", "key", "Escape"]
# Longer than anything here takes.
SECONDS = scene.HANG_SECONDS


def in_window(operator, **properties):
    window = bpy.context.window_manager.windows[0]
    # Not `active_object`: an object is new after an undo.
    with bpy.context.temp_override(window=window):
        return operator("INVOKE_DEFAULT", **properties)


def frame():
    """Leaves the view alone in the window, with the mesh in it, and letters that can be read on a page."""
    window = bpy.context.window_manager.windows[0]
    preferences = bpy.context.preferences.view
    preferences.smooth_view = 0
    preferences.ui_scale = 1.2
    for area in [area for area in window.screen.areas if area.type != "VIEW_3D"]:
        with bpy.context.temp_override(window=window, area=area):
            bpy.ops.screen.area_close()
    area = window.screen.areas[0]
    region = next(region for region in area.regions if region.type == "WINDOW")
    area.spaces.active.overlay.show_cursor = False
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.view3d.view_all()


def start(grid, passes):
    watched.returned_at = watched.was_stopped = None
    ended = in_window(bpy.ops.object.cancellable_smooth, passes=passes)
    expect(ended == {"RUNNING_MODAL"}, f"a modal operator, not {ended}")
    job = addon.main_thread.ui.find(addon.operator.caller_id(grid.name))
    expect(job is not None, "the job of the operator")
    return job


def until(holds, what):
    end = time.monotonic() + SECONDS
    while not holds():
        expect(time.monotonic() < end, f"{what}")
        yield


def until_over(job):
    yield from until(lambda: job.state != "running", "the job to be over")
    yield from until(lambda: not addon.operator.running, "the operator to see it")


def the_operator_completes_and_is_undone(grid):
    bpy.ops.ed.undo_push(message="Rough")
    bar = WatchedBar(addon)
    job = start(grid, 25)
    yield from until_over(job)
    bar.expect_rose_and_gone()
    expect(bar.values[-1] == 100, f"the bar to come to its end: {bar.values}")
    expect(job.state == "completed", f"it to complete: {job}")
    grid.expect_smoothed(25)
    in_window(bpy.ops.ed.undo)
    grid.expect_as_it_was()


def _begun(grid):
    job = start(grid, grid.many_passes(addon.native.smooth))
    yield from until(lambda: job.progress.done > 0, "the native loop to begin")
    return job


def _cancelled(grid, what, job, cancelled_at):
    yield from until_over(job)
    watched.expect_stopped(what, cancelled_at)
    expect(job.state == "cancelled", f"the job to be cancelled: {job}")
    grid.expect_as_it_was()


def escape_cancels_and_the_window_lives(grid):
    frame()
    yield
    bar = WatchedBar(addon)
    job = yield from _begun(grid)
    done = job.progress.done
    yield from until(lambda: len(set(bar.values)) > 3, "the bar to rise")
    for _ in range(5):
        yield
    expect(job.state == "running" and job.progress.done > done, f"both to go on: {job}")
    in_window(bpy.ops.screen.screenshot, filepath=PICTURE)
    cancelled = []
    registration = job.token.add_callback(lambda: cancelled.append(time.monotonic()))
    subprocess.run(PRESS_ESCAPE, check=True)
    yield from until(lambda: cancelled, "the key to cancel the job")
    registration.close()
    yield from _cancelled(grid, "escape", job, cancelled[0])
    expect(job.reason == "the user pressed Esc", f"Esc as the reason, not {job.reason!r}")
    bar.expect_rose_and_gone()
    expect(bar.values[-1] < 100, f"the bar of what was stopped to stay: {bar.values}")


def a_timer_of_blender_cancels(grid):
    job = yield from _begun(grid)
    cancelled = []

    def timer():
        cancelled.append(time.monotonic())
        job.cancel("the timer")

    bpy.app.timers.register(timer, first_interval=0.2)
    yield from until(lambda: cancelled, "the timer")
    yield from _cancelled(grid, "blender-timer", job, cancelled[0])


def the_same_mesh_is_smoothed_once_at_a_time(grid):
    job = yield from _begun(grid)
    try:
        in_window(bpy.ops.object.cancellable_smooth)
        refused = ""
    except RuntimeError as error:
        refused = str(error)
    expect("is being smoothed" in refused, f"a refusal, not {refused!r}")
    job.cancel()
    yield from until_over(job)
    grid.expect_as_it_was()


def a_change_meanwhile_is_kept(grid):
    job = start(grid, 25)
    grid.set_positions(grid.before + 1)
    yield from until_over(job)
    expect(job.state == "completed", f"it to complete: {job}")
    expect((grid.positions() == grid.before + 1).all(), "the change to be kept")


def another_file_ends_it(grid):
    job = yield from _begun(grid)
    bpy.ops.wm.read_homefile(use_empty=True)
    yield from until_over(job)
    expect(job.state == "cancelled", f"the job to be cancelled: {job}")
    expect(job.reason == "Blender ended the operator", f"why: {job.reason!r}")


def disabling_it_ends_it(grid):
    job = yield from _begun(grid)
    bpy.ops.preferences.addon_disable(module=scene.MODULE)
    expect(job.state in ("cancelled", "interrupted"), f"the job to be over: {job}")
    expect(not addon.operator.running, "the operator to have left")
    for _ in range(20):
        yield
    grid.expect_as_it_was()
    bpy.ops.preferences.addon_enable(module=scene.MODULE)
    global watched
    watched = Watched(addon)


def an_mcp_client_cancels(grid, era="legacy"):
    in_window(bpy.ops.wm.cancellable_smooth_serve, port=0)
    url = addon.mcp_server.running.url
    bpy.ops.ed.undo_push(message="Rough")
    client = Client(url, era, grid.name, 30, grid.many_passes(addon.native.smooth))
    yield from until(lambda: not client.is_running(), "the client to end")
    report = client.report()
    yield from until(lambda: watched.returned_at is not None, "the native loop to return")
    watched.expect_stopped("mcp-window", report["cancelled_at"])
    scene.expect_completed_and_cancelled(report, era)
    grid.expect_smoothed(30)
    in_window(bpy.ops.ed.undo)
    grid.expect_as_it_was()


CHECKS = [
    the_operator_completes_and_is_undone,
    escape_cancels_and_the_window_lives,
    a_timer_of_blender_cancels,
    the_same_mesh_is_smoothed_once_at_a_time,
    a_change_meanwhile_is_kept,
    another_file_ends_it,
    disabling_it_ends_it,
    an_mcp_client_cancels,
]


def steps():
    named = arguments[2:]
    for check in [check for check in CHECKS if not named or check.__name__ in named]:
        bpy.ops.wm.read_homefile(use_empty=True)
        # A software renderer draws, each smooth edge would be eight pictures.
        bpy.context.preferences.system.viewport_aa = "OFF"
        yield
        grid = RoughGrid(120)
        for _ in range(3):  # what is drawn for the first time takes longer
            yield
        yield from check(grid)
        print(f"passed: {check.__name__}", flush=True)
    # The user closes Blender while a job runs.
    bpy.ops.wm.read_homefile(use_empty=True)
    yield
    yield from _begun(RoughGrid(120))
    print("all passed", flush=True)
    bpy.ops.wm.quit_blender()


running = steps()


def tick():
    try:
        next(running)
        return 0.01
    except StopIteration:
        return None
    except BaseException:
        traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        # A window without a user would stay open.
        os._exit(1)


bpy.app.timers.register(tick, first_interval=0.1, persistent=True)
