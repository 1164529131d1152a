"""Shows: how an agent cancels tool calls, with FastMCP's client, in three scenes.

    python examples/mcp_tools/demo.py -- python examples/mcp_tools/server.py --sdk fastmcp --plugin PLUGIN
    python examples/mcp_tools/demo.py http://127.0.0.1:8000/mcp

The first command starts the server, the second one finds a server that runs. To cancel a call, cancel the
task that awaits it. The client then tells the server in the way of its protocol version. Nobody waits any
more for the answer, which may never come.
"""

import asyncio
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

# More passes than any machine can do during the demo.
FOR_EVER = 1_000_000_000


class Call:
    """A tool call that runs in a task of its own."""

    def __init__(self, client, label, count):
        self.label = label
        self.is_under_way = asyncio.Event()
        self._client = client
        arguments = {"count": count, "label": label}
        self.task = asyncio.create_task(
            client.call_tool("long_execution", arguments, progress_handler=self._on_progress)
        )

    async def _on_progress(self, progress, total, message):
        if progress:
            self.is_under_way.set()

    async def cancel(self):
        """Cancels the call, and gives the server's answer about what the call had done."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        while True:
            partial = (await self._client.call_tool("last_partial_result", {"label": self.label})).data
            if partial["found"]:
                return partial
            await asyncio.sleep(0.01)


def _told(partial):
    return f"stopped, with {partial['done']} of {partial['asked']} passes done"


async def _one_call_is_cancelled(client):
    call = Call(client, "the only one", FOR_EVER)
    await call.is_under_way.wait()
    partial = await call.cancel()
    assert partial["done"] - partial["done_at_cancel"] <= 2, partial
    print("one call:", _told(partial))


async def _the_cancel_comes_too_late(client):
    call = Call(client, "a short one", 10)
    result = (await call.task).data
    call.task.cancel()  # does nothing, because the call is over
    assert not (await client.call_tool("last_partial_result", {"label": call.label})).data["found"]
    print("too late:", f"all {result['done']} passes done")


async def _the_middle_one_of_three(client):
    first, middle, last = (
        Call(client, label, count)
        for label, count in (("first", 20_000), ("middle", FOR_EVER), ("last", 20_000))
    )
    await middle.is_under_way.wait()
    partial = await middle.cancel()
    for call in (first, last):
        print(f"three calls, the {call.label} one:", f"all {(await call.task).data['done']} passes done")
    print("three calls, the middle one:", _told(partial))


async def main():
    words = sys.argv[1:]
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        sys.exit(__doc__)
    transport = words[0] if words[0].startswith("http") else StdioTransport(words[0], words[1:])
    async with Client(transport) as client:
        await _one_call_is_cancelled(client)
        await _the_cancel_comes_too_late(client)
        await _the_middle_one_of_three(client)
        assert (await client.call_tool("open_resources")).data["open"] == 0
    print("the plugin has given everything back")


if __name__ == "__main__":
    asyncio.run(main())
