"""Drives examples/stdio_server with version 1 of the official client: stdio_server_1.py SERVER."""

import asyncio
import sys
from datetime import timedelta

from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.stdio import stdio_client

FOR_EVER = 10**12


class Agent:
    def __init__(self, session):
        self.session = session

    async def call(self, tool, arguments, on_progress=None, seconds=60):
        result = await self.session.call_tool(
            tool, arguments, timedelta(seconds=seconds), progress_callback=on_progress
        )
        assert not result.isError, result
        return result.content[0].text

    async def cancel(self, request_id, reason):
        # This version's client stops waiting when its task is cancelled, but does not tell the server.
        params = types.CancelledNotificationParams(requestId=request_id, reason=reason)
        notification = types.CancelledNotification(params=params)
        await self.session.send_notification(types.ClientNotification(notification))

    async def start(self, tool, arguments):
        """A call under way, and its id."""
        noted = asyncio.Event()

        async def on_progress(progress, total, message):
            noted.set()

        request_id = self.session._request_id
        task = asyncio.create_task(self.call(tool, arguments, on_progress))
        await asyncio.wait_for(noted.wait(), 60)
        return task, request_id

    async def abort(self, task, request_id):
        task.cancel()
        await self.cancel(request_id, "aborted")
        await asyncio.wait({task})
        assert task.cancelled(), task

    async def assert_alive(self):
        assert await self.call("short_execution", {"topic": "cats"}) == "in short: cats"


async def play(agent):
    await agent.assert_alive()
    told = []

    async def on_progress(progress, total, message):
        told.append((progress, total))

    whole = await agent.call("long_execution", {"count": 8000}, on_progress)
    assert whole == "smoothed 8000 of 8000 times", whole
    assert len(told) > 1 and told == sorted(set(told)) and told[-1] == (8000, 8000), told

    await agent.abort(*await agent.start("long_execution", {"count": FOR_EVER}))
    await agent.assert_alive()

    request_id = agent.session._request_id
    try:
        await agent.call("long_execution", {"count": FOR_EVER}, seconds=0.3)
        raise AssertionError("the call should have timed out")
    except McpError as error:
        assert error.error.code == 408, error
    await agent.cancel(request_id, "timed out")
    await agent.assert_alive()

    first = asyncio.create_task(agent.call("long_execution", {"count": 2000}))
    await asyncio.sleep(0)
    middle, request_id = await agent.start("long_execution", {"count": FOR_EVER})
    last = asyncio.create_task(agent.call("long_execution", {"count": 2000}))
    await agent.abort(middle, request_id)
    assert [await first, await last] == ["smoothed 2000 of 2000 times"] * 2

    await agent.abort(*await agent.start("process_large_file", {"path": "/dev/zero"}))
    await agent.assert_alive()


async def main():
    async with stdio_client(StdioServerParameters(command=sys.argv[1])) as (read, write):
        async with ClientSession(read, write) as session:
            assert (await session.initialize()).protocolVersion == "2025-11-25"
            assert len((await session.list_tools()).tools) == 3
            await session.send_ping()
            await play(Agent(session))
    print("all passed")


asyncio.run(main())
