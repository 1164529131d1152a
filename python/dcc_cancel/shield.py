"""What is done after a cancel, too."""

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
    """A block in which checks and native polls are not cancelled: neither token nor job is current.

    For what has to be done after a cancel, too: rolling back, closing what was opened.

        with dcc_cancel.shield():
            scene.undo()

    The id of the job stays what it was, for logs. It goes along to tasks that are made in the block.
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
