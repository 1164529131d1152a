"""Job: one unit of a host's work, with a token, a state and progress."""

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
    """How far a job is, in whole units. `total` is None while it is unknown."""

    done: int
    total: Optional[int]
    message: str


class PollGap(NamedTuple):
    """The longest time between two polls of one thread, and the places of these two polls.

    `from_file` and `to_file` are "(begin)" for the start of the job, "(end)" for its end, and "(unknown)" for
    a poll that does not say where it stands, as those of Python. The line is 0 then.
    """

    seconds: Seconds
    from_file: str
    from_line: int
    to_file: str
    to_line: int
    #: The system's number of the thread.
    thread: int
    #: How often this thread polled.
    polls: int


class JobThread(NamedTuple):
    """What is known of one thread of a job. The last three fields are filled only while the job is traced."""

    #: The system's number of the thread.
    thread: int
    #: How long it took from the cancel to the thread's first poll that saw it. None: it has seen no cancel.
    cancel_to_seen: Optional[Seconds]
    #: How often the thread polled.
    polls: int
    #: When the thread polled last, on the library's clock, see `clock`. None: it has not polled.
    last_poll_at: Optional[Seconds]
    #: The longest time between two polls of the thread.
    longest_gap: Seconds


J = TypeVar("J", bound="Job")


class Job(Polled):
    """One unit of work: a token with an id, a label, a state and progress.

    Any thread may call any method. `label` is for people, `caller_id` is your own id for the job. A cancel of
    `parent` cancels the job as well, see CancelToken. Without `parent` the job is below the token and the job
    that are current where it is made. With `parent=None` it is below nothing.

    A cancel only asks. The job ends itself, exactly once. `with job:` begins the job, makes it current in the
    block, and ends it with the block:

    - completed, if no error leaves the block;
    - cancelled, if DccMcpCancelledError or the CancelledError of asyncio or concurrent.futures leaves it;
    - cancelled, if any other error leaves it after `cancelled` or a native poll has told the job to stop,
      because a library that is told to stop raises errors of its own;
    - failed, if any other error leaves it.

    If the job was cancelled before it began, `with job:` ends it as cancelled and raises
    DccMcpCancelledError. `async with job:` does the same, and a cancel of the job cancels the task inside the
    block, so that DccMcpCancelledError leaves the block. `await job` waits for the end of the job, as `wait`
    does, and gives its state.
    """

    __slots__ = ("_token", "_caller_id", "_resets", "_ties")

    _token: Optional[CancelToken]
    _caller_id: Optional[str]
    # One entry for each block of this job that is open: what was current before it, and whether the code in
    # it has been told to stop.
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
        """An object for a job of the library. The caller's reference becomes the object's."""
        job = cls.__new__(cls)
        job._handle = handle
        text, _ = text_from(library.dcc_job_caller_id, handle)
        job._fill(handle, keeping, text or None)
        return job

    @classmethod
    def find(cls, id: int) -> Optional[Job]:
        """The live job of the process with this `id`, native ones included, or None."""
        out = ctypes.c_void_p()
        checked(library.dcc_job_find(whole(id, "id", 64), ctypes.byref(out)))
        return cls._owning(out.value) if out.value else None

    @property
    def id(self) -> int:
        """The library's number for the job, unique in the process."""
        number: int = library.dcc_job_id(self.handle)
        return number

    @property
    def job_id(self) -> Optional[str]:
        """Your own id for the job, or None. `current_job_id` gives it if the token has none."""
        return self._caller_id

    @property
    def caller_id(self) -> Optional[str]:
        """The same as `job_id`."""
        return self._caller_id

    @property
    def label(self) -> str:
        """The name of the job, for people."""
        return text_from(library.dcc_job_label, self.handle)[0]

    @property
    def token(self) -> CancelToken:
        """The job's token, which is cancelled with it. Use it as a parent of what works for the job."""
        if self._token is None:
            handle = library.dcc_job_token(self.handle)
            self._token = CancelToken._borrowing(handle, self._parents)
        return self._token

    @property
    def has_ended(self) -> bool:
        """Whether the job is completed, failed, cancelled or interrupted."""
        return self.state not in ("pending", "running")

    @property
    def state(self) -> State:
        """The state: "pending", "running", "completed", "failed", "cancelled" or "interrupted".

        A job is pending until it begins. It is interrupted if it was ended from outside.
        """
        state = ctypes.c_int32()
        checked(library.dcc_job_state(self.handle, ctypes.byref(state)))
        return _STATES[state.value]

    def cancel(self, reason: Optional[str] = None) -> bool:
        """Asks the job to stop. Whether this call was the first to ask, and not too late.

        False: it was asked before, and the first `reason` stays; or it has ended or committed. The job ends
        itself, and may still complete. Callbacks of the cancel run on this thread before the call returns.
        """
        text, length = text_in(reason, "reason")
        status = checked(library.dcc_job_cancel(self.handle, text, length))
        if current_job.get() is self:
            # The code of the job cancels it, so that code knows that it is to stop.
            _told.note_told(self)
        return status == c.DCC_OK

    def wake(self) -> bool:
        """Lets a posted generator that has yielded `when_woken` go on, in its dispatcher's next tick.

        Any thread may call this, even inside callbacks of a cancel. A wake during a slice is kept: the
        generator does not fall asleep after that slice. False: the job was not posted.
        """
        status = library.dcc_job_wake(self.handle)
        return status != c.DCC_ERROR_WRONG_STATE and checked(status) == c.DCC_OK

    def check(self) -> None:
        """Raises DccMcpCancelledError if the job was asked to stop. Does nothing else."""
        if self.cancelled:
            raise _cancelled_error(JOB_TEXT)

    @property
    def reason(self) -> Optional[str]:
        """Why the job was asked to stop: "" if the cancel gave no reason, None if it was not asked."""
        return self.token.reason

    @property
    def cause(self) -> Optional[Cause]:
        """What kind of cancel it was: "request", "foreign" or "deadline", see CancelToken.cause, or None."""
        return self.token.cause

    def wait(self, timeout: Optional[Seconds] = None) -> bool:
        """Waits until the job has really ended, for at most `timeout` seconds. Whether it has.

        A posted job has ended when its completion has run. Use this to cancel a job, wait, and then free what
        it works on. To wait for its cancel use `token.wait`. Any thread may call this; other Python threads
        run meanwhile.

        False: the timeout passed, or the job can never end because its dispatcher's thread has ended, or the
        wait ended as described at CancelToken.wait. WouldDeadlockError: the end needs this thread, because
        this is the code of the job, or the thread that has to pump the job's dispatcher.
        """
        from ._native import native

        slots = ThreadSlots()
        try:
            # The library refuses that a job waits for itself, if it finds the job current. `native` makes the
            # innermost job current alone, so this job is set as well, below that one.
            if _told.is_inside(self):
                slots.set(library.dcc_job_set_current, self.handle)
            return native(wait_for_end)(self.handle, timeout)
        finally:
            slots.unwind()

    def begin(self) -> bool:
        """Begins a pending job. `with job:` does it for you.

        False: it was cancelled before it began. Call `acknowledge_cancel` and do not run it.
        WrongStateError: it is not pending.
        """
        return self._moved(library.dcc_job_begin(self.handle))

    def complete(self) -> bool:
        """Ends a running job as completed. Whether this call was the one that ended it.

        A cancel that came meanwhile changes nothing. WrongStateError: the job has not begun.
        """
        return self._moved(library.dcc_job_complete(self.handle))

    def fail(self, message: Optional[str] = None) -> bool:
        """Ends a pending or running job as failed. `message` says why. It answers as `complete` does."""
        text, length = text_in(message, "message")
        return self._moved(library.dcc_job_fail(self.handle, text, length))

    def acknowledge_cancel(self) -> bool:
        """Ends a pending or running job as cancelled: its code saw that it was asked to stop, and stopped.

        It answers as `complete` does. A job that has committed ends as failed, and the answer is False.
        """
        return self._moved(library.dcc_job_acknowledge_cancel(self.handle))

    def interrupt(self, message: Optional[str] = None) -> bool:
        """Ends a pending or running job from outside as interrupted, for instance because its host closes.

        It answers as `complete` does. The code of the job does not see this end, so cancel the job as well.
        """
        text, length = text_in(message, "message")
        return self._moved(library.dcc_job_interrupt(self.handle, text, length))

    def seal(self) -> bool:
        """Lets a running job pass its point of no return. True: go ahead, no cancel reaches it any more.

        False: a cancel was first, or the job has ended; leave out what cannot be taken back. If a cancel and
        a seal come at the same moment, one of them wins, and both callers get the matching answer.

        After a seal `cancel` answers False, `cancelled` stays False, and the peer of the request that the job
        works for gets the result. The job then ends as completed, failed or interrupted, never as cancelled.
        WrongStateError: the job has not begun.
        """
        if not self._is_native() and self.cancelled:
            return False
        status = self._allowed(library.dcc_job_seal(self.handle))
        if status == c.DCC_CANCELLED_BY_JOB:
            _told.note_told(self)
        return status == c.DCC_OK

    @property
    def is_sealed(self) -> bool:
        """Whether the job has passed its point of no return. Stays so after its end."""
        return checked(library.dcc_job_is_sealed(self.handle)) > 0

    def commit(self) -> shield:
        """Seals the job before it does what cannot be taken back. DccMcpCancelledError: a cancel was first.

            with job.commit():
                scene.undo_push("Smooth")
                mesh.set_points(smoothed)

        The call seals the job, and the block stands behind a `shield`, so nothing in it is cancelled. If an
        error leaves the block and the job's block, the job fails. WrongStateError: the job has ended, or has
        not begun. See `seal` for a race with a cancel, and for what follows.
        """
        if not self.seal():
            if self.cancelled:
                raise _cancelled_error(JOB_TEXT)
            text = "nothing can be committed for a job that is %s" % self.state
            raise WrongStateError(text, c.DCC_ERROR_WRONG_STATE)
        return shield()

    def _moved(self, status: int) -> bool:
        """Whether the call that answered this status has changed the job's state."""
        return self._allowed(status) == c.DCC_OK

    def _allowed(self, status: int) -> int:
        """The status of a call. If the job's state does not allow the call, the error says what to do."""
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
        """Why the job failed or was interrupted, or the error of a cancelled job's code; else ""."""
        return text_from(library.dcc_job_failure, self.handle)[0]

    def set_progress(
        self, done: int, total: Optional[int] = None, message: Optional[str] = None
    ) -> bool:
        """Notes how far a running job is, in whole units, and answers whether to stop.

        Any thread may call this. Inside a step of this job's `progress` the numbers are those of the step.
        `message` None keeps the previous message. Behind `shield` the answer is False. A smaller `done` with
        the same `total` is ignored. While the job is traced the call notes its place, as a poll does.
        WrongStateError: the job is not running.
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
        """The file and line of the frame at this depth, but only while the job is traced or cancelled."""
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
        """How far the job's bar is, from 0 to 1. It never falls, and is 1 only if the job has completed."""
        fraction: float = self._read_progress().fraction
        return fraction

    @property
    def time_left(self) -> Optional[Seconds]:
        """About how many seconds the job still takes; None while that cannot be estimated."""
        return seconds(self._read_progress().time_left_ns)

    @property
    def progress(self) -> Progress:
        """How far the job is: done, total (None while unknown), message.

        Once the job has shares, see `progress`, or its total has changed, units are millionths of its bar.
        """
        info = self._read_progress()
        message = text_from(library.dcc_job_progress_message, self.handle)[0]
        return Progress(info.done, info.total or None, message)

    def trace(self, on: bool = True) -> None:
        """Switches the job's poll trace on or off. While it is on, each poll notes its place and time.

        Any thread may call this, even while the job runs. `poll_gap` and `threads` show the notes, which stay
        until the trace is switched on again.
        """
        checked(library.dcc_job_trace(self.handle, flag(on, "on")))

    def poll_gap(self) -> Optional[PollGap]:
        """The longest gap between two polls of one thread, and its place: there the job forgets to poll.

        None: the job was not traced, or polled less than twice.
        """
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
        """What is known of the job's threads that saw a cancel or polled while traced; at most 64 of them."""
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
            # The block ends in another context than it began in: a generator that was left half-way is closed
            # elsewhere. What was told belongs to the context in which the block began, so it is not restored
            # here.
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
        """A native event that is set at the job's end. The caller closes it."""
        event = ctypes.c_ssize_t()
        checked(library.dcc_job_native_event(self.handle, ctypes.byref(event)))
        return event.value

    def __await__(self) -> Generator[Any, None, State]:
        return _asyncio.end_of(self).__await__()

    def updates(self, interval: Seconds = 0.1) -> AsyncIterator[Progress]:
        """Gives the job's progress in `async for` each time that it has changed, until the job has ended.

        It is looked at every `interval` seconds. For the task of an event loop.
        """
        checked_interval(interval)
        return _asyncio.updates_of(self, interval)

    def _end(self, error: Optional[BaseException], was_told: bool = False) -> None:
        if error is None:
            self.complete()
        elif is_cancellation(error):
            if not is_own_cancellation(error):
                # The task was cancelled, and not the job, so neither the job nor what works for it knows.
                self.cancel("its task was cancelled")
            self.acknowledge_cancel()
        else:
            self._end_by_error(error, was_told)

    def _end_by_error(self, error: BaseException, was_told: bool = False) -> None:
        """Ends the job as failed, or as cancelled if its code was told to stop before the error."""
        text, length = text_in(failure_text(error), "the error")
        told = 1 if was_told else 0
        checked(library.dcc_job_end_by_error(self.handle, told, text, length))

    def __dcc_cancel_token__(self) -> Optional[int]:
        handle: Optional[int] = library.dcc_job_token(self.handle) if self._is_native() else None
        return handle

    def __dcc_job__(self) -> Optional[int]:
        return self.handle if self._is_native() else None

    def __repr__(self) -> str:
        # `cancelled` would tell the code of the job to stop: a log line must not.
        return "Job(%s)" % self._inside(
            lambda: "%r, %s, cancelled=%s" % (self.label, self.state, self.cause is not None)
        )

    # The truth value of a job says that there is one, not whether it is cancelled, as that of a token does.
    def __bool__(self) -> bool:
        return True


def failure_text(error: BaseException) -> str:
    """The text that a failed job keeps of an exception, cut to the library's limit."""
    try:
        text = "%s: %s" % (type(error).__name__, error)
    except Exception:
        # The exception's own `__str__` has raised.
        text = type(error).__name__
    return fitting_text(text)
