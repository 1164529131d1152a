"""What was posted to a dispatcher: its function, its job, and the future of its result."""

from __future__ import annotations

import concurrent.futures
import contextvars
import inspect
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Generator, NoReturn, Optional, Tuple

from . import _asyncio
from . import _declarations as c
from ._arguments import callable_in, nanoseconds
from ._callbacks import kept, report
from ._library import library
from ._status import checked
from ._types import Future, Seconds, T
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


if TYPE_CHECKING:
    from .dispatcher import Dispatcher


class Posting(Future[T]):
    """The future of a posted callable, and its `job`.

    It is done when the job's completion has run, on the dispatcher's thread. A job that ended as
    cancelled is a cancelled future: its result raises what both DccMcpCancelledError and
    concurrent.futures.CancelledError catch. What the callable raised otherwise is the future's exception.
    `await posting` gives the result in asyncio; a task that is cancelled meanwhile asks the job to stop.
    """

    #: What was posted, as a job.
    job: Job

    def __init__(
        self,
        dispatcher: Dispatcher,
        function: Callable[..., Any],
        arguments: Tuple[Any, ...],
        token: Any,
        parent: Any,
    ) -> None:
        super().__init__()
        self._dispatcher = weakref.ref(dispatcher)
        # Gone, like the context, once the job is over.
        self._call: Optional[Tuple[Callable[..., Any], Tuple[Any, ...]]] = (function, arguments)
        # The token as it was given, and what is native of it: itself, or what follows it.
        self._token = token
        self._parent = parent
        self._context: Optional[contextvars.Context] = contextvars.copy_context()
        self._generator: Optional[Generator[Any, Any, Any]] = None
        self._value: Any = None
        self._error: Optional[BaseException] = None

    # What the dispatcher and the library call.

    def _take_job(self, handle: int) -> Job:
        """Its job, of which the caller gives a reference away. Both who posts and who runs tell it."""
        job: Job = self.__dict__.setdefault("job", Job._owning(handle, self._parent))
        return job

    def _job_of(self, handle: int) -> Job:
        job: Optional[Job] = self.__dict__.get("job")
        if job is None:
            checked(library.dcc_job_retain(handle))
            job = self._take_job(handle)
        return job

    def _slice(self, handle: int) -> int:
        """Runs the callable, or its next slice; the answer for the library."""
        job = self._job_of(handle)
        try:
            assert self._context is not None
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

    def _step(self, job: Job) -> bool:
        if self._generator is None:
            # This context is the posting's own, so there is nothing to reset.
            _current_token.set(self._token)
            current_job.set(job)
            assert self._call is not None
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

    def _completed(self, handle: int, state: int) -> None:
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

    def _drop_callable(self) -> None:
        if self._generator is not None and self._context is not None:
            try:
                # Its `finally` blocks, if it was cancelled between two slices.
                self._context.run(self._generator.close)
            except BaseException:
                report("closing %r" % (self._generator,))
        self._generator = self._call = self._context = None

    def _failure(self, state: int) -> BaseException:
        if self._error is not None and state != c.DCC_JOB_INTERRUPTED:
            return self._error
        text = self.job.failure
        if state == c.DCC_JOB_INTERRUPTED:
            return JobInterruptedError(text or "the job was ended before it had a result")
        return DccCancelError(text or "the job failed")

    def _outcome(self, state: int) -> Any:
        """The result of a job that is over, also where its completion is still to run."""
        if state == c.DCC_JOB_COMPLETED:
            return self._value
        raise self._cancelled() if state == c.DCC_JOB_CANCELLED else self._failure(state)

    def _cancelled(self) -> BaseException:
        """The exception of a job that ended as cancelled."""
        own = is_own_cancellation(self._error)
        error = _cancelled_future_error(str(self._error) if own else JOB_TEXT)
        error.__cause__ = self._error
        return error

    def _destroyed(self) -> None:
        """The library is done with it; its completion may have been left out by a closed owner."""
        if not self.done():
            self._drop_callable()
            text = "the job was given up: its dispatcher's thread did not complete it in time"
            self.set_exception(JobInterruptedError(text))

    # What a future offers.

    def cancel(self, reason: Optional[str] = None) -> bool:
        """Asks the job to stop. Whether that was not too late; it may complete all the same.

        One that waits for its turn never runs. The future is done after the next pump.
        """
        if self.done():
            return self.cancelled()
        self.job.cancel(reason)
        return self.job.cancelled

    def running(self) -> bool:
        """Whether it has begun and is not over."""
        return not self.done() and self.job.state == "running"

    def result(self, timeout: Optional[Seconds] = None) -> T:
        """As of any future. On the dispatcher's own thread it must be done already."""
        nanoseconds(timeout, "timeout")
        self._check_thread()
        try:
            return super().result(timeout)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from self._error

    def exception(self, timeout: Optional[Seconds] = None) -> Optional[BaseException]:
        """As of any future. On the dispatcher's own thread it must be done already."""
        nanoseconds(timeout, "timeout")
        self._check_thread()
        try:
            return super().exception(timeout)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from self._error

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """As of any future: calls `fn(posting)` when it is done, at once if it is."""
        callable_in(fn, "fn")
        super().add_done_callback(fn)

    def __await__(self) -> Generator[Any, None, T]:
        return _asyncio.completion_of(self).__await__()

    def _check_thread(self) -> None:
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

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Posting belongs to its process and cannot be copied or pickled")


def _run(job: int, key: int) -> int:
    """Called by the library."""
    posting: Optional[Posting[Any]] = None
    try:
        posting = kept(key)
        assert posting is not None
        return posting._slice(job)
    except BaseException as error:
        report("running %r" % (posting,))
        if posting is not None:
            posting._error = error
        return c.DCC_ERROR_INTERNAL


run = c.JobFn(_run)


def _complete(job: int, state: int, key: int) -> None:
    """Called by the library."""
    posting: Optional[Posting[Any]] = None
    try:
        posting = kept(key)
        assert posting is not None
        posting._completed(job, state)
    except BaseException:
        report("completing %r" % (posting,))


complete = c.CompletionFn(_complete)
