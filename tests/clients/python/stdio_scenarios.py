"""The actions of an agent with examples/stdio_server, for the clients of both versions of the SDK.

An `agent` calls tools (`call`), has one under way (`start`), gives that up (`abort`), and calls one with a
time that is too short (`times_out`).
"""

import asyncio

FOR_EVER = 10**12


async def play(agent):
    await assert_alive(agent)
    told = []

    async def on_progress(progress, total, message):
        told.append((progress, total))

    whole = await agent.call("long_execution", {"count": 8000}, on_progress)
    assert whole == "smoothed 8000 of 8000 times", whole
    assert len(told) > 1 and told == sorted(set(told)) and told[-1] == (8000, 8000), told

    await agent.abort(await agent.start("long_execution", {"count": FOR_EVER}))
    await assert_alive(agent)

    await agent.times_out("long_execution", {"count": FOR_EVER}, 0.3)
    await assert_alive(agent)

    first = asyncio.create_task(agent.call("long_execution", {"count": 2000}))
    await asyncio.sleep(0)
    middle = await agent.start("long_execution", {"count": FOR_EVER})
    last = asyncio.create_task(agent.call("long_execution", {"count": 2000}))
    await agent.abort(middle)
    assert [await first, await last] == ["smoothed 2000 of 2000 times"] * 2

    await agent.abort(await agent.start("process_large_file", {"path": "/dev/zero"}))
    await assert_alive(agent)


async def assert_alive(agent):
    assert await agent.call("short_execution", {"topic": "cats"}) == "in short: cats"


async def under_way(agent, tool, arguments):
    """The task of a call that has told of progress."""
    noted = asyncio.Event()

    async def on_progress(progress, total, message):
        noted.set()

    task = asyncio.create_task(agent.call(tool, arguments, on_progress))
    await asyncio.wait_for(noted.wait(), 60)
    return task


async def assert_cancelled(task):
    await asyncio.wait({task})
    assert task.cancelled(), task
