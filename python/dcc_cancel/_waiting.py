"""Waiting in the library, with the GIL released."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Optional, Sequence

from . import _declarations as c
from ._arguments import nanoseconds
from ._library import library
from ._status import checked
from ._types import Seconds

# How long the main thread waits before it looks for signals, such as that of Ctrl-C.
_SIGNAL_INTERVAL_NS = 50000000


def wait_for(tokens: Sequence[int], timeout: Optional[Seconds]) -> Optional[int]:
    """Waits until one of several tokens, given by their handles, is cancelled: its index, or None."""
    count = len(tokens)
    handles = (ctypes.c_void_p * max(count, 1))(*tokens)
    left = nanoseconds(timeout, "timeout")
    endless = left == c.DCC_NO_LIMIT
    sliced = threading.current_thread() is threading.main_thread()
    end = time.monotonic() + left / 1e9
    which = ctypes.c_size_t()
    while True:
        span = min(left, _SIGNAL_INTERVAL_NS) if sliced else left
        status = checked(
            library.dcc_cancel_token_wait_any(handles, count, span, ctypes.byref(which))
        )
        if status == c.DCC_CANCELLED_BY_TOKEN:
            return which.value
        if status != c.DCC_TIMED_OUT:
            # Nobody can cancel any of them.
            return None
        if not endless:
            left = int((end - time.monotonic()) * 1e9)
            if left <= 0:
                return None
