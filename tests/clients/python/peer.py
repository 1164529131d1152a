"""A connected client, independent of the SDK: the interface of peer_1.py and peer_2.py for scenarios."""

import asyncio
import os

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support/hang_seconds")) as file:
    #: What takes longer hangs.
    HANG_SECONDS = float(file.read().split()[-1])


class CallFailed(Exception):
    """A call was answered with an error, or its time was over."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class RunningCall:
    """A call that the scenario does not wait for yet."""

    def __init__(self, peer, tool, label, timeout=None, **arguments):
        self.peer = peer
        self.label = label
        self.notes = []
        self._noted = asyncio.Event()
        self.task = asyncio.create_task(
            peer.call(tool, {"label": label, **arguments}, self._progress, timeout)
        )

    @property
    def id(self):
        return self.peer.transcript.id_of(self.peer.name, self.label)

    async def first_progress(self):
        """Until the server told that the native loop is under way."""
        noted = asyncio.create_task(self._noted.wait())
        await asyncio.wait({noted, self.task}, return_when=asyncio.FIRST_COMPLETED, timeout=HANG_SECONDS)
        if not noted.done():
            noted.cancel()
            ended = self.task.done() and self.task
            raise AssertionError(f"{self.label}: no progress was shown; the call: {ended}")

    async def _progress(self, progress, total, message):
        self.notes.append((progress, total))
        if progress > 0:
            self._noted.set()
