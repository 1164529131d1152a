"""CancelToken: a cancellation flag with a reason."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Generator, Optional, Type, TypeVar

from . import _asyncio
from . import _declarations as c
from ._arguments import id_in, span, text_in, wrong_value
from ._arguments import interval as checked_interval
from ._handle import Polled, created
from ._library import library
from ._status import checked, text_from
from ._types import Seconds
from ._waiting import wait_for
from .errors import TOKEN_TEXT, _cancelled_error
from .linking import DEFAULT_INTERVAL, Link, follow, parent_of
from .probes import JobHandle
from .registration import Registration


T = TypeVar("T", bound="CancelToken")


class CancelToken(Polled):
    """A flag that says "stop", shared by all that poll it, in Python and in native code.

    `job_id`: the id that your caller, for instance a server, has for the job; `caller_id` is another name for
    it, which jobs and native code have. `parent`: what cancels this
    token as well: a CancelToken, Job or Request, or any object with a `cancelled` attribute, for instance a
    token of `dcc_mcp_core`, which is asked again every 20 milliseconds, see `link`. A child keeps its
    parent alive. Its truth is `cancelled`, as in `dcc_mcp_core`: ask `token is not None` for whether there
    is one. Any thread may call any method.
    """

    __slots__ = ("_job_id", "_link")

    _job_id: Optional[str]
    # The sampling of what this follows, if that is not native.
    _link: Optional[Link]

    _renamed = {
        "cancel_after": "set_deadline_after",
        "disarm": "clear_deadline",
    }

    _release = library.dcc_cancel_token_release
    _question = library.dcc_cancel_token_is_cancelled

    def __init__(
        self,
        job_id: Optional[str] = None,
        parent: Optional[JobHandle] = None,
        caller_id: Optional[str] = None,
    ) -> None:
        self._handle = 0
        self._link = None
        if caller_id is not None:
            id_in(caller_id, "caller_id")
            if job_id is not None and job_id != caller_id:
                wrong_value("caller_id", "left out, or the same as job_id=%r" % (job_id,), caller_id)
            job_id = caller_id
        encoded, length = id_in(job_id, "job_id")
        self._parents, above = parent_of(parent)
        description = c.CancelTokenDesc(struct_size=ctypes.sizeof(c.CancelTokenDesc))
        if above:
            description.parents = (ctypes.c_void_p * 1)(above)
            description.parent_count = 1
        description.caller_id, description.caller_id_length = encoded, length
        self._handle = created(library.dcc_cancel_token_create_from, ctypes.byref(description))
        self._job_id = job_id or None
        self._watch(self._handle)

    @classmethod
    def _borrowing(cls, handle: int, keeping: Any) -> CancelToken:
        """A token of the library that is there already; this takes a reference of its own."""
        token = cls.__new__(cls)
        token._handle = 0
        token._link = None
        token._parents = keeping
        checked(library.dcc_cancel_token_retain(handle))
        token._handle = handle
        text, _ = text_from(library.dcc_cancel_token_caller_id, handle)
        token._job_id = text or None
        token._watch(handle)
        return token

    @classmethod
    def link(cls: Type[T], other: JobHandle, interval: Seconds = DEFAULT_INTERVAL) -> T:
        """A token that is cancelled when `other` is, for tokens and jobs that are not native.

        `other.cancelled` is asked at once, and then every `interval` seconds on a thread of this
        package, so the answer comes up to so much later: a native poll never waits for Python. The
        link ends with the token that this returns; keep it. What is native is linked without
        sampling.
        """
        checked_interval(interval)
        return follow(cls, other, interval)

    def cancel(self, reason: Optional[str] = None) -> bool:
        """Cancels it and all linked below it, for ever. Whether this call was the first."""
        text, length = text_in(reason, "reason")
        status = checked(library.dcc_cancel_token_cancel(self.handle, text, length))
        return status == c.DCC_OK

    def check(self) -> None:
        """Raises DccMcpCancelledError if it is cancelled."""
        if self.cancelled:
            raise _cancelled_error(TOKEN_TEXT)

    @property
    def job_id(self) -> Optional[str]:
        """The id that your caller has for the job, or None; what `current_job_id` gives."""
        return self._job_id

    @property
    def caller_id(self) -> Optional[str]:
        """The same as `job_id`."""
        return self._job_id

    @property
    def reason(self) -> Optional[str]:
        """Why it was cancelled: "" if nobody said, None while it is not."""
        text, status = text_from(library.dcc_cancel_token_reason, self.handle)
        return None if status == c.DCC_NOT_CANCELLED else text

    def wait(self, timeout: Optional[Seconds] = None) -> bool:
        """Waits until it is cancelled, at most `timeout` seconds, and says whether it is.

        Other Python threads run meanwhile. Not for a UI thread.
        """
        return wait_for([self.handle], timeout) is not None

    def __await__(self) -> Generator[Any, None, Optional[str]]:
        """`await token` waits until it is cancelled, and gives the reason."""
        return _asyncio.cancel_of(self).__await__()

    def add_callback(self, function: Callable[[], object]) -> Registration:
        """Calls `function()` once when it is cancelled; at once, if it is cancelled already.

        On the thread that cancels it; for deadlines and a peer's messages on one of the library. What it
        raises is logged. In asyncio `await token` waits for it. Returns a Registration.
        """
        return Registration(self, function)

    def set_deadline_after(self, seconds: Seconds) -> None:
        """Cancels it in so many seconds unless `clear_deadline` comes before; again moves the time."""
        due = span(seconds, "seconds", "clear_deadline() takes a deadline away")
        checked(library.dcc_cancel_token_set_deadline_after(self.handle, due))

    def clear_deadline(self) -> bool:
        """Takes its deadline away. Whether it had one."""
        return checked(library.dcc_cancel_token_clear_deadline(self.handle)) == c.DCC_OK

    def __dcc_cancel_token__(self) -> Optional[int]:
        return self.handle if self._is_native() else None

    def __repr__(self) -> str:
        if not self._handle:
            return "CancelToken(closed)"
        return "CancelToken(cancelled=%s)" % self.cancelled
