"""shield: a block for work that is done even after a cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Tuple, Type

from .context import (
    _reset_current_job_id,
    _set_current_job_id,
    current_job_id,
    reset_cancel_token,
    reset_current_job,
    set_cancel_token,
    set_current_job,
)

if TYPE_CHECKING:
    import contextvars
    from types import TracebackType

    from .context import JobReset, TokenReset

    Resets = Tuple[TokenReset, JobReset, contextvars.Token[Optional[str]]]


class shield:
    """A block in which checks and native polls are not cancelled: no token and no job is current in it.

    Use it for work that has to be done even after a cancel, such as a rollback or closing a file.

        with dcc_cancel.shield():
            scene.undo()

    `current_job_id` stays the same in the block, for logs. The block holds for its thread or task, and for
    tasks that are created in it.
    """

    __slots__ = ("_resets",)

    def __init__(self) -> None:
        self._resets: List[Resets] = []

    def __enter__(self) -> None:
        job_id = _set_current_job_id(current_job_id())
        self._resets.append((set_cancel_token(None), set_current_job(None), job_id))

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        token, job, job_id = self._resets.pop()
        reset_current_job(job)
        reset_cancel_token(token)
        _reset_current_job_id(job_id)
