"""Job: one unit of a host's work."""

import collections
import ctypes

from . import _asyncio, _told
from . import _declarations as c
from ._handle import Polled, created
from ._library import library
from ._status import checked, text_from, text_in, whole
from ._waiting import wait_for
from .context import current_job, reset_current_job
from .errors import JOB_TEXT, _cancelled_error, is_cancellation, is_own_cancellation
from .linking import parent_of
from .token import CancelToken

_STATES = {
    c.DCC_JOB_PENDING: "pending",
    c.DCC_JOB_RUNNING: "running",
    c.DCC_JOB_COMPLETED: "completed",
    c.DCC_JOB_FAILED: "failed",
    c.DCC_JOB_CANCELLED: "cancelled",
    c.DCC_JOB_INTERRUPTED: "interrupted",
}

Progress = collections.namedtuple("Progress", "done total message")


class Job(Polled):
    """A token plus id, label, state and progress.

    `label` is for people, `caller_id` your own id for it, `parent` what cancels it as well, see
    CancelToken. Cancelling only asks; the job itself ends, exactly once. As a context manager it is
    begun and made the current one, and ends with the block: completed; cancelled if the block was left by
    DccMcpCancelledError, by the CancelledError of asyncio or concurrent.futures, or, once `cancelled` or a
    native poll has told it to stop, by any error, as libraries raise one then; else failed.
    `async with` does that as well, and ties the job to the task: a cancel of the job cancels the task inside
    the block, which is then left by DccMcpCancelledError. `await job` waits for its end and gives its state.
    Any thread may call any method.
    """

    __slots__ = ("_token", "_caller_id", "_resets", "_ties")

    _release = library.dcc_job_release
    _question = library.dcc_job_is_cancelled

    def __init__(self, label="", caller_id=None, parent=None):
        self._handle = 0
        description = c.JobDesc(struct_size=ctypes.sizeof(c.JobDesc))
        description.label, description.label_length = text_in(label, "label")
        encoded, length = text_in(caller_id or None, "caller_id")
        description.caller_id, description.caller_id_length = encoded, length
        keeping, above = parent_of(parent)
        description.parent = above
        handle = created(library.dcc_job_create, ctypes.byref(description))
        self._fill(handle, keeping, caller_id or None)

    def _fill(self, handle, keeping, caller_id):
        self._handle = handle
        self._parents = keeping
        self._caller_id = caller_id
        self._token = None
        self._resets = []
        self._ties = []
        self._watch(library.dcc_job_token(handle))

    @classmethod
    def _owning(cls, handle, keeping=None):
        """A job of the library whose reference becomes this object's."""
        job = cls.__new__(cls)
        job._handle = handle
        text, _ = text_from(library.dcc_job_caller_id, handle)
        job._fill(handle, keeping, text or None)
        return job

    @classmethod
    def find(cls, id):
        """The live job with this `id`, or None."""
        out = ctypes.c_void_p()
        checked(library.dcc_job_find(whole(id, "id", 64), ctypes.byref(out)))
        return cls._owning(out.value) if out.value else None

    @property
    def id(self):
        """The library's number for it, unique in the process."""
        return library.dcc_job_id(self.handle)

    @property
    def job_id(self):
        """The caller's own id, or None; what `current_job_id` falls back to."""
        return self._caller_id

    caller_id = job_id

    @property
    def label(self):
        """What it is called, for people."""
        return text_from(library.dcc_job_label, self.handle)[0]

    @property
    def token(self):
        """Its token, cancelled when the job is: a parent for what works for it."""
        if self._token is None:
            handle = library.dcc_job_token(self.handle)
            self._token = CancelToken._borrowing(handle, self._parents)
        return self._token

    @property
    def has_ended(self):
        """Whether it is completed, failed, cancelled or interrupted."""
        return self.state not in ("pending", "running")

    @property
    def state(self):
        """pending, running, completed, failed, cancelled or interrupted."""
        state = ctypes.c_int32()
        checked(library.dcc_job_state(self.handle, ctypes.byref(state)))
        return _STATES[state.value]

    def cancel(self, reason=""):
        """Asks it to stop. Whether this call was the first, and not too late."""
        text, length = text_in(reason, "reason")
        status = checked(library.dcc_job_cancel(self.handle, text, length))
        if current_job.get() is self:
            # Its own code knows it now.
            _told.note_told()
        return status == c.DCC_OK

    def check(self):
        """Raises DccMcpCancelledError if it was asked to stop."""
        if self.cancelled:
            raise _cancelled_error(JOB_TEXT)

    @property
    def reason(self):
        """Why it was asked to stop: "" if nobody said, None if it was not."""
        return self.token.reason

    def wait(self, timeout=None):
        """Waits until it is asked to stop, as CancelToken.wait; not for its end."""
        return wait_for([library.dcc_job_token(self.handle)], timeout) is not None

    def begin(self):
        """Begins a pending job. False: it was cancelled before; acknowledge that instead."""
        return checked(library.dcc_job_begin(self.handle)) == c.DCC_OK

    def complete(self):
        """Ends it as completed. Of the calls that end a job one is the first; whether this was."""
        return checked(library.dcc_job_complete(self.handle)) == c.DCC_OK

    def fail(self, message=""):
        """Ends it as failed, as `complete`."""
        text, length = text_in(message, "message")
        return checked(library.dcc_job_fail(self.handle, text, length)) == c.DCC_OK

    def acknowledge_cancel(self):
        """Ends it as cancelled, as `complete`: it saw that it was asked to stop, and stopped."""
        return checked(library.dcc_job_acknowledge_cancel(self.handle)) == c.DCC_OK

    def interrupt(self, message=""):
        """Ends it as interrupted, from outside, as `complete`. Cancel it too, so that it sees it."""
        text, length = text_in(message, "message")
        return checked(library.dcc_job_interrupt(self.handle, text, length)) == c.DCC_OK

    @property
    def failure(self):
        """Why it failed or was interrupted, or what a cancelled one gave up with, else ""."""
        return text_from(library.dcc_job_failure, self.handle)[0]

    def set_progress(self, done, total=None, message=None):
        """Notes how far a running job is, in whole units, and answers whether to stop."""
        text, length = text_in(message, "message")
        done, total = whole(done, "done", 64), whole(total or 0, "total", 64)
        status = library.dcc_job_set_progress(self.handle, done, total, text, length)
        return checked(status) > 0

    @property
    def progress(self):
        """How far it is: done, total (None while unknown), message."""
        info = c.JobProgress(struct_size=ctypes.sizeof(c.JobProgress))
        checked(library.dcc_job_read_progress(self.handle, ctypes.byref(info)))
        message = text_from(library.dcc_job_progress_message, self.handle)[0]
        return Progress(info.done, info.total or None, message)

    def __enter__(self):
        if not self.begin():
            self.acknowledge_cancel()
            raise _cancelled_error(JOB_TEXT)
        self._resets.append((current_job.set(self), _told.begin()))
        return self

    def __exit__(self, kind, error, trace):
        reset, told_before = self._resets.pop()
        reset_current_job(reset)
        self._end(error, _told.end(told_before))

    async def __aenter__(self):
        self.__enter__()
        self._ties.append(_asyncio.Tie(self))
        return self

    async def __aexit__(self, kind, error, trace):
        is_ours = self._ties.pop().end(error)
        self.__exit__(kind, error, trace)
        if is_ours:
            raise _cancelled_error(JOB_TEXT) from error

    def __await__(self):
        return _asyncio.end_of(self).__await__()

    def updates(self, interval=0.1):
        """Its progress in `async for`, each time that it has changed; until its end, looked at again every
        `interval` seconds."""
        return _asyncio.updates_of(self, interval)

    def _end(self, error, was_told=False):
        if error is None:
            self.complete()
        elif is_cancellation(error):
            if not is_own_cancellation(error):
                # Nobody has told the job, nor what works for it.
                self.cancel("its task was cancelled")
            self.acknowledge_cancel()
        else:
            self._end_by_error(error, was_told)

    def _end_by_error(self, error, was_told=False):
        """Ends it as failed, or as cancelled if its code was told to stop before: so a library gives up."""
        text, length = text_in(failure_text(error), "the error")
        told = 1 if was_told else 0
        checked(library.dcc_job_end_by_error(self.handle, told, text, length))

    def __dcc_cancel_token__(self):
        return library.dcc_job_token(self.handle) if self._is_native() else None

    def __dcc_job__(self):
        return self.handle if self._is_native() else None

    def __repr__(self):
        if not self._handle:
            return "Job(closed)"
        return "Job(%r, %s, cancelled=%s)" % (self.label, self.state, self.cancelled)

    # A job is there whether or not it is cancelled.
    def __bool__(self):
        return True


def failure_text(error):
    """What a failed job says of an exception, within the library's bounds."""
    try:
        text = "%s: %s" % (type(error).__name__, error)
    except Exception:
        # It cannot say.
        text = type(error).__name__
    return text.encode("utf-8", "replace")[:4000].decode("utf-8", "ignore")
