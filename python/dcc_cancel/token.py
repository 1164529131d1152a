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
    """A flag that says "stop". All code that polls it shares it, in Python and in native code.

    Any thread may call any method. `job_id` is the id that your caller, for instance a server, has for the
    job. `caller_id` is another name for it, which jobs and native code use. A cancel of `parent` cancels this
    token as well. A parent is a CancelToken, a Job, a Request, or any object with an attribute `cancelled`,
    for instance a token of `dcc_mcp_core`. An object that is not native is asked every 20 milliseconds, see
    `link`. A child keeps its parent alive.

    The truth value of a token is `cancelled`, as in `dcc_mcp_core`. So write `token is not None` to ask
    whether there is a token.
    """

    __slots__ = ("_job_id", "_above", "_link")

    _job_id: Optional[str]
    # The handle of the parent that was given to the constructor. A token that was made otherwise has none.
    _above: Optional[int]
    # Asks the object that this token follows, if that is not native.
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
        """An object for a token that the library has already. It takes a reference of its own."""
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

        `other.cancelled` is asked at once, and then every `interval` seconds on a thread of this package. So
        the token is cancelled up to `interval` seconds after `other`, and a native poll never waits for
        Python. The link ends with the token that this returns, so keep that token. If `other` is native it
        becomes the parent, and nothing is asked.

        What the first question raises is raised from here. If a later question raises, that is logged once
        and `other` is asked again.
        """
        checked_interval(interval)
        return follow(cls, other, interval)

    @classmethod
    def when_all(
        cls: Type[T], parents: Iterable[JobHandle] = (), interval: Seconds = DEFAULT_INTERVAL
    ) -> T:
        """A token that is cancelled when all `parents`, and all that `join` later, have left.

        A parent leaves when it is cancelled or when nobody holds it any more. Use this for a result that
        several callers wait for: the work stops when the last of them has left. The token keeps no parent
        alive. If all parents have left already, it is cancelled at once. Without parents it waits for the
        first `join`. Parents that are not native are asked every `interval` seconds, see `link`.
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
        # Only the followers of parents that are not native: a native parent must be able to leave.
        token._parents = [kept for (kept, _), parent in zip(followed, given) if kept is not parent]
        handles = (ctypes.c_void_p * max(len(followed), 1))(*[handle for _, handle in followed])
        token._handle = created(library.dcc_cancel_token_create_all, handles, len(followed))
        token._watch(token._handle)
        return token

    def join(self, parent: JobHandle, interval: Seconds = DEFAULT_INTERVAL) -> bool:
        """Lets a token of `when_all` wait for one more parent. False: too late, the token is cancelled.

        InvalidArgumentError: the token does not come from `when_all`.
        """
        checked_interval(interval)
        can_be_asked(parent, "parent")
        kept, handle = parent_of(parent, interval)
        status = checked(library.dcc_cancel_token_join(self.handle, handle))
        if kept is not parent:
            self._parents.append(kept)
        return status == c.DCC_OK

    def cancel(self, reason: Optional[str] = None) -> bool:
        """Cancels the token and everything below it, for good. Whether this call was the first.

        False: it was cancelled before, and the first `reason` stays; or its job has committed, and no cancel
        reaches it any more. Callbacks run on this thread before the call returns. If two threads cancel at
        the same moment, one of them gets True.
        """
        text, length = text_in(reason, "reason")
        status = checked(library.dcc_cancel_token_cancel(self.handle, text, length))
        return status == c.DCC_OK

    def check(self) -> None:
        """Raises DccMcpCancelledError if the token is cancelled. Does nothing else."""
        if self.cancelled:
            raise _cancelled_error(TOKEN_TEXT)

    @property
    def job_id(self) -> Optional[str]:
        """The id that your caller has for the job, or None. `current_job_id` gives it."""
        return self._job_id

    @property
    def caller_id(self) -> Optional[str]:
        """The same as `job_id`."""
        return self._job_id

    @property
    def reason(self) -> Optional[str]:
        """Why the token was cancelled: "" if the cancel gave no reason, None while it is not cancelled."""
        text, status = text_from(library.dcc_cancel_token_reason, self.handle)
        return None if status == c.DCC_NOT_CANCELLED else text

    @property
    def cause(self) -> Optional[Cause]:
        """What kind of cancel it was; None while the token is not cancelled.

        "request": a call of `cancel`, also by a peer, or a cancel of the object that the token follows.
        "deadline": its time was over. "foreign": a host's own check of a job said stop, for instance because
        the user pressed Esc. A token has the cause of the parent that cancelled it.
        """
        cause = ctypes.c_int32()
        checked(library.dcc_cancel_token_cause(self.handle, ctypes.byref(cause)))
        return CAUSES.get(cause.value)

    @property
    def since_cancel(self) -> Optional[Seconds]:
        """How many seconds ago the token was cancelled; None while it is not."""
        past = ctypes.c_uint64()
        status = library.dcc_cancel_token_time_since_cancelled(self.handle, ctypes.byref(past))
        return None if checked(status) == c.DCC_NOT_CANCELLED else past.value / 1e9

    @property
    def trace_parent(self) -> Optional[str]:
        """The `traceparent` of W3C's Trace Context of the request that it works for, or None."""
        text, _ = text_from(library.dcc_cancel_token_trace_parent, self.handle)
        return text or None

    def wait(self, timeout: Optional[Seconds] = None) -> bool:
        """Waits until the token is cancelled, for at most `timeout` seconds. Whether it is cancelled.

        Any thread may call this, but a UI thread should not wait. Other Python threads run meanwhile. In
        asyncio use `await token`, which needs no thread.

        False: the timeout passed, or nobody can cancel the token any more. A wait without a timeout also ends
        with False in two cases, because it would never end otherwise: the interpreter exits, and all threads
        that it waits for are in such a wait or join each other; or the thread belongs to `asyncio.to_thread`,
        and `asyncio.run` is over.
        """
        return wait_for([self.handle], timeout) is not None

    def __await__(self) -> Generator[Any, None, Optional[str]]:
        """`await token` waits in asyncio until the token is cancelled, and gives the reason."""
        return _asyncio.cancel_of(self).__await__()

    def add_callback(
        self, function: Callable[[], object], keep_token: bool = False
    ) -> Registration:
        """Calls `function()` once when the token is cancelled; at once if it is cancelled already.

        The function runs on the thread that cancels. For a deadline and for a peer's message it runs on a
        thread of the library. What it raises is logged. Returns a Registration, which can take it back. In
        asyncio `await token` waits for the cancel instead.

        When nobody holds a token any more, it is gone, and its callbacks are never called. With `keep_token`
        this callback keeps the token alive until it was called or is unregistered, as long as a parent, a
        deadline or a host's own check can cancel the token. For a block:

            with CancelToken(parent=job).add_callback(socket.close, keep_token=True):
                socket.sendall(frames)
        """
        return Registration(self, function, keep_token)

    def set_deadline_after(self, seconds: Seconds) -> None:
        """Cancels the token in so many `seconds`, unless `clear_deadline` comes first.

        A second call moves the time. The callbacks of that cancel run on a thread of the library; for 0
        seconds they run on this thread, before the call returns.
        """
        due = span(seconds, "seconds", "clear_deadline() takes a deadline away")
        checked(library.dcc_cancel_token_set_deadline_after(self.handle, due))

    @property
    def deadline(self) -> Optional[Seconds]:
        """When a deadline will cancel the token: the earliest of its own and its ancestors'. None: never.

        In seconds on the library's clock, see `clock`.
        """
        at_ns = ctypes.c_uint64()
        status = library.dcc_cancel_token_deadline(self.handle, ctypes.byref(at_ns))
        return at_ns.value / 1e9 if checked(status) == c.DCC_OK else None

    def clear_deadline(self) -> bool:
        """Takes the token's own deadline away. Whether it had one."""
        return checked(library.dcc_cancel_token_clear_deadline(self.handle)) == c.DCC_OK

    def __dcc_cancel_token__(self) -> Optional[int]:
        return self.handle if self._is_native() else None

    def __repr__(self) -> str:
        # `cancelled` would tell the code of the current job to stop: a log line must not.
        return "CancelToken(%s)" % self._inside(lambda: "cancelled=%s" % (self.cause is not None))
