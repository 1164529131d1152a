"""The tools with version 2 of the `mcp` SDK."""

import contextlib
import json

from mcp import MCPError
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.types import INVALID_REQUEST, CallToolResult, ListToolsResult, TextContent, Tool

from calls import CallCancelled
from dcc_cancel import DuplicateError
from native_bake import BakeError
from raw_messages import STDIO


def _text(text):
    return TextContent(type="text", text=text)


def _server(tools, connections):
    def session_of(context):
        if context.request is None:
            return contextlib.nullcontext(connections.open(STDIO))
        name = context.request.headers.get("mcp-session-id")
        if name is None:  # MCP 2026-07-28 has no sessions: an id is valid in one exchange
            return connections.for_one_request()
        return contextlib.nullcontext(connections.open(name))

    async def list_tools(context, params):
        listed = [
            Tool(name=name, description=description, input_schema=schema)
            for name, description, schema in tools.listed
        ]
        return ListToolsResult(tools=listed)

    async def call_tool(context, params):
        try:
            result = await tools.call(
                params.name,
                params.arguments or {},
                lambda: session_of(context),
                context.request_id,
                (context.params or {}).get("_meta"),
                context.session.report_progress,
            )
        except CallCancelled as error:
            raise MCPError(error.code, str(error)) from error
        except DuplicateError as error:
            raise MCPError(INVALID_REQUEST, str(error)) from error
        except (BakeError, ValueError) as error:
            return CallToolResult(content=[_text(str(error))], is_error=True)
        return CallToolResult(content=[_text(json.dumps(result))], structured_content=result)

    return Server(
        "dcc-cancel-bake", version="0.2.0", on_list_tools=list_tools, on_call_tool=call_tool
    )


async def serve_stdio(tools, connections, lines):
    server = _server(tools, connections)
    async with stdio_server(stdin=lines) as (read, write):
        await server.run(read, write, server.create_initialization_options())


def http_application(tools, connections):
    return _server(tools, connections).streamable_http_app()
