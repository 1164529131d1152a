"""CancelToken: a cancellation flag with a reason."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Callable, Dict, Generator, Iterable, Optional, Type, TypeVar

from . import _asyncio
from . import _declarations as c
from ._arguments import can_be_asked, id_in, span, text_in, wrong_type, wrong_value
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

if TYPE_CHECKING:
    from typing_extensions import Literal

    Cause = Literal["request", "foreign", "deadline"]

CAUSES: Dict[int, Cause] = {
    c.DCC_CAUSE_REQUEST: "request",
    c.DCC_CAUSE_FOREIGN: "foreign",
    c.DCC_CAUSE_DEADLINE: "deadline",
}

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

    __slots__ = ("_job_id", "_above", "_link")

    _job_id: Optional[str]
    # The handle of what it was made below, if it was made here below one thing.
    _above: Optional[int]
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
        self._above = above
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

    @classmethod
    def when_all(
        cls: Type[T], parents: Iterable[JobHandle] = (), interval: Seconds = DEFAULT_INTERVAL
    ) -> T:
        """A token that is cancelled when all `parents` have left, and those that `join` later.

        Each leaves when it is cancelled, or when nobody holds it any more. For a result that
        several wait for: the work stops when the last of them has left. It keeps no parent alive.
        Those that are not native are asked every `interval` seconds, see `link`.
        """
        checked_interval(interval)
        try:
            given = list(parents)
        except TypeError:
            wrong_type("parents", "a list of tokens or jobs", parents, "one alone goes in as [token]")
        for index, parent in enumerate(given):
            can_be_asked(parent, "parents[%d]" % index)
        followed = [parent_of(parent, interval) for parent in given]
        token = cls.__new__(cls)
        token._handle = 0
        token._link = None
        token._job_id = None
        # What follows those that are not native; the others are held by who holds them.
        token._parents = [kept for (kept, _), parent in zip(followed, given) if kept is not parent]
        handles = (ctypes.c_void_p * max(len(followed), 1))(*[handle for _, handle in followed])
        token._handle = created(library.dcc_cancel_token_create_all, handles, len(followed))
        token._watch(token._handle)
        return token

    def join(self, parent: JobHandle, interval: Seconds = DEFAULT_INTERVAL) -> bool:
        """Lets a token of `when_all` wait for one more. False: too late, it is cancelled."""
        checked_interval(interval)
        can_be_asked(parent, "parent")
        kept, handle = parent_of(parent, interval)
        status = checked(library.dcc_cancel_token_join(self.handle, handle))
        if kept is not parent:
            self._parents.append(kept)
        return status == c.DCC_OK

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

    @property
    def cause(self) -> Optional[Cause]:
        """What cancelled it: "request", a call of `cancel`, by whomever, or of what it follows; "deadline";
        "foreign", the own check that a host has given to a job. None while it is not cancelled."""
        cause = ctypes.c_int32()
        checked(library.dcc_cancel_token_cause(self.handle, ctypes.byref(cause)))
        return CAUSES.get(cause.value)

    @property
    def since_cancel(self) -> Optional[Seconds]:
        """How many seconds ago it was cancelled; None while it is not."""
        past = ctypes.c_uint64()
        status = library.dcc_cancel_token_time_since_cancelled(self.handle, ctypes.byref(past))
        return None if checked(status) == c.DCC_NOT_CANCELLED else past.value / 1e9

    @property
    def trace_parent(self) -> Optional[str]:
        """The `traceparent` of W3C's Trace Context that it works for, from its request; None for none."""
        text, _ = text_from(library.dcc_cancel_token_trace_parent, self.handle)
        return text or None

    def wait(self, timeout: Optional[Seconds] = None) -> bool:
        """Waits until it is cancelled, at most `timeout` seconds, and says whether it is.

        Other Python threads run meanwhile. Not for a UI thread. Without a timeout it is False, too, once the
        interpreter exits and waits for nothing but threads that wait so or join each other, or in a thread of
        `asyncio.to_thread` once `asyncio.run` is over. In asyncio `await token` waits without a thread.
        """
        return wait_for([self.handle], timeout) is not None

    def __await__(self) -> Generator[Any, None, Optional[str]]:
        """`await token` waits until it is cancelled, and gives the reason."""
        return _asyncio.cancel_of(self).__await__()

    def add_callback(
        self, function: Callable[[], object], keep_token: bool = False
    ) -> Registration:
        """Calls `function()` once when it is cancelled; at once, if it is cancelled already.

        On the thread that cancels it; for deadlines and a peer's messages on one of the library. What it
        raises is logged. In asyncio `await token` waits for it. Returns a Registration.

        A token that nobody holds any more is gone, and its callbacks with it. `keep_token`: this one keeps
        it until it was called or is unregistered, as long as a parent, a deadline or a host's own check can
        cancel it. For a block:

            with CancelToken(parent=job).add_callback(socket.close, keep_token=True):
                socket.sendall(frames)
        """
        return Registration(self, function, keep_token)

    def set_deadline_after(self, seconds: Seconds) -> None:
        """Cancels it in so many seconds unless `clear_deadline` comes before; again moves the time."""
        due = span(seconds, "seconds", "clear_deadline() takes a deadline away")
        checked(library.dcc_cancel_token_set_deadline_after(self.handle, due))

    @property
    def deadline(self) -> Optional[Seconds]:
        """When a deadline will cancel it, the earliest of its own and its ancestors'; None for never.

        On the library's clock; on Linux that of `time.monotonic`.
        """
        at_ns = ctypes.c_uint64()
        status = library.dcc_cancel_token_deadline(self.handle, ctypes.byref(at_ns))
        return at_ns.value / 1e9 if checked(status) == c.DCC_OK else None

    def clear_deadline(self) -> bool:
        """Takes its deadline away. Whether it had one."""
        return checked(library.dcc_cancel_token_clear_deadline(self.handle)) == c.DCC_OK

    def __dcc_cancel_token__(self) -> Optional[int]:
        return self.handle if self._is_native() else None

    def __repr__(self) -> str:
        return "CancelToken(%s)" % self._inside(lambda: "cancelled=%s" % self.cancelled)
