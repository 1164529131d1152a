"""Callbacks from native code: whether the context counts, or what native code has made current since."""

from __future__ import annotations

import contextvars
import threading
from typing import Any, Optional, Set

from ._library import library
from ._types import UNSET

# A value that no handle has.
_NOT_SET = -1


class Around:
    """One call of a function by `native`: what the context and the slots of the thread held at its start.

    A Python callback inside the call has the same context. There are three cases:

    1. The slots hold what the call has set. Then the context counts.
    2. The slots hold something else. Then native code has set it after the call began, for instance the job
       of a plugin that runs a script, or its shield. The slots count.
    3. The context holds something else than at the start. Then the callback itself has set it, after all of
       that. The context counts.
    """

    __slots__ = ("token", "job", "share", "native_token", "native_job", "thread")

    def __init__(self, token: Any, job: Any, share: Any) -> None:
        self.token = token
        self.job = job
        self.share = share
        # What the call has set in the slots. If it has set nothing, the slots count in any case.
        self.native_token: Optional[int] = _NOT_SET
        self.native_job: Optional[int] = _NOT_SET
        self.thread = threading.get_ident()
        calls.add(self)

    def end(self) -> None:
        """The call is over. Tasks and threads that have a copy of its context may live longer."""
        calls.discard(self)

    def is_here(self) -> bool:
        """Whether the call is still running, on this thread."""
        return self in calls and self.thread == threading.get_ident()

    def token_seen(self, token: Any) -> Any:
        """The context's token; UNSET if the thread's slot counts instead."""
        if token is not self.token or token is UNSET or not self.is_here():
            return token
        return token if library.dcc_cancel_token_current() == self.native_token else UNSET

    def job_seen(self, job: Any) -> Any:
        """The context's job; UNSET if the thread's slot counts instead."""
        if job is not self.job or job is UNSET or not self.is_here():
            return job
        return job if library.dcc_job_current() == self.native_job else UNSET

    def share_seen(self, share: Any, job: Any) -> Any:
        """The context's share; None if another job than `job`, the context's, counts."""
        is_inside = share is self.share and self.job_seen(job) is not job
        return None if is_inside else share

    def on_this_thread(self) -> Around:
        """The same call for a thread that has entered the captured slots."""
        there = Around(self.token, self.job, self.share)
        there.native_token, there.native_job = self.native_token, self.native_job
        return there


#: All such calls of the process that run now. If there are none, a check need not look for one.
calls: Set[Around] = set()

#: The innermost such call that this context is inside of.
around: contextvars.ContextVar[Optional[Around]] = contextvars.ContextVar(
    "dcc_cancel_around", default=None
)
