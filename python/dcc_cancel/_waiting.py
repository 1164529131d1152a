"""Waiting in the library, with the GIL released."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Any, Callable, List, Optional, Sequence

from . import _declarations as c
from ._arguments import nanoseconds
from ._handle import created
from ._library import library
from ._status import checked
from ._types import Seconds

# Cancelled when the interpreter exits, which waits for threads that wait here. Made by the first of them.
_exit: List[int] = []
_making = threading.Lock()

# How long the main thread waits before it looks for signals, such as that of Ctrl-C.
_SIGNAL_INTERVAL_NS = 50000000


def wait_for(tokens: Sequence[int], timeout: Optional[Seconds]) -> Optional[int]:
    """Waits until one of several tokens, given by their handles, is cancelled: its index, or None."""
    waited = list(tokens)
    if threading.current_thread() is not threading.main_thread():
        waited += _exit_token()
    count = len(waited)
    handles = (ctypes.c_void_p * max(count, 1))(*waited)
    which = ctypes.c_size_t()

    def wait(span: int) -> int:
        status: int = library.dcc_cancel_token_wait_any(handles, count, span, ctypes.byref(which))
        return status

    # Another answer: nobody can cancel any of them, or the time was over.
    is_cancelled = _waited(wait, timeout) == c.DCC_CANCELLED_BY_TOKEN
    return which.value if is_cancelled and which.value < len(tokens) else None


def _exit_token() -> List[int]:
    """The handle of that token; of none where the interpreter does not tell, or exits already."""
    # New in Python 3.9; `atexit` is called when threads have been waited for.
    register: Any = getattr(threading, "_register_atexit", None)
    with _making:
        if not _exit and register is not None:
            description = c.CancelTokenDesc(struct_size=ctypes.sizeof(c.CancelTokenDesc))
            handle = created(library.dcc_cancel_token_create_from, ctypes.byref(description))
            try:
                register(library.dcc_cancel_token_cancel, handle, None, 0)
            except RuntimeError:
                library.dcc_cancel_token_cancel(handle, None, 0)
            _exit.append(handle)
    return _exit


def wait_for_end(job: int, timeout: Optional[Seconds]) -> bool:
    """Waits until the job of this handle has ended; False: it has not, or never will."""
    return _waited(lambda span: library.dcc_job_wait(job, span), timeout) == c.DCC_OK


def _waited(wait: Callable[[int], int], timeout: Optional[Seconds]) -> int:
    """What a function answers that waits so many nanoseconds; in slices on the main thread."""
    left = nanoseconds(timeout, "timeout")
    endless = left == c.DCC_NO_LIMIT
    sliced = threading.current_thread() is threading.main_thread()
    end = time.monotonic() + left / 1e9
    while True:
        status = checked(wait(min(left, _SIGNAL_INTERVAL_NS) if sliced else left))
        if status != c.DCC_TIMED_OUT:
            return status
        if not endless:
            left = int((end - time.monotonic()) * 1e9)
            if left <= 0:
                return status
