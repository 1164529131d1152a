"""The exceptions of this package."""

from __future__ import annotations

import concurrent.futures
import sys
from typing import Any, Dict, Optional, Tuple, Type

from ._roots import Root, adopt, class_of_theirs
from ._types import Seconds

TOKEN_TEXT = "Request cancelled by client"
JOB_TEXT = "Job cancelled by dispatcher"


class DccMcpCancelledError(Root):
    """The current token or job is cancelled: undo what is half done, and stop.

    This is an Exception and not the CancelledError of asyncio. The result of a cancelled Posting raises an
    error that is also the CancelledError of concurrent.futures. If `dcc_mcp_core` is loaded, this class is
    derived from its `DccMcpError`, and what is raised is also its `DccMcpCancelledError`, so that handlers
    for either catch it. `CancelledError` is another name of this class.
    """

    def __reduce__(self) -> Any:
        # The class of the error may have been made at run time, and pickle could not find it by its name.
        return (_cancelled_error, self.args)


CancelledError = DccMcpCancelledError


def adopted() -> type:
    """The class DccMcpCancelledError, derived from `DccMcpError` if `dcc_mcp_core` is loaded."""
    adopt(DccMcpCancelledError)
    return DccMcpCancelledError


_classes: Dict[Tuple[type, ...], type] = {}


def _their_bases() -> Tuple[Type[BaseException], ...]:
    """The classes by which handlers catch a cancel: this package's and, if loaded, `dcc_mcp_core`'s."""
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
    """An exception that says "cancelled". Handlers of this package and of `dcc_mcp_core` catch it."""
    error: DccMcpCancelledError = _class_of(_their_bases())(*arguments)
    return error


def _cancelled_future_error(*arguments: object) -> DccMcpCancelledError:
    """As `_cancelled_error`, and handlers of concurrent.futures catch it, too: for a future's result."""
    bases = _their_bases() + (concurrent.futures.CancelledError,)
    error: DccMcpCancelledError = _class_of(bases, __reduce__=_reduce_future_error)(*arguments)
    return error


def _reduce_future_error(error: BaseException) -> Any:
    return (_cancelled_future_error, error.args)


def is_cancellation(error: Optional[BaseException]) -> bool:
    """Whether an exception says "cancelled": this package's, `dcc_mcp_core`'s, a future's or a task's."""
    return is_own_cancellation(error) or is_future_cancellation(error)


def is_own_cancellation(error: Optional[BaseException]) -> bool:
    """Whether it is the error of this package or of `dcc_mcp_core` that says "cancelled"."""
    theirs = class_of_theirs("cancellation", "DccMcpCancelledError")
    return isinstance(error, DccMcpCancelledError) or (
        theirs is not None and isinstance(error, theirs)
    )


def is_future_cancellation(error: Optional[BaseException]) -> bool:
    """Whether it is the CancelledError of concurrent.futures or of asyncio, which need not be loaded."""
    of_tasks = getattr(sys.modules.get("asyncio"), "CancelledError", None)
    return isinstance(error, concurrent.futures.CancelledError) or (
        isinstance(of_tasks, type) and isinstance(error, of_tasks)
    )


class LibraryError(ImportError):
    """The library cannot be found, or this package cannot use it: a wrong version, or a missing function.

    It is an ImportError, because most of its causes are found by the import of the package.
    """


class DccCancelError(Exception):
    """A call of the library failed. `status` is the number of the error, see dcc_cancel.h."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class InvalidHandleError(DccCancelError):
    """A handle does not belong to a live object."""


class InvalidArgumentError(DccCancelError, ValueError):
    """A value is not allowed, for instance a negative time or a text that is too long."""


class ResourcesError(DccCancelError, MemoryError):
    """There is no memory, or no free slot or thread. Nothing was done."""


class WrongThreadError(DccCancelError):
    """The object belongs to another thread, as a dispatcher does that was pumped by the wrong one."""


class WrongStateError(DccCancelError):
    """The job, or the progress, is in a state that does not allow this."""


class WouldDeadlockError(DccCancelError):
    """The call would wait for its own thread, and so would never return. It did not wait."""


class ShutdownError(DccCancelError):
    """The object was closed, or the library was shut down."""


class ClosedError(ShutdownError, ValueError):
    """This object was closed, by its `close` or by the end of its `with` block."""


class ForkedError(DccCancelError):
    """This process is a fork of the process that used the library. Use the library after exec only."""


class OverloadedError(DccCancelError):
    """Too many wait, or too many requests are in flight. Nothing was taken.

    `retry_after`: in how many seconds a further attempt makes sense; None if that is not known.
    """

    def __init__(self, text: str, status: int = 0, retry_after: Optional[Seconds] = None) -> None:
        super().__init__(text, status)
        self.retry_after = retry_after


class DuplicateError(DccCancelError):
    """The id is in use: a request with it is in flight, or a job with it is unfinished."""


class ReentrantError(DccCancelError):
    """The dispatcher was pumped from inside its own pump, for instance by a dialog that a job has opened."""


class PostTimeoutError(DccCancelError, TimeoutError):
    """The job was not over within the timeout. `started`: it had begun, and was asked to stop; else it never
    runs."""

    def __init__(self, text: str, status: int = 0, started: bool = False) -> None:
        super().__init__(text, status)
        self.started = started


class JobInterruptedError(DccCancelError):
    """The job was ended from outside before it had a result, for instance by a close of its dispatcher."""
