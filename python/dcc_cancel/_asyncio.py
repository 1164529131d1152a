"""Tokens, jobs and postings in asyncio, which is imported where it is used."""

from __future__ import annotations

import contextvars
import functools
import inspect
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Optional

from ._arguments import callable_in, wrong_type
from ._library import library
from ._types import CURRENT, Seconds, T
from .errors import ResourcesError

if TYPE_CHECKING:
    import concurrent.futures
    from asyncio import AbstractEventLoop, Future, Task

    from typing_extensions import Unpack

    from ._above import Parent
    from ._posting import Posting
    from ._types import Ts
    from .job import Job, Progress, State
    from .token import CancelToken

# How long a look at a job's end may be late where nothing tells of it.
_LOOK_AGAIN = 0.02


def _asyncio() -> Any:
    import asyncio

    return asyncio


def _call_in(loop: AbstractEventLoop, function: Callable[[], None]) -> None:
    """Calls a function in a loop, from any thread; not in one that is closed, where nobody waits any more."""
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        pass


class _Signal:
    """A future of the running loop that any thread may set."""

    def __init__(self) -> None:
        self.loop: AbstractEventLoop = _asyncio().get_running_loop()
        self.future: Future[None] = self.loop.create_future()

    def set(self) -> None:
        _call_in(self.loop, self.set_here)

    def set_here(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


async def cancel_of(token: CancelToken) -> Optional[str]:
    """Waits for the cancel of a token, and gives its reason."""
    signal = _Signal()
    registration = token.add_callback(signal.set)
    try:
        await signal.future
    finally:
        registration.unregister()
    return token.reason


async def completion_of(posting: Posting[T]) -> T:
    """Waits for a posting, which is asked to stop if the task is cancelled meanwhile."""
    posting._check_that_it_ends()
    signal = _Signal()
    posting.add_done_callback(lambda _: signal.set())
    try:
        await signal.future
    except _asyncio().CancelledError:
        posting.cancel("the task that waits for it was cancelled")
        raise
    return posting.result()


async def end_of(job: Job) -> State:
    """Waits for the end of a job, and gives its state."""
    if not job.wait(0) and not await _readable(job):
        while not job.wait(0):
            await _asyncio().sleep(_LOOK_AGAIN)
    return job.state


async def _readable(job: Job) -> bool:
    """Waits for the native event of a job's end. False: there is none left, or the loop has no readers."""
    try:
        event = job._end_event()
    except ResourcesError:
        return False
    signal = _Signal()
    try:
        try:
            signal.loop.add_reader(event, signal.set_here)
        except NotImplementedError:
            return False
        try:
            await signal.future
        finally:
            signal.loop.remove_reader(event)
    finally:
        library.dcc_native_event_close(event)
    return True


async def updates_of(job: Job, interval: Seconds) -> AsyncIterator[Progress]:
    """The progress of a job, each time that it has changed."""
    shown = None
    while True:
        has_ended = job.has_ended
        progress = job.progress
        if progress != shown:
            shown = progress
            yield progress
        if has_ended:
            return
        await _asyncio().sleep(interval)


class Tie:
    """Cancels the running task when a job is cancelled, until its end."""

    def __init__(self, job: Job) -> None:
        asyncio = _asyncio()
        self._task: Task[Any] = asyncio.current_task()
        self._loop: AbstractEventLoop = asyncio.get_running_loop()
        # How many cancels of the task are others' business.
        self._before = self._cancels()
        self._has_cancelled = False
        self._is_over = False
        self._registration = job.token.add_callback(self._on_cancel)

    def _cancels(self) -> int:
        # New in Python 3.11, like `uncancel`.
        count = getattr(self._task, "cancelling", None)
        return count() if count is not None else 0

    def _on_cancel(self) -> None:
        _call_in(self._loop, self._cancel_task)

    def _cancel_task(self) -> None:
        if not self._is_over:
            self._has_cancelled = True
            self._task.cancel()

    def end(self, error: Optional[BaseException]) -> bool:
        """Whether the error is the cancel that this has caused, and no other."""
        self._is_over = True
        self._registration.unregister()
        if not self._has_cancelled:
            return False
        uncancel = getattr(self._task, "uncancel", None)
        left = uncancel() if uncancel is not None else 0
        return left <= self._before and isinstance(error, _asyncio().CancelledError)


async def run_in_thread(
    function: Callable[[Unpack[Ts]], T],
    *arguments: Unpack[Ts],
    label: Optional[str] = None,
    caller_id: Optional[str] = None,
    parent: Parent = CURRENT,
    executor: Optional[concurrent.futures.Executor] = None,
) -> T:
    """Runs a function on a thread as a job, and gives its result: for what blocks, in an event loop.

    The function sees this task's context, in which its job is the current one; so does native code that it
    calls. Once the task is cancelled the job is, and the task ends when the function has: what the function
    works on is never used by two. If the job has committed before, and the function returns, that cancel came
    too late: the result is given, and the task goes on. A cancel of the job, by whoever has it or its
    `parent`, as in Job, ends the await with DccMcpCancelledError. `executor`: as for `loop.run_in_executor`.
    """
    from ._native import native
    from .job import Job

    asyncio = _asyncio()
    callable_in(function, "function")
    if executor is not None and not hasattr(executor, "submit"):
        wrong_type("executor", "an Executor of concurrent.futures", executor)
    name = label if label is not None else getattr(function, "__qualname__", type(function).__name__)
    refuse_coroutines(function, "await it here")
    job = Job(name, caller_id, parent)
    call = native(function)

    def work() -> T:
        with job:
            return call(*arguments)

    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await finished(loop.run_in_executor(executor, context.run, work), job)


async def finished(running: Future[T], job: Optional[Job]) -> T:
    """The result of what runs on a thread, whose end is waited for also when this task is cancelled.

    The job is told of that. If it has committed before, and the function returns, that cancel came too late.
    """
    asyncio = _asyncio()
    cancelled: Optional[BaseException] = None
    cancels = 0
    while not running.done():
        try:
            # `wait` leaves it running when this task is cancelled.
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = cancelled or error
            cancels += 1
            if job is not None:
                job.cancel("the task that waits for it was cancelled")
    if cancelled is not None:
        # What it raised on its way out is not the task's.
        has_raised = running.exception() is not None
        if has_raised or job is None or not job.is_sealed:
            raise cancelled
        uncancel = getattr(asyncio.current_task(), "uncancel", None)
        if uncancel is not None:
            for _ in range(cancels):
                uncancel()
    return running.result()


def refuse_coroutines(function: Callable[..., Any], advice: str) -> None:
    """What returns at once and does its work later cannot be run as a job, nor in the slots of a thread."""
    inner: Any = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    for called in (inner, getattr(inner, "__call__", None)):
        if inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called):
            wanted = "a function that does its work when it is called"
            wrong_type("function", wanted, function, "it only makes a coroutine: " + advice)


def refuse_coroutine(value: object, function: Callable[..., Any]) -> None:
    """The same, of a function that turns out to be one when it has been called."""
    if inspect.iscoroutine(value):
        value.close()
    elif not inspect.isasyncgen(value):
        return
    raise TypeError(
        "%r made a coroutine in place of a result: a job has done its work when its function returns"
        % (function,)
    )
