"""What the programs of this folder share: the add-on as Blender installs it, a rough mesh, and what
became of it."""

import json
import os
import subprocess
import sys
import time

import bpy
import numpy

MODULE = "cancellable_smooth"
FOLDER = os.path.dirname(os.path.abspath(__file__))
# A number of passes that takes many minutes. If the poll is taken out, a cancelled job has to end by itself.
FOR_EVER = 10**6
WITHOUT_POLL = "DCC_TEST_WITHOUT_POLL" in os.environ
WHOLE_SECONDS = 3
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support/hang_seconds")) as file:
    #: What takes longer hangs.
    HANG_SECONDS = float(file.read().split()[-1])
if WITHOUT_POLL:
    # Waits for the cancelled job are in vain here, so they need not be long.
    HANG_SECONDS = 60


class Unexpected(Exception):
    """A check did not hold."""


def expect(holds, what):
    if not holds:
        raise Unexpected(f"expected {what}")


def install(zip_file):
    """Installs and enables the add-on as a user does; the folder is BLENDER_USER_SCRIPTS."""
    bpy.ops.preferences.addon_install(filepath=zip_file)
    bpy.ops.preferences.addon_enable(module=MODULE)
    expect(MODULE in bpy.context.preferences.addons, f"{zip_file} to be enabled")
    return sys.modules[MODULE]


class Watched:
    """The native function, and what came of its last call."""

    def __init__(self, addon):
        self._smooth = addon.native.smooth
        self._cancelled_error = sys.modules["dcc_cancel"].DccMcpCancelledError
        self.began_at = self.returned_at = self.was_stopped = None
        self.when_it_begins = lambda: None
        addon.native.smooth = self

    def __call__(self, *arguments):
        self.was_stopped = self.returned_at = None
        self.began_at = time.monotonic()
        self.when_it_begins()
        try:
            self._smooth(*arguments)
            self.was_stopped = False
        except self._cancelled_error:
            self.was_stopped = True
            raise
        finally:
            self.returned_at = time.monotonic()

    def expect_stopped(self, what, cancelled_at):
        """Prints how long it went on after the cancel; whether it was stopped at all is the check."""
        print(f"MEASURED {what} {1000 * (self.returned_at - cancelled_at):.2f}", flush=True)
        expect(self.was_stopped, f"the native loop of {what} to stop in the middle")


class WatchedBar:
    """What the window manager is told of progress from now on."""

    def __init__(self, addon):
        self.told = []
        watched = self
        bar = addon.window_bar.WindowBar

        class Recording(bar):
            def begin(self, manager):
                super().begin(watched.recording(manager))

            def show(self, manager, workspace):
                super().show(watched.recording(manager), workspace)

            def end(self, manager):
                super().end(watched.recording(manager))

        addon.operator.WindowBar = Recording

    def recording(self, manager):
        class Manager:
            def __getattr__(_, name):
                def call(*values):
                    self.told.append((name, *values))
                    getattr(manager, name)(*values)

                return call

        return Manager()

    @property
    def values(self):
        return [values[0] for name, *values in self.told if name == "progress_update"]

    def expect_rose_and_gone(self):
        names = [name for name, *_ in self.told]
        expect(self.told[0] == ("progress_begin", 0, 100), f"a bar in percent: {self.told}")
        expect(names[-1] == "progress_end" and names.count("progress_end") == 1, f"its end: {names}")
        expect(self.values == sorted(self.values), f"a bar that only rises: {self.values}")


class RoughGrid:
    """An object whose mesh is a plane with noise."""

    def __init__(self, side, name="Rough"):
        columns, rows = numpy.meshgrid(numpy.arange(side), numpy.arange(side))
        heights = numpy.random.default_rng(7).normal(0.0, 0.7, side * side)
        self.before = numpy.stack([columns.ravel(), rows.ravel(), heights], axis=1).astype("f4")
        at = numpy.arange(side * side).reshape(side, side)
        faces = numpy.stack([at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]], axis=-1)
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(self.before.tolist(), [], faces.reshape(-1, 4).tolist())
        mesh.update()
        grid = bpy.data.objects.new(name, mesh)
        bpy.context.scene.collection.objects.link(grid)
        bpy.context.view_layer.objects.active = grid
        grid.scale = (12 / side,) * 3
        grid.location = (-6, -6, 0)
        self.name = name
        self.edges = numpy.empty(2 * len(mesh.edges), numpy.int32)
        mesh.edges.foreach_get("vertices", self.edges)

    # The object is found by its name: an undo frees the object that a reference points to.
    @property
    def mesh(self):
        return bpy.data.objects[self.name].data

    def positions(self):
        values = numpy.empty(self.before.size, numpy.float32)
        self.mesh.vertices.foreach_get("co", values)
        return values.reshape(-1, 3)

    def set_positions(self, values):
        self.mesh.vertices.foreach_set("co", numpy.ravel(values))
        self.mesh.update()

    def smoothed(self, passes, factor=0.5):
        """What numpy makes of the rough mesh."""
        first, second = self.edges.reshape(-1, 2).T
        ends, others = numpy.append(first, second), numpy.append(second, first)
        counts = numpy.bincount(ends, minlength=len(self.before))[:, None]
        now = self.before.astype("f8")
        for _ in range(passes):
            sums = [numpy.bincount(ends, now[others, axis], len(now)) for axis in range(3)]
            now = now + factor * (numpy.stack(sums, axis=1) / counts - now)
        return now

    def expect_smoothed(self, passes):
        difference = numpy.abs(self.positions() - self.smoothed(passes)).max()
        expect(difference < 1e-4, f"{self.name} as numpy smooths it; it differs by {difference}")

    def expect_as_it_was(self):
        changed = int((self.positions() != self.before).any(axis=1).sum())
        expect(changed == 0, f"{self.name} as it was; {changed} vertices moved")

    def many_passes(self, smooth):
        """For ever; or, where only the end ends them, some seconds on this machine now."""
        if not WITHOUT_POLL:
            return FOR_EVER
        positions = self.before.copy().ravel()
        passes, begin = 0, time.monotonic()
        while (spent := time.monotonic() - begin) < 0.2:
            smooth(positions, self.edges, 10, 0.5)
            passes += 10
        return int(passes * WHOLE_SECONDS / spent)


class Client:
    """An MCP client in a process of its own, see mcp_client.py."""

    def __init__(self, url, era, name, passes, cancelled_passes=0):
        transcript = os.path.join(os.environ["DCC_TEST_FOLDER"], f"{era}-{name}.jsonl")
        program = [os.environ["DCC_TEST_CLIENT_PYTHON"], "-B", os.path.join(FOLDER, "mcp_client.py")]
        # Blender's own variables must not reach another Python.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self._process = subprocess.Popen(
            program + [url, era, name, str(passes), str(cancelled_passes), transcript],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def is_running(self):
        return self._process.poll() is None

    def wait(self):
        """Until it has ended, well or not."""
        self._process.communicate()

    def report(self):
        """What it has seen, as an object."""
        text = self._process.communicate()[0]
        expect(self._process.returncode == 0, f"the MCP client to succeed; it said {text!r}")
        return json.loads(text)


# The code of the error that answers a cancelled call, over HTTP; see the last table of docs/agents.md.
PROMISED = {"legacy": [-32800], "2026-07-28": []}


def expect_completed_and_cancelled(report, era):
    expect(report["text"] == "Rough was smoothed 30 times", f"an answer; there is {report}")
    told = [done for done, _ in report["progress"]]
    expect(told == sorted(set(told)), f"progress that rises: {report}")
    expect(report["progress"][-1:] == [[1, 1]], f"the client to see all progress: {report}")
    expect(report["answers"] == PROMISED[era], f"{PROMISED[era]} as answers in {era}: {report}")
    expect(report["late_progress"] == 0, f"no progress after the answer: {report}")
    expect(report["tools"] == ["smooth"], f"the server to work on: {report}")
