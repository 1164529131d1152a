"""The client of version 1 of the `mcp` SDK."""

import contextlib
from datetime import timedelta

from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from peer import CallFailed
from transcript import noted_streams

TIMED_OUT = 408


class Peer:
    def __init__(self, name, session, transcript):
        self.name = name
        self.transcript = transcript
        self._session = session

    async def call(self, tool, arguments, on_progress=None, timeout=None):
        try:
            result = await self._session.call_tool(
                tool,
                arguments,
                read_timeout_seconds=timedelta(seconds=timeout) if timeout else None,
                progress_callback=on_progress,
            )
        except McpError as error:
            if error.error.code == TIMED_OUT:
                # The client of this version only stops waiting, so we tell the server.
                request_id = self.transcript.id_of(self.name, arguments["label"])
                await self.send_cancelled(request_id, f"timed out after {timeout}s")
            raise CallFailed(error.error.code, error.error.message) from error
        if result.isError:
            raise CallFailed(None, result.content[0].text)
        return result.structuredContent

    async def send_cancelled(self, request_id, reason):
        params = types.CancelledNotificationParams(requestId=request_id, reason=reason)
        notification = types.CancelledNotification(params=params)
        await self._session.send_notification(types.ClientNotification(notification))

    async def abort(self, call):
        """Stops waiting, and tells the server, which this version's client does not. Gives the
        reason."""
        request_id = call.id
        call.task.cancel()
        await self.send_cancelled(request_id, "caller cancelled")
        return "caller cancelled"


@contextlib.asynccontextmanager
async def connected(name, server, era, transcript):
    if isinstance(server, str):
        transport = streamable_http_client(server)
    else:
        transport = stdio_client(StdioServerParameters(command=server[0], args=server[1:]))
    async with transport as (read, write, *_):
        read, write = noted_streams(read, write, name, transcript)
        async with ClientSession(read, write) as session:
            await session.initialize()
            await session.list_tools()
            yield Peer(name, session, transcript)
