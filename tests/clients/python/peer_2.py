"""The client of version 2 of the `mcp` SDK."""

import contextlib

from mcp import Client, MCPError, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from peer import CallFailed
from transcript import noted_streams

TIMED_OUT = -32001


class Peer:
    def __init__(self, name, client, transcript):
        self.name = name
        self.transcript = transcript
        self._client = client

    async def call(self, tool, arguments, on_progress=None, timeout=None):
        try:
            result = await self._client.call_tool(
                tool, arguments, read_timeout_seconds=timeout, progress_callback=on_progress
            )
        except MCPError as error:
            raise CallFailed(error.code, error.message) from error
        if result.is_error:
            raise CallFailed(None, result.content[0].text)
        return result.structured_content

    async def send_cancelled(self, request_id, reason):
        params = types.CancelledNotificationParams(request_id=request_id, reason=reason)
        await self._client.session.send_notification(types.CancelledNotification(params=params))

    async def abort(self, call):
        """Stops waiting, of which this version's client tells the server. Gives the reason."""
        call.task.cancel()
        return "caller cancelled"


@contextlib.asynccontextmanager
async def connected(name, server, era, transcript):
    if isinstance(server, str):
        transport = streamable_http_client(server)
    else:
        transport = stdio_client(StdioServerParameters(command=server[0], args=server[1:]))

    @contextlib.asynccontextmanager
    async def noted():
        async with transport as (read, write):
            yield noted_streams(read, write, name, transcript)

    async with Client(noted(), mode=era) as client:
        await client.list_tools()
        yield Peer(name, client, transcript)
