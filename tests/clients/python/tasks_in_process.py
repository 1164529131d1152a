"""Tools of FastMCP that run as tasks, in a worker of its TasksExtension in this process."""

import asyncio
import threading
import time

from peer import HANG_SECONDS

import dcc_cancel
from dcc_cancel.mcp import Cancellation, cancellable, commit, in_thread

from fastmcp import Client, FastMCP
from fastmcp_tasks import TasksExtension, call_tool_task

cancel_of_a_job = dcc_cancel.Job.cancel


def cancel(job, reason=None):
    """Notes that a cancel has reached a job that had committed."""
    is_first = cancel_of_a_job(job, reason)
    if job.is_sealed:
        came_too_late.set()
    return is_first


dcc_cancel.Job.cancel = cancel
server = FastMCP("tasks", middleware=[Cancellation()])
server.add_extension(TasksExtension())
is_under_way = threading.Event()
came_too_late = threading.Event()
# For each tool, at its end: its job, and whether its loop was still running.
ended = []
loops = []


def poll_until_cancelled():
    """What native code does in its loop, in Python."""
    loops.append("one that runs")
    try:
        while True:
            is_under_way.set()
            dcc_cancel.check_dcc_cancelled()
            time.sleep(0.001)
    finally:
        loops.pop()


def ends():
    ended.append((dcc_cancel.current_job.get(), list(loops)))


@server.tool(task=True)
@cancellable
async def on_a_thread() -> str:
    try:
        return await in_thread(poll_until_cancelled)
    finally:
        ends()


@server.tool(task=True)
@cancellable
async def in_the_loop() -> str:
    is_under_way.set()
    try:
        await asyncio.sleep(HANG_SECONDS)
    finally:
        ends()


def write():
    with commit():
        is_under_way.set()
        assert came_too_late.wait(HANG_SECONDS)
    return "done for good"


@server.tool(task=True)
@cancellable
async def committed() -> str:
    try:
        return await in_thread(write)
    finally:
        ends()


@server.tool(task=True)
@cancellable
async def in_time(number: int) -> int:
    return 2 * await in_thread(abs, number)


async def begun(client, tool):
    is_under_way.clear()
    task = await call_tool_task(client, tool, {})
    assert await asyncio.to_thread(is_under_way.wait, HANG_SECONDS), tool
    found = [job for job in dcc_cancel.live_jobs() if job["caller_id"] == task.task_id]
    assert [job["label"] for job in found] == [tool], (found, task.task_id)
    return task, dcc_cancel.Job.find(found[0]["id"])


async def has_status(task, wanted):
    while (status := (await task.status()).status) == "working":
        await asyncio.sleep(0.01)
    assert status == wanted, (status, wanted)


async def is_cancelled(client, tool, by_whom):
    task, job = await begun(client, tool)
    if by_whom == "the client":
        await task.cancel()
    else:
        job.cancel("the artist pressed Esc")
    assert await job == "cancelled", job
    # The loop had stopped when the tool returned.
    assert [(each.id, still) for each, still in ended] == [(job.id, [])], ended
    ended.clear()
    await has_status(task, "cancelled")


async def commits_before_its_client_cancels(client):
    task, job = await begun(client, "committed")
    await task.cancel()
    assert await job == "completed", (job, job.failure)
    ended.clear()


async def main():
    async with Client(server) as client:
        for tool in ("on_a_thread", "in_the_loop"):
            for by_whom in ("the client", "the artist"):
                await is_cancelled(client, tool, by_whom)
        await commits_before_its_client_cancels(client)
        task = await call_tool_task(client, "in_time", {"number": -21})
        await has_status(task, "completed")
        assert (await task.result()).data == 42
    # Outside of tasks and calls it is called like any function.
    assert await in_time(4) == 8
    print("all passed")


asyncio.run(asyncio.wait_for(main(), HANG_SECONDS))
