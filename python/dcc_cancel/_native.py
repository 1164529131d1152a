"""Native code sees what is current in the Python context that calls it."""

from __future__ import annotations

import functools
from ctypes import byref, c_uint64
from typing import TYPE_CHECKING, Any, Callable, Optional, Union, overload

from ._arguments import callable_in
from ._arguments import interval as checked_interval
from ._asyncio import refuse_coroutines
from ._library import library
from ._status import checked
from ._types import Default, Seconds, T
from .context import _current_job_id, _current_token, current_job
from .job import Job
from .linking import DEFAULT_INTERVAL, fitting_id, parent_of
from .token import CancelToken

# In a context where nothing was ever set the thread's own slots stay: a native host may have set them.
_UNSET: Any = Default("as the thread has it")

_DECORATED = Default("the function that is decorated")

if TYPE_CHECKING:
    from ._types import P


@overload
def native(function: Callable[P, T], interval: Seconds = ...) -> Callable[P, T]: ...


@overload
def native(*, interval: Seconds = ...) -> Callable[[Callable[P, T]], Callable[P, T]]: ...


def native(
    function: Union[Callable[..., Any], Default] = _DECORATED, interval: Seconds = DEFAULT_INTERVAL
) -> Any:
    """Wraps a function so that native code which it calls polls this context's token and job.

    Around each call the library's two slots of this thread hold the context's current token and job,
    and then what they held before. One that is not native, such as a token of `dcc_mcp_core`, is
    followed as long as the call takes by asking it every `interval` seconds, see CancelToken.link.
    What this context has never set is left as the thread has it; what it has set to None is masked.
    Also as a decorator: `@native`, `@native(interval=0.1)`.
    """
    checked_interval(interval)
    if isinstance(function, Default):
        return functools.partial(native, interval=interval)
    callable_in(function, "function")
    refuse_coroutines(function, "wrap the native function that it calls")

    inner: Callable[..., Any] = function

    def call(*arguments: Any, **keywords: Any) -> Any:
        token = _current_token.get(_UNSET)
        job = current_job.get(_UNSET)
        explicit = _current_job_id.get()
        if explicit and explicit != getattr(token, "job_id", None):
            token = CancelToken(
                fitting_id(explicit),
                parent=None if token is _UNSET or token is None else parent_of(token, interval)[0],
            )
        if token is _UNSET and job is _UNSET:
            return inner(*arguments, **keywords)
        with _Slots(token, job, interval):
            return inner(*arguments, **keywords)

    for name in functools.WRAPPER_ASSIGNMENTS:
        if hasattr(function, name):
            setattr(call, name, getattr(function, name))
    setattr(call, "__wrapped__", function)
    return call


class _Slots:
    """Both slots of this thread hold this token and this job inside the block."""

    __slots__ = ("_token", "_job", "_interval", "_ticket", "_kept", "_stand_in")

    def __init__(self, token: Any, job: Any, interval: Seconds) -> None:
        self._token = token
        self._job = job
        self._interval = interval
        self._ticket = 0
        self._kept: Any = None
        self._stand_in: Optional[Job] = None

    def __enter__(self) -> None:
        try:
            if self._token is not _UNSET:
                self._kept, handle = parent_of(self._token, self._interval)
                self._set(library.dcc_cancel_token_set_current, handle)
            if self._job is not _UNSET:
                self._set(library.dcc_job_set_current, self._job_handle())
        except BaseException as error:
            self._leave(error)
            raise

    def _set(self, function: Any, handle: Optional[int]) -> None:
        ticket = c_uint64()
        checked(function(handle, byref(ticket)))
        # Unwinding to the first takes the second with it.
        self._ticket = self._ticket or ticket.value

    def _job_handle(self) -> Optional[int]:
        if self._job is None:
            return None
        ask = getattr(self._job, "__dcc_job__", None)
        handle: Optional[int] = None if ask is None else ask()
        if handle is not None:
            return handle
        # Native code needs a job of the library; one that follows the other stands in for it.
        self._stand_in = Job(
            type(self._job).__name__,
            fitting_id(getattr(self._job, "job_id", None)),
            parent=parent_of(self._job, self._interval)[0],
        )
        self._stand_in.begin()
        return self._stand_in.handle

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        status = self._leave(error)
        if error is None:
            checked(status)

    def _leave(self, error: Optional[BaseException]) -> int:
        status: int = 0
        if self._ticket:
            # Also whatever the callee has left in the slots.
            status = library.dcc_context_unwind(self._ticket)
        if self._stand_in is not None:
            if self._stand_in.cancelled:
                self._stand_in.acknowledge_cancel()
            else:
                self._stand_in._end(error)
            self._stand_in.close()
        return status
