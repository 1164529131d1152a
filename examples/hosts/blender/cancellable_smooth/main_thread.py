"""Brings work of other threads to Blender's main thread, the only one that may touch `bpy`."""

import time

import bpy

from . import native  # noqa: F401  (its library comes before the package)

import dcc_cancel

# A timer of Blender is the tick. It cannot be started from another thread, so it always runs; a tick
# without work takes some microseconds.
TICK_SECONDS = 1 / 60
# What a tick may take of a frame before it lets Blender draw.
BUDGET_SECONDS = 0.004
# How long disabling the add-on waits for native loops. One that does not poll keeps Blender from quitting.
END_SECONDS = 5

ui = None


def tick():
    """One turn of the queue. Blender calls it; where it has no event loop whoever waits does."""
    ui.pump(BUDGET_SECONDS)
    return TICK_SECONDS


def start():
    global ui
    ui = dcc_cancel.Dispatcher()
    # There is no event loop in background mode, and so nobody to call it.
    if not bpy.app.background:
        bpy.app.timers.register(tick, persistent=True)


def stop():
    """Cancels what runs and waits for it: no thread may come back to an add-on that is gone."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    end = time.monotonic() + END_SECONDS
    while not ui.close() and time.monotonic() < end:
        time.sleep(0.001)
