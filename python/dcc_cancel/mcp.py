"""Tools of an MCP server that stop when their client cancels: for FastMCP 4 and the `mcp` SDK's MCPServer 2.

    from dcc_cancel.mcp import Cancellation, cancellable, in_thread

    server = FastMCP("bake", middleware=[Cancellation()])      # or MCPServer("bake", middleware=[...])

    @server.tool()
    @cancellable
    def long_execution(count: int) -> int:                     # on a thread: its native loops stop
        return plugin.long_execution(count)

    @server.tool()
    async def process_large_file(path: str) -> int:            # in the event loop
        return await in_thread(plugin.process_large_file, path)

Nothing here imports an SDK before a server of it calls. It needs asyncio.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import math
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Dict, Iterator, Optional, TypeVar, cast

from ._above import below_current
from ._arguments import callable_in, fitting_text, nanoseconds
from ._arguments import interval as checked_interval
from ._asyncio import _call_in, finished, refuse_coroutines
from ._native import native
from ._sdk import STREAM_ENDED, Message, package, request_cancelled, task_of_sdk
from ._types import Seconds, T
from .context import check_dcc_cancelled, current_job, reset_cancel_token, set_cancel_token
from .errors import DccMcpCancelledError, is_cancellation
from .job import Job
from .linking import fitting_id
from .request import Request
from .session import Session
from .shield import shield

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import Ts

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["STREAM_ENDED", "Cancellation", "cancellable", "commit", "in_thread"]

# Seconds for a client to take a note of progress.
_LONGEST_NOTE = 1.0


def cancellable(function: Function) -> Function:
    """A tool whose native code polls the call's token and job; beneath the decorator that makes it a tool.

    A plain function is called through `dcc_cancel.native`. In a coroutine function what blocks belongs into
    `await in_thread(...)`. Of either the SDK is told of a cancel by an error that it does not log as a crash.

    A coroutine function that runs where no call is, as a task of FastMCP's TasksExtension, has a job of its
    own: `tasks/cancel` cancels that, and a cancel of the job ends the task as `cancelled`.
    """
    callable_in(function, "function")
    inner: Any = function
    wrapped: Any
    if inspect.iscoroutinefunction(function):

        async def coroutine_function(*arguments: Any, **keywords: Any) -> Any:
            if _error_of_sdk.get() is None and current_job.get() is None:
                return await _in_a_job(inner, arguments, keywords)
            try:
                return await inner(*arguments, **keywords)
            except DccMcpCancelledError as error:
                raise _for_the_sdk(error)

        wrapped = coroutine_function
    else:
        call = native(function)

        def plain_function(*arguments: Any, **keywords: Any) -> Any:
            try:
                return call(*arguments, **keywords)
            except DccMcpCancelledError as error:
                raise _for_the_sdk(error)

        wrapped = plain_function
    return functools.wraps(function)(wrapped)  # type: ignore[no-any-return, return-value, unused-ignore]


#: Makes an error of the SDK that calls a tool; set around each call.
_error_of_sdk: ContextVar[Optional[Callable[[], Exception]]] = ContextVar("_error_of_sdk", default=None)


def _for_the_sdk(error: DccMcpCancelledError) -> Exception:
    make = _error_of_sdk.get()
    if make is None:
        return error
    made = make()
    made.__cause__ = error
    return made


async def _in_a_job(function: Any, arguments: Any, keywords: Any) -> Any:
    task_id = task_of_sdk()
    try:
        async with Job(fitting_id(function.__name__), fitting_id(task_id)):
            return await function(*arguments, **keywords)
    except DccMcpCancelledError as error:
        if task_id is None:
            raise
        # All else is the status `failed` or `completed` of a task.
        raise asyncio.CancelledError(*error.args) from error


async def in_thread(function: Callable[[Unpack[Ts]], T], *arguments: Unpack[Ts]) -> T:
    """Calls a function on a thread, where native code polls the token and the job of the tool that awaits it.

    It is waited for also when the tool is cancelled, so that nothing of the call is in use after its end.
    Unlike with `dcc_cancel.run_in_thread` its progress is the tool's, which Cancellation tells to the client.
    """
    callable_in(function, "function")
    refuse_coroutines(function, "await it here")
    anyio = package("anyio")
    job = current_job.get()
    # Until a thread is free a cancel ends the wait.
    async with anyio.to_thread.current_default_thread_limiter():
        with anyio.CancelScope(shield=True):
            call = functools.partial(native(function), *arguments)
            running = anyio.to_thread.run_sync(call, limiter=anyio.CapacityLimiter(1))
            return await finished(
                asyncio.ensure_future(running), job if isinstance(job, Job) else None
            )


def commit() -> shield:
    """Does in a tool what cannot be taken back: `Job.commit` of the job of its call.

        with commit():
            scene.replace(smoothed)

    It raises DccMcpCancelledError if a cancel was first. From then on the tool is not interrupted, and its
    call ends as completed or failed, as the tool does. Where no job is current it is a check and a `shield`.
    """
    job = current_job.get()
    if isinstance(job, Job):
        return job.commit()
    check_dcc_cancelled()
    return shield()


class Cancellation:
    """A middleware that gives each call of a tool a job, which is current in it and cancelled by its client.

    The job is labelled with the tool's name and has the request's id as its `job_id`. It is cancelled once
    the SDK cancels the request, whatever told it to: a message, the close of a stream or of a connection. The
    request is over when the tool is, so nothing is left behind it. A tool that has committed, see `commit`,
    is not interrupted. What the job, or native code for it, notes of its progress is told to the client,
    every `progress_interval` seconds at most. A call that notes nothing for `progress_heartbeat` seconds is
    told to go on, so that a client which gives up on what it does not hear of keeps waiting; None: it is not.
    A job that somebody else cancels ends the call with the error -32800.
    """

    def __init__(
        self, progress_interval: Seconds = 0.1, progress_heartbeat: Optional[Seconds] = 5.0
    ) -> None:
        checked_interval(progress_interval, "progress_interval")
        self._progress_interval = progress_interval
        nanoseconds(progress_heartbeat, "progress_heartbeat")
        self._progress_heartbeat = progress_heartbeat
        self._calls: Dict[Any, _Call] = {}

    # `ctx` is what the protocol of MCPServer's middleware has.
    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """For the SDK, which calls it with every message."""
        if ctx.method == "notifications/cancelled":
            self._note_reason(Message(ctx))
        elif ctx.method == "tools/call":
            return await self._called(Message(ctx), call_next)
        return await call_next(ctx)

    def _note_reason(self, message: Message) -> None:
        """The SDK cancels the request by itself; only why is in the message alone."""
        call = self._calls.get(message.connection_and_id(message.params.get("requestId")))
        reason = message.params.get("reason")
        if call is not None and isinstance(reason, str):
            call.reason = fitting_text(reason)

    async def _called(self, message: Message, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        key = message.connection_and_id(message.request_id)
        # One for each call: over HTTP since 2026-07-28 an id is its own request's alone. When progress is
        # told is up to the call, and the SDK knows whom to tell it.
        with Session(
            max_requests=1, progress_interval=0, progress_heartbeat=self._progress_heartbeat
        ) as session, session.begin(
            message.fitting_id, below_current(), progress_token=0, meta=message.meta
        ) as request:
            call = self._calls[key] = _Call(message, self._progress_interval, request)
            try:
                return await call.run(call_next)
            finally:
                if self._calls.get(key) is call:
                    del self._calls[key]


class _Call:
    """One call of a tool, from its beginning to its end."""

    def __init__(self, message: Message, interval: Seconds, request: Request) -> None:
        self.reason: Optional[str] = None
        self._message = message
        self._interval = interval
        self._request = request
        self._is_over = False
        # What the tool came to; an error of it, else its result.
        self._result: Any = None
        self._error: Optional[Exception] = None
        self._has_returned = False
        self._was_cancelled = False
        request_id = message.request_id
        self._job = Job(
            fitting_id(message.params.get("name")) or "tool",
            None if request_id is None else fitting_id(str(request_id)),
            parent=request,
        )
        request.set_progress(job=self._job)

    async def run(self, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        reset = set_cancel_token(self._job.token)
        _error_of_sdk.set(self._message.quiet_error)
        try:
            with self._job:
                await self._work(call_next)
                if self._was_cancelled or _is_of_a_cancel(self._error) or _is_error(self._result):
                    # What fails after it was told to stop is cancelled.
                    self._job.check()
                if _is_error(self._result):
                    self._job.fail("the result of the tool says so")
                if self._error is not None:
                    raise self._error
                if self._is_over:
                    await self._tell_progress(is_last=True)
                return self._result
        except Exception as raised:
            if not self._job.cancelled or not is_cancellation(raised):
                raise
            raise request_cancelled(self._job.reason) from raised
        finally:
            reset_cancel_token(reset)

    async def _work(self, call_next: Callable[[Any], Awaitable[Any]]) -> None:
        """Calls the tool, and tells both sides of the other meanwhile."""
        try:
            async with package("anyio").create_task_group() as all_of_it:
                all_of_it.start_soon(self._watch)
                all_of_it.start_soon(self._tell)
                # A task of its own, as that of the request may be cancelled by hand.
                all_of_it.start_soon(self._call, call_next, all_of_it.cancel_scope)
        except asyncio.CancelledError:
            # What was committed has its end as if nobody had left; the SDK knows that none is to be told.
            if not self._has_returned or not self._job.is_sealed:
                raise

    async def _call(self, call_next: Callable[[Any], Awaitable[Any]], all_of_it: Any) -> None:
        loop = asyncio.get_running_loop()
        try:
            # The cancel of a request comes through its job: it is too late once that has committed.
            with package("anyio").CancelScope(shield=True) as inner:
                # What waits is told as well, and a thread of a plain function is waited for.
                registration = self._job.token.add_callback(lambda: _call_in(loop, inner.cancel))
                try:
                    self._result = await call_next(self._message.context)
                except Exception as raised:
                    # Out of the group, which would wrap it.
                    self._error = raised
                finally:
                    registration.unregister()
                self._has_returned = True
            self._was_cancelled = inner.cancelled_caught
        finally:
            # Here, where a cancel of the inner scope is none of the request.
            self._is_over = not _is_left()
            all_of_it.cancel()

    async def _watch(self) -> None:
        """Tells the job of a cancel of the request.

        The call itself may not be told: it may wait for a thread, which SDKs do not interrupt.
        """
        anyio = package("anyio")
        try:
            await anyio.sleep_forever()
        finally:
            if not self._is_over:
                with anyio.CancelScope(shield=True):
                    # The message that has the reason comes behind the cancel.
                    await anyio.sleep(0)
                    await anyio.sleep(0)
                    self._request.cancel(self.reason or self._message.unspoken_reason())

    async def _tell(self) -> None:
        anyio = package("anyio")
        while True:
            await anyio.sleep(self._interval)
            await self._tell_progress()

    async def _tell_progress(self, is_last: bool = False) -> None:
        anyio = package("anyio")
        note = self._request.write_progress(is_last)
        if not note:
            return
        values = json.loads(note)["params"]
        try:
            # Begun as the call ended it would be lost; a client that does not read has its time.
            with anyio.move_on_after(_LONGEST_NOTE, shield=True):
                await self._message.teller.report_progress(
                    values["progress"], values.get("total"), values.get("message")
                )
        except Exception:
            # Who does not hear of progress may still cancel.
            logging.getLogger(__package__).debug("progress was not told", exc_info=True)


def _is_error(result: Any) -> bool:
    """Whether a result says that the tool has failed; an SDK makes results of errors."""
    if isinstance(result, dict):
        return bool(cast("Dict[str, Any]", result).get("isError"))
    return bool(getattr(result, "is_error", False))


def _is_left() -> bool:
    """Whether the SDK has cancelled the request that this task works for."""
    is_left: bool = package("anyio").current_effective_deadline() == -math.inf
    return is_left


def _causes(error: Optional[BaseException]) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_of_a_cancel(error: Optional[BaseException]) -> bool:
    """Whether a tool was left because it was cancelled; SDKs wrap what a tool raises."""
    return any(is_cancellation(cause) for cause in _causes(error))
