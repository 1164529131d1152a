"""What is current goes along to the threads of a pool."""

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
    """What native code had made current on the thread, to be entered on others."""

    __slots__ = ()

    _release = library.dcc_context_release

    def __init__(self) -> None:
        self._handle = 0
        self._handle = created(library.dcc_context_capture)

    @classmethod
    def captured(cls) -> Optional[_Slots]:
        """None if there is nothing."""
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
    """Whether it is no function of Python, which would call `native` by itself."""
    while isinstance(function, functools.partial):
        function = function.func
    inner = getattr(function, "__func__", function)
    return isinstance(inner, _NATIVE_FUNCTIONS)


def with_context(function: Callable[P, T]) -> Callable[P, T]:
    """Wraps a function so that it runs in this context, on whichever thread it is called.

    A thread begins with nothing current, so what runs there is never cancelled. This carries the token, the
    job and the step of its `progress` along, for a pool or a thread of your own:

        with dcc_cancel.Job("Smooth"), ThreadPoolExecutor() as pool:
            for mesh in pool.map(dcc_cancel.with_context(smooth), meshes):
                ...
        threading.Thread(target=dcc_cancel.with_context(bake)).start()

    A pool gives what `bake` raises to whoever asks for its result; a bare thread only prints it: have the
    job's block call `check_dcc_cancelled` after the join. The other pieces go on when one fails, unless you
    cancel the token that they poll.

    Native functions, such as those of ctypes, are called through `native`: their polls see both, too. A
    function of Python does that by itself where it calls one. Any number of threads may call it at a time.
    What it sets current is its own. Once a worker was told to stop the job's block knows it: what a library
    raises then ends the job as cancelled.
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
        # A copy for each call: a context is entered by one thread at a time.
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
