"""dcc_cancel.mcp with a client in the same process, where a test sees the jobs of the calls.

    tools_in_process.py fastmcp|mcp
"""

import asyncio
import logging
import sys
import threading
import time
from typing import Any, Dict, List

from peer import HANG_SECONDS

import dcc_cancel
from dcc_cancel.mcp import Cancellation, cancellable, commit, in_thread

SDK = sys.argv[1]
if SDK == "fastmcp":
    from fastmcp import Client, FastMCP as Server
else:
    from mcp import Client
    from mcp.server.mcpserver import MCPServer as Server

from mcp import MCPError

SPAN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
came_too_late = threading.Event()
answers = []
cancel_of_a_request = dcc_cancel.Request.cancel


def cancel(request, reason=None):
    """Notes that the cancel of a client has reached its request after the job of that had committed."""
    is_first = cancel_of_a_request(request, reason)
    if not is_first:
        came_too_late.set()
    return is_first


dcc_cancel.Request.cancel = cancel


class Watched(Cancellation):
    """Notes what calls are answered with."""

    async def __call__(self, context, call_next):
        answer = await super().__call__(context, call_next)
        answers.append(answer)
        return answer


server = Server(
    "in process", middleware=[Watched(progress_interval=0.01, progress_heartbeat=0.02)]
)
ended = []
heard = []
was_heard = threading.Condition()


def poll_until_cancelled():
    """What native code does in its loop, in Python."""
    job = dcc_cancel.current_job.get()
    assert dcc_cancel.current_cancel_token() is not None
    step = 0
    while True:
        step += 1
        job.set_progress(step, 10**9, "polling")
        dcc_cancel.check_dcc_cancelled()
        time.sleep(0.001)


def ends(name):
    """Notes the end of a call and the state of its job, whoever looks."""
    ended.append((name, dcc_cancel.current_job.get()))


@server.tool()
@cancellable
def plain(count: int = 0) -> str:
    try:
        poll_until_cancelled()
    finally:
        ends("plain")


@server.tool()
def undecorated() -> str:
    try:
        poll_until_cancelled()
    finally:
        ends("undecorated")


@server.tool()
@cancellable
async def on_a_thread() -> str:
    try:
        return await in_thread(poll_until_cancelled)
    finally:
        ends("on_a_thread")


@server.tool()
async def in_the_loop() -> str:
    try:
        await asyncio.sleep(HANG_SECONDS)
    finally:
        ends("in_the_loop")


@server.tool()
@cancellable
def committed() -> str:
    dcc_cancel.current_job.get().set_progress(1)
    with commit():
        assert came_too_late.wait(HANG_SECONDS)
    ends("committed")
    return "done for good"


@server.tool()
@cancellable
async def committed_in_the_loop() -> str:
    dcc_cancel.current_job.get().set_progress(1)
    with commit():
        while not came_too_late.is_set():
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
    ends("committed_in_the_loop")
    return "done for good"


@server.tool()
@cancellable
async def broken_when_committed() -> str:
    dcc_cancel.current_job.get().set_progress(1)
    try:
        with commit():
            while not came_too_late.is_set():
                await asyncio.sleep(0.005)
            raise ValueError("no space")
    finally:
        ends("broken_when_committed")


def wait_until_heard(is_enough):
    with was_heard:
        assert was_heard.wait_for(is_enough, HANG_SECONDS), heard


@server.tool()
@cancellable
def in_steps() -> str:
    with dcc_cancel.progress(100, "Export") as p:
        for name, weight in (("Collect", 25), ("Write", 75)):
            with p.step(weight, name), dcc_cancel.progress(2, "Item") as items:
                items.advance()
                items.flush()
                wait_until_heard(lambda: any(note[2] == f"Export > {name} > Item" for note in heard))
    return "done"


@server.tool()
@cancellable
def opaque() -> str:
    dcc_cancel.current_job.get().set_progress(1, 4, "one call of a library")
    wait_until_heard(lambda: len(heard) >= 10)
    return "done"


@server.tool()
@cancellable
def what_its_request_says() -> List[Dict[str, Any]]:
    """What the token of the call, and that of a job in it, know of the request."""

    def known(token):
        left = None if token.deadline is None else token.deadline - time.monotonic()
        return {"trace": token.trace_parent, "seconds left": left}

    return [known(dcc_cancel.current_cancel_token()), known(dcc_cancel.Job("inner").token)]


@server.tool()
@cancellable
def in_time(number: int) -> int:
    return 2 * number


@server.tool()
@cancellable
async def broken() -> str:
    raise ValueError("its own fault")


def jobs():
    return [job for job in dcc_cancel.live_jobs() if job["state"] == "running"]


async def the_job_of(tool):
    while True:
        for job in jobs():
            found = dcc_cancel.Job.find(job["id"]) if job["label"] == tool else None
            if found and (found.progress.done or tool == "in_the_loop"):
                return found
        await asyncio.sleep(0.005)


async def what_ended(tool):
    while not ended or ended[-1][0] != tool:
        await asyncio.sleep(0.005)
    return ended.pop()[1]


async def is_cancelled_by_its_client(client, tool):
    call = asyncio.create_task(client.call_tool(tool, {}))
    await the_job_of(tool)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    job = await what_ended(tool)
    assert await job == "cancelled", job


async def is_cancelled_by_somebody_else(client, tool):
    call = asyncio.create_task(client.call_tool(tool, {}))
    (await the_job_of(tool)).cancel("the artist pressed Esc")
    try:
        result = await call
    except MCPError as error:
        assert error.code == -32800, error
        assert str(error).endswith("Request cancelled: the artist pressed Esc"), error
    else:
        raise AssertionError(f"{tool} was answered with {result}")
    assert await (await what_ended(tool)) == "cancelled"


async def commits_before_its_client_cancels(client, tool, state):
    came_too_late.clear()
    answers.clear()
    call = asyncio.create_task(client.call_tool(tool, {}))
    job = await the_job_of(tool)
    while not job.is_sealed:
        await asyncio.sleep(0.005)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await what_ended(tool)
    assert await job == state, (tool, job, job.failure)
    assert not job.cancelled
    while state == "completed" and not any("done for good" in str(answer) for answer in answers):
        await asyncio.sleep(0.005)


def call_and_hear(client, tool, arguments):
    heard.clear()

    async def note(progress, total, message):
        with was_heard:
            heard.append((progress, total, message))
            was_heard.notify_all()

    named = "progress_handler" if SDK == "fastmcp" else "progress_callback"
    return asyncio.create_task(client.call_tool(tool, arguments, **{named: note}))


def assert_it_rose():
    values = [progress for progress, _, _ in heard]
    assert values == sorted(set(values)), heard


async def progress_is_told(client):
    call = call_and_hear(client, "plain", {"count": 1})
    while len(heard) < 3:
        await asyncio.sleep(0.005)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await what_ended("plain")
    assert_it_rose()
    assert heard[-1][1:] == (10**9, "polling"), heard


async def each_step_is_told(client):
    result = await call_and_hear(client, "in_steps", {})
    assert "done" in str(result), result
    assert_it_rose()
    assert all(total in (1, None) for _, total, _ in heard), heard


async def what_cannot_count_is_told_to_go_on(client):
    result = await call_and_hear(client, "opaque", {})
    assert "done" in str(result), result
    assert_it_rose()
    beats = heard[1:10]
    assert {note[1:] for note in beats} == {(4, "one call of a library")}, heard
    assert all(1 < progress < 2 for progress, _, _ in beats), heard


async def what_is_known(client, meta):
    result = await client.call_tool("what_its_request_says", {}, meta=meta)
    call, inner = result.structured_content["result"]
    return call, inner


async def meta_reaches_what_works_for_the_call(client):
    meta = {"traceparent": SPAN, "dcc-cancel/timeoutMs": 3_600_000}
    for known in await what_is_known(client, meta):
        assert known["trace"] == SPAN, known
        assert 0 < known["seconds left"] <= 3600, known
    strange = {"traceparent": 7, "dcc-cancel/timeoutMs": "soon"}
    for meta in (None, {}, {"other": "x" * 5000}, strange):
        for known in await what_is_known(client, meta):
            assert known == {"trace": None, "seconds left": None}, (meta, known)


async def is_cancelled_by_its_deadline(client, tool, milliseconds):
    try:
        result = await client.call_tool(tool, {}, meta={"dcc-cancel/timeoutMs": milliseconds})
    except MCPError as error:
        assert error.code == -32800, error
        assert str(error).endswith("Request cancelled: deadline exceeded"), error
    else:
        raise AssertionError(f"{tool} was answered with {result}")
    if milliseconds:
        assert await (await what_ended(tool)) == "cancelled"
    assert not ended, ended


async def an_observer_is_told_of_the_request(client):
    with dcc_cancel.Observer() as observer:
        call = asyncio.create_task(client.call_tool("plain", {}))
        await the_job_of("plain")
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        job = await what_ended("plain")
        assert await job == "cancelled", job
        told = [event.request_id for event in observer if event.kind == "request_cancelled"]
    assert [str(request_id) for request_id in told] == [job.job_id], (told, job.job_id)


async def what_is_current_around_the_server_cancels_a_call():
    around = dcc_cancel.CancelToken()
    reset = dcc_cancel.set_cancel_token(around)
    async with Client(server) as client:
        # The SDK's client calls the server in its own task.
        call = asyncio.create_task(client.call_tool("plain", {}))
        dcc_cancel.reset_cancel_token(reset)
        await the_job_of("plain")
        around.cancel("the host closes")
        try:
            result = await call
        except MCPError as error:
            assert str(error).endswith("Request cancelled: the host closes"), error
        else:
            raise AssertionError(f"it was answered with {result}")
        assert await (await what_ended("plain")) == "cancelled"


async def what_is_not_cancelled_is_as_ever(client):
    result = await client.call_tool("in_time", {"number": 21})
    assert (result.structured_content or {}).get("result") == 42, result
    options = {"raise_on_error": False} if SDK == "fastmcp" else {}
    result = await client.call_tool("broken", {}, **options)
    assert result.is_error, result
    tools = await client.list_tools()
    tools = getattr(tools, "tools", tools)
    schema = next(tool.input_schema for tool in tools if tool.name == "in_time")
    assert list(schema["properties"]) == ["number"], schema


async def main():
    crashes = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: crashes.append(record.getMessage())
    for name in ("fastmcp", "mcp"):
        logging.getLogger(name).addHandler(handler)
    async with Client(server) as client:
        for tool in ("plain", "undecorated", "on_a_thread", "in_the_loop"):
            await is_cancelled_by_its_client(client, tool)
            await is_cancelled_by_somebody_else(client, tool)
        for tool in ("committed", "committed_in_the_loop"):
            await commits_before_its_client_cancels(client, tool, "completed")
        await commits_before_its_client_cancels(client, "broken_when_committed", "failed")
        crashes[:] = [crash for crash in crashes if "broken_when_committed" not in crash]
        await meta_reaches_what_works_for_the_call(client)
        for tool in ("plain", "undecorated", "on_a_thread", "in_the_loop"):
            await is_cancelled_by_its_deadline(client, tool, 50)
            await is_cancelled_by_its_deadline(client, tool, 0)
        await an_observer_is_told_of_the_request(client)
        await progress_is_told(client)
        await each_step_is_told(client)
        await what_cannot_count_is_told_to_go_on(client)
        told = [crash for crash in crashes if "undecorated" not in crash]
        assert told == [], told
        await what_is_not_cancelled_is_as_ever(client)
    await what_is_current_around_the_server_cancels_a_call()
    assert jobs() == [], jobs()
    print("all passed")


asyncio.run(asyncio.wait_for(main(), HANG_SECONDS))
