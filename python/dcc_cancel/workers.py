"""with_context: carries the current token, job and step to other threads."""

from __future__ import annotations

import contextvars
import ctypes
import functools
from ctypes import byref, c_uint64
from typing import TYPE_CHECKING, Any, Callable, Optional

from ._arguments import callable_in
from ._around import around
from ._asyncio import refuse_coroutines
from ._handle import NativeObject, created
from ._library import library
from ._native import native
from ._status import checked
from ._types import T

if TYPE_CHECKING:
    from ._types import P


class _Slots(NativeObject):
    """The token and job that native code has made current on this thread, captured for other threads."""

    __slots__ = ()

    _release = library.dcc_context_release

    def __init__(self) -> None:
        self._handle = 0
        self._handle = created(library.dcc_context_capture)

    @classmethod
    def captured(cls) -> Optional[_Slots]:
        """Captures what is current in the slots of this thread; None if nothing is."""
        is_set = library.dcc_cancel_token_current() or library.dcc_job_current()
        return cls() if is_set else None

    def run(self, function: Callable[[], T]) -> T:
        ticket = c_uint64()
        checked(library.dcc_context_enter(self.handle, byref(ticket)))
        try:
            return function()
        finally:
            checked(library.dcc_context_unwind(ticket.value))


# The classes of functions of ctypes, whatever their library, and of extension modules.
_NATIVE_FUNCTIONS: Any = (ctypes.CFUNCTYPE(None).__mro__[1], type(len))


def _is_native_code(function: Any) -> bool:
    """Whether a function is native code itself. A function of Python calls `native` where it needs it."""
    while isinstance(function, functools.partial):
        function = function.func
    inner = getattr(function, "__func__", function)
    return isinstance(inner, _NATIVE_FUNCTIONS)


def with_context(function: Callable[P, T]) -> Callable[P, T]:
    """Wraps a function so that it runs in this context, on whichever thread it is called.

    A new thread begins with nothing current, so what runs there is never cancelled. The wrapped function
    carries the current token, job and step of `progress` to a pool or to a thread of your own:

        with dcc_cancel.Job("Smooth"), ThreadPoolExecutor() as pool:
            for mesh in pool.map(dcc_cancel.with_context(smooth), meshes):
                ...
        threading.Thread(target=dcc_cancel.with_context(bake)).start()

    Any number of threads may call the wrapped function at the same time. What a call sets current holds for
    that call alone. A native function, such as one of ctypes, is called through `native`, so that its polls
    see the token and the job. A function of Python has to call native code through `native` itself.

    A pool passes on what a worker raises to the caller that asks for the result. A thread of your own only
    prints it, so call `check_dcc_cancelled` in the job's block after the join. If one worker fails, the
    others go on unless you cancel the token that they poll. Once a worker was told to stop, any error that
    leaves the job's block ends the job as cancelled.
    """
    callable_in(function, "function")
    refuse_coroutines(function, "tasks carry the context by themselves")
    inner: Callable[..., Any] = native(function) if _is_native_code(function) else function
    context = contextvars.copy_context()
    slots = _Slots.captured()
    inside = around.get()
    if inside is not None and not inside.is_here():
        inside = None

    def call(*arguments: Any, **keywords: Any) -> Any:
        # Each call has a copy, because only one thread at a time can be inside a context.
        here = context.copy()
        work = functools.partial(here.run, inner, *arguments, **keywords)
        if slots is None:
            return work()
        there = None if inside is None else inside.on_this_thread()
        here.run(around.set, there)
        try:
            return slots.run(work)
        finally:
            if there is not None:
                there.end()

    return functools.update_wrapper(call, function, updated=())
