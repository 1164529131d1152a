"""Drives examples/stdio_server with version 2 of the official client: stdio_server_2.py SERVER."""

import asyncio
import sys

from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from stdio_scenarios import assert_cancelled, play, under_way


class Agent:
    """This version's client tells the server whenever it stops waiting."""

    def __init__(self, client):
        self.client = client

    async def call(self, tool, arguments, on_progress=None, seconds=60):
        result = await self.client.call_tool(
            tool, arguments, read_timeout_seconds=seconds, progress_callback=on_progress
        )
        assert not result.is_error, result
        return result.content[0].text

    async def start(self, tool, arguments):
        return await under_way(self, tool, arguments)

    async def abort(self, task):
        task.cancel()
        await assert_cancelled(task)

    async def times_out(self, tool, arguments, seconds):
        try:
            await self.call(tool, arguments, seconds=seconds)
            raise AssertionError("the call should have timed out")
        except MCPError as error:
            assert error.code == -32001, error


async def main():
    # The client asks for the protocol of 2026 first and falls back to the handshake, as this server needs it.
    async with Client(stdio_client(StdioServerParameters(command=sys.argv[1]))) as client:
        assert client.protocol_version == "2025-11-25", client.protocol_version
        assert len((await client.list_tools()).tools) == 6
        await play(Agent(client))
    print("all passed")


asyncio.run(main())
