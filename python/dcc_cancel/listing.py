"""What is known of the live jobs of the process."""

from __future__ import annotations

import json
from ctypes import byref, c_size_t, c_uint64, create_string_buffer
from typing import Any, Dict, Iterator

from ._library import library
from ._status import checked


def live_jobs() -> Iterator[Dict[str, Any]]:
    """Yields a dict for each live job of the process, native ones as well; for people and tools.

    Its members are those of dcc_stats_live_jobs. The jobs are fetched a few at a time, so a UI that takes
    some in each tick is never held up, however many there are. Each job that lives all the while comes once.
    """
    size, start = 16384, 0
    while True:
        buffer, length, following = create_string_buffer(size), c_size_t(), c_uint64()
        status = library.dcc_stats_jobs_page(
            start, 0, buffer, size, byref(length), byref(following)
        )
        if status < 0 and length.value >= size:
            # A job with very long texts, which may grow in between.
            size = length.value + 1024
            continue
        checked(status)
        yield from json.loads(buffer.value)["jobs"]
        if following.value == 0:
            return
        start = following.value
