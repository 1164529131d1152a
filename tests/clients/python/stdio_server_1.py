"""Drives examples/stdio_server with version 1 of the official client: stdio_server_1.py SERVER."""

import asyncio
import sys
from datetime import timedelta

from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.stdio import stdio_client

from stdio_scenarios import assert_cancelled, play, under_way


class Agent:
    """This version's client stops waiting when its task is cancelled or the time is over, but does not
    tell the server."""

    def __init__(self, session):
        self.session = session

    async def call(self, tool, arguments, on_progress=None, seconds=60):
        result = await self.session.call_tool(
            tool, arguments, timedelta(seconds=seconds), progress_callback=on_progress
        )
        assert not result.isError, result
        return result.content[0].text

    async def start(self, tool, arguments):
        request_id = self.session._request_id
        return await under_way(self, tool, arguments), request_id

    async def abort(self, started):
        task, request_id = started
        task.cancel()
        await self.cancel(request_id, "aborted")
        await assert_cancelled(task)

    async def times_out(self, tool, arguments, seconds):
        request_id = self.session._request_id
        try:
            await self.call(tool, arguments, seconds=seconds)
            raise AssertionError("the call should have timed out")
        except McpError as error:
            assert error.error.code == 408, error
        await self.cancel(request_id, "timed out")

    async def cancel(self, request_id, reason):
        params = types.CancelledNotificationParams(requestId=request_id, reason=reason)
        notification = types.CancelledNotification(params=params)
        await self.session.send_notification(types.ClientNotification(notification))


async def main():
    async with stdio_client(StdioServerParameters(command=sys.argv[1])) as (read, write):
        async with ClientSession(read, write) as session:
            assert (await session.initialize()).protocolVersion == "2025-11-25"
            assert len((await session.list_tools()).tools) == 6
            await session.send_ping()
            await play(Agent(session))
    print("all passed")


asyncio.run(main())
