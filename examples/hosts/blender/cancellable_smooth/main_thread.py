"""Runs work of other threads on Blender's main thread, the only one that may touch `bpy`."""

import time

import bpy

from . import native  # noqa: F401  (its library is loaded before the package)

import dcc_cancel

# A timer of Blender calls the tick. Another thread cannot start the timer, so it always runs. A tick without
# work takes some microseconds.
TICK_SECONDS = 1 / 60
# How long a tick may take before Blender draws the next frame.
BUDGET_SECONDS = 0.004
# How long the end of the add-on waits for native loops. A loop that does not poll keeps Blender from
# quitting.
END_SECONDS = 5

ui = None


def tick():
    """One tick of the queue. Blender's timer calls it; in background mode the code that waits calls it."""
    ui.pump(BUDGET_SECONDS)
    return TICK_SECONDS


def start():
    global ui
    ui = dcc_cancel.Dispatcher()
    # In background mode Blender has no event loop that would call a timer.
    if not bpy.app.background:
        bpy.app.timers.register(tick, persistent=True)


def stop():
    """Cancels all jobs and waits for them, because no thread may return into an add-on that is unloaded."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    end = time.monotonic() + END_SECONDS
    while not ui.close() and time.monotonic() < end:
        time.sleep(0.001)
