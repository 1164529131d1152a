"""Shows: an MCP server with the official Python SDK whose tools run in a C++ plugin. When the client cancels,
the native loop stops at its next poll.

Build bake_plugin.cpp beside this file as its first lines say. Then run, with
`pip install mcp==1.30.0` or `mcp==2.3.0`:

    python examples/mcp_server/server.py --plugin target/release/libbake_plugin.so
    python examples/mcp_server/server.py --plugin target/release/libbake_plugin.so --http 8000

The first command speaks over standard input and output, as clients start their servers. The second one serves
streamable HTTP at http://127.0.0.1:8000/mcp and prints that line; port 0 is any free port.

calls.py shows how a cancel reaches the native loop.
"""

import argparse
import importlib.metadata
import importlib.util
import pathlib
import socket
import sys

import anyio

from native_bake import BakePlugin

if importlib.util.find_spec("dcc_cancel") is None:  # not installed: take that of this source tree
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--plugin", required=True, help="the built bake_plugin.cpp")
    parser.add_argument("--http", type=int, metavar="PORT", help="streamable HTTP, not stdio")
    return parser.parse_args()


def _serve_http(application, port):
    import uvicorn

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen()
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
    config = uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])


def main():
    arguments = _arguments()
    plugin = BakePlugin(arguments.plugin)
    # These import dcc_cancel, so they follow the plugin: the package takes the library that it has loaded.
    from calls import Calls
    from connections import Connections
    from raw_messages import ShownLines, ShownPosts
    from tools import Tools

    if importlib.metadata.version("mcp").startswith("1."):
        import sdk_1 as sdk
    else:
        import sdk_2 as sdk

    connections = Connections("stdio" if arguments.http is None else "http")
    tools = Tools(plugin, Calls(connections))
    try:
        if arguments.http is None:
            anyio.run(sdk.serve_stdio, tools, connections, ShownLines(connections))
        else:
            application = sdk.http_application(tools, connections)
            _serve_http(ShownPosts(application, connections), arguments.http)
    finally:
        connections.close_all()


if __name__ == "__main__":
    main()
