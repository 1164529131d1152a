"""Diagnosis for hosts and tools: events, latencies, the poll trace and the timeline of the process."""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
from typing import (
    TYPE_CHECKING,
    Callable,
    Dict,
    Generator,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Tuple,
    TypeVar,
    Union,
)

from . import _declarations as c
from ._arguments import callable_in, flag, one_of, span, text_in, whole, wrong_type, wrong_value
from ._callbacks import report
from ._handle import NativeObject, created
from ._library import library
from ._request_id import id_of
from ._status import checked, names_of, text_from
from ._types import RequestId, Seconds
from .job import _STATES
from .token import CAUSES

if TYPE_CHECKING:
    from typing_extensions import Literal

    from .job import State
    from .token import Cause

    Kind = Literal[
        "overflow",
        "token_cancelled",
        "job_state",
        "cancel_seen",
        "slow_cancel",
        "request_cancelled",
        "check_not_asked",
        "sealed",
    ]

_KINDS: Dict[int, Kind] = {
    c.DCC_EVENT_OVERFLOW: "overflow",
    c.DCC_EVENT_TOKEN_CANCELLED: "token_cancelled",
    c.DCC_EVENT_JOB_STATE: "job_state",
    c.DCC_EVENT_CANCEL_SEEN: "cancel_seen",
    c.DCC_EVENT_SLOW_CANCEL: "slow_cancel",
    c.DCC_EVENT_REQUEST_CANCELLED: "request_cancelled",
    c.DCC_EVENT_CHECK_NOT_ASKED: "check_not_asked",
    c.DCC_EVENT_SEALED: "sealed",
}
_LATENCIES: Dict[Literal["cancel_to_seen", "cancel_to_end"], int] = {
    "cancel_to_seen": c.DCC_LATENCY_CANCEL_TO_SEEN,
    "cancel_to_end": c.DCC_LATENCY_CANCEL_TO_END,
}

class Event(NamedTuple):
    """Something that happened in the process. The kinds:

    - "token_cancelled": a token was cancelled. It has the `cause`, and the reason as `text`.
    - "job_state": a job has changed its `state`. The label is the `text`.
    - "cancel_seen": a poll of a thread was the first of that thread to see a cancel.
    - "slow_cancel": no thread of a job has seen its cancel in time. The reason is the `text`.
    - "request_cancelled": a peer cancelled a request. The `text` is its id, a colon and the reason.
    - "check_not_asked": the host's own check of a job was not asked in time, because the thread that may ask
      it neither polls nor waits in this library.
    - "sealed": a job or a request has passed its point of no return.
    - "overflow": `lost` events are missing before this one.
    """

    kind: Kind
    #: When it happened, on the library's clock, see `clock`.
    at: Seconds
    #: The library's number of the job; 0 for none. `Job.find` finds the job while it lives.
    job_id: int
    #: The new state, of a "job_state".
    state: Optional[State]
    #: The system's number of the thread that it happened on.
    thread: int
    #: How long after the cancel it happened; 0.0 if there was no cancel.
    since_cancel: Seconds
    #: The cause of a cancel, see CancelToken.cause; "" for other events.
    cause: Union[Cause, Literal[""]]
    #: A text for people, cut to 120 bytes.
    text: str
    #: How many events were lost, of an "overflow".
    lost: int
    #: The id of the request, not cut, of a "request_cancelled".
    request_id: Optional[RequestId]
    #: The reason of a cancel, not cut.
    reason: str
    #: The `traceparent` of the request that the event belongs to.
    trace_parent: Optional[str]


class Latency(NamedTuple):
    """How long something took in the whole process: percentiles of so many `samples`, in seconds."""

    samples: int
    p50: Seconds
    p95: Seconds
    p99: Seconds
    max: Seconds


class PollPlace(NamedTuple):
    """A place in native code, and how many polls happened there."""

    #: "(unknown)" for polls that do not say where they stand.
    file: str
    line: int
    polls: int


O = TypeVar("O", bound="Observer")


class Observer(NativeObject):
    """A ring that gets the events of the process from now on. Take them out regularly, for instance in a
    tick.

    Any thread may call any method; if several threads take events out, each event goes to one of them.
    Iteration takes out the events that wait: `for event in observer: ...` ends when there are no more. When a
    ring of `capacity` events is full it loses the oldest ones, and an "overflow" says so. Without observers
    no events are made. As a context manager it is closed with the block.
    """

    __slots__ = ()

    _release = library.dcc_events_release

    def __init__(self, capacity: int = 1024) -> None:
        self._handle = 0
        if whole(capacity, "capacity", 32, c.DCC_MAX_EVENTS) == 0:
            wrong_value("capacity", "from 1 to %d" % c.DCC_MAX_EVENTS, capacity)
        self._handle = created(library.dcc_events_create, capacity)

    def drain(self) -> List[Event]:
        """Takes out all events that wait, oldest first."""
        return list(self)

    def __iter__(self) -> Iterator[Event]:
        told = c.EventDetails(struct_size=ctypes.sizeof(c.EventDetails))
        while checked(library.dcc_events_next(self.handle, ctypes.byref(told))) == c.DCC_OK:
            event = _event(told)
            if event is not None:
                yield event

    def tell(self, function: Callable[[Event], object]) -> int:
        """Takes out all events that wait, and calls `function(event)` for each, on this thread. For a tick.

        Returns how many there were. What the function raises is logged, and the next event follows.
        """
        callable_in(function, "function")
        count = 0
        for event in self:
            count += 1
            try:
                function(event)
            except Exception:
                report("%r, which was told of %r," % (function, event))
        return count

    def log(self, logger: Optional[logging.Logger] = None) -> int:
        """Takes out all events that wait, and writes each to a logger. For a tick. How many there were.

        Without `logger` it is the logger of this package. "overflow", "slow_cancel" and "check_not_asked" are
        warnings, the cancels of tokens and requests are infos, all others are debug records. Each record has
        its event as the attribute `dcc_event`.
        """
        if logger is None:
            logger = logging.getLogger(__package__)
        elif not isinstance(logger, logging.Logger):
            wrong_type("logger", "a logging.Logger", logger, "logging.getLogger(name) gives one")
        count = 0
        for event in self:
            count += 1
            level = _LEVELS.get(event.kind, logging.DEBUG)
            if logger.isEnabledFor(level):
                logger.log(level, "%s", _sentence(event), extra={"dcc_event": event})
        return count

    def __enter__(self: O) -> O:
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        self.close()


_LEVELS: Dict[str, int] = {
    "overflow": logging.WARNING,
    "slow_cancel": logging.WARNING,
    "check_not_asked": logging.WARNING,
    "token_cancelled": logging.INFO,
    "request_cancelled": logging.INFO,
}


def _event(told: c.EventDetails) -> Optional[Event]:
    raw = told.event
    kind = _KINDS.get(raw.kind)
    if kind is None:
        # The library is newer than this package, and has kinds that this package does not know.
        return None
    return Event(
        kind,
        raw.at_ns / 1e9,
        raw.job_id,
        _STATES.get(raw.state) if kind == "job_state" else None,
        raw.thread,
        raw.since_cancel_ns / 1e9,
        CAUSES.get(raw.cause, ""),
        raw.text.decode("utf-8", "replace"),
        raw.count,
        id_of(told),
        told.reason.decode("utf-8", "replace"),
        told.trace_parent.decode("ascii") or None,
    )


def _sentence(event: Event) -> str:
    who = "job %d" % event.job_id if event.job_id else "a token"
    why = ": " + event.text if event.text else ""
    if event.kind == "overflow":
        return "%d events were lost: drain more often, or with a larger capacity" % event.lost
    if event.kind == "job_state":
        return "%s is %s%s" % (who, event.state, why)
    if event.kind == "cancel_seen":
        return "thread %d saw the cancel of %s after %.3f s" % (event.thread, who, event.since_cancel)
    if event.kind == "slow_cancel":
        return "no thread of %s has seen its cancel after %.3f s%s" % (who, event.since_cancel, why)
    if event.kind == "request_cancelled":
        return "a peer cancelled request %s" % event.text
    if event.kind == "check_not_asked":
        return "the check of %s was not asked for %.3f s%s" % (who, event.since_cancel, why)
    if event.kind == "sealed":
        return "%s is sealed%s" % (who if event.job_id else "a request", why)
    return "%s was cancelled by a %s%s" % (who, event.cause or "parent", why)


def set_slow_cancel_threshold(seconds: Seconds) -> None:
    """Sets after how many seconds an unseen cancel of a job is told as "slow_cancel". By default it is 1.

    The same time is used for "check_not_asked". Any thread may call this; it holds for the whole process.
    """
    checked(library.dcc_events_set_slow_cancel_threshold(span(seconds, "seconds")))


def latency(which: Literal["cancel_to_seen", "cancel_to_end"]) -> Latency:
    """How long cancels took in this process: "cancel_to_seen", to the first poll of each thread that saw one;
    "cancel_to_end", to the job's end. Any thread may call this."""
    info = c.Latency(struct_size=ctypes.sizeof(c.Latency))
    number = one_of(_LATENCIES, "which", which)
    checked(library.dcc_stats_latency(number, ctypes.byref(info)))
    times = (info.p50_ns, info.p95_ns, info.p99_ns, info.max_ns)
    return Latency(info.count, *(time / 1e9 for time in times))


def trace_all(on: bool = True) -> None:
    """Switches the poll trace of all jobs on or off, also of jobs to come. See Job.trace. Any thread."""
    checked(library.dcc_trace_all(flag(on, "on")))


def stats() -> Dict[str, int]:
    """Counts of the whole process, as a dict. The names are those of dcc_stats. Too slow for every tick."""
    info = c.Stats(struct_size=ctypes.sizeof(c.Stats))
    checked(library.dcc_stats_read(ctypes.byref(info)))
    return {name: getattr(info, name) for name in names_of(info) if name != "reserved"}


def polls_without_job() -> List[PollPlace]:
    """The first sixteen places where native code polls on a thread without a job, so that nothing cancels it.

    Carry the context to these threads by `with_context` or dcc_context_bind. `stats` has the number of such
    polls as `polls_without_job`.
    """
    found = json.loads(text_from(library.dcc_stats_polls_without_job)[0])
    return [PollPlace(place["file"], place["line"], place["count"]) for place in found["places"]]


def clock() -> Seconds:
    """The time now on the library's clock, in seconds. Deadlines and events use it.

    On Linux it is the clock of `time.monotonic`.
    """
    return int(library.dcc_clock_now_ns()) / 1e9


def begin_timeline(max_entries: int = 100_000) -> None:
    """Records from now on what happens in the process, and keeps the latest `max_entries`; see `timeline`.

    Each entry takes about 200 bytes. An earlier recording is forgotten. Any thread may call this.
    """
    checked(library.dcc_timeline_begin(_entries(max_entries)))


def end_timeline() -> None:
    """Stops the recording. What was recorded can still be written. Any thread may call this."""
    checked(library.dcc_timeline_end())


def write_timeline(path: Union[str, os.PathLike[str]]) -> None:
    """Writes what was recorded to a file that Perfetto opens. Any thread may call this.

    An existing file is replaced in one step, so that no reader finds half a file. DccCancelError: the file
    could not be written, and the text says why.
    """
    text, length = _path(path)
    checked(library.dcc_timeline_write(text, length))


def timeline(
    path: Union[str, os.PathLike[str]], max_entries: int = 100_000
) -> contextlib.AbstractContextManager[None]:
    """Records what happens in the process during a `with` block, and writes it to a file for Perfetto.

    It records ticks, posted jobs, cancels, and when each thread first saw a cancel. It keeps the latest
    `max_entries`. The process has one recording, so a block inside another starts it anew.
    """
    # A wrong path is refused here, before anything is recorded.
    _path(path)
    return _recorded(path, _entries(max_entries))


@contextlib.contextmanager
def _recorded(
    path: Union[str, os.PathLike[str]], max_entries: int
) -> Generator[None, None, None]:
    begin_timeline(max_entries)
    try:
        yield
    finally:
        end_timeline()
        write_timeline(path)


def _entries(value: int) -> int:
    if whole(value, "max_entries", 64, c.DCC_MAX_TIMELINE_ENTRIES) == 0:
        wrong_value("max_entries", "from 1 to %d" % c.DCC_MAX_TIMELINE_ENTRIES, value)
    return value


def _path(value: Union[str, os.PathLike[str]]) -> Tuple[Optional[bytes], int]:
    text: object = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        wrong_type("path", "a str or a pathlib.Path", value)
    if not text:
        wrong_value("path", "the path of a file", value)
    return text_in(text, "path")
