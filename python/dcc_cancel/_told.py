"""Whether code has been told to stop, inside a block of a job, on any thread or task that has its context."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any, Optional

from ._library import library

if TYPE_CHECKING:
    from ._handle import Polled


class Told:
    """What the contexts that were copied inside a block have in common."""

    __slots__ = ("job", "around", "is_told", "gave_up")

    def __init__(self, job: Polled, around: Optional[Told]) -> None:
        self.job = job
        self.around = around
        self.is_told = False
        # What left a block inside this one that was told to stop.
        self.gave_up: Optional[BaseException] = None

    def is_told_by(self, source: Optional[Polled]) -> bool:
        """While the job itself goes on, only what is current here says something of it: a job that is around,
        the current token. A token below the job stops a part of its work."""
        if source is None or _is_cancelled(self.job):
            return True
        if not source._is_of_job:
            above = getattr(source, "_above", None)
            is_part = above is not None and above == library.dcc_job_token(self.job._handle)
            return _is_current(source) and not is_part
        one: Optional[Told] = self
        while one is not None:
            if one.job._handle == source._handle:
                return True
            one = one.around
        return False


def _is_cancelled(job: Polled) -> bool:
    return bool(job._handle) and job._is_asked_to_stop()


def _is_current(token: Any) -> bool:
    from .context import _current_token

    ask = getattr(_current_token.get(), "__dcc_cancel_token__", None)
    return ask is not None and ask() == token.__dcc_cancel_token__()


_told: contextvars.ContextVar[Optional[Told]] = contextvars.ContextVar(
    "dcc_cancel_told", default=None
)


def note_told(source: Optional[Polled] = None) -> None:
    """A question was answered "stop", by this token or job."""
    told = _told.get()
    if told is not None and told.is_told_by(source):
        told.is_told = True


def is_inside(job: Polled) -> bool:
    """Whether this is in a block of the job, or in one inside that."""
    told = _told.get()
    while told is not None and told.job._handle != job._handle:
        told = told.around
    return told is not None


def begin(job: Any) -> Told:
    """Of a block that begins; what `end` wants."""
    told = Told(job, _told.get())
    _told.set(told)
    return told


def end(told: Told, error: Optional[BaseException]) -> bool:
    """Whether what ends the block does so because of a question inside it that was answered "stop"."""
    _told.set(told.around)
    return told.is_told or (error is not None and error is told.gave_up)


def hand_on(told: Told, error: Optional[BaseException]) -> None:
    """The job of a block was told to stop and gave up: so was the one around it, if that is cancelled, or
    gives up with the same error."""
    around = told.around
    if around is not None:
        around.gave_up = error
        around.is_told = around.is_told or _is_cancelled(around.job)
