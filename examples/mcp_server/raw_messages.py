"""The messages of a transport as they come, shown to `dcc_cancel` before the SDK reads them."""

import io
import sys

import anyio

STDIO = "stdio"
# A longer body is the SDK's alone: no cancel has as much.
LONGEST_BODY = 1 << 20


class ShownLines:
    """The lines of standard input, for the SDK's `stdio_server(stdin=...)`."""

    def __init__(self, connections):
        self._connections = connections
        text = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
        self._lines = anyio.wrap_file(text)

    def __aiter__(self):
        return self

    async def __anext__(self):
        line = await self._lines.readline()
        if not line:
            raise StopAsyncIteration
        self._connections.message(STDIO, line)
        return line


class ShownPosts:
    """An ASGI application that shows what is posted to a session, and ends the session's calls when the
    client deletes it. Requests of 2026-07-28 have no session: closing the stream of the response is
    their cancel, and reaches the call through the SDK."""

    def __init__(self, application, connections):
        self._application = application
        self._connections = connections

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        name = _header(scope["headers"], b"mcp-session-id")
        body = bytearray()

        async def shown_receive():
            event = await receive()
            if event["type"] == "http.request" and name is not None:
                body.extend(event.get("body", b"")[: LONGEST_BODY + 1 - len(body)])
                if not event.get("more_body") and len(body) <= LONGEST_BODY:
                    self._connections.message(name, bytes(body))
            return event

        async def shown_send(event):
            if event["type"] == "http.response.start":
                opened = _header(event["headers"], b"mcp-session-id")
                if opened is not None and scope["method"] == "POST":
                    self._connections.open(opened)
            await send(event)

        await self._application(scope, shown_receive, shown_send)
        if scope["method"] == "DELETE" and name is not None:
            self._connections.close(name)


def _header(headers, wanted):
    for name, value in headers:
        if name.lower() == wanted:
            return value.decode("latin-1")
    return None
