"""native: lets native code see the token and the job of the Python context that calls it."""

from __future__ import annotations

import contextvars
import functools
from typing import TYPE_CHECKING, Any, Callable, Optional, Union, overload

from ._arguments import callable_in
from ._arguments import interval as checked_interval
from ._asyncio import refuse_coroutines
from ._library import library
from ._slots import ThreadSlots
from ._status import checked
from ._types import UNSET, Default, Seconds, T
from ._around import Around, around
from .context import _current_job_id, _current_share, _current_token, current_job, current_layers
from .job import Job
from .linking import DEFAULT_INTERVAL, fitting_id, parent_of
from .token import CancelToken

_DECORATED = Default("the function that is decorated")

if TYPE_CHECKING:
    from ._handle import NativeObject
    from ._types import P


@overload
def native(function: Callable[P, T], interval: Seconds = ...) -> Callable[P, T]: ...


@overload
def native(*, interval: Seconds = ...) -> Callable[[Callable[P, T]], Callable[P, T]]: ...


def native(
    function: Union[Callable[..., Any], Default] = _DECORATED, interval: Seconds = DEFAULT_INTERVAL
) -> Any:
    """Wraps a function so that native code which it calls polls the token and job of the calling context.

    During each call the library's slots of this thread hold the context's current token, job and share of
    progress. Afterwards they hold what they held before. A token or job that is not native, such as those of
    `dcc_mcp_core`, is asked every `interval` seconds during the call, see CancelToken.link. If the context
    has never set a token, the slot of the thread stays as it is; if it has set None, native code sees none.
    The same holds for the job.

    Any number of threads may call the wrapped function. It can be a decorator: `@native` or
    `@native(interval=0.1)`.
    """
    checked_interval(interval)
    if isinstance(function, Default):
        return functools.partial(native, interval=interval)
    callable_in(function, "function")
    refuse_coroutines(function, "wrap the native function that it calls")

    inner: Callable[..., Any] = function

    def call(*arguments: Any, **keywords: Any) -> Any:
        token, job, share = current_layers()
        explicit = _current_job_id.get()
        if explicit and explicit != getattr(token, "job_id", None):
            token = CancelToken(
                fitting_id(explicit),
                parent=None if token is UNSET or token is None else parent_of(token, interval)[0],
            )
        if token is UNSET and job is UNSET and share is None:
            return inner(*arguments, **keywords)
        with _Slots(token, job, share, interval):
            return inner(*arguments, **keywords)

    for name in functools.WRAPPER_ASSIGNMENTS:
        if hasattr(function, name):
            setattr(call, name, getattr(function, name))
    setattr(call, "__wrapped__", function)
    return call


class _Slots:
    """A block in which the slots of this thread hold this token, this job and this share."""

    __slots__ = ("_token", "_job", "_share", "_interval", "_slots", "_kept", "_stand_in", "_around", "_reset")

    def __init__(
        self, token: Any, job: Any, share: Optional[NativeObject], interval: Seconds
    ) -> None:
        self._token = token
        self._job = job
        self._share = share
        self._interval = interval
        self._slots = ThreadSlots()
        self._kept: Any = None
        self._stand_in: Optional[Job] = None
        self._around = Around(_current_token.get(UNSET), current_job.get(UNSET), _current_share.get())
        self._reset: Optional[contextvars.Token[Optional[Around]]] = None

    def __enter__(self) -> None:
        inside = self._around
        try:
            if self._token is not UNSET:
                self._kept, handle = parent_of(self._token, self._interval)
                self._slots.set(library.dcc_cancel_token_set_current, handle)
                inside.native_token = handle
            if self._job is not UNSET:
                inside.native_job = self._job_handle()
                self._slots.set(library.dcc_job_set_current, inside.native_job)
            if self._share is not None:
                self._slots.set(library.dcc_progress_set_current, self._share.handle)
            self._reset = around.set(inside)
        except BaseException as error:
            self._leave(error)
            raise

    def _job_handle(self) -> Optional[int]:
        if self._job is None:
            return None
        ask = getattr(self._job, "__dcc_job__", None)
        handle: Optional[int] = None if ask is None else ask()
        if handle is not None:
            return handle
        # Native code needs a job of the library. A new one that follows the context's job stands in for it.
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
        self._around.end()
        if self._reset is not None:
            around.reset(self._reset)
        status = self._slots.unwind()
        if self._stand_in is not None:
            if self._stand_in.cancelled:
                self._stand_in.acknowledge_cancel()
            else:
                self._stand_in._end(error)
            self._stand_in.close()
        return status
