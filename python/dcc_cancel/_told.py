"""Whether code has been told to stop, inside a block of a job."""

from __future__ import annotations

import contextvars

_told: contextvars.ContextVar[bool] = contextvars.ContextVar("dcc_cancel_told", default=False)


def note_told() -> None:
    """A question was answered "stop"."""
    _told.set(True)


def begin() -> bool:
    """Of a block that begins; what `end` wants."""
    before = _told.get()
    _told.set(False)
    return before


def end(before: bool) -> bool:
    """Whether a question inside the block was answered "stop". The block around it was told, too, then."""
    told = _told.get()
    _told.set(before or told)
    return told
