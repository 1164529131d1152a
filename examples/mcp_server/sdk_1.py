"""The tools with version 1 of the `mcp` SDK."""

import contextlib

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route

from raw_messages import STDIO


def _server(tools, connections):
    server = Server("dcc-cancel-bake", "0.2.0")

    @server.list_tools()
    async def list_tools():
        return [
            types.Tool(name=name, description=description, inputSchema=schema)
            for name, description, schema in tools.listed
        ]

    @server.call_tool()
    async def call_tool(name, arguments):
        context = server.request_context
        meta = context.meta.model_dump() if context.meta else {}
        connection = context.request.headers["mcp-session-id"] if context.request else STDIO

        async def report(progress, total, message):
            token, request_id = meta["progressToken"], str(context.request_id)
            await context.session.send_progress_notification(
                token, progress, total, message, related_request_id=request_id
            )

        return await tools.call(
            name,
            arguments,
            lambda: contextlib.nullcontext(connections.open(connection)),
            context.request_id,
            meta,
            report,
        )

    return server


async def serve_stdio(tools, connections, lines):
    server = _server(tools, connections)
    async with stdio_server(stdin=lines) as (read, write):
        await server.run(read, write, server.create_initialization_options())


def http_application(tools, connections):
    # Serves programs of this machine only. A web page must not reach the server through the browser.
    local = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=["127.0.0.1:*", "localhost:*"],
        allowed_origins=["http://127.0.0.1:*", "http://localhost:*"],
    )
    manager = StreamableHTTPSessionManager(
        app=_server(tools, connections), security_settings=local
    )

    @contextlib.asynccontextmanager
    async def lifespan(_):
        async with manager.run():
            yield

    return Starlette(routes=[Route("/mcp", endpoint=manager.asgi_app)], lifespan=lifespan)
