"""Remembers for each block of a job whether the code in it has been told to stop.

Code is told when a question whether to stop is answered "stop", on any thread or task that has the block's
context. If an error then leaves the block, the job ends as cancelled, because libraries that are told to stop
raise errors of their own.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any, Optional

from ._library import library

if TYPE_CHECKING:
    from ._handle import Polled


class Told:
    """One block of a job. All contexts that were copied inside the block share this object."""

    __slots__ = ("job", "around", "is_told", "gave_up")

    def __init__(self, job: Polled, around: Optional[Told]) -> None:
        self.job = job
        self.around = around
        self.is_told = False
        # The error that left an inner block whose code had been told to stop.
        self.gave_up: Optional[BaseException] = None

    def is_told_by(self, source: Optional[Polled]) -> bool:
        """Whether a "stop" of this token or job tells the code of the block to stop.

        1. If the block's job is cancelled, every "stop" does.
        2. Otherwise a "stop" of a job does if this block, or a block around it, is a block of that job.
        3. Otherwise a "stop" of the current token does, unless that token is below the block's job: then it
           stops only a part of the job's work.
        """
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
    """Notes that a question was answered "stop" because of this token or job."""
    told = _told.get()
    if told is not None and told.is_told_by(source):
        told.is_told = True


def is_inside(job: Polled) -> bool:
    """Whether this code is in a block of the job, or in a block inside such a block."""
    told = _told.get()
    while told is not None and told.job._handle != job._handle:
        told = told.around
    return told is not None


def begin(job: Any) -> Told:
    """Begins a block of a job. Returns the value for `end`."""
    told = Told(job, _told.get())
    _told.set(told)
    return told


def end(told: Told, error: Optional[BaseException]) -> bool:
    """Ends a block. Whether the code in it was told to stop, so that its error means a cancel."""
    _told.set(told.around)
    return told.is_told or (error is not None and error is told.gave_up)


def hand_on(told: Told, error: Optional[BaseException]) -> None:
    """Tells the block around a block whose job has ended as cancelled.

    The code of the outer block counts as told if the outer job is cancelled, or if the same error leaves the
    outer block.
    """
    around = told.around
    if around is not None:
        around.gave_up = error
        around.is_told = around.is_told or _is_cancelled(around.job)
