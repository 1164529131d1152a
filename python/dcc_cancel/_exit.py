"""Ends waits without a limit at the exit and at the end of `asyncio.run`, which wait for their threads."""

from __future__ import annotations

import itertools
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Dict, Optional

from ._library import library

if TYPE_CHECKING:
    from types import FrameType

    from .dispatcher import Dispatcher

# For each thread that waits without a limit: the number of its latest look whether the wait can end.
_waiting: Dict[int, int] = {}
_looks = itertools.count(1)


class Endless:
    """A wait of this thread without a limit. From time to time it asks `is_last` whether to give up."""

    __slots__ = ("_thread", "_is_inner", "_seen")

    def __enter__(self) -> Endless:
        self._thread = threading.get_ident()
        # A wait may call a callback, and the callback may wait, too.
        self._is_inner = self._thread in _waiting
        _waiting[self._thread] = next(_looks)
        self._seen: Dict[int, int] = {}
        return self

    def __exit__(self, *raised: object) -> None:
        if not self._is_inner:
            del _waiting[self._thread]

    def is_last(self) -> bool:
        """Whether this wait can never end, so that it has to be given up.

        1. The loop of this thread is over, see `_is_loop_over`, so nobody uses the result of the wait.
        2. The interpreter exits, and all threads that it waits for are in such a wait or join each other. So
           none of them can end what another one waits for. The main thread does not give up: it is not waited
           for, and it hears Ctrl-C.
        """
        _waiting[self._thread] = next(_looks)
        if _is_loop_over():
            return True
        seen: Dict[int, int] = {}
        before, self._seen = self._seen, {}
        if not _exits() or threading.current_thread() is threading.main_thread():
            return False
        for thread in threading.enumerate():
            number = thread.ident
            if not _is_waited_for(thread) or number is None:
                continue
            if number in _waiting:
                seen[number] = _waiting[number]
            elif not _is_joining(number):
                return False
        self._seen = seen
        # Each of the others must have looked since our last look, and still wait: a thread whose wait has
        # just ended may end the wait of another one.
        return all(looks > before.get(number, looks) for number, looks in seen.items())


def _exits() -> bool:
    # From Python 3.9 on the main thread is still alive while the interpreter waits for pools.
    return getattr(threading, "_SHUTTING_DOWN", False) or not threading.main_thread().is_alive()


def _is_loop_over() -> bool:
    """Whether `asyncio.run` has cancelled all tasks, and waits for this thread of `asyncio.to_thread`."""
    thread = threading.current_thread()
    if not thread.name.startswith("asyncio_"):
        return False
    base_events: Any = sys.modules.get("asyncio.base_events")
    # The function that waits for the pool, from Python 3.9 on, as `to_thread`. It runs on a thread of its
    # own, so the stacks of all threads are searched for it. A loop of another class has another function.
    waits: Any = getattr(getattr(base_events, "BaseEventLoop", None), "_do_shutdown", None)
    if waits is None:
        return False
    for top in sys._current_frames().values():
        frame: Optional[FrameType] = top
        while frame is not None:
            if frame.f_code is waits.__code__:
                pool = getattr(frame.f_locals["self"], "_default_executor", None)
                return thread in getattr(pool, "_threads", ())
            frame = frame.f_back
    return False


def _is_waited_for(thread: threading.Thread) -> bool:
    return not thread.daemon and thread is not threading.main_thread() and thread.is_alive()


def _is_joining(number: int) -> bool:
    """Whether a thread is in a `join` without a limit of a thread that the exit waits for as well."""
    frame = sys._current_frames().get(number)
    while frame is not None and frame.f_globals is vars(threading):
        if frame.f_code is threading.Thread.join.__code__:
            return frame.f_locals["timeout"] is None and _is_waited_for(frame.f_locals["self"])
        frame = frame.f_back
    return False


# The dispatchers that the main thread pumps.
_pumped: weakref.WeakSet[Dispatcher] = weakref.WeakSet()


def close_at_exit(dispatcher: Dispatcher) -> None:
    """Closes a dispatcher when the interpreter exits, before the main thread waits for other threads.

    The main thread does not pump any more while it waits, so threads that wait for a job would never end.
    """
    if not _pumped:
        # Exists from Python 3.9 on. A function of `atexit` would come too late: it is called after the
        # threads were waited for.
        register: Any = getattr(threading, "_register_atexit", None)
        if register is not None and not _exits():
            # The functions are called in reverse order. This module registers the wait for pools, so it must
            # be imported before our function is registered.
            import concurrent.futures.thread  # noqa: F401  # pyright: ignore[reportUnusedImport]

            register(_close_all)
    _pumped.add(dispatcher)


def _close_all() -> None:
    for dispatcher in list(_pumped):
        # The Python object stays usable, so that a last pump from `atexit` is not an error. The status is not
        # checked: a dispatcher that was closed has no handle, and in a forked child the call is refused.
        library.dcc_dispatcher_close(dispatcher._handle)
