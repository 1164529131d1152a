"""Posting: a callable that was posted to a dispatcher, its job, and the future of its result.

Three calls may settle the future: a run of the callable, a cancel before the callable was called, and the end
of a job that was never called. The first one that claims the future settles it, see `_is_taken_by`.
"""

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
    """The class of `when_woken`, the value that a generator yields to sleep."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "dcc_cancel.when_woken"

    # A copy or an unpickled one must be the same object, because it is recognized by `is`.
    def __reduce__(self) -> str:
        return "when_woken"


#: A posted generator that yields this sleeps until `wake` of its job is called. No tick spends time on it.
#: The thread that wakes it makes visible what the generator waits for, and then calls `wake`. With that order
#: `while not ready(): yield when_woken` misses no wake.
when_woken: _WhenWoken = _WhenWoken()


_NEVER_TEXT = "the job never ends: the thread of its dispatcher has ended without a last pump or close"


class Posting(Future[T]):
    """The future of a posted callable, and its `job`. Dispatcher.post makes it.

    Any thread may call any method. The future is done when the job's completion has run, on the dispatcher's
    thread. If the job is cancelled before its callable was called, the callable is never called, and the
    future is done at once. Its callbacks then run on the thread that cancels; for a deadline and for a peer's
    message they run on a thread of the library.

    If the job ended as cancelled, the future is cancelled. Its result raises an error that handlers of
    DccMcpCancelledError and of concurrent.futures.CancelledError catch. Any other error of the callable is
    the future's exception. `await posting` gives the result in asyncio. If the awaiting task is cancelled,
    the job is asked to stop.
    """

    #: The job that runs the callable.
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
        # Dropped, like the context, once the job is over, so that the future keeps no more than the result.
        self._call: Optional[Tuple[Callable[..., Any], Tuple[Any, ...]]] = (function, arguments)
        # The token that the callable finds current, as it was given.
        self._token = token
        # The objects through which cancels reach the job, kept alive.
        self._parent = parent
        self._context: Optional[contextvars.Context] = contextvars.copy_context()
        self._generator: Optional[Generator[Any, Any, Any]] = None
        self._value: Any = None
        self._error: Optional[BaseException] = None
        self._registration: Optional[int] = None

    # These methods are for the dispatcher and for the library.

    def _take_job(self, handle: int) -> Job:
        """Sets the job, unless it is set, and takes the caller's reference to it.

        The thread that posts and the thread that runs the callable both call this, in any order. `setdefault`
        of a dict is atomic, so one object wins.
        """
        job: Job = self.__dict__.setdefault("job", Job._owning(handle, self._parent))
        return job

    def _job_of(self, handle: int) -> Job:
        job: Optional[Job] = self.__dict__.get("job")
        if job is None:
            checked(library.dcc_job_retain(handle))
            job = self._take_job(handle)
        return job

    def _is_taken_by(self, who: str) -> bool:
        """Whether `who` settles the future: "run", "cancel" or "end". The first one that asks does."""
        return bool(self.__dict__.setdefault("_taken_by", who) == who)

    def _hear_early_cancel(self) -> None:
        """Registers a callback of the job's token that settles the future if the callable was not called."""
        key = keep(_Early(self))
        token = library.dcc_job_token(self.job.handle)
        out = ctypes.c_void_p()
        by = owner()
        if library.dcc_cancel_token_register(token, early, key, destroy, by, ctypes.byref(out)) < 0:
            # Without the callback a cancel settles the future in the next pump.
            forget(key)
        self._registration = out.value

    def _cancelled_early(self) -> None:
        if self._is_taken_by("cancel"):
            super().cancel()
            self.set_running_or_notify_cancel()

    def _slice(self, handle: int) -> int:
        """Runs the callable or its next slice, and gives the answer for the library."""
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
                # Ctrl-C is meant for the program that pumps, not for this job alone.
                dispatcher._interrupt = error
            return c.DCC_ERROR_INTERNAL

    def _step(self, job: Job) -> int:
        is_first = self._generator is None
        if self._generator is None:
            # The context is a copy that only this posting uses, so nothing has to be reset.
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
                # The error is raised at the generator's `yield`. The generator undoes its work, or returns a
                # part of it as the result.
                given = self._generator.throw(_cancelled_error(JOB_TEXT))
            else:
                given = next(self._generator)
        except StopIteration as end:
            self._value = end.value
            return c.DCC_OK
        return c.DCC_RUN_WHEN_WOKEN if given is when_woken else c.DCC_RUN_AGAIN

    def _completed(self, handle: int, state: int) -> None:
        """Settles the future, because the job is over. The library calls it, on the dispatcher's thread."""
        self._job_of(handle)
        self._drop_callable()
        if self._registration:
            library.dcc_registration_unregister_no_wait(self._registration)
        if not self._is_taken_by("run") and not self._is_taken_by("end"):
            # An early cancel has settled the future.
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
                # Runs the generator's `finally` blocks. It is still open if a close of the dispatcher has
                # ended the job, or if it has yielded once more after its cancel.
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
        """The result of a job that is over, even if its completion has not run yet; or its error, raised."""
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
        """The library uses the posting no more. A close of the owner may have left out the completion."""
        if not self.done() and (self._is_taken_by("run") or self._is_taken_by("end")):
            self._drop_callable()
            text = "the job was given up: its dispatcher's thread did not complete it in time"
            self.set_exception(JobInterruptedError(text))

    # These methods are those of every future.

    def cancel(self, reason: Optional[str] = None) -> bool:
        """Asks the job to stop. Whether that was not too late. A job that runs may still complete.

        A job that waits for its turn never runs, and its future is done at once. A job that has begun is done
        after a pump.
        """
        if self.done():
            return self.cancelled()
        self.job.cancel(reason)
        return self.job.cancelled

    def running(self) -> bool:
        """Whether the job has begun and is not over."""
        return not self.done() and self.job.state == "running"

    def result(self, timeout: Optional[Seconds] = None) -> T:
        """Waits for the result for at most `timeout` seconds and returns it, or raises the callable's error.

        TimeoutError of concurrent.futures: the job was not over in time. WouldDeadlockError: this is the
        dispatcher's own thread, and the future is not done. JobInterruptedError: the job was ended from
        outside; or it can never end, because the dispatcher's thread has ended; or the wait ended as
        described at CancelToken.wait.
        """
        self._wait(timeout)
        try:
            return super().result(0)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from self._error

    def exception(self, timeout: Optional[Seconds] = None) -> Optional[BaseException]:
        """Waits as `result` does, and returns the callable's error, or None. It raises as `result` does."""
        self._wait(timeout)
        try:
            return super().exception(0)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from self._error

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Calls `fn(posting)` when the future is done; at once, on this thread, if it is done already."""
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
        """Waits until the future is done, for at most `span` nanoseconds. A status of the library."""
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
    """The user data of the callback for an early cancel. It does not keep the posting alive."""

    __slots__ = ("posting",)

    def __init__(self, posting: Posting[Any]) -> None:
        self.posting = weakref.ref(posting)


def _early(token: int, key: int) -> None:
    """The library calls it when the job's token is cancelled."""
    posting: Optional[Posting[Any]] = None
    try:
        posting = kept(key).posting()
        if posting is not None:
            posting._cancelled_early()
    except BaseException:
        report("cancelling %r" % (posting,))


early = c.CancelFn(_early)


def _run(job: int, key: int) -> int:
    """The library calls it for each slice of the job."""
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
    """The library calls it once when the job is over."""
    posting: Optional[Posting[Any]] = None
    try:
        posting = kept(key)
        assert posting is not None
        posting._completed(job, state)
    except BaseException:
        report("completing %r" % (posting,))


complete = c.CompletionFn(_complete)
