"""What this package raises."""

from __future__ import annotations

import concurrent.futures
import sys
from typing import Any, Dict, Optional, Tuple, Type

from ._roots import Root, adopt, class_of_theirs
from ._types import Seconds

TOKEN_TEXT = "Request cancelled by client"
JOB_TEXT = "Job cancelled by dispatcher"


class DccMcpCancelledError(Root):
    """The current token or job is cancelled: stop, and leave things tidy.

    A plain exception, not asyncio's; the result of a cancelled Posting raises one that is also that of
    concurrent.futures. Where `dcc_mcp_core` is loaded this class is one of its `DccMcpError`, and what is
    raised is also its `DccMcpCancelledError`, so that handlers for either catch it.
    """

    def __reduce__(self) -> Any:
        # Its class may be one that is made on the spot.
        return (_cancelled_error, self.args)


CancelledError = DccMcpCancelledError


def adopted() -> type:
    """The class, as one of the errors of `dcc_mcp_core` if that is there."""
    adopt(DccMcpCancelledError)
    return DccMcpCancelledError


_classes: Dict[Tuple[type, ...], type] = {}


def _their_bases() -> Tuple[Type[BaseException], ...]:
    """The classes by which handlers know a cancel, this package's and those of `dcc_mcp_core`."""
    adopt(DccMcpCancelledError)
    theirs = class_of_theirs("cancellation", "DccMcpCancelledError")
    if theirs is None or issubclass(DccMcpCancelledError, theirs):
        return (DccMcpCancelledError,)
    if issubclass(theirs, DccMcpCancelledError):
        return (theirs,)
    return (DccMcpCancelledError, theirs)


def _class_of(bases: Tuple[type, ...], **body: Any) -> Any:
    if len(bases) == 1:
        return bases[0]
    if bases not in _classes:
        body.update({"__module__": __name__, "__doc__": DccMcpCancelledError.__doc__})
        _classes[bases] = type(DccMcpCancelledError.__name__, bases, body)
    return _classes[bases]


def _cancelled_error(*arguments: object) -> DccMcpCancelledError:
    """The exception that says "cancelled" with this text."""
    error: DccMcpCancelledError = _class_of(_their_bases())(*arguments)
    return error


def _cancelled_future_error(*arguments: object) -> DccMcpCancelledError:
    """The same, for the result of a cancelled future: handlers of concurrent.futures catch it as well."""
    bases = _their_bases() + (concurrent.futures.CancelledError,)
    error: DccMcpCancelledError = _class_of(bases, __reduce__=_reduce_future_error)(*arguments)
    return error


def _reduce_future_error(error: BaseException) -> Any:
    return (_cancelled_future_error, error.args)


def is_cancellation(error: Optional[BaseException]) -> bool:
    """Whether an exception says "cancelled": this package's, `dcc_mcp_core`'s, or one of a future or task."""
    return is_own_cancellation(error) or is_future_cancellation(error)


def is_own_cancellation(error: Optional[BaseException]) -> bool:
    """Whether it is this package's, or that of `dcc_mcp_core`."""
    theirs = class_of_theirs("cancellation", "DccMcpCancelledError")
    return isinstance(error, DccMcpCancelledError) or (
        theirs is not None and isinstance(error, theirs)
    )


def is_future_cancellation(error: Optional[BaseException]) -> bool:
    """Whether it is that of concurrent.futures or asyncio, which need not be loaded."""
    of_tasks = getattr(sys.modules.get("asyncio"), "CancelledError", None)
    return isinstance(error, concurrent.futures.CancelledError) or (
        isinstance(of_tasks, type) and isinstance(error, of_tasks)
    )


class LibraryError(ImportError):
    """The library cannot be found, or is not one that this package can use."""


class DccCancelError(Exception):
    """A call of the library failed. `status` is its number, see dcc_cancel.h."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class InvalidHandleError(DccCancelError):
    """A handle of no live object."""


class InvalidArgumentError(DccCancelError, ValueError):
    """A value that the library does not take."""


class ResourcesError(DccCancelError, MemoryError):
    """Out of memory, slots or threads. Nothing was done."""


class WrongThreadError(DccCancelError):
    """It belongs to another thread."""


class WrongStateError(DccCancelError):
    """The job is in a state that does not allow this."""


class WouldDeadlockError(DccCancelError):
    """The call would wait for itself."""


class ShutdownError(DccCancelError):
    """It was shut down or closed."""


class ClosedError(ShutdownError, ValueError):
    """This object was closed, by its `close`."""


class ForkedError(DccCancelError):
    """This process is a fork of the one that used the library."""


class OverloadedError(DccCancelError):
    """A bound is reached; nothing was taken. `retry_after` are seconds, where they are known."""

    def __init__(self, text: str, status: int = 0, retry_after: Optional[Seconds] = None) -> None:
        super().__init__(text, status)
        self.retry_after = retry_after


class DuplicateError(DccCancelError):
    """The id is in use."""


class ReentrantError(DccCancelError):
    """A pump from inside a pump."""


class PostTimeoutError(DccCancelError, TimeoutError):
    """The time was over. `started`: the job had begun and was asked to stop; else it never runs."""

    def __init__(self, text: str, status: int = 0, started: bool = False) -> None:
        super().__init__(text, status)
        self.started = started


class JobInterruptedError(DccCancelError):
    """The job was ended from outside, for instance by a close, before it had a result."""
