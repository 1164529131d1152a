"""The exit of the interpreter, and the end of asyncio's loop, which wait for their threads."""

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

# Of each thread that waits here without a limit: the number of its latest look whether it still has to.
_waiting: Dict[int, int] = {}
_looks = itertools.count(1)


class Endless:
    """A wait without a limit, of this thread; it is asked from time to time whether it can end at all."""

    __slots__ = ("_thread", "_is_inner", "_seen")

    def __enter__(self) -> Endless:
        self._thread = threading.get_ident()
        # A callback that a wait calls may wait itself.
        self._is_inner = self._thread in _waiting
        _waiting[self._thread] = next(_looks)
        self._seen: Dict[int, int] = {}
        return self

    def __exit__(self, *raised: object) -> None:
        if not self._is_inner:
            del _waiting[self._thread]

    def is_last(self) -> bool:
        """Whether the interpreter exits and only waits for threads that wait as this one, so that none of
        them can end what another waits for. The main thread is not one that exits: it would hear Ctrl-C.
        Or whether nobody awaits what this one waits for, because its loop is over."""
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
        # Twice so, and each has looked in between and found nothing: what one is told it may hand on.
        return all(looks > before.get(number, looks) for number, looks in seen.items())


def _exits() -> bool:
    # The main one is alive while pools are waited for, from Python 3.9 on.
    return getattr(threading, "_SHUTTING_DOWN", False) or not threading.main_thread().is_alive()


def _is_loop_over() -> bool:
    """Whether `asyncio.run` has cancelled all tasks, and waits for this thread of `asyncio.to_thread`."""
    thread = threading.current_thread()
    if not thread.name.startswith("asyncio_"):
        return False
    base_events: Any = sys.modules.get("asyncio.base_events")
    # New in Python 3.9, as `to_thread` is. It runs on a thread of its own; other loops have another.
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
    """Whether a thread only waits, without a limit, for the end of one that is looked at as well."""
    frame = sys._current_frames().get(number)
    while frame is not None and frame.f_globals is vars(threading):
        if frame.f_code is threading.Thread.join.__code__:
            return frame.f_locals["timeout"] is None and _is_waited_for(frame.f_locals["self"])
        frame = frame.f_back
    return False


# Those that the main thread pumps.
_pumped: weakref.WeakSet[Dispatcher] = weakref.WeakSet()


def close_at_exit(dispatcher: Dispatcher) -> None:
    """The main thread, which pumps it, does so no more once it waits for the others: the jobs end."""
    if not _pumped:
        # New in Python 3.9; `atexit` is called when threads have been waited for.
        register: Any = getattr(threading, "_register_atexit", None)
        if register is not None and not _exits():
            # This one waits for pools, so it is called after ours, which was registered later.
            import concurrent.futures.thread  # noqa: F401  # pyright: ignore[reportUnusedImport]

            register(_close_all)
    _pumped.add(dispatcher)


def _close_all() -> None:
    for dispatcher in list(_pumped):
        # The object is left: who pumps it once more from `atexit` is told no error. What is answered is of no
        # use: one that was closed has no handle, and in a forked child it is the parent's.
        library.dcc_dispatcher_close(dispatcher._handle)
