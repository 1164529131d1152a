"""Tokens, jobs and postings in asyncio. A program that does not use asyncio does not import it."""

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

# How often the end of a job is looked for, in seconds, if no native event can tell of it.
_LOOK_AGAIN = 0.02


def _asyncio() -> Any:
    import asyncio

    return asyncio


def _call_in(loop: AbstractEventLoop, function: Callable[[], None]) -> None:
    """Calls a function in a loop. Any thread may do that. A closed loop calls nothing; nobody waits in it."""
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        pass


class _Signal:
    """A future of the running loop. Any thread may set it."""

    def __init__(self) -> None:
        self.loop: AbstractEventLoop = _asyncio().get_running_loop()
        self.future: Future[None] = self.loop.create_future()

    def set(self) -> None:
        _call_in(self.loop, self.set_here)

    def set_here(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


async def cancel_of(token: CancelToken) -> Optional[str]:
    """Waits until a token is cancelled, and gives the reason."""
    signal = _Signal()
    registration = token.add_callback(signal.set)
    try:
        await signal.future
    finally:
        registration.unregister()
    return token.reason


async def completion_of(posting: Posting[T]) -> T:
    """Waits for the result of a posting. If the task is cancelled meanwhile, the job is asked to stop."""
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
    """Waits until a job has ended, and gives its state."""
    if not job.wait(0) and not await _readable(job):
        while not job.wait(0):
            await _asyncio().sleep(_LOOK_AGAIN)
    return job.state


async def _readable(job: Job) -> bool:
    """Waits for the native event of a job's end. False: no event is free, or the loop cannot wait for one."""
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
    """Gives the progress of a job each time that it has changed, until the job has ended."""
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
    """Cancels the task that made it when a job is cancelled, until `end` is called."""

    def __init__(self, job: Job) -> None:
        asyncio = _asyncio()
        self._task: Task[Any] = asyncio.current_task()
        self._loop: AbstractEventLoop = asyncio.get_running_loop()
        # How many cancels the task had before; they were not caused by this object.
        self._before = self._cancels()
        self._has_cancelled = False
        self._is_over = False
        self._registration = job.token.add_callback(self._on_cancel)

    def _cancels(self) -> int:
        # Tasks have `cancelling` and `uncancel` from Python 3.11 on.
        count = getattr(self._task, "cancelling", None)
        return count() if count is not None else 0

    def _on_cancel(self) -> None:
        _call_in(self._loop, self._cancel_task)

    def _cancel_task(self) -> None:
        if not self._is_over:
            self._has_cancelled = True
            self._task.cancel()

    def end(self, error: Optional[BaseException]) -> bool:
        """Ends the tie. Whether the error is the cancel of this tie, and the task has no other cancel."""
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
    """Runs a function on a thread as a job, and gives its result. For a function that blocks, in an event
    loop.

    The function runs in a copy of this task's context, in which its job is the current job. Native code that
    it calls sees that job, too. `label`, `caller_id` and `parent` are those of the Job; without a label the
    name of the function is used. `executor` is that of `loop.run_in_executor`.

    If this task is cancelled, the job is cancelled, and the task ends when the function has returned. So the
    data of the function is never in use after the await. If the job had committed before, and the function
    returns, the cancel came too late: the result is given, and the task goes on. If the job is cancelled, for
    instance through its `parent`, the await raises DccMcpCancelledError. What the function raises otherwise
    is raised from here. TypeError: the function is a coroutine function.
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
    """Waits for a function that runs on a thread, even if this task is cancelled, and gives its result.

    A cancel of this task cancels the job. If the job had committed before, and the function returns, the
    cancel came too late, and the result is given.
    """
    asyncio = _asyncio()
    cancelled: Optional[BaseException] = None
    cancels = 0
    while not running.done():
        try:
            # A cancel of this task ends `wait`, but not the future that it waits for.
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = cancelled or error
            cancels += 1
            if job is not None:
                job.cancel("the task that waits for it was cancelled")
    if cancelled is not None:
        # An error that the function raised because of the cancel must not replace the cancel.
        has_raised = running.exception() is not None
        if has_raised or job is None or not job.is_sealed:
            raise cancelled
        uncancel = getattr(asyncio.current_task(), "uncancel", None)
        if uncancel is not None:
            for _ in range(cancels):
                uncancel()
    return running.result()


def refuse_coroutines(function: Callable[..., Any], advice: str) -> None:
    """Raises TypeError for a coroutine function: it returns at once, so its work would run after the call."""
    inner: Any = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    for called in (inner, getattr(inner, "__call__", None)):
        if inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called):
            wanted = "a function that does its work when it is called"
            wrong_type("function", wanted, function, "it only makes a coroutine: " + advice)


def refuse_coroutine(value: object, function: Callable[..., Any]) -> None:
    """Raises TypeError if `value`, the result of a function, is a coroutine or an async generator."""
    if inspect.iscoroutine(value):
        value.close()
    elif not inspect.isasyncgen(value):
        return
    raise TypeError(
        "%r made a coroutine in place of a result: a job has done its work when its function returns"
        % (function,)
    )
