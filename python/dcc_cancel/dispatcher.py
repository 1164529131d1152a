"""Dispatcher: a bounded queue of callables that one thread pumps from its tick."""

from __future__ import annotations

import ctypes
import threading
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Generator,
    Iterator,
    NamedTuple,
    Optional,
    Tuple,
    TypeVar,
    overload,
)

from . import _declarations as c
from ._above import Above
from ._arguments import budget as budget_in
from ._arguments import callable_in, flag, id_in, nanoseconds, one_of, text_in, whole, wrong_type
from ._asyncio import refuse_coroutines
from ._callbacks import destroy, forget, keep, owner
from ._exit import close_at_exit
from ._handle import NativeObject
from ._hooks import Hooks, ShowProgress, Veto, Wake
from ._library import library
from ._posting import Posting, complete, run
from ._status import checked, error_of, names_of, seconds, text_from
from ._types import CURRENT, Seconds, T
from .errors import OverloadedError, PostTimeoutError
from .job import Job

if TYPE_CHECKING:
    from typing_extensions import Literal, Unpack

    from ._above import Parent
    from ._types import Ts

    Lane = Literal["interactive", "normal", "background"]


class Tick(NamedTuple):
    """What a pump did: counts, and times in seconds."""

    executed: int
    completed: int
    cancelled: int
    remaining: int
    elapsed: Seconds
    overrun: Seconds
    #: In how many seconds the next pump makes sense; None: after the next post.
    next: Optional[Seconds]
    is_vetoed: bool


_LANES: Dict[Lane, int] = {
    "interactive": c.DCC_LANE_INTERACTIVE,
    "normal": c.DCC_LANE_NORMAL,
    "background": c.DCC_LANE_BACKGROUND,
}

D = TypeVar("D", bound="Dispatcher")


def slice_is_over() -> bool:
    """Whether a posted generator function should `yield` now, because its part of the tick's budget is over.

    For loops of many short steps: `if slice_is_over(): yield`. It is True, too, once the job is cancelled:
    its `yield` then raises DccMcpCancelledError. False on threads that run no job of a dispatcher.
    """
    return bool(library.dcc_slice_is_over() != c.DCC_OK)


class Dispatcher(NativeObject):
    """Runs posted callables on one thread, as a rule the UI's, from its tick; cancels reach them.

    It belongs to the thread that creates it; with `bind_later` to the one that first pumps it.
    `capacity` jobs may wait (0: 1024). All times are seconds: `default_deadline` cancels a job so long after
    its post; a pump that comes so late, `wedge_threshold`, is one that nobody waits for any more;
    `progress_interval` is the least time between two calls of `progress`.
    One of the main thread is closed when the interpreter exits, before that waits for other threads.
    `wake()` is told on any thread that there is something to pump; `veto()` is asked on the pumping one
    before each job whether now is a bad time; `progress(job, done, total)` shows how far jobs are.
    """

    __slots__ = ("_thread", "_interrupt")

    # The thread that pumps, once it is known.
    _thread: Optional[int]
    # A Ctrl-C that a callable has raised, for the pump to raise.
    _interrupt: Optional[BaseException]

    _renamed = {"shutdown": "close"}

    _release = library.dcc_dispatcher_release

    def __init__(
        self,
        bind_later: bool = False,
        capacity: int = 0,
        default_deadline: Optional[Seconds] = None,
        wedge_threshold: Optional[Seconds] = None,
        progress_interval: Optional[Seconds] = None,
        wake: Optional[Wake] = None,
        veto: Optional[Veto] = None,
        progress: Optional[ShowProgress] = None,
    ) -> None:
        self._handle = 0
        self._interrupt = None
        self._thread = None
        flag(bind_later, "bind_later")
        hooks = Hooks(wake, veto, progress)
        description = c.DispatcherDesc(
            struct_size=ctypes.sizeof(c.DispatcherDesc),
            flags=c.DCC_DISPATCHER_BIND_LATER if bind_later else 0,
            capacity=whole(capacity, "capacity", 32, c.DCC_MAX_CAPACITY),
            default_deadline_after_ns=nanoseconds(default_deadline, "default_deadline", for_none=0),
            wedge_threshold_ns=nanoseconds(wedge_threshold, "wedge_threshold", for_none=0),
            progress_interval_ns=nanoseconds(progress_interval, "progress_interval", for_none=0),
            destroy=destroy,
            owner=owner(),
        )
        hooks.fill(description)
        key = keep(hooks)
        description.user_data = key
        out = ctypes.c_void_p()
        status = library.dcc_dispatcher_create(ctypes.byref(description), ctypes.byref(out))
        if status < 0:
            forget(key)
            raise error_of(status)
        self._handle = out.value or 0
        if not bind_later:
            self._bind()

    def _bind(self) -> None:
        self._thread = threading.get_ident()
        if threading.current_thread() is threading.main_thread():
            close_at_exit(self)

    @overload
    def post(
        self,
        function: Callable[[Unpack[Ts]], Generator[Any, Any, T]],
        *arguments: Unpack[Ts],
        label: Optional[str] = ...,
        caller_id: Optional[str] = ...,
        parent: Parent = ...,
        lane: Lane = ...,
        deadline: Optional[Seconds] = ...,
        any_thread: bool = ...,
    ) -> Posting[T]: ...

    @overload
    def post(
        self,
        function: Callable[[Unpack[Ts]], Iterator[Any]],
        *arguments: Unpack[Ts],
        label: Optional[str] = ...,
        caller_id: Optional[str] = ...,
        parent: Parent = ...,
        lane: Lane = ...,
        deadline: Optional[Seconds] = ...,
        any_thread: bool = ...,
    ) -> Posting[Any]: ...

    @overload
    def post(
        self,
        function: Callable[[Unpack[Ts]], T],
        *arguments: Unpack[Ts],
        label: Optional[str] = ...,
        caller_id: Optional[str] = ...,
        parent: Parent = ...,
        lane: Lane = ...,
        deadline: Optional[Seconds] = ...,
        any_thread: bool = ...,
    ) -> Posting[T]: ...

    def post(
        self,
        function: Callable[[Unpack[Ts]], Any],
        *arguments: Unpack[Ts],
        label: Optional[str] = None,
        caller_id: Optional[str] = None,
        parent: Parent = CURRENT,
        lane: Literal["interactive", "normal", "background"] = "normal",
        deadline: Optional[Seconds] = None,
        any_thread: bool = False,
    ) -> Posting[Any]:
        """Posts a callable, and returns a Posting: the future of its result, and its job.

        It runs in a copy of the poster's context, in which `parent` is the current token and its own
        job the current job; native code that it calls sees both. The parent cancels the job. Without one
        the poster's current token does, and so does a cancel of the poster's current job; None: nothing
        does. If the callable is
        a generator function each step between two `yield` is one slice of a tick, and what it returns
        is the result; a cancel is raised where it yields, in the next tick. With `any_thread` it runs on
        a thread of the library. `deadline` seconds after this call the job is cancelled; a `lane` before
        another is pumped first. OverloadedError: too many wait; nothing was taken. Any thread.
        """
        handle = self.handle
        above = Above(parent)
        posting, key, description = self._described(
            function, arguments, label, caller_id, above, lane, deadline, any_thread
        )
        out = ctypes.c_void_p()
        admission = c.Admission(struct_size=ctypes.sizeof(c.Admission))
        with above:
            status = library.dcc_dispatcher_post(
                handle, ctypes.byref(description), ctypes.byref(out), ctypes.byref(admission)
            )
        if status < 0:
            forget(key)
            error = error_of(status)
            if isinstance(error, OverloadedError):
                error.retry_after = seconds(admission.retry_after_ns)
            raise error
        posting._take_job(out.value or 0)
        posting._hear_early_cancel()
        return posting

    @overload
    def post_and_wait(
        self,
        function: Callable[[Unpack[Ts]], Generator[Any, Any, T]],
        *arguments: Unpack[Ts],
        timeout: Optional[Seconds] = ...,
        label: Optional[str] = ...,
        caller_id: Optional[str] = ...,
        parent: Parent = ...,
        lane: Lane = ...,
        deadline: Optional[Seconds] = ...,
        any_thread: bool = ...,
    ) -> T: ...

    @overload
    def post_and_wait(
        self,
        function: Callable[[Unpack[Ts]], Iterator[Any]],
        *arguments: Unpack[Ts],
        timeout: Optional[Seconds] = ...,
        label: Optional[str] = ...,
        caller_id: Optional[str] = ...,
        parent: Parent = ...,
        lane: Lane = ...,
        deadline: Optional[Seconds] = ...,
        any_thread: bool = ...,
    ) -> Any: ...

    @overload
    def post_and_wait(
        self,
        function: Callable[[Unpack[Ts]], T],
        *arguments: Unpack[Ts],
        timeout: Optional[Seconds] = ...,
        label: Optional[str] = ...,
        caller_id: Optional[str] = ...,
        parent: Parent = ...,
        lane: Lane = ...,
        deadline: Optional[Seconds] = ...,
        any_thread: bool = ...,
    ) -> T: ...

    def post_and_wait(
        self,
        function: Callable[[Unpack[Ts]], Any],
        *arguments: Unpack[Ts],
        timeout: Optional[Seconds] = None,
        label: Optional[str] = None,
        caller_id: Optional[str] = None,
        parent: Parent = CURRENT,
        lane: Literal["interactive", "normal", "background"] = "normal",
        deadline: Optional[Seconds] = None,
        any_thread: bool = False,
    ) -> Any:
        """Posts a callable as `post` does, waits until it is over, and returns its result.

        On the dispatcher's own thread it runs at once. PostTimeoutError: it is not over after `timeout`
        seconds, or the dispatcher's thread is stuck; `started` says whether it had begun.
        DccMcpCancelledError: it was cancelled. Other Python threads run meanwhile. Any thread.
        """
        limit = nanoseconds(timeout, "timeout")
        handle = self.handle
        above = Above(parent)
        posting, key, description = self._described(
            function, arguments, label, caller_id, above, lane, deadline, any_thread
        )
        out = ctypes.c_void_p()
        state = ctypes.c_int32()
        with above:
            status = library.dcc_dispatcher_post_and_wait(
                handle,
                ctypes.byref(description),
                limit,
                ctypes.byref(out),
                ctypes.byref(state),
            )
        if status < 0:
            forget(key)
            raise error_of(status)
        posting._take_job(out.value or 0)
        if status in (c.DCC_TIMED_OUT, c.DCC_STARTED, c.DCC_WEDGED):
            text = {
                c.DCC_TIMED_OUT: "the job had not begun after %r seconds, and never runs",
                c.DCC_STARTED: "the job was not over after %r seconds, and was asked to stop",
                c.DCC_WEDGED: "the dispatcher's thread is stuck in something else; this one never runs"
                " (timeout %r)",
            }[status]
            raise PostTimeoutError(text % (timeout,), status, status == c.DCC_STARTED)
        if posting._error is self._interrupt:
            self._interrupt = None
        return posting._outcome(state.value)

    def _described(
        self,
        function: Callable[..., Any],
        arguments: Tuple[Any, ...],
        label: Optional[str],
        caller_id: Optional[str],
        above: Above,
        lane: Lane,
        deadline: Optional[Seconds],
        any_thread: bool,
    ) -> Tuple[Posting[Any], int, c.PostDesc]:
        callable_in(function, "function")
        refuse_coroutines(
            function, "await it in its event loop, or use a generator function, whose steps are slices"
        )
        if label is None:
            label = str(getattr(function, "__qualname__", type(function).__name__))
        posting: Posting[Any] = Posting(self, function, arguments, above.token, above.kept)
        description = c.PostDesc(
            struct_size=ctypes.sizeof(c.PostDesc),
            # Of what is posted generators alone are between slices when a cancel comes.
            flags=c.DCC_POST_UNWINDS
            | (c.DCC_POST_ANY_THREAD if flag(any_thread, "any_thread") else 0)
            | (c.DCC_POST_BELOW_CURRENT if above.is_current else 0),
            parent=above.parent,
            function=run,
            completion=complete,
            destroy=destroy,
            owner=owner(),
            deadline_after_ns=nanoseconds(deadline, "deadline", for_none=0),
            lane=one_of(_LANES, "lane", lane),
        )
        description.label, description.label_length = text_in(label, "label")
        encoded, length = id_in(caller_id, "caller_id")
        description.caller_id, description.caller_id_length = encoded, length
        key = keep(posting)
        description.user_data = key
        return posting, key, description

    def pump(self, budget: Optional[Seconds] = None, max_jobs: Optional[int] = None) -> Tick:
        """Runs what waits, on the dispatcher's thread, and says what it did: a Tick.

        It stops between two callables once `budget` seconds have passed, 0.008 for 8 milliseconds and less
        than 1, or `max_jobs` were called; one goes in any case. What a callable raises is its future's; only
        Ctrl-C is raised from here, too. `next` of the tick: in how many seconds the next one makes sense,
        None: after the next post.
        """
        span = budget_in(budget)
        most = c.DCC_NO_LIMIT if max_jobs is None else whole(max_jobs, "max_jobs", 64)
        tick = c.Tick(struct_size=ctypes.sizeof(c.Tick))
        if self._thread is None:
            # At once, so that what runs in this pump knows it.
            self._bind()
        checked(library.dcc_dispatcher_pump(self.handle, span, most, ctypes.byref(tick)))
        interrupt, self._interrupt = self._interrupt, None
        if interrupt is not None:
            raise interrupt
        return Tick(
            tick.executed,
            tick.completed,
            tick.cancelled,
            tick.remaining,
            tick.elapsed_ns / 1e9,
            tick.overrun_ns / 1e9,
            seconds(tick.next_after_ns),
            bool(tick.is_vetoed),
        )

    def find(self, caller_id: str) -> Optional[Job]:
        """The unfinished job with this caller id, or None."""
        if caller_id is None:
            wrong_type("caller_id", "a str", caller_id)
        text, length = text_in(caller_id, "caller_id", c.DCC_MAX_CALLER_ID_LENGTH)
        out = ctypes.c_void_p()
        checked(library.dcc_dispatcher_find(self.handle, text, length, ctypes.byref(out)))
        return Job._owning(out.value) if out.value else None

    def stats(self) -> Dict[str, int]:
        """What it has done and where it stands, as a dict; the names are those of the C structure."""
        info = c.DispatcherStats(struct_size=ctypes.sizeof(c.DispatcherStats))
        checked(library.dcc_dispatcher_read_stats(self.handle, ctypes.byref(info)))
        values = {name: getattr(info, name) for name in names_of(info)}
        for name in ("is_closed", "is_wedged"):
            values[name] = bool(values[name])
        return values

    @property
    def longest_label(self) -> str:
        """The label of the job that ran longest at a time, `longest_job_id` and `run_max_ns` of `stats`."""
        return text_from(library.dcc_dispatcher_longest_label, self.handle)[0]

    def close(self) -> bool:
        """Refuses posts from now on; what waits ends as interrupted, what runs is asked to stop.

        Whether everything is over, and the object can be used no more. False: completions follow in the next
        pump or close on the dispatcher's thread. Any thread, also inside a job. Harmless if repeated.
        """
        is_over = not self._handle or checked(library.dcc_dispatcher_close(self._handle)) == c.DCC_OK
        if is_over:
            super().close()
        return is_over

    def __enter__(self: D) -> D:
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        if not self.close():
            super().close()

    def __repr__(self) -> str:
        return "Dispatcher(%s)" % self._inside(lambda: "%d waiting" % self.stats()["depth"])
