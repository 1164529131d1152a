"""Plays the scenarios with the official client, of the version that is installed, against a server.

    client.py --transcript FILE --folder DIR --answer -32800 [--arrives-as task] [--ends-as task]
        [--era legacy] (--http URL | --stdio COMMAND ARGUMENT...)

`--answer`: the code of the error that a cancelled request is answered with, or "none". `--arrives-as`:
how a cancel gets to the server, by a message or by the end of the call's task; `--ends-as`: the same of the
end of a session. `--era`: of version 2's client, legacy (2025-11-25) or 2026-07-28.
"""

import argparse
import asyncio
import contextlib
import importlib.metadata

import scenarios
from transcript import Transcript

if importlib.metadata.version("mcp").startswith("1."):
    import peer_1 as sdk
else:
    import peer_2 as sdk


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--transcript", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--answer", required=True)
    parser.add_argument("--arrives-as", default="message", choices=["message", "task"])
    parser.add_argument("--ends-as", default="session closed", choices=["session closed", "task"])
    parser.add_argument("--era", default="legacy")
    server = parser.add_mutually_exclusive_group(required=True)
    server.add_argument("--http")
    server.add_argument("--stdio", nargs=argparse.REMAINDER)
    return parser.parse_args()


async def main():
    arguments = _arguments()
    transcript = Transcript(arguments.transcript)
    names = ["client", "another client"] if arguments.http else ["client"]

    def connect(name):
        server = arguments.http or arguments.stdio
        return sdk.connected(name, server, arguments.era, transcript)

    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(connect(name)) for name in names]
        scene = scenarios.Scene(
            peers,
            connect,
            transcript,
            arguments.folder,
            None if arguments.answer == "none" else int(arguments.answer),
            arguments.arrives_as,
            arguments.ends_as,
            sdk.TIMED_OUT,
        )
        # These run first, while both clients have made the same number of calls.
        for scenario in (scenarios.OF_TWO if len(peers) > 1 else ()) + scenarios.OF_ONE:
            await scene.play(scenario)
        scene.assert_answered_as_promised()
    print("all passed")


if __name__ == "__main__":
    asyncio.run(main())
