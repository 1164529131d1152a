# pyright: strict
"""A program that uses the whole package as a TD would; mypy and pyright know every type in it.

`assert_type` is for the checkers. The program also runs: what it says about types must work, too.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import ctypes
import logging
import pathlib
import tempfile
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Dict, Iterator, List, Optional, Tuple, Union

import dcc_cancel
from dcc_cancel.mcp import Cancellation, cancellable, commit, in_thread

if TYPE_CHECKING:
    from typing import Generator

    from typing_extensions import Protocol, assert_type
else:
    # Older Pythons have none.
    Protocol = object


    def assert_type(value: object, kind: object) -> None:
        """Nothing at run time."""


class HostToken:
    """A host's own token."""

    cancelled = False
    job_id: Optional[str] = "host"

    def check(self) -> None:
        if self.cancelled:
            raise dcc_cancel.DccMcpCancelledError("stopped by the host")


def smooth(mesh: str, rounds: int = 3) -> List[float]:
    """Something of a plugin."""
    for done in range(rounds):
        dcc_cancel.check_cancelled()
        dcc_cancel.check_dcc_cancelled()
        job = dcc_cancel.current_job.get()
        if isinstance(job, dcc_cancel.Job):
            assert_type(job.set_progress(done, rounds, mesh), bool)
    return [0.0] * rounds


def frames(last: int) -> Generator[None, None, str]:
    """In slices."""
    for _ in range(last):
        yield
    return "%d frames" % last


def slices(last: int) -> Iterator[None]:
    """The same with a hint that does not name the result."""
    for _ in range(last):
        yield


def tokens() -> None:
    token = dcc_cancel.CancelToken(job_id="7")
    assert_type(token, dcc_cancel.CancelToken)
    child = dcc_cancel.CancelToken(caller_id="8", parent=token)
    followed = dcc_cancel.CancelToken.link(HostToken(), interval=0.05)
    assert_type(followed, dcc_cancel.CancelToken)
    assert_type(token.cancelled, bool)
    assert_type(token.reason, Optional[str])
    assert token.cause is None or token.cause in ("request", "foreign", "deadline")
    assert_type(token.since_cancel, Optional[float])
    assert_type(token.deadline, Optional[float])
    assert_type(token.trace_parent, Optional[str])
    assert_type(token.job_id, Optional[str])
    assert_type(token.caller_id, Optional[str])
    assert_type(token.handle, int)
    token.check()
    registration = token.add_callback(lambda: print("cancelled"))
    assert_type(registration, dcc_cancel.Registration)
    assert_type(registration.unregister(), bool)
    registration.close()
    with token.add_callback(lambda: None, keep_token=True) as kept:
        assert_type(kept, dcc_cancel.Registration)
    token.set_deadline_after(60)
    assert_type(token.clear_deadline(), bool)
    shared = dcc_cancel.CancelToken.when_all([token], interval=0.02)
    assert_type(shared, dcc_cancel.CancelToken)
    assert_type(shared.join(token, interval=0.02), bool)
    assert_type(token.wait(timeout=0.001), bool)
    assert_type(dcc_cancel.wait_any([token, child], timeout=0.001), Optional[dcc_cancel.CancelToken])
    seconds: dcc_cancel.Seconds = dcc_cancel.DEFAULT_INTERVAL
    both: List[dcc_cancel.JobHandle] = [token, HostToken()]
    assert_type(dcc_cancel.wait_any(both, 0.001, seconds), Optional[dcc_cancel.JobHandle])
    assert_type(token.cancel("enough"), bool)
    assert child.cancelled
    with dcc_cancel.CancelToken() as scoped:
        assert_type(scoped, dcc_cancel.CancelToken)
    for each in (token, child, followed):
        each.close()


def contexts() -> None:
    token = dcc_cancel.CancelToken()
    reset = dcc_cancel.set_cancel_token(token)
    try:
        assert_type(dcc_cancel.current_cancel_token(), Optional[dcc_cancel.CancellationProbe])
        assert_type(dcc_cancel.current_job_id(), Optional[str])
        assert_type(smooth("a mesh", rounds=2), List[float])
    finally:
        dcc_cancel.reset_cancel_token(reset)
    other = dcc_cancel.set_cancel_token(HostToken())
    dcc_cancel.reset_cancel_token(other)
    reset_job = dcc_cancel.set_current_job(dcc_cancel.Job("bake"))
    dcc_cancel.reset_current_job(reset_job)
    with dcc_cancel.shield():
        dcc_cancel.check_dcc_cancelled()
    carried = dcc_cancel.with_context(smooth)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert_type(pool.submit(carried, "mesh", rounds=2).result(), List[float])
    variable: contextvars.ContextVar[Optional[dcc_cancel.JobHandle]] = dcc_cancel.current_job
    assert variable.get() is None
    probe: dcc_cancel.CancellationProbe = HostToken()
    assert isinstance(probe, dcc_cancel.JobHandle)


@dcc_cancel.native
def bake(mesh: str, rounds: int) -> Tuple[str, int]:
    """A function whose hints the decorator keeps."""
    return mesh, rounds


@dcc_cancel.native(interval=0.1)
def simulate(step: float, *, substeps: int = 1) -> float:
    """With an argument for the decorator."""
    return step / substeps


class Plugin:
    @dcc_cancel.native
    def run(self, mesh: str) -> bool:
        """A method."""
        return bool(mesh)


def native() -> None:
    assert_type(bake("mesh", rounds=3), Tuple[str, int])
    assert_type(simulate(1.0, substeps=2), float)
    assert_type(Plugin().run("mesh"), bool)
    wrapped = dcc_cancel.native(smooth)
    assert_type(wrapped("mesh", 2), List[float])
    from_c: Callable[..., Any] = dcc_cancel.native(ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7))
    assert from_c() == 7


def jobs() -> None:
    job = dcc_cancel.Job("bake", caller_id="7", parent=dcc_cancel.CancelToken())
    assert_type(job.id, int)
    assert_type(job.label, str)
    assert_type(job.job_id, Optional[str])
    assert_type(job.caller_id, Optional[str])
    assert_type(job.token, dcc_cancel.CancelToken)
    assert_type(dcc_cancel.Job.find(job.id), Optional[dcc_cancel.Job])
    with job as begun:
        assert_type(begun, dcc_cancel.Job)
        assert_type(begun.set_progress(1, 10, "first"), bool)
        job.check()
        with job.commit() as nothing:
            assert_type(nothing, None)
        assert_type(job.seal(), bool)
        assert_type(job.wake(), bool)
        assert_type(job.is_sealed, bool)
    assert_type(job.progress, dcc_cancel.Progress)
    assert_type(job.progress.total, Optional[int])
    assert_type(job.has_ended, bool)
    assert job.state == "completed"
    failed = dcc_cancel.Job()
    assert_type(failed.begin(), bool)
    assert_type(failed.fail("no licence"), bool)
    assert_type(failed.complete(), bool)
    assert_type(failed.failure, str)
    stopped = dcc_cancel.Job()
    assert_type(stopped.wait(0.001), bool)
    assert_type(stopped.cancel("enough"), bool)
    assert_type(stopped.reason, Optional[str])
    assert_type(stopped.cancelled, bool)
    assert_type(stopped.acknowledge_cancel(), bool)
    assert_type(stopped.interrupt("late"), bool)
    listed: Iterator[Dict[str, Any]] = dcc_cancel.live_jobs()
    assert list(listed)
    job.close()


def shares() -> None:
    with dcc_cancel.Job("export") as job, dcc_cancel.progress(100, "Export") as p:
        assert_type(p, dcc_cancel.progress)
        with p.step(25, "Prepare", total=3) as step:
            assert_type(step, dcc_cancel.progress)
            step.advance()
            step.set_message("the first")
        p.advance(n=2)
        p.flush()
        p.set_total(None)
        assert_type(job.fraction, float)
        assert_type(job.time_left, Optional[float])
    with dcc_cancel.progress(label="Nothing"):
        pass


def dispatchers() -> None:
    def show(job: dcc_cancel.Job, done: int, total: Optional[int]) -> None:
        print(job.label, done, total)

    ui = dcc_cancel.Dispatcher(
        bind_later=False,
        capacity=100,
        default_deadline=60,
        wedge_threshold=5,
        progress_interval=0.1,
        wake=lambda: None,
        veto=lambda: False,
        progress=show,
    )
    posting = ui.post(smooth, "mesh", 2, label="smooth", lane="interactive", deadline=5)
    assert_type(posting, dcc_cancel.Posting[List[float]])
    sliced = ui.post(frames, 3, parent=None)
    assert_type(sliced, dcc_cancel.Posting[str])
    assert_type(ui.post(slices, 3), dcc_cancel.Posting[Any])
    number = ui.post(lambda: 7, caller_id="seven", parent=dcc_cancel.CancelToken())
    assert_type(number, dcc_cancel.Posting[int])
    assert_type(posting.job, dcc_cancel.Job)
    assert_type(ui.find("seven"), Optional[dcc_cancel.Job])
    assert_type(posting.running(), bool)
    assert_type(dcc_cancel.slice_is_over(), bool)
    assert_type(repr(dcc_cancel.when_woken), str)
    tick = ui.pump(budget=0.008)
    assert_type(tick, dcc_cancel.Tick)
    assert_type(tick.next, Optional[float])
    while not (posting.done() and sliced.done() and number.done()):
        tick = ui.pump(max_jobs=10)
    assert_type(tick.executed + tick.remaining, int)
    assert_type(posting.result(), List[float])
    assert_type(sliced.result(timeout=1), str)
    assert_type(number.exception(), Optional[BaseException])
    assert_type(number.cancel("late"), bool)
    assert_type(ui.post_and_wait(smooth, "mesh", timeout=None), List[float])
    assert_type(ui.post_and_wait(frames, 2), str)
    assert_type(ui.post_and_wait(divmod, 7, 2), Tuple[int, int])
    on_worker = ui.post(smooth, "mesh", any_thread=True)
    as_future: concurrent.futures.Future[List[float]] = on_worker
    as_future.add_done_callback(lambda future: None)
    assert_type(ui.stats(), Dict[str, int])
    assert_type(ui.longest_label, str)
    cancelled = ui.post(smooth, "mesh")
    assert cancelled.cancel("enough")
    ui.pump()
    try:
        cancelled.result()
    except dcc_cancel.CancelledError as error:
        assert_type(str(error), str)
    assert_type(ui.close(), bool)
    with dcc_cancel.Dispatcher() as scoped:
        assert_type(scoped, dcc_cancel.Dispatcher)


def sessions() -> None:
    session = dcc_cancel.Session(
        kind="http", replies="cancelled", early="held", early_ttl=30, progress_heartbeat=5
    )
    first = session.begin(1, progress_token="p", meta={"traceparent": "00-"})
    dcc_cancel.Session(kind="tasks")
    assert_type(first, dcc_cancel.Request)
    id: dcc_cancel.RequestId = "two"
    with session.begin(id, parent=dcc_cancel.CancelToken(), cancellable=False) as second:
        assert_type(second.token, dcc_cancel.CancelToken)
        assert_type(second.id, Union[int, str])
        assert_type(second.job_id, Optional[str])
    message: dcc_cancel.Message = {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 1},
    }
    outcome = session.handle_message(message)
    assert_type(outcome, dcc_cancel.MessageOutcome)
    assert_type(outcome.id, Union[int, str, None])
    assert outcome == "cancelled"
    assert session.handle_message(b"{}") == "other"
    assert session.query(1) == "cancelled"
    assert_type(session.is_cancelled(1), bool)
    assert_type(session.reason(1), Optional[str])
    assert session.cancel(1, "again") == "already_cancelled"
    assert_type(first.cancelled, bool)
    assert_type(first.reason, Optional[str])
    assert_type(first.cancel("enough"), bool)
    assert_type(first.seal(), bool)
    assert_type(first.set_progress(0.5, 1.0, "half"), bool)
    assert_type(first.set_progress(job=dcc_cancel.Job("works for it")), bool)
    assert_type(first.write_progress(now=True), str)
    try:
        first.check()
    except dcc_cancel.DccMcpCancelledError:
        assert first.end() == "cancelled"
    assert_type(first.cancelled_reply(), str)
    first.close()
    assert_type(session.clear(1), bool)
    assert_type(session.sweep(60), int)
    assert_type(session.stats(), Dict[str, int])
    session.close()


def errors() -> None:
    try:
        dcc_cancel.Dispatcher().pump(8)
    except dcc_cancel.InvalidArgumentError as error:
        assert_type(error.status, int)
    full = dcc_cancel.OverloadedError("full", retry_after=0.1)
    assert_type(full.retry_after, Optional[float])
    assert_type(dcc_cancel.PostTimeoutError("late", started=True).started, bool)
    for kind in (
        dcc_cancel.ClosedError, dcc_cancel.DuplicateError, dcc_cancel.ForkedError,
        dcc_cancel.InvalidHandleError, dcc_cancel.JobInterruptedError, dcc_cancel.ReentrantError,
        dcc_cancel.ResourcesError, dcc_cancel.ShutdownError, dcc_cancel.WouldDeadlockError,
        dcc_cancel.WrongStateError, dcc_cancel.WrongThreadError,
    ):  # fmt: skip
        assert issubclass(kind, dcc_cancel.DccCancelError)
    assert issubclass(dcc_cancel.LibraryError, ImportError)


async def tasks() -> None:
    ui = dcc_cancel.Dispatcher()
    posting = ui.post(smooth, "mesh", 2)
    ui.pump()
    assert_type(await posting, List[float])
    assert_type(
        await dcc_cancel.run_in_thread(smooth, "mesh", 2, label="smooth", parent=None), List[float]
    )
    token = dcc_cancel.CancelToken()
    token.cancel("enough")
    assert_type(await token, Optional[str])
    job = dcc_cancel.Job("async")
    async with job as begun:
        assert_type(begun, dcc_cancel.Job)
    assert await job == "completed"
    async for progress in job.updates(interval=0.01):
        assert_type(progress, dcc_cancel.Progress)
    ui.close()


def hear(event: dcc_cancel.Event) -> None:
    assert_type(event.kind == "slow_cancel", bool)
    assert_type(event.since_cancel, float)
    assert_type(event.request_id, Optional[Union[int, str]])
    assert_type(event.reason, str)
    assert_type(event.trace_parent, Optional[str])


def diagnosis() -> None:
    with dcc_cancel.Observer(capacity=16) as observer:
        for event in observer:
            assert_type(event, dcc_cancel.Event)
        assert_type(observer.drain(), List[dcc_cancel.Event])
        assert_type(observer.tell(hear), int)
        assert_type(observer.log(logging.getLogger("typed")), int)
    dcc_cancel.set_slow_cancel_threshold(1.0)
    assert_type(dcc_cancel.latency("cancel_to_end"), dcc_cancel.Latency)
    assert_type(dcc_cancel.latency(which="cancel_to_seen").p95, float)
    assert_type(dcc_cancel.stats(), Dict[str, int])
    assert_type(dcc_cancel.polls_without_job(), List[dcc_cancel.PollPlace])
    assert_type(dcc_cancel.clock(), float)
    dcc_cancel.trace_all(False)
    job = dcc_cancel.Job()
    job.trace(on=True)
    assert_type(job.poll_gap(), Optional[dcc_cancel.PollGap])
    assert_type(job.threads(), List[dcc_cancel.JobThread])
    with tempfile.TemporaryDirectory() as folder:
        with dcc_cancel.timeline(pathlib.Path(folder) / "recorded.json", max_entries=100):
            job.cancel()
        dcc_cancel.begin_timeline(100)
        dcc_cancel.end_timeline()
        dcc_cancel.write_timeline(folder + "/again.json")


class TheirMiddleware(Protocol):
    """What MCPServer wants."""

    async def __call__(self, ctx: int, call_next: Callable[[int], Awaitable[int]]) -> int: ...


def tools() -> None:
    assert_type(cancellable(smooth)("mesh"), List[float])
    assert_type(Cancellation(progress_interval=0.1, progress_heartbeat=None), Cancellation)
    middleware: List[TheirMiddleware] = [Cancellation()]
    assert len(middleware) == 1
    with commit() as nothing:
        assert_type(nothing, None)


async def in_a_server() -> None:
    """Not called here: it needs the packages of a server."""
    assert_type(await in_thread(smooth, "mesh", 2), List[float])
    assert_type(await cancellable(in_a_server)(), None)


def endpoint() -> None:
    dcc_cancel.open_control("a typed program")
    assert_type(dcc_cancel.control_address(), Optional[str])
    dcc_cancel.close_control()
    assert_type(dcc_cancel.version(), str)
    assert_type(dcc_cancel.__version__, str)


def main() -> None:
    parts = (
        tokens, contexts, native, jobs, shares, dispatchers, sessions, errors, diagnosis, tools, endpoint,
    )  # fmt: skip
    for part in parts:
        part()
    asyncio.run(tasks())


if __name__ == "__main__":
    main()
