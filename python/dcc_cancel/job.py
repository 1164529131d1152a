"""Job: one unit of a host's work."""

from __future__ import annotations

import contextvars
import ctypes
import sys
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Dict,
    Generator,
    List,
    NamedTuple,
    Optional,
    Tuple,
    TypeVar,
)

from . import _asyncio, _told
from . import _declarations as c
from ._above import Above
from ._arguments import fitting_text, flag, id_in, text_in, whole
from ._arguments import interval as checked_interval
from ._handle import Polled, created
from ._library import library
from ._slots import ThreadSlots
from ._status import checked, error_of, seconds, text_from
from ._types import CURRENT, UNSET, Seconds
from ._waiting import wait_for_end
from .context import _current_share, current_job, reset_current_job
from .errors import (
    JOB_TEXT,
    WrongStateError,
    _cancelled_error,
    is_cancellation,
    is_own_cancellation,
)
from .probes import JobHandle
from .shield import shield
from .token import CancelToken

if TYPE_CHECKING:
    from typing_extensions import Literal

    from ._above import Parent
    from .token import Cause

    State = Literal["pending", "running", "completed", "failed", "cancelled", "interrupted"]

_STATES: Dict[int, State] = {
    c.DCC_JOB_PENDING: "pending",
    c.DCC_JOB_RUNNING: "running",
    c.DCC_JOB_COMPLETED: "completed",
    c.DCC_JOB_FAILED: "failed",
    c.DCC_JOB_CANCELLED: "cancelled",
    c.DCC_JOB_INTERRUPTED: "interrupted",
}


class Progress(NamedTuple):
    """How far a job is, in whole units; `total` is None while it is unknown."""

    done: int
    total: Optional[int]
    message: str


class PollGap(NamedTuple):
    """The longest time between two polls of one thread, and the polls on either side of it.

    `from_file`, or `to_file`, is "(begin)" for the begin of the job, "(end)" for its end, "(unknown)" for a
    poll that does not say where it stands, as those of Python; the line is 0 then.
    """

    seconds: Seconds
    from_file: str
    from_line: int
    to_file: str
    to_line: int
    #: The system's number of the thread, and how often it polled.
    thread: int
    polls: int


class JobThread(NamedTuple):
    """What is known of one thread of a job; the last three only while it is traced."""

    #: The system's number.
    thread: int
    #: From the cancel to its first poll that saw it; None: it has seen none.
    cancel_to_seen: Optional[Seconds]
    polls: int
    #: On the library's clock; None: it has not polled.
    last_poll_at: Optional[Seconds]
    longest_gap: Seconds


J = TypeVar("J", bound="Job")


class Job(Polled):
    """A token plus id, label, state and progress.

    `label` is for people, `caller_id` your own id for it. `parent` is what cancels it as well, see
    CancelToken; without one that is what is current where it is made, the token and the job, and None says
    that nothing is. Cancelling only asks; the job itself ends, exactly once. As a context manager it is
    begun and made the current one, and ends with the block: completed; cancelled if the block was left by
    DccMcpCancelledError, by the CancelledError of asyncio or concurrent.futures, or, once `cancelled` or a
    native poll has told it to stop, by any error, as libraries raise one then; else failed.
    `async with` does that as well, and ties the job to the task: a cancel of the job cancels the task inside
    the block, which is then left by DccMcpCancelledError. `await job` waits for its end, as `wait` does, and
    gives its state.
    Any thread may call any method.
    """

    __slots__ = ("_token", "_caller_id", "_resets", "_ties")

    _token: Optional[CancelToken]
    _caller_id: Optional[str]
    # Of each block: what was current, and what the one around it has been told.
    _resets: List[Tuple[contextvars.Token[Optional[JobHandle]], _told.Told]]
    _ties: List[_asyncio.Tie]

    _release = library.dcc_job_release
    _question = library.dcc_job_is_cancelled
    _is_of_job = True

    def __init__(
        self,
        label: Optional[str] = None,
        caller_id: Optional[str] = None,
        parent: Parent = CURRENT,
    ) -> None:
        self._handle = 0
        description = c.JobDesc(struct_size=ctypes.sizeof(c.JobDesc))
        description.label, description.label_length = text_in(label, "label")
        encoded, length = id_in(caller_id, "caller_id")
        description.caller_id, description.caller_id_length = encoded, length
        above = Above(parent)
        description.parent = above.parent
        description.flags = c.DCC_JOB_BELOW_CURRENT if above.is_current else 0
        with above:
            handle = created(library.dcc_job_create, ctypes.byref(description))
        self._fill(handle, above.kept, caller_id or None)

    def _fill(self, handle: int, keeping: Any, caller_id: Optional[str]) -> None:
        self._handle = handle
        self._parents = keeping
        self._caller_id = caller_id
        self._token = None
        self._resets = []
        self._ties = []
        self._watch(library.dcc_job_token(handle))

    @classmethod
    def _owning(cls, handle: int, keeping: Any = None) -> Job:
        """A job of the library whose reference becomes this object's."""
        job = cls.__new__(cls)
        job._handle = handle
        text, _ = text_from(library.dcc_job_caller_id, handle)
        job._fill(handle, keeping, text or None)
        return job

    @classmethod
    def find(cls, id: int) -> Optional[Job]:
        """The live job with this `id`, or None."""
        out = ctypes.c_void_p()
        checked(library.dcc_job_find(whole(id, "id", 64), ctypes.byref(out)))
        return cls._owning(out.value) if out.value else None

    @property
    def id(self) -> int:
        """The library's number for it, unique in the process."""
        number: int = library.dcc_job_id(self.handle)
        return number

    @property
    def job_id(self) -> Optional[str]:
        """The caller's own id, or None; what `current_job_id` falls back to."""
        return self._caller_id

    @property
    def caller_id(self) -> Optional[str]:
        """The same as `job_id`."""
        return self._caller_id

    @property
    def label(self) -> str:
        """What it is called, for people."""
        return text_from(library.dcc_job_label, self.handle)[0]

    @property
    def token(self) -> CancelToken:
        """Its token, cancelled when the job is: a parent for what works for it."""
        if self._token is None:
            handle = library.dcc_job_token(self.handle)
            self._token = CancelToken._borrowing(handle, self._parents)
        return self._token

    @property
    def has_ended(self) -> bool:
        """Whether it is completed, failed, cancelled or interrupted."""
        return self.state not in ("pending", "running")

    @property
    def state(self) -> State:
        """pending, running, completed, failed, cancelled or interrupted."""
        state = ctypes.c_int32()
        checked(library.dcc_job_state(self.handle, ctypes.byref(state)))
        return _STATES[state.value]

    def cancel(self, reason: Optional[str] = None) -> bool:
        """Asks it to stop. Whether this call was the first, and not too late."""
        text, length = text_in(reason, "reason")
        status = checked(library.dcc_job_cancel(self.handle, text, length))
        if current_job.get() is self:
            # Its own code knows it now.
            _told.note_told(self)
        return status == c.DCC_OK

    def wake(self) -> bool:
        """Lets a posted generator go on that has yielded `when_woken`, in its dispatcher's next tick.

        False: it is not posted. Of one that does not sleep nothing comes but that it does not fall asleep
        after its present slice. Any thread, also inside callbacks of a cancel.
        """
        status = library.dcc_job_wake(self.handle)
        return status != c.DCC_ERROR_WRONG_STATE and checked(status) == c.DCC_OK

    def check(self) -> None:
        """Raises DccMcpCancelledError if it was asked to stop."""
        if self.cancelled:
            raise _cancelled_error(JOB_TEXT)

    @property
    def reason(self) -> Optional[str]:
        """Why it was asked to stop: "" if nobody said, None if it was not."""
        return self.token.reason

    @property
    def cause(self) -> Optional[Cause]:
        """What cancelled it: "request", "foreign" or "deadline", see CancelToken; None while it is not."""
        return self.token.cause

    def wait(self, timeout: Optional[Seconds] = None) -> bool:
        """Waits until it has really ended, its completion included: cancel it, wait, free what it works on.

        False: after `timeout` seconds it had not, or it never will, as its dispatcher's thread has ended, or
        the interpreter exits, see CancelToken.wait.
        Inside the job itself, or on the thread of its dispatcher, which has to pump, it is a
        WouldDeadlockError. For its cancel wait for `token`.
        """
        from ._native import native

        slots = ThreadSlots()
        try:
            # The library is to see what is current here, also under it: a job cannot wait for itself.
            if _told.is_inside(self):
                slots.set(library.dcc_job_set_current, self.handle)
            return native(wait_for_end)(self.handle, timeout)
        finally:
            slots.unwind()

    def begin(self) -> bool:
        """Begins a pending job. False: it was cancelled before; acknowledge that instead."""
        return self._moved(library.dcc_job_begin(self.handle))

    def complete(self) -> bool:
        """Ends it as completed. Of the calls that end a job one is the first; whether this was."""
        return self._moved(library.dcc_job_complete(self.handle))

    def fail(self, message: Optional[str] = None) -> bool:
        """Ends it as failed, as `complete`."""
        text, length = text_in(message, "message")
        return self._moved(library.dcc_job_fail(self.handle, text, length))

    def acknowledge_cancel(self) -> bool:
        """Ends it as cancelled, as `complete`: it saw that it was asked to stop, and stopped."""
        return self._moved(library.dcc_job_acknowledge_cancel(self.handle))

    def interrupt(self, message: Optional[str] = None) -> bool:
        """Ends it as interrupted, from outside, as `complete`. Cancel it too, so that it sees it."""
        text, length = text_in(message, "message")
        return self._moved(library.dcc_job_interrupt(self.handle, text, length))

    def seal(self) -> bool:
        """Lets it pass its point of no return. True: go ahead, no cancel reaches it any more.

        False: a cancel was first, or it has ended; leave out what cannot be taken back. Both sides are told
        the same: a later `cancel` answers False, `cancelled` stays False, the peer of its request gets the
        result. Sealed, it ends as completed, failed or interrupted.
        """
        if not self._is_native() and self.cancelled:
            return False
        status = self._allowed(library.dcc_job_seal(self.handle))
        if status == c.DCC_CANCELLED_BY_JOB:
            _told.note_told(self)
        return status == c.DCC_OK

    @property
    def is_sealed(self) -> bool:
        """Whether it has passed its point of no return, also after its end."""
        return checked(library.dcc_job_is_sealed(self.handle)) > 0

    def commit(self) -> shield:
        """Does what cannot be taken back: seals it, or raises DccMcpCancelledError if a cancel was first.

            with job.commit():
                scene.undo_push("Smooth")
                mesh.set_points(smoothed)

        The block stands behind a `shield`. An error that leaves it leaves the job, which fails. The call
        alone seals, too. Of a job that has ended, or has not begun, it is a WrongStateError.
        """
        if not self.seal():
            if self.cancelled:
                raise _cancelled_error(JOB_TEXT)
            text = "nothing can be committed for a job that is %s" % self.state
            raise WrongStateError(text, c.DCC_ERROR_WRONG_STATE)
        return shield()

    def _moved(self, status: int) -> bool:
        """Whether a call has changed the state."""
        return self._allowed(status) == c.DCC_OK

    def _allowed(self, status: int) -> int:
        """The status of a call; where the state does not allow that, the error says what to do."""
        if status == c.DCC_ERROR_WRONG_STATE:
            if self.state == "pending":
                advice = "; begin it first, by `with job:` or job.begin()"
            elif self.has_ended:
                advice = "; a job runs once, make a new one"
            else:
                advice = "; it has begun already"
            error = error_of(status)
            raise type(error)("%s%s" % (error, advice), status)
        return checked(status)

    @property
    def failure(self) -> str:
        """Why it failed or was interrupted, or what a cancelled one gave up with, else ""."""
        return text_from(library.dcc_job_failure, self.handle)[0]

    def set_progress(
        self, done: int, total: Optional[int] = None, message: Optional[str] = None
    ) -> bool:
        """Notes how far a running job is, in whole units, and answers whether to stop.

        In a step of `progress` of this job it is noted how far that is. Below `shield` it answers False.
        While the job's polls are traced the place of the call is noted, as that of a native poll.
        """
        text, length = text_in(message, "message")
        done, of = whole(done, "done", 64), whole(0 if total is None else total, "total", 64)
        file, line = self._place(2)
        slots = ThreadSlots()
        try:
            share = _current_share.get()
            if share is not None:
                slots.set(library.dcc_progress_set_current, share.handle)
            status = library.dcc_job_set_progress_at(self.handle, done, of, text, length, file, line)
            is_shielded = current_job.get(UNSET) is None
            return self._allowed(status) > 0 and not is_shielded
        finally:
            slots.unwind()

    def _place(self, depth: int) -> Tuple[Optional[bytes], int]:
        """Where the caller's caller stands, if somebody wants to know."""
        if self._word.value == self._expected:
            return None, 0
        frame = sys._getframe(depth)
        return frame.f_code.co_filename.encode("utf-8", "replace"), frame.f_lineno

    def _read_progress(self) -> c.JobProgress:
        info = c.JobProgress(struct_size=ctypes.sizeof(c.JobProgress))
        checked(library.dcc_job_read_progress(self.handle, ctypes.byref(info)))
        return info

    @property
    def fraction(self) -> float:
        """How far its bar is, from 0 to 1: never less than before, and 1 only when it has completed."""
        fraction: float = self._read_progress().fraction
        return fraction

    @property
    def time_left(self) -> Optional[Seconds]:
        """About how long it still takes; None while nothing can be said."""
        return seconds(self._read_progress().time_left_ns)

    @property
    def progress(self) -> Progress:
        """How far it is: done, total (None while unknown), message.

        In millionths of its bar, once it has shares, see `progress`, or its total has changed.
        """
        info = self._read_progress()
        message = text_from(library.dcc_job_progress_message, self.handle)[0]
        return Progress(info.done, info.total or None, message)

    def trace(self, on: bool = True) -> None:
        """Switches its poll trace on or off: each poll then notes where and when it was; see `poll_gap`."""
        checked(library.dcc_job_trace(self.handle, flag(on, "on")))

    def poll_gap(self) -> Optional[PollGap]:
        """Where it forgets to poll; None: it was not traced, or polled less than twice."""
        gap = c.PollGap(struct_size=ctypes.sizeof(c.PollGap))
        status = checked(library.dcc_job_poll_gap(self.handle, ctypes.byref(gap)))
        if status == c.DCC_NOT_FOUND:
            return None
        return PollGap(
            gap.gap_ns / 1e9,
            gap.from_file.decode("utf-8", "replace"),
            gap.from_line,
            gap.to_file.decode("utf-8", "replace"),
            gap.to_line,
            gap.thread,
            gap.polls,
        )

    def threads(self) -> List[JobThread]:
        """What is known of its threads, at most 64: of those that saw a cancel, or polled while traced."""
        room = (c.JobThread * 64)()
        count = ctypes.c_size_t()
        size = ctypes.sizeof(c.JobThread)
        checked(library.dcc_job_threads(self.handle, room, size, len(room), ctypes.byref(count)))
        return [
            JobThread(
                raw.thread,
                seconds(raw.cancel_to_seen_ns),
                raw.polls,
                raw.last_poll_at_ns / 1e9 if raw.last_poll_at_ns else None,
                raw.longest_gap_ns / 1e9,
            )
            for raw in room[: count.value]
        ]

    def __enter__(self: J) -> J:
        if not self.begin():
            self.acknowledge_cancel()
            raise _cancelled_error(JOB_TEXT)
        self._resets.append((current_job.set(self), _told.begin(self)))
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        reset, told = self._resets.pop()
        try:
            reset_current_job(reset)
        except (RuntimeError, ValueError):
            # In another context than the begin: a generator was left half-way, and is closed elsewhere.
            self._end(error, told.is_told)
            raise
        self._end(error, _told.end(told, error))
        if self.state == "cancelled":
            _told.hand_on(told, error)

    async def __aenter__(self: J) -> J:
        self.__enter__()
        self._ties.append(_asyncio.Tie(self))
        return self

    async def __aexit__(
        self, kind: object, error: Optional[BaseException], trace: object
    ) -> None:
        is_ours = self._ties.pop().end(error)
        self.__exit__(kind, error, trace)
        if is_ours:
            raise _cancelled_error(JOB_TEXT) from error

    def _end_event(self) -> int:
        """A native event of its end, which the caller closes."""
        event = ctypes.c_ssize_t()
        checked(library.dcc_job_native_event(self.handle, ctypes.byref(event)))
        return event.value

    def __await__(self) -> Generator[Any, None, State]:
        return _asyncio.end_of(self).__await__()

    def updates(self, interval: Seconds = 0.1) -> AsyncIterator[Progress]:
        """Its progress in `async for`, each time that it has changed; until its end, looked at again every
        `interval` seconds."""
        checked_interval(interval)
        return _asyncio.updates_of(self, interval)

    def _end(self, error: Optional[BaseException], was_told: bool = False) -> None:
        if error is None:
            self.complete()
        elif is_cancellation(error):
            if not is_own_cancellation(error):
                # Nobody has told the job, nor what works for it.
                self.cancel("its task was cancelled")
            self.acknowledge_cancel()
        else:
            self._end_by_error(error, was_told)

    def _end_by_error(self, error: BaseException, was_told: bool = False) -> None:
        """Ends it as failed, or as cancelled if its code was told to stop before: so a library gives up."""
        text, length = text_in(failure_text(error), "the error")
        told = 1 if was_told else 0
        checked(library.dcc_job_end_by_error(self.handle, told, text, length))

    def __dcc_cancel_token__(self) -> Optional[int]:
        handle: Optional[int] = library.dcc_job_token(self.handle) if self._is_native() else None
        return handle

    def __dcc_job__(self) -> Optional[int]:
        return self.handle if self._is_native() else None

    def __repr__(self) -> str:
        return "Job(%s)" % self._inside(
            lambda: "%r, %s, cancelled=%s" % (self.label, self.state, self.cancelled)
        )

    # A job is there whether or not it is cancelled.
    def __bool__(self) -> bool:
        return True


def failure_text(error: BaseException) -> str:
    """What a failed job says of an exception, within the library's bounds."""
    try:
        text = "%s: %s" % (type(error).__name__, error)
    except Exception:
        # It cannot say.
        text = type(error).__name__
    return fitting_text(text)
