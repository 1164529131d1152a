"""Shows the messages of a transport to `dcc_cancel` before the SDK reads them."""

import io
import sys

import anyio

STDIO = "stdio"
# A longer body is not shown, because no cancel is so long. In bytes.
LONGEST_BODY = 1 << 20


class ShownLines:
    """Shows the lines of standard input. It is for the SDK's `stdio_server(stdin=...)`."""

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
    """An ASGI application that shows the messages that are posted to a session.

    When the client deletes the session, its calls are cancelled. Requests of MCP 2026-07-28 have no session.
    The client cancels such a request by closing the stream of its response, and the SDK passes that on.
    """

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
