"""Shows: tools of an MCP server, plain functions and coroutines, whose loops run in a C++ plugin and stop
when the client cancels. `dcc_cancel.mcp` is used in the same way with FastMCP and with the MCPServer of the
`mcp` SDK.

Build examples/mcp_server/bake_plugin.cpp as its first lines say. Then run, with
`pip install fastmcp==4.2.3`, which brings `mcp` 2.3.0:

    python examples/mcp_tools/server.py --sdk fastmcp --plugin target/release/libbake_plugin.so
    python examples/mcp_tools/server.py --sdk mcp --plugin target/release/libbake_plugin.so --http 8000

The first command speaks over standard input and output, as clients start their servers. The second one serves
streamable HTTP at http://127.0.0.1:8000/mcp and prints that line; port 0 is any free port. `demo.py` beside
this file is a client.
"""

import argparse
import asyncio
import importlib.util
import pathlib
import socket
import sys
from typing import Any

EXAMPLES = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(EXAMPLES / "mcp_server"))
from native_bake import BakeError, BakePlugin  # noqa: E402: it lies in another folder

if importlib.util.find_spec("dcc_cancel") is None:  # not installed: take that of this source tree
    sys.path.insert(0, str(EXAMPLES.parent / "python"))


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sdk", required=True, choices=["fastmcp", "mcp"])
    parser.add_argument("--plugin", required=True, help="the built bake_plugin.cpp")
    parser.add_argument("--http", type=int, metavar="PORT", help="streamable HTTP, not stdio")
    return parser.parse_args()


def _add_tools(server, Context, ToolError, plugin, partial_results):
    from dcc_cancel.mcp import cancellable, in_thread

    @server.tool()
    @cancellable
    async def long_execution(count: int, label: str = "") -> dict[str, Any]:
        """Bakes `count` passes in the native plugin; reports progress; can be cancelled."""
        with partial_results.of_this_call(label) as finished:
            return finished(await in_thread(plugin.long_execution, count))

    @server.tool()
    @cancellable
    def process_large_file(path: str, label: str = "") -> dict[str, Any]:
        """The CRC-32 of a file; reports progress; can be cancelled."""
        with partial_results.of_this_call(label) as finished:
            try:
                return finished(plugin.process_large_file(path))
            except BakeError as error:
                raise ToolError(str(error)) from error

    @server.tool()
    @cancellable
    def short_execution(topic: str) -> dict[str, Any]:
        """Bakes a few passes on a topic."""
        outcome = plugin.short_execution(topic)
        return {"done": outcome.done, "asked": outcome.asked, "result": str(outcome.result)}

    @server.tool()
    async def wait_in_steps(count: int, ctx: Context) -> str:
        """Waits `count` tenths of a second, in Python alone; the SDK interrupts it."""
        done = 0
        try:
            for done in range(count):
                await ctx.report_progress(progress=done, total=count)
                await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            print(f"wait_in_steps was cancelled after {done} steps of {count}", file=sys.stderr)
            raise
        return f"waited {count} steps"

    @server.tool()
    def last_partial_result(label: str = "") -> dict[str, Any]:
        """What the last cancelled call had done, or the last one with a label."""
        partial = partial_results.last(label)
        return {"found": partial is not None, **(partial or {})}

    @server.tool()
    def open_resources() -> dict[str, Any]:
        """How many files and buffers the plugin has in use."""
        return {"open": plugin.open_resources()}


def _listening(port):
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen()
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
    return listening


def main():
    arguments = _arguments()
    plugin = BakePlugin(arguments.plugin)
    # This imports dcc_cancel, so it follows the plugin: the package takes the library that it has loaded.
    from dcc_cancel.mcp import Cancellation

    from partial_results import PartialResults

    if arguments.sdk == "fastmcp":
        from fastmcp import Context, FastMCP as Server
        from fastmcp.exceptions import ToolError
    else:
        from mcp.server.mcpserver import Context, MCPServer as Server
        from mcp.server.mcpserver.exceptions import ToolError

    # Progress is told at most twenty times in a second.
    server = Server("bake", version="0.2.0", middleware=[Cancellation(progress_interval=0.05)])
    _add_tools(server, Context, ToolError, plugin, PartialResults())
    if arguments.http is None:
        server.run(transport="stdio", **({"show_banner": False} if arguments.sdk == "fastmcp" else {}))
        return

    import uvicorn

    application = server.http_app() if arguments.sdk == "fastmcp" else server.streamable_http_app()
    config = uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[_listening(arguments.http)])


if __name__ == "__main__":
    main()
