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
    """What one pump did."""

    #: How many callables and slices were called.
    executed: int
    #: How many jobs are over that the pump has completed, however they ended.
    completed: int
    #: How many of these ended as cancelled.
    cancelled: int
    #: How many jobs still wait.
    remaining: int
    #: How long the pump took.
    elapsed: Seconds
    #: By how much it took longer than its budget.
    overrun: Seconds
    #: In how many seconds the next pump makes sense; None: after the next post.
    next: Optional[Seconds]
    #: Whether the host's `veto` has stopped the pump.
    is_vetoed: bool


_LANES: Dict[Lane, int] = {
    "interactive": c.DCC_LANE_INTERACTIVE,
    "normal": c.DCC_LANE_NORMAL,
    "background": c.DCC_LANE_BACKGROUND,
}

D = TypeVar("D", bound="Dispatcher")


def slice_is_over() -> bool:
    """Whether a posted generator function should `yield` now, because its part of the tick's budget is over.

    For loops of many short steps: `if slice_is_over(): yield`. It is also True once the job is cancelled; the
    `yield` then raises DccMcpCancelledError. It asks about the job that runs on this thread. On a thread that
    runs no job of a dispatcher only a cancel makes it True.
    """
    return bool(library.dcc_slice_is_over() != c.DCC_OK)


class Dispatcher(NativeObject):
    """A queue of callables that one thread runs from its tick, as a rule the UI thread. Cancels reach them.

    Any thread may post. The thread that creates the dispatcher pumps it; with `bind_later` the thread that
    pumps first does. A dispatcher of the main thread is closed when the interpreter exits, before the
    interpreter waits for other threads.

    - `capacity`: how many jobs may wait; 0 means 1024.
    - `default_deadline`: how many seconds after its post a job is cancelled that has no deadline of its own.
    - `wedge_threshold`: after so many seconds inside one function the dispatcher's thread counts as stuck,
      and `post_and_wait` no longer waits for jobs that have not begun. None means ten seconds.
    - `wake()`: called when there is something to pump, on the thread that posts or cancels. It must arrange
      for a pump, and not pump itself.
    - `veto()`: called on the dispatcher's thread before each callable. If it answers with a true value the
      pump stops.
    - `progress(job, done, total)`: called on the dispatcher's thread to show how far a job is, for each job
      every `progress_interval` seconds at most. None means 0.1.

    What `wake`, `veto` and `progress` raise is logged.
    """

    __slots__ = ("_thread", "_interrupt")

    # The thread that pumps; None with `bind_later` until the first pump.
    _thread: Optional[int]
    # The KeyboardInterrupt that a callable has raised. The pump raises it again.
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

        Any thread may call this, even inside jobs. The callable runs in a pump, on the dispatcher's thread;
        with `any_thread` it runs on a thread of the library. It runs in a copy of the poster's context, in
        which `parent`, if it is given, is the current token, and the callable's own job is the current job.
        Native code that it calls sees both.

        - `parent`: a cancel of it cancels the job. Without it a cancel of the poster's current token or of
          its current job does. With None nothing above the job does.
        - `deadline`: so many seconds after this call the job is cancelled.
        - `lane`: jobs of "interactive" go first, then those of "normal", then those of "background". No lane
          waits for ever.

        If the callable is a generator function, each step from one `yield` to the next is one slice of a
        tick, and what the function returns is the result. A cancel is raised at the `yield`, in the next
        tick.

        OverloadedError: too many jobs wait. DuplicateError: an unfinished job has this `caller_id`.
        ShutdownError: the dispatcher is closed. Nothing was taken then.
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

        Any thread may call this; other Python threads run meanwhile. Hold no lock that the callable needs. On
        the dispatcher's own thread the callable runs at once, before jobs that wait. What it raises is raised
        from here.

        - PostTimeoutError: it was not over after `timeout` seconds, or the dispatcher's thread is stuck. Its
          `started` says whether the callable had begun.
        - DccMcpCancelledError: the job was cancelled.
        - JobInterruptedError: the job was ended from outside, for instance by a close of the dispatcher.
        - WouldDeadlockError: the dispatcher's thread waits for this thread.
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
            # A generator that is between two slices when a cancel comes is called once more, to undo its
            # work. Functions have one slice, so the flag changes nothing for them.
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
        """Runs the jobs that wait, and says what it did: a Tick. Call it on the dispatcher's thread.

        It stops between two callables once `budget` seconds have passed or `max_jobs` callables and slices
        were called. `budget` is less than 1, for instance 0.008 for 8 milliseconds; None runs all jobs that
        wait. At least one callable runs, unless a bound is 0. A running callable is not interrupted; it has
        to poll. `next` of the Tick says in how many seconds the next pump makes sense.

        What a callable raises goes to its Posting. Only KeyboardInterrupt is raised from here as well.
        WrongThreadError: the dispatcher belongs to another thread. ReentrantError: the call is inside a
        callable or callback of this dispatcher; nothing ran.
        """
        span = budget_in(budget)
        most = c.DCC_NO_LIMIT if max_jobs is None else whole(max_jobs, "max_jobs", 64)
        tick = c.Tick(struct_size=ctypes.sizeof(c.Tick))
        if self._thread is None:
            # Before the pump, so that the callables of this pump find the thread.
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
        """The dispatcher's unfinished job with this caller id, or None. Any thread may call this."""
        if caller_id is None:
            wrong_type("caller_id", "a str", caller_id)
        text, length = text_in(caller_id, "caller_id", c.DCC_MAX_CALLER_ID_LENGTH)
        out = ctypes.c_void_p()
        checked(library.dcc_dispatcher_find(self.handle, text, length, ctypes.byref(out)))
        return Job._owning(out.value) if out.value else None

    def stats(self) -> Dict[str, int]:
        """Counts of what the dispatcher has done and of what waits, as a dict. Any thread may call this.

        The names are those of dcc_dispatcher_stats. `is_closed` and `is_wedged` are bools.
        """
        info = c.DispatcherStats(struct_size=ctypes.sizeof(c.DispatcherStats))
        checked(library.dcc_dispatcher_read_stats(self.handle, ctypes.byref(info)))
        values = {name: getattr(info, name) for name in names_of(info)}
        for name in ("is_closed", "is_wedged"):
            values[name] = bool(values[name])
        return values

    @property
    def longest_label(self) -> str:
        """The label of the job with the longest slice; `stats` has its `longest_job_id` and `run_max_ns`."""
        return text_from(library.dcc_dispatcher_longest_label, self.handle)[0]

    def close(self) -> bool:
        """Closes the dispatcher for good. Whether everything is over; the object cannot be used then.

        Any thread may call this, even inside a job. Posts are refused from now on. Jobs that wait end as
        interrupted, and jobs that run are asked to stop. False: completions are left for the next pump or
        close on the dispatcher's thread. Harmless if repeated.
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
