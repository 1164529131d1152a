"""What was posted to a dispatcher: its function, its job, and the future of its result."""

from __future__ import annotations

import concurrent.futures
import contextvars
import ctypes
import inspect
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Generator, NoReturn, Optional, Tuple

from . import _asyncio
from . import _declarations as c
from ._arguments import callable_in, nanoseconds
from ._callbacks import destroy, forget, keep, kept, owner, report
from ._library import library
from ._status import checked
from ._types import UNSET, Future, Seconds, T
from ._waiting import waited
from .context import _current_token, current_job
from .errors import (
    JOB_TEXT,
    DccCancelError,
    JobInterruptedError,
    WouldDeadlockError,
    _cancelled_error,
    _cancelled_future_error,
    is_cancellation,
    is_own_cancellation,
)
from .job import Job


if TYPE_CHECKING:
    from .dispatcher import Dispatcher


class _WhenWoken:
    """What a generator yields to sleep."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "dcc_cancel.when_woken"

    # There is one, whose identity counts.
    def __reduce__(self) -> str:
        return "when_woken"


#: A posted generator that yields this sleeps until `wake` of its job is called, and costs no tick anything.
#: Make what it waits for visible, then wake: `while not ready(): yield when_woken` misses no wake.
when_woken: _WhenWoken = _WhenWoken()


_NEVER_TEXT = "the job never ends: the thread of its dispatcher has ended without a last pump or close"


class Posting(Future[T]):
    """The future of a posted callable, and its `job`.

    It is done when the job's completion has run, on the dispatcher's thread; or at once if the job is
    cancelled before its callable was called, which then never is: on the thread that cancels, for a deadline
    and a peer's message on one of the library. A job that ended as cancelled is a cancelled future: its
    result raises what both DccMcpCancelledError and concurrent.futures.CancelledError catch. What the
    callable raised otherwise is the future's exception.
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
        self._registration: Optional[int] = None

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

    def _is_taken_by(self, who: str) -> bool:
        """Whether this one settles the future: a run, an early cancel or an end. The first one does."""
        return bool(self.__dict__.setdefault("_taken_by", who) == who)

    def _hear_early_cancel(self) -> None:
        """Lets a cancel settle the future as long as the callable was not called."""
        key = keep(_Early(self))
        token = library.dcc_job_token(self.job.handle)
        out = ctypes.c_void_p()
        by = owner()
        if library.dcc_cancel_token_register(token, early, key, destroy, by, ctypes.byref(out)) < 0:
            # The next pump tells of a cancel.
            forget(key)
        self._registration = out.value

    def _cancelled_early(self) -> None:
        if self._is_taken_by("cancel"):
            super().cancel()
            self.set_running_or_notify_cancel()

    def _slice(self, handle: int) -> int:
        """Runs the callable, or its next slice; the answer for the library."""
        job = self._job_of(handle)
        if not self._is_taken_by("run"):
            return c.DCC_CANCELLED_BY_JOB
        try:
            assert self._context is not None
            return self._context.run(self._step, job)
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

    def _step(self, job: Job) -> int:
        is_first = self._generator is None
        if self._generator is None:
            # This context is the posting's own, so there is nothing to reset.
            if self._token is not UNSET:
                _current_token.set(self._token)
            current_job.set(job)
            assert self._call is not None
            function, arguments = self._call
            self._value = function(*arguments)
            _asyncio.refuse_coroutine(self._value, function)
            if not inspect.isgenerator(self._value):
                return c.DCC_OK
            self._generator, self._value = self._value, None
        try:
            if not is_first and job.cancelled:
                # At its `yield`: it undoes its work, or returns a part of it.
                given = self._generator.throw(_cancelled_error(JOB_TEXT))
            else:
                given = next(self._generator)
        except StopIteration as end:
            self._value = end.value
            return c.DCC_OK
        return c.DCC_RUN_WHEN_WOKEN if given is when_woken else c.DCC_RUN_AGAIN

    def _completed(self, handle: int, state: int) -> None:
        """The job is over."""
        self._job_of(handle)
        self._drop_callable()
        if self._registration:
            library.dcc_registration_unregister_no_wait(self._registration)
        if not self._is_taken_by("run") and not self._is_taken_by("end"):
            # An early cancel has settled it.
            return
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
                # Its `finally` blocks, if a close has ended it, or it yields after its cancel.
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
        if not self.done() and (self._is_taken_by("run") or self._is_taken_by("end")):
            self._drop_callable()
            text = "the job was given up: its dispatcher's thread did not complete it in time"
            self.set_exception(JobInterruptedError(text))

    # What a future offers.

    def cancel(self, reason: Optional[str] = None) -> bool:
        """Asks the job to stop. Whether that was not too late; it may complete all the same.

        One that waits for its turn never runs, and its future is done at once; one that has begun is done
        after a pump.
        """
        if self.done():
            return self.cancelled()
        self.job.cancel(reason)
        return self.job.cancelled

    def running(self) -> bool:
        """Whether it has begun and is not over."""
        return not self.done() and self.job.state == "running"

    def result(self, timeout: Optional[Seconds] = None) -> T:
        """As of any future. On the dispatcher's own thread it must be done already.

        JobInterruptedError, too: it never will be, as the dispatcher's thread has ended, or the interpreter
        exits, or the loop of this thread, see CancelToken.wait.
        """
        self._wait(timeout)
        try:
            return super().result(0)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from self._error

    def exception(self, timeout: Optional[Seconds] = None) -> Optional[BaseException]:
        """As of any future. On the dispatcher's own thread it must be done already.

        JobInterruptedError, too: it never will be, as the dispatcher's thread has ended, or the interpreter
        exits, or the loop of this thread, see CancelToken.wait.
        """
        self._wait(timeout)
        try:
            return super().exception(0)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from self._error

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """As of any future: calls `fn(posting)` when it is done, at once if it is."""
        callable_in(fn, "fn")
        super().add_done_callback(fn)

    def __await__(self) -> Generator[Any, None, T]:
        return _asyncio.completion_of(self).__await__()

    def _wait(self, timeout: Optional[Seconds]) -> None:
        nanoseconds(timeout, "timeout")
        self._check_thread()
        status = waited(self._settled, timeout)
        if status == c.DCC_NEVER:
            raise JobInterruptedError(_NEVER_TEXT)
        if status == c.DCC_TIMED_OUT and timeout is None:
            raise JobInterruptedError("the job was not over when the interpreter or the loop ended")

    def _settled(self, span: int) -> int:
        """Waits so many nanoseconds until it is done."""
        over, _ = concurrent.futures.wait([self], span / 1e9)
        if over:
            return c.DCC_OK
        return c.DCC_NEVER if self._never_ends() else c.DCC_TIMED_OUT

    def _never_ends(self) -> bool:
        is_never: bool = library.dcc_job_wait(self.job.handle, 0) == c.DCC_NEVER
        return is_never

    def _check_that_it_ends(self) -> None:
        if not self.done() and self._never_ends():
            raise JobInterruptedError(_NEVER_TEXT)

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
        raise TypeError("this Posting belongs to its process and cannot be copied or pickled")


class _Early:
    """A posting that an early cancel settles; whoever has the posting keeps it."""

    __slots__ = ("posting",)

    def __init__(self, posting: Posting[Any]) -> None:
        self.posting = weakref.ref(posting)


def _early(token: int, key: int) -> None:
    """Called by the library."""
    posting: Optional[Posting[Any]] = None
    try:
        posting = kept(key).posting()
        if posting is not None:
            posting._cancelled_early()
    except BaseException:
        report("cancelling %r" % (posting,))


early = c.CancelFn(_early)


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
