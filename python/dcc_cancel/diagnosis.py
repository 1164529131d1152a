"""What happens in the process, for hosts and tools: events, latencies, the poll trace, the timeline."""

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
    """Something that happened in the process.

    `kind`: "token_cancelled", with `cause`, and the reason as `text`; "job_state", with `state`, and the
    label as `text`; "cancel_seen", the first poll of a thread that saw a cancel; "slow_cancel", a cancel that
    no thread of the job has seen in time, with the reason; "request_cancelled", with the request's id, a
    colon and the reason as `text`; "check_not_asked", the host's own check of a job that nobody could ask;
    "sealed", a job or a request passed its point of no return; "overflow", `lost` events are missing before
    this one.
    """

    kind: Kind
    #: On the library's clock; on Linux that of `time.monotonic`.
    at: Seconds
    #: 0: of no job. `Job.find` has it while it lives.
    job_id: int
    state: Optional[State]
    #: The system's number of the thread that it happened on.
    thread: int
    #: How long after the cancel; 0.0 where there was none.
    since_cancel: Seconds
    cause: Union[Cause, Literal[""]]
    text: str
    lost: int
    #: Of a "request_cancelled": the request's id, whole.
    request_id: Optional[RequestId]
    #: Of a cancel: why, whole, where `text` is cut to 120 bytes.
    reason: str
    #: The `traceparent` of the request that this is for.
    trace_parent: Optional[str]


class Latency(NamedTuple):
    """How long something took, all over the process, in seconds; `samples` times."""

    samples: int
    p50: Seconds
    p95: Seconds
    p99: Seconds
    max: Seconds


class PollPlace(NamedTuple):
    """A place in native code, and how many polls of it this is about."""

    #: "(unknown)" for polls that do not say where they stand.
    file: str
    line: int
    polls: int


O = TypeVar("O", bound="Observer")


class Observer(NativeObject):
    """Gets what happens in the process from now on, to be taken out by whoever made it, from a tick say.

    Iterating takes out what there is: `for event in observer: ...` ends when there is no more. A ring of
    `capacity` events loses the oldest ones when it is full, and says so by an "overflow". Without observers
    no events are made. As a context manager it is closed with the block. Any thread may call any method.
    """

    __slots__ = ()

    _release = library.dcc_events_release

    def __init__(self, capacity: int = 1024) -> None:
        self._handle = 0
        if whole(capacity, "capacity", 32, c.DCC_MAX_EVENTS) == 0:
            wrong_value("capacity", "from 1 to %d" % c.DCC_MAX_EVENTS, capacity)
        self._handle = created(library.dcc_events_create, capacity)

    def drain(self) -> List[Event]:
        """All events that wait, oldest first."""
        return list(self)

    def __iter__(self) -> Iterator[Event]:
        told = c.EventDetails(struct_size=ctypes.sizeof(c.EventDetails))
        while checked(library.dcc_events_next(self.handle, ctypes.byref(told))) == c.DCC_OK:
            event = _event(told)
            if event is not None:
                yield event

    def tell(self, function: Callable[[Event], object]) -> int:
        """Calls `function(event)` for all that wait, on this thread: for a tick. How many there were.

        What it raises is logged, and the next one is told.
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
        """Writes all that wait to a logger, that of this package if none is given: for a tick. How many.

        Slow cancels and overflows are warnings, cancels are infos, all else is for debugging. Each record has
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
        # Of a library that is newer than this package.
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
    """After how long a cancel that no thread of its job has seen is a "slow_cancel"; 1 second at first."""
    checked(library.dcc_events_set_slow_cancel_threshold(span(seconds, "seconds")))


def latency(which: Literal["cancel_to_seen", "cancel_to_end"]) -> Latency:
    """How long cancels took in this process, to the first poll that saw them, or to the job's end."""
    info = c.Latency(struct_size=ctypes.sizeof(c.Latency))
    number = one_of(_LATENCIES, "which", which)
    checked(library.dcc_stats_latency(number, ctypes.byref(info)))
    times = (info.p50_ns, info.p95_ns, info.p99_ns, info.max_ns)
    return Latency(info.count, *(time / 1e9 for time in times))


def trace_all(on: bool = True) -> None:
    """Switches the poll trace of all jobs on or off, of those that run and those to come; see Job.trace."""
    checked(library.dcc_trace_all(flag(on, "on")))


def stats() -> Dict[str, int]:
    """Counts of the whole process, as a dict; the names are those of dcc_stats. Not for every tick."""
    info = c.Stats(struct_size=ctypes.sizeof(c.Stats))
    checked(library.dcc_stats_read(ctypes.byref(info)))
    return {name: getattr(info, name) for name in names_of(info) if name != "reserved"}


def polls_without_job() -> List[PollPlace]:
    """Where native code polls on threads that have no job, so that nothing cancels it: the first sixteen
    places. Carry the context there, by `with_context` or dcc_context_bind. How many polls there were is
    `polls_without_job` of `stats`."""
    found = json.loads(text_from(library.dcc_stats_polls_without_job)[0])
    return [PollPlace(place["file"], place["line"], place["count"]) for place in found["places"]]


def clock() -> Seconds:
    """The time now on the library's clock, that of deadlines and events."""
    return int(library.dcc_clock_now_ns()) / 1e9


def begin_timeline(max_entries: int = 100_000) -> None:
    """Records from now on what happens in the process, the latest `max_entries`; see `timeline`."""
    checked(library.dcc_timeline_begin(_entries(max_entries)))


def end_timeline() -> None:
    """Records no more; what was recorded stays to be written."""
    checked(library.dcc_timeline_end())


def write_timeline(path: Union[str, os.PathLike[str]]) -> None:
    """Writes what was recorded to a file that Perfetto opens; one that is there is replaced at once."""
    text, length = _path(path)
    checked(library.dcc_timeline_write(text, length))


def timeline(
    path: Union[str, os.PathLike[str]], max_entries: int = 100_000
) -> contextlib.AbstractContextManager[None]:
    """Records what happens in the process during a `with` block, and writes it to a file for Perfetto.

    Ticks, posted jobs, cancels, and when each thread saw them; of more than `max_entries` the latest.
    """
    # Now, and not when all has been recorded.
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
