"""Waiting in the library, with the GIL released."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Callable, Optional, Sequence

from . import _declarations as c
from ._arguments import nanoseconds
from ._exit import Endless
from ._library import library
from ._status import checked
from ._types import Seconds

# How long the main thread waits before it looks for signals, such as that of Ctrl-C.
_SIGNAL_INTERVAL_NS = 50000000
# How long others do before they look whether the interpreter exits.
_EXIT_INTERVAL_NS = 200000000
# What `nanoseconds` makes of an infinite time.
_AS_GOOD_AS_NO_LIMIT = 1 << 63


def wait_for(tokens: Sequence[int], timeout: Optional[Seconds]) -> Optional[int]:
    """Waits until one of several tokens, given by their handles, is cancelled: its index, or None."""
    count = len(tokens)
    handles = (ctypes.c_void_p * max(count, 1))(*tokens)
    which = ctypes.c_size_t()

    def wait(span: int) -> int:
        status: int = library.dcc_cancel_token_wait_any(handles, count, span, ctypes.byref(which))
        return status

    # Another answer: nobody can cancel any of them, or the time was over.
    return which.value if waited(wait, timeout) == c.DCC_CANCELLED_BY_TOKEN else None


def wait_for_end(job: int, timeout: Optional[Seconds]) -> bool:
    """Waits until the job of this handle has ended; False: it has not, or never will."""
    return waited(lambda span: library.dcc_job_wait(job, span), timeout) == c.DCC_OK


def waited(wait: Callable[[int], int], timeout: Optional[Seconds]) -> int:
    """What a function answers that waits so many nanoseconds, in slices. Without a limit it is DCC_TIMED_OUT
    once the interpreter waits for nothing but such waits."""
    left = nanoseconds(timeout, "timeout")
    is_main = threading.current_thread() is threading.main_thread()
    interval = _SIGNAL_INTERVAL_NS if is_main else _EXIT_INTERVAL_NS
    if left >= _AS_GOOD_AS_NO_LIMIT:
        with Endless() as endless:
            status = checked(wait(interval))
            while status == c.DCC_TIMED_OUT and not endless.is_last():
                status = checked(wait(interval))
        # What another thread has done before it waited itself is not missed.
        return status if status != c.DCC_TIMED_OUT else checked(wait(0))
    end = time.monotonic() + left / 1e9
    while True:
        status = checked(wait(min(left, interval) if is_main else left))
        left = int((end - time.monotonic()) * 1e9)
        if status != c.DCC_TIMED_OUT or left <= 0:
            return status
