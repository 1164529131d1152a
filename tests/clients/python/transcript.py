"""Every message between a client and its server, with the time, as a line of JSON each."""

import json
import time


class Transcript:
    """Of all peers of one run; keeps the messages for the scenarios to look at."""

    def __init__(self, path):
        self._file = open(path, "w", encoding="utf-8", buffering=1)
        self._start = time.monotonic()
        self._messages = []

    def scenario(self, name):
        self._write(scenario=name)

    def message(self, peer, direction, message):
        """`direction` is "c2s" or "s2c"."""
        self._messages.append((peer, direction, message))
        self._write(peer=peer, dir=direction, msg=message)

    def id_of(self, peer, label):
        """The id of the call with a label, once it was sent."""
        for sender, direction, message in self._messages:
            if (sender, direction, message.get("method")) == (peer, "c2s", "tools/call"):
                if message["params"].get("arguments", {}).get("label") == label:
                    return message["id"]
        raise LookupError(f"no call labelled {label!r} was sent by {peer}")

    def call_ids(self, peer):
        """The ids of all calls that were sent, in their order."""
        return [
            message["id"]
            for sender, direction, message in self._messages
            if (sender, direction, message.get("method")) == (peer, "c2s", "tools/call")
        ]

    def answers(self, peer, request_id):
        return [
            message
            for sender, direction, message in self._messages
            if (sender, direction) == (peer, "s2c")
            and "method" not in message
            and message.get("id") == request_id
        ]

    def progress_after_the_answer(self, peer):
        answered = set()
        late = []
        for sender, direction, message in self._messages:
            if (sender, direction) == (peer, "s2c"):
                if "method" not in message:
                    answered.add(message.get("id"))
                # The clients use the id of a request as the token of its progress.
                elif message.get("params", {}).get("progressToken") in answered:
                    late.append(message)
        return late

    def _write(self, **line):
        at = {"seconds": round(time.monotonic() - self._start, 4)}
        self._file.write(json.dumps({**at, **line}) + "\n")


class Heard:
    """The reading end of a transport, with what passes noted."""

    def __init__(self, stream, note):
        self._stream = stream
        self._note = note

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def __aiter__(self):
        return self

    async def __anext__(self):
        item = await self._stream.__anext__()
        if not isinstance(item, Exception):
            self._note("s2c", item.message)
        return item

    async def __aenter__(self):
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error):
        return await self._stream.__aexit__(*error)


class Said:
    """The writing end of a transport, with what passes noted."""

    def __init__(self, stream, note):
        self._stream = stream
        self._note = note

    def __getattr__(self, name):
        return getattr(self._stream, name)

    async def send(self, item):
        self._note("c2s", item.message)
        await self._stream.send(item)

    async def __aenter__(self):
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error):
        return await self._stream.__aexit__(*error)


def noted_streams(read, write, peer, transcript):
    """Both ends of a transport, with what passes written to the transcript."""

    def note(direction, message):
        values = message.model_dump(by_alias=True, mode="json", exclude_none=True)
        transcript.message(peer, direction, values)

    return Heard(read, note), Said(write, note)
