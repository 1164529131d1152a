"""Drives examples/stdio_server with version 2 of the official client: stdio_server_2.py SERVER."""

import asyncio
import sys

from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

FOR_EVER = 10**12


class Agent:
    def __init__(self, client):
        self.client = client

    async def call(self, tool, arguments, on_progress=None, seconds=60):
        result = await self.client.call_tool(
            tool, arguments, read_timeout_seconds=seconds, progress_callback=on_progress
        )
        assert not result.is_error, result
        return result.content[0].text

    async def start(self, tool, arguments):
        """A call under way."""
        noted = asyncio.Event()

        async def on_progress(progress, total, message):
            noted.set()

        task = asyncio.create_task(self.call(tool, arguments, on_progress))
        await asyncio.wait_for(noted.wait(), 60)
        return task

    async def abort(self, task):
        task.cancel()  # this version's client tells the server
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

    await agent.abort(await agent.start("long_execution", {"count": FOR_EVER}))
    await agent.assert_alive()

    try:
        await agent.call("long_execution", {"count": FOR_EVER}, seconds=0.3)
        raise AssertionError("the call should have timed out")
    except MCPError as error:
        assert error.code == -32001, error
    await agent.assert_alive()

    first = asyncio.create_task(agent.call("long_execution", {"count": 2000}))
    await asyncio.sleep(0)
    middle = await agent.start("long_execution", {"count": FOR_EVER})
    last = asyncio.create_task(agent.call("long_execution", {"count": 2000}))
    await agent.abort(middle)
    assert [await first, await last] == ["smoothed 2000 of 2000 times"] * 2

    await agent.abort(await agent.start("process_large_file", {"path": "/dev/zero"}))
    await agent.assert_alive()


async def main():
    # Asks for the era of 2026 first and comes back to the handshake, as this server wants it.
    async with Client(stdio_client(StdioServerParameters(command=sys.argv[1]))) as client:
        assert client.protocol_version == "2025-11-25", client.protocol_version
        assert len((await client.list_tools()).tools) == 3
        await play(Agent(client))
    print("all passed")


asyncio.run(main())
