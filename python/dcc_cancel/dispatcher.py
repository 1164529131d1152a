"""Dispatcher: a bounded queue of callables that one thread pumps from its tick."""

import collections
import ctypes
import threading

from . import _declarations as c
from ._asyncio import refuse_coroutines
from ._callbacks import destroy, forget, keep, kept, owner, report
from ._handle import NativeObject
from ._library import library
from ._posting import Posting, complete, run
from ._status import checked, error_of, nanoseconds, seconds, text_in, whole
from .context import _current_token
from .errors import InvalidArgumentError, OverloadedError, PostTimeoutError
from .job import Job
from .linking import parent_of

Tick = collections.namedtuple(
    "Tick", "executed completed cancelled remaining elapsed overrun next is_vetoed"
)

_LANES = {
    "interactive": c.DCC_LANE_INTERACTIVE,
    "normal": c.DCC_LANE_NORMAL,
    "background": c.DCC_LANE_BACKGROUND,
}

_CURRENT = object()


class _Functions:
    """What a dispatcher calls of its host."""

    def __init__(self, wake, veto, progress):
        self.wake = wake
        self.veto = veto
        self.progress = progress


@c.WakeFn
def _wake(key):
    try:
        kept(key).wake()
    except BaseException:
        report("a dispatcher's wake")


@c.VetoFn
def _veto(key):
    try:
        return 1 if kept(key).veto() else 0
    except BaseException:
        report("a dispatcher's veto")
        return 0


@c.ProgressFn
def _progress(handle, done, total, key):
    try:
        checked(library.dcc_job_retain(handle))
        kept(key).progress(Job._owning(handle), done, total or None)
    except BaseException:
        report("a dispatcher's progress")


class Dispatcher(NativeObject):
    """Runs posted callables on one thread, as a rule the UI's, from its tick; cancels reach them.

    It belongs to the thread that creates it; with `bind_later` to the one that first pumps it.
    `capacity` jobs may wait (0: 1024). `default_deadline` cancels a job so many seconds after its post.
    `wake()` is told on any thread that there is something to pump; `veto()` is asked on the pumping one
    before each job whether now is a bad time; `progress(job, done, total)` shows how far jobs are.
    """

    __slots__ = ("_thread", "_interrupt")

    _release = library.dcc_dispatcher_release

    def __init__(
        self,
        bind_later=False,
        capacity=0,
        default_deadline=None,
        wedge_threshold=None,
        progress_interval=None,
        wake=None,
        veto=None,
        progress=None,
    ):
        self._handle = 0
        self._interrupt = None
        self._thread = None if bind_later else threading.get_ident()
        description = c.DispatcherDesc(
            struct_size=ctypes.sizeof(c.DispatcherDesc),
            flags=c.DCC_DISPATCHER_BIND_LATER if bind_later else 0,
            capacity=whole(capacity, "capacity", 32),
            default_deadline_after_ns=nanoseconds(default_deadline, "default_deadline", for_none=0),
            wedge_threshold_ns=nanoseconds(wedge_threshold, "wedge_threshold", for_none=0),
            progress_interval_ns=nanoseconds(progress_interval, "progress_interval", for_none=0),
            destroy=destroy,
            owner=owner(),
        )
        if wake is not None:
            description.wake = _wake
        if veto is not None:
            description.veto = _veto
        if progress is not None:
            description.progress = _progress
        key = keep(_Functions(wake, veto, progress))
        description.user_data = key
        out = ctypes.c_void_p()
        status = library.dcc_dispatcher_create(ctypes.byref(description), ctypes.byref(out))
        if status < 0:
            forget(key)
            raise error_of(status)
        self._handle = out.value

    def post(
        self,
        function,
        *arguments,
        label=None,
        caller_id=None,
        parent=_CURRENT,
        lane="normal",
        deadline=None,
        any_thread=False
    ):
        """Posts a callable, and returns a Posting: the future of its result, and its job.

        It runs in a copy of the poster's context, in which `parent` is the current token and its own
        job the current job; native code that it calls sees both. The parent, whose cancel cancels the
        job, is the poster's current token unless one is given; None: there is none. If the callable is
        a generator function each step between two `yield` is one slice of a tick, and what it returns
        is the result. With `any_thread` it runs on a thread of the library. OverloadedError: too many
        wait; nothing was taken. Any thread.
        """
        handle = self.handle
        posting, key, description = self._described(
            function, arguments, label, caller_id, parent, lane, deadline, any_thread
        )
        out = ctypes.c_void_p()
        admission = c.Admission(struct_size=ctypes.sizeof(c.Admission))
        status = library.dcc_dispatcher_post(
            handle, ctypes.byref(description), ctypes.byref(out), ctypes.byref(admission)
        )
        if status < 0:
            forget(key)
            error = error_of(status)
            if isinstance(error, OverloadedError):
                error.retry_after = seconds(admission.retry_after_ns)
            raise error
        posting._take_job(out.value)
        return posting

    def post_and_wait(
        self,
        function,
        *arguments,
        timeout=None,
        label=None,
        caller_id=None,
        parent=_CURRENT,
        lane="normal",
        deadline=None,
        any_thread=False
    ):
        """Posts a callable as `post` does, waits until it is over, and returns its result.

        On the dispatcher's own thread it runs at once. PostTimeoutError: it is not over after `timeout`
        seconds, or the dispatcher's thread is stuck; `started` says whether it had begun.
        DccMcpCancelledError: it was cancelled. Other Python threads run meanwhile. Any thread.
        """
        limit = nanoseconds(timeout, "timeout")
        handle = self.handle
        posting, key, description = self._described(
            function, arguments, label, caller_id, parent, lane, deadline, any_thread
        )
        out = ctypes.c_void_p()
        state = ctypes.c_int32()
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
        posting._take_job(out.value)
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
        self, function, arguments, label, caller_id, parent, lane, deadline, any_thread
    ):
        if not callable(function):
            raise TypeError("%r is not callable" % (function,))
        refuse_coroutines(function, "a dispatcher")
        if lane not in _LANES:
            raise InvalidArgumentError(
                "lane must be one of %s; it is %r" % (", ".join(map(repr, _LANES)), lane)
            )
        if parent is _CURRENT:
            parent = _current_token.get()
        if label is None:
            label = getattr(function, "__qualname__", type(function).__name__)
        keeping, above = parent_of(parent)
        posting = Posting(self, function, arguments, parent, keeping)
        description = c.PostDesc(
            struct_size=ctypes.sizeof(c.PostDesc),
            flags=c.DCC_POST_ANY_THREAD if any_thread else 0,
            parent=above,
            function=run,
            completion=complete,
            destroy=destroy,
            owner=owner(),
            deadline_after_ns=nanoseconds(deadline, "deadline", for_none=0),
            lane=_LANES[lane],
        )
        description.label, description.label_length = text_in(label, "label")
        encoded, length = text_in(caller_id or None, "caller_id")
        description.caller_id, description.caller_id_length = encoded, length
        key = keep(posting)
        description.user_data = key
        return posting, key, description

    def pump(self, budget=None, max_jobs=None):
        """Runs what waits, on the dispatcher's thread, and says what it did: a Tick.

        It stops between two callables once `budget` seconds have passed or `max_jobs` were called; one
        goes in any case. What a callable raises is its future's; only Ctrl-C is raised from here, too.
        `next` of the tick: in how many seconds the next one makes sense, None: after the next post.
        """
        tick = c.Tick(struct_size=ctypes.sizeof(c.Tick))
        if self._thread is None:
            # Set at once, so that what runs in this pump knows it.
            self._thread = threading.get_ident()
        checked(
            library.dcc_dispatcher_pump(
                self.handle,
                nanoseconds(budget, "budget"),
                c.DCC_NO_LIMIT if max_jobs is None else whole(max_jobs, "max_jobs", 64),
                ctypes.byref(tick),
            )
        )
        interrupt, self._interrupt = self._interrupt, None
        if interrupt is not None:
            raise interrupt
        return Tick(
            tick.executed,
            tick.completed,
            tick.cancelled,
            tick.remaining,
            seconds(tick.elapsed_ns),
            seconds(tick.overrun_ns),
            seconds(tick.next_after_ns),
            bool(tick.is_vetoed),
        )

    def find(self, caller_id):
        """The unfinished job with this caller id, or None."""
        out = ctypes.c_void_p()
        text, length = text_in(caller_id, "caller_id")
        checked(library.dcc_dispatcher_find(self.handle, text, length, ctypes.byref(out)))
        return Job._owning(out.value) if out.value else None

    def stats(self):
        """What it has done and where it stands, as a dict; the names are those of the C structure."""
        info = c.DispatcherStats(struct_size=ctypes.sizeof(c.DispatcherStats))
        checked(library.dcc_dispatcher_read_stats(self.handle, ctypes.byref(info)))
        values = {name: getattr(info, name) for name, _ in info._fields_[1:]}
        for name in ("is_closed", "is_wedged"):
            values[name] = bool(values[name])
        return values

    def close(self):
        """Refuses posts from now on; what waits ends as interrupted, what runs is asked to stop.

        Whether everything is over, and the object can be used no more. False: completions follow in the next
        pump or close on the dispatcher's thread. Any thread, also inside a job. Harmless if repeated.
        """
        is_over = not self._handle or checked(library.dcc_dispatcher_close(self._handle)) == c.DCC_OK
        if is_over:
            super().close()
        return is_over

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.close():
            super().close()

    def __repr__(self):
        if not self._handle:
            return "Dispatcher(closed)"
        return "Dispatcher(%d waiting)" % self.stats()["depth"]
