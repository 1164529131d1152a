"""A client of the official SDK that calls the tool "smooth" of a Blender:

    mcp_client.py URL ERA OBJECT PASSES CANCELLED_PASSES TRANSCRIPT

once to its end, and, unless CANCELLED_PASSES is 0, once more, of which it stops waiting as soon as it was
told of progress. It says as one line of JSON what it has seen. ERA: legacy (2025-11-25) or 2026-07-28.
"""

import asyncio
import contextlib
import json
import os
import sys
import time

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../clients/python")
sys.path.insert(0, CLIENTS)

from mcp import Client  # noqa: E402
from mcp.client.streamable_http import streamable_http_client  # noqa: E402
from transcript import Transcript, noted_streams  # noqa: E402

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support/hang_seconds")) as file:
    #: What takes longer hangs.
    SECONDS = float(file.read().split()[-1])


@contextlib.asynccontextmanager
async def noted(url, transcript):
    async with streamable_http_client(url) as (read, write):
        yield noted_streams(read, write, "client", transcript)


async def cancelled_at(client, arguments):
    """When it stopped waiting for a call that was under way."""
    told = asyncio.Event()

    async def on_progress(progress, total, message):
        told.set()

    call = asyncio.create_task(client.call_tool("smooth", arguments, progress_callback=on_progress))
    first = asyncio.create_task(told.wait())
    await asyncio.wait({call, first}, return_when=asyncio.FIRST_COMPLETED)
    first.cancel()
    assert not call.done(), call
    now = time.monotonic()  # the same clock in all processes
    call.cancel()
    await asyncio.wait({call})
    assert call.cancelled(), call
    return now


async def play(url, era, name, passes, cancelled_passes, path):
    transcript = Transcript(path)
    progress = []

    async def on_progress(done, total, message):
        progress.append((done, total))

    async with Client(noted(url, transcript), mode=era) as client:
        result = await client.call_tool(
            "smooth", {"object_name": name, "passes": int(passes)}, progress_callback=on_progress
        )
        report = {
            "text": result.content[0].text, "is_error": result.is_error, "progress": progress
        }
        if int(cancelled_passes) > 0:
            arguments = {"object_name": name, "passes": int(cancelled_passes)}
            report["cancelled_at"] = await cancelled_at(client, arguments)
            # This takes longer than an answer that is on its way.
            report["tools"] = [tool.name for tool in (await client.list_tools()).tools]
            request = transcript.call_ids("client")[-1]
            if era == "legacy":  # an answer is promised
                while not transcript.answers("client", request):
                    await asyncio.sleep(0.01)
            answers = transcript.answers("client", request)
            report["answers"] = [answer.get("error", {}).get("code") for answer in answers]
            report["late_progress"] = len(transcript.progress_after_the_answer("client"))
        return report


print(json.dumps(asyncio.run(asyncio.wait_for(play(*sys.argv[1:]), SECONDS))))
