"""What was posted to a dispatcher: its function, its job, and the future of its result."""

import concurrent.futures
import contextvars
import inspect
import threading
import weakref

from . import _asyncio
from . import _declarations as c
from ._callbacks import kept, report
from ._library import library
from ._status import checked
from .context import _current_token, current_job
from .errors import (
    JOB_TEXT,
    DccCancelError,
    JobInterruptedError,
    WouldDeadlockError,
    _cancelled_future_error,
    is_cancellation,
    is_own_cancellation,
)
from .job import Job


class Posting(concurrent.futures.Future):
    """The future of a posted callable, and its `job`.

    It is done when the job's completion has run, on the dispatcher's thread. A job that ended as
    cancelled is a cancelled future: its result raises what both DccMcpCancelledError and
    concurrent.futures.CancelledError catch. What the callable raised otherwise is the future's exception.
    `await posting` gives the result in asyncio; a task that is cancelled meanwhile asks the job to stop.
    """

    def __init__(self, dispatcher, function, arguments, token, parent):
        super().__init__()
        self._dispatcher = weakref.ref(dispatcher)
        self._call = (function, arguments)
        # The token as it was given, and what is native of it: itself, or what follows it.
        self._token = token
        self._parent = parent
        self._context = contextvars.copy_context()
        self._generator = None
        self._value = None
        self._error = None

    # What the dispatcher and the library call.

    def _take_job(self, handle):
        """Its job, of which the caller gives a reference away. Both who posts and who runs tell it."""
        return self.__dict__.setdefault("job", Job._owning(handle, self._parent))

    def _job_of(self, handle):
        job = self.__dict__.get("job")
        if job is None:
            checked(library.dcc_job_retain(handle))
            job = self._take_job(handle)
        return job

    def _slice(self, handle):
        """Runs the callable, or its next slice; the answer for the library."""
        job = self._job_of(handle)
        try:
            is_over = self._context.run(self._step, job)
        except BaseException as error:
            self._error = error
            if is_cancellation(error):
                return c.DCC_CANCELLED_BY_JOB if job.cancelled else c.DCC_CANCELLED_BY_TOKEN
            job._end_by_error(error)
            dispatcher = self._dispatcher()
            if isinstance(error, KeyboardInterrupt) and dispatcher is not None:
                # Ctrl-C is for whoever runs the event loop, not for this job alone.
                dispatcher._interrupt = error
            return c.DCC_ERROR_INTERNAL
        return c.DCC_OK if is_over else c.DCC_RUN_AGAIN

    def _step(self, job):
        if self._generator is None:
            # This context is the posting's own, so there is nothing to reset.
            _current_token.set(self._token)
            current_job.set(job)
            function, arguments = self._call
            self._value = function(*arguments)
            _asyncio.refuse_coroutine(self._value, function)
            if not inspect.isgenerator(self._value):
                return True
            self._generator, self._value = self._value, None
        try:
            next(self._generator)
        except StopIteration as end:
            self._value = end.value
            return True
        return False

    def _completed(self, handle, state):
        """The job is over."""
        self._job_of(handle)
        self._drop_callable()
        if state == c.DCC_JOB_CANCELLED:
            super().cancel()
            self.set_running_or_notify_cancel()
        elif state == c.DCC_JOB_COMPLETED:
            self.set_result(self._value)
        else:
            self.set_exception(self._failure(state))

    def _drop_callable(self):
        if self._generator is not None:
            try:
                # Its `finally` blocks, if it was cancelled between two slices.
                self._context.run(self._generator.close)
            except BaseException:
                report("closing %r" % (self._generator,))
        self._generator = self._call = self._context = None

    def _failure(self, state):
        if self._error is not None and state != c.DCC_JOB_INTERRUPTED:
            return self._error
        text = self.job.failure
        if state == c.DCC_JOB_INTERRUPTED:
            return JobInterruptedError(text or "the job was ended before it had a result")
        return DccCancelError(text or "the job failed")

    def _outcome(self, state):
        """The result of a job that is over, also where its completion is still to run."""
        if state == c.DCC_JOB_COMPLETED:
            return self._value
        raise self._cancelled() if state == c.DCC_JOB_CANCELLED else self._failure(state)

    def _cancelled(self):
        """The exception of a job that ended as cancelled."""
        own = is_own_cancellation(self._error)
        error = _cancelled_future_error(str(self._error) if own else JOB_TEXT)
        error.__cause__ = self._error
        return error

    def _destroyed(self):
        """The library is done with it; its completion may have been left out by a closed owner."""
        if not self.done():
            self._drop_callable()
            text = "the job was given up: its dispatcher's thread did not complete it in time"
            self.set_exception(JobInterruptedError(text))

    # What a future offers.

    def cancel(self, reason=""):
        """Asks the job to stop. Whether that was not too late; it may complete all the same.

        One that waits for its turn never runs. The future is done after the next pump.
        """
        if self.done():
            return self.cancelled()
        self.job.cancel(reason)
        return self.job.cancelled

    def running(self):
        """Whether it has begun and is not over."""
        return not self.done() and self.job.state == "running"

    def result(self, timeout=None):
        """As of any future. On the dispatcher's own thread it must be done already."""
        self._check_thread()
        try:
            return super().result(timeout)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from self._error

    def exception(self, timeout=None):
        """As of any future. On the dispatcher's own thread it must be done already."""
        self._check_thread()
        try:
            return super().exception(timeout)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from self._error

    def __await__(self):
        return _asyncio.completion_of(self).__await__()

    def _check_thread(self):
        dispatcher = self._dispatcher()
        if (
            dispatcher is not None
            and dispatcher._thread == threading.get_ident()
            and not self.done()
        ):
            raise WouldDeadlockError(
                "the thread that pumps the dispatcher would wait for itself; use add_done_callback,"
                " or post_and_wait, which runs the job at once there"
            )

    def __reduce_ex__(self, protocol):
        raise TypeError("a Posting belongs to its process and cannot be copied or pickled")


@c.JobFn
def run(job, key):
    """Called by the library."""
    posting = None
    try:
        posting = kept(key)
        return posting._slice(job)
    except BaseException as error:
        report("running %r" % (posting,))
        if posting is not None:
            posting._error = error
        return c.DCC_ERROR_INTERNAL


@c.CompletionFn
def complete(job, state, key):
    """Called by the library."""
    posting = None
    try:
        posting = kept(key)
        posting._completed(job, state)
    except BaseException:
        report("completing %r" % (posting,))
