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

No SDK is imported before a server calls this module. It works in asyncio only.
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

# How many seconds a client may take to read one progress notification.
_LONGEST_NOTE = 1.0


def cancellable(function: Function) -> Function:
    """Wraps a tool so that its native code polls the token and the job of the call.

    Write it below the decorator that makes the function a tool. A plain function is called through
    `dcc_cancel.native`. In a coroutine function put calls that block into `await in_thread(...)`. After a
    cancel the wrapped tool raises an error that the SDK does not log as a crash.

    A coroutine function that runs outside of a call, as a task of FastMCP's TasksExtension, gets a job of its
    own. `tasks/cancel` cancels that job, and a cancel of the job ends the task as `cancelled`.
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


#: A function that makes the error of the SDK for a cancelled tool. It is set during each call of a tool.
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
        # The SDK gives a task the status `cancelled` for this error alone.
        raise asyncio.CancelledError(*error.args) from error


async def in_thread(function: Callable[[Unpack[Ts]], T], *arguments: Unpack[Ts]) -> T:
    """Calls a function on a thread, and gives its result. Native code polls the token and job of the tool.

    Await it in a coroutine function that is a tool. If the tool is cancelled, the await ends only when the
    function has returned, so the data of the call is never in use after its end. The function works for the
    tool's own job, so Cancellation tells its progress to the client; `dcc_cancel.run_in_thread` makes a job
    of its own. What the function raises is raised from here.
    """
    callable_in(function, "function")
    refuse_coroutines(function, "await it here")
    anyio = package("anyio")
    job = current_job.get()
    # A cancel may end the wait for a free thread, but not the wait for the function that runs on it.
    async with anyio.to_thread.current_default_thread_limiter():
        with anyio.CancelScope(shield=True):
            call = functools.partial(native(function), *arguments)
            running = anyio.to_thread.run_sync(call, limiter=anyio.CapacityLimiter(1))
            return await finished(
                asyncio.ensure_future(running), job if isinstance(job, Job) else None
            )


def commit() -> shield:
    """Seals the job of the tool's call before the tool does what cannot be taken back; see `Job.commit`.

        with commit():
            scene.replace(smoothed)

    DccMcpCancelledError: a cancel was first. After it the tool is not interrupted any more, and its call ends
    as completed or failed. If no job of the library is current, this is `check_dcc_cancelled` and a `shield`.
    """
    job = current_job.get()
    if isinstance(job, Job):
        return job.commit()
    check_dcc_cancelled()
    return shield()


class Cancellation:
    """A middleware that gives each call of a tool a job. The job is current in the tool.

    The job has the tool's name as its label and the request's id as its `job_id`. It is cancelled when the
    SDK cancels the request, for instance because of a message, or because a stream or a connection was
    closed. The request ends when the tool has ended, so nothing goes on after it. A tool that has committed,
    see `commit`, is not interrupted. If the job is cancelled in another way, the call ends with the error
    -32800.

    The progress of the job is told to the client, at most every `progress_interval` seconds. If a call notes
    no progress for `progress_heartbeat` seconds, the client is told that it goes on, because some clients
    give up on silent calls. None: no such notification.
    """

    def __init__(
        self, progress_interval: Seconds = 0.1, progress_heartbeat: Optional[Seconds] = 5.0
    ) -> None:
        checked_interval(progress_interval, "progress_interval")
        self._progress_interval = progress_interval
        nanoseconds(progress_heartbeat, "progress_heartbeat")
        self._progress_heartbeat = progress_heartbeat
        self._calls: Dict[Any, _Call] = {}

    # The parameter is called `ctx` in the protocol of MCPServer's middleware.
    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """The SDK calls it with every message."""
        if ctx.method == "notifications/cancelled":
            self._note_reason(Message(ctx))
        elif ctx.method == "tools/call":
            return await self._called(Message(ctx), call_next)
        return await call_next(ctx)

    def _note_reason(self, message: Message) -> None:
        """Keeps the reason of a cancel. The SDK cancels the request itself, but passes no reason on."""
        call = self._calls.get(message.connection_and_id(message.params.get("requestId")))
        reason = message.params.get("reason")
        if call is not None and isinstance(reason, str):
            call.reason = fitting_text(reason)

    async def _called(self, message: Message, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        key = message.connection_and_id(message.request_id)
        # Each call has a session of its own, because over HTTP (MCP since 2026-07-28) two requests may have
        # the same id. The interval is 0, because the call itself decides when progress is told. The progress
        # token is any value, because the SDK knows the real one.
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
        # The tool's result, or its error.
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
                    # A tool that fails after it was told to stop counts as cancelled: this raises if it was.
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
        """Calls the tool. Meanwhile tells the job of a cancel, and the client of the job's progress."""
        try:
            async with package("anyio").create_task_group() as all_of_it:
                all_of_it.start_soon(self._watch)
                all_of_it.start_soon(self._tell)
                # In a task of its own, because somebody may cancel the task of the request by hand.
                all_of_it.start_soon(self._call, call_next, all_of_it.cancel_scope)
        except asyncio.CancelledError:
            # A committed call ends as if it had not been cancelled. The SDK knows that nobody waits for the
            # answer.
            if not self._has_returned or not self._job.is_sealed:
                raise

    async def _call(self, call_next: Callable[[Any], Awaitable[Any]], all_of_it: Any) -> None:
        loop = asyncio.get_running_loop()
        try:
            # The shield keeps a cancel of the request away. It comes through the job instead, so that it does
            # nothing once the job has committed.
            with package("anyio").CancelScope(shield=True) as inner:
                # A cancel of the job also cancels what the tool awaits. The thread of a plain function is
                # still waited for.
                registration = self._job.token.add_callback(lambda: _call_in(loop, inner.cancel))
                try:
                    self._result = await call_next(self._message.context)
                except Exception as raised:
                    # Kept for `run`, because the task group would wrap it into a group of errors.
                    self._error = raised
                finally:
                    registration.unregister()
                self._has_returned = True
            self._was_cancelled = inner.cancelled_caught
        finally:
            # Asked outside of the inner scope, whose own cancel is not a cancel of the request.
            self._is_over = not _is_left()
            all_of_it.cancel()

    async def _watch(self) -> None:
        """Tells the job of a cancel of the request.

        A task beside the call does this, because the call may wait for a thread, and an SDK does not
        interrupt that wait.
        """
        anyio = package("anyio")
        try:
            await anyio.sleep_forever()
        finally:
            if not self._is_over:
                with anyio.CancelScope(shield=True):
                    # The SDK cancels before the middleware sees the message with the reason. Two turns of
                    # the loop let the message through.
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
            # Shielded, because a note that is being sent when the call ends would be lost. The time limit is
            # for a client that does not read.
            with anyio.move_on_after(_LONGEST_NOTE, shield=True):
                await self._message.teller.report_progress(
                    values["progress"], values.get("total"), values.get("message")
                )
        except Exception:
            # A client that cannot be told of progress can still cancel, so the call goes on.
            logging.getLogger(__package__).debug("progress was not told", exc_info=True)


def _is_error(result: Any) -> bool:
    """Whether a result says that the tool has failed. An SDK turns errors of tools into such results."""
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
    """Whether a tool's error comes from a cancel. SDKs wrap the error of a tool, so its causes count, too."""
    return any(is_cancellation(cause) for cause in _causes(error))
