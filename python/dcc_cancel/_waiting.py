"""Waits in the library with the GIL released, in slices, so that Ctrl-C and the exit are noticed."""

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

# After this time the main thread looks for signals, such as that of Ctrl-C.
_SIGNAL_INTERVAL_NS = 50000000
# After this time other threads look whether the interpreter exits.
_EXIT_INTERVAL_NS = 200000000
# `nanoseconds` gives this for an infinite time.
_AS_GOOD_AS_NO_LIMIT = 1 << 63


def wait_for(tokens: Sequence[int], timeout: Optional[Seconds]) -> Optional[int]:
    """Waits until one of the tokens with these handles is cancelled. Its index, or None."""
    count = len(tokens)
    handles = (ctypes.c_void_p * max(count, 1))(*tokens)
    which = ctypes.c_size_t()

    def wait(span: int) -> int:
        status: int = library.dcc_cancel_token_wait_any(handles, count, span, ctypes.byref(which))
        return status

    # Any other status means that the time was over, or that nobody can cancel any of the tokens.
    return which.value if waited(wait, timeout) == c.DCC_CANCELLED_BY_TOKEN else None


def wait_for_end(job: int, timeout: Optional[Seconds]) -> bool:
    """Waits until the job with this handle has ended. False: it has not ended in time, or never will."""
    return waited(lambda span: library.dcc_job_wait(job, span), timeout) == c.DCC_OK


def waited(wait: Callable[[int], int], timeout: Optional[Seconds]) -> int:
    """Calls `wait` with a number of nanoseconds, again and again, until it answers or `timeout` is over.

    An answer is a status other than DCC_TIMED_OUT. Returns the last status. A wait without a limit is given
    up once it can never end, see `Endless`.
    """
    left = nanoseconds(timeout, "timeout")
    is_main = threading.current_thread() is threading.main_thread()
    interval = _SIGNAL_INTERVAL_NS if is_main else _EXIT_INTERVAL_NS
    if left >= _AS_GOOD_AS_NO_LIMIT:
        with Endless() as endless:
            status = checked(wait(interval))
            while status == c.DCC_TIMED_OUT and not endless.is_last():
                status = checked(wait(interval))
        # One more look, because another thread may have ended this wait before it began to wait itself.
        return status if status != c.DCC_TIMED_OUT else checked(wait(0))
    end = time.monotonic() + left / 1e9
    while True:
        status = checked(wait(min(left, interval) if is_main else left))
        left = int((end - time.monotonic()) * 1e9)
        if status != c.DCC_TIMED_OUT or left <= 0:
            return status
