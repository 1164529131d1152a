"""Cancellation for Python, shared with the native code of the same process.

Any thread may cancel a token. Python code asks `check_cancelled` or `check_dcc_cancelled` whether it is to
stop. Native code polls; call it through `native`, so that its polls see the token and the job of Python.
Everything that `dcc_mcp_core.cancellation` offers is here with the same meaning. So are the library's jobs,
dispatchers, sessions and requests.

    import dcc_cancel

    token = dcc_cancel.CancelToken(job_id="7")
    reset = dcc_cancel.set_cancel_token(token)
    try:
        dcc_cancel.native(plugin.smooth)(mesh)      # polls the token; token.cancel() stops it
    finally:
        dcc_cancel.reset_cancel_token(reset)

The import takes the library that this process has loaded. If there is none, it loads the file that the
variable DCC_CANCEL_LIBRARY names. If the variable is not set, it loads the file beside this package, in the
prefix of its installation, or where the system finds one. The package runs on Python 3.7 and later and needs
no other package.

These rules hold everywhere, and the comments of functions do not repeat them:

- All times are seconds, as those of `time.sleep`: 0.008 is 8 milliseconds.
- TypeError: an argument has the wrong type. InvalidArgumentError, which is a ValueError: its value is not
  allowed. Both say which argument it is and what it must be. Nothing has been done then.
- ClosedError: the object was closed. ForkedError: this process is a fork of the process that used the
  library; only polls and questions work there. ResourcesError, which is a MemoryError: there is no memory, or
  no free slot or thread.
- "Native" means: the library has it. The tokens, jobs and requests of this package are native. A token of
  `dcc_mcp_core` is not, nor is an object of yours with an attribute `cancelled`.
- "Below" means: cancelled with it. A child is below its parent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _interpreter as _interpreter
from . import errors as _errors
from ._library import library as _loaded
from ._native import native
from .context import (
    # `dcc_mcp_core` itself uses these two where this package stands in for its module.
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
    """The version and the build of the library, for logs. `__version__` is the version of this package."""
    text: bytes = _loaded.dcc_version_string()
    return text.decode("ascii")


if not TYPE_CHECKING:
    # Looked up at each use: once `dcc_mcp_core` is loaded the class becomes one of its errors.
    del CancelledError, DccMcpCancelledError

    def __getattr__(name: str) -> type:
        if name in ("CancelledError", "DccMcpCancelledError"):
            return _errors.adopted()
        raise AttributeError("module %r has no attribute %r" % (__name__, name))

    def __dir__() -> list:
        return sorted(set(globals()) | set(__all__))
