"""live_jobs: a listing of the live jobs of the process."""

from __future__ import annotations

import json
from ctypes import byref, c_size_t, c_uint64, create_string_buffer
from typing import Any, Dict, Iterator

from ._library import library
from ._status import checked


def live_jobs() -> Iterator[Dict[str, Any]]:
    """Yields a dict for each live job of the process, those of native code included; for people and tools.

    Any thread may call this. The members of a dict are those of dcc_stats_live_jobs. The jobs are fetched a
    few at a time, so a UI that takes some in each tick is not held up. A job that lives from the first to the
    last fetch comes exactly once.
    """
    size, start = 16384, 0
    while True:
        buffer, length, following = create_string_buffer(size), c_size_t(), c_uint64()
        status = library.dcc_stats_jobs_page(
            start, 0, buffer, size, byref(length), byref(following)
        )
        if status < 0 and length.value >= size:
            # A job with very long texts does not fit. The texts may grow until the next attempt, so the
            # buffer gets some more room.
            size = length.value + 1024
            continue
        checked(status)
        yield from json.loads(buffer.value)["jobs"]
        if following.value == 0:
            return
        start = following.value
