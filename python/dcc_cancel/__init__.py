"""Cancellation for Python, shared with the native code of the same process.

A token is cancelled from anywhere; Python code asks `check_cancelled` or `check_dcc_cancelled`, native
code polls, if it is called through `native`. All that `dcc_mcp_core.cancellation` offers is here with
the same meaning; so are the library's jobs, dispatchers, sessions and requests.

    import dcc_cancel

    token = dcc_cancel.CancelToken(job_id="7")
    reset = dcc_cancel.set_cancel_token(token)
    try:
        dcc_cancel.native(plugin.smooth)(mesh)      # polls the token; token.cancel() stops it
    finally:
        dcc_cancel.reset_cancel_token(reset)

Importing it finds the library that this process has loaded, or else loads the one that the variable
DCC_CANCEL_LIBRARY names, that lies beside this package, or that the system finds. Python 3.7 and later,
no dependencies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _interpreter as _interpreter
from . import errors as _errors
from ._library import library as _loaded
from ._native import native
from .context import (
    # These two are for `dcc_mcp_core` itself, where this stands in for its module.
    _reset_current_job_id as _reset_current_job_id,
    _set_current_job_id as _set_current_job_id,
    check_cancelled,
    check_dcc_cancelled,
    current_cancel_token,
    current_job,
    current_job_id,
    reset_cancel_token,
    reset_current_job,
    set_cancel_token,
    set_current_job,
)
from ._asyncio import run_in_thread
from ._posting import Posting, when_woken
from ._types import Message, RequestId, Seconds
from ._version import __version__ as __version__
from .control import close_control, control_address, open_control
from .diagnosis import (
    Event,
    Latency,
    Observer,
    PollPlace,
    begin_timeline,
    clock,
    end_timeline,
    latency,
    polls_without_job,
    set_slow_cancel_threshold,
    stats,
    timeline,
    trace_all,
    write_timeline,
)
from .dispatcher import Dispatcher, Tick, slice_is_over
from .errors import (
    CancelledError,
    ClosedError,
    DccCancelError,
    DccMcpCancelledError,
    DuplicateError,
    ForkedError,
    InvalidArgumentError,
    InvalidHandleError,
    JobInterruptedError,
    LibraryError,
    OverloadedError,
    PostTimeoutError,
    ReentrantError,
    ResourcesError,
    ShutdownError,
    WouldDeadlockError,
    WrongStateError,
    WrongThreadError,
)
from .job import Job, JobThread, PollGap, Progress
from .linking import DEFAULT_INTERVAL
from .listing import live_jobs
from .probes import CancellationProbe, JobHandle
from .progress import progress
from .registration import Registration
from .request import Request
from .session import MessageOutcome, Session
from .shield import shield
from .token import CancelToken
from .wait import wait_any
from .workers import with_context

__all__ = [
    "CancelToken",
    "CancellationProbe",
    "CancelledError",
    "ClosedError",
    "DEFAULT_INTERVAL",
    "DccCancelError",
    "DccMcpCancelledError",
    "Dispatcher",
    "DuplicateError",
    "Event",
    "ForkedError",
    "InvalidArgumentError",
    "InvalidHandleError",
    "Job",
    "JobHandle",
    "JobInterruptedError",
    "JobThread",
    "Latency",
    "LibraryError",
    "Message",
    "MessageOutcome",
    "Observer",
    "OverloadedError",
    "PollGap",
    "PollPlace",
    "PostTimeoutError",
    "Posting",
    "Progress",
    "ReentrantError",
    "Registration",
    "Request",
    "RequestId",
    "ResourcesError",
    "Seconds",
    "Session",
    "ShutdownError",
    "Tick",
    "WouldDeadlockError",
    "WrongStateError",
    "WrongThreadError",
    "begin_timeline",
    "check_cancelled",
    "check_dcc_cancelled",
    "clock",
    "close_control",
    "control_address",
    "current_cancel_token",
    "current_job",
    "current_job_id",
    "end_timeline",
    "latency",
    "live_jobs",
    "native",
    "open_control",
    "polls_without_job",
    "progress",
    "reset_cancel_token",
    "reset_current_job",
    "run_in_thread",
    "set_cancel_token",
    "set_current_job",
    "set_slow_cancel_threshold",
    "shield",
    "slice_is_over",
    "stats",
    "timeline",
    "trace_all",
    "version",
    "wait_any",
    "when_woken",
    "with_context",
    "write_timeline",
]


def version() -> str:
    """Version and build of the library, for logs; `__version__` is that of this package."""
    text: bytes = _loaded.dcc_version_string()
    return text.decode("ascii")


if not TYPE_CHECKING:
    # Asked each time, so that who gets the class after `dcc_mcp_core` was loaded has one of its errors.
    del CancelledError, DccMcpCancelledError

    def __getattr__(name: str) -> type:
        if name in ("CancelledError", "DccMcpCancelledError"):
            return _errors.adopted()
        raise AttributeError("module %r has no attribute %r" % (__name__, name))

    def __dir__() -> list:
        return sorted(set(globals()) | set(__all__))
