"""What native code that Python has called sets current around the Python functions that it calls back."""

from __future__ import annotations

import contextvars
import threading
from typing import Any, Optional, Set

from ._library import library
from ._types import UNSET

# No handle.
_NOT_SET = -1


class Around:
    """What the context and the slots of the thread had while `native` calls a function.

    A callback in that has the same context. Where the slots hold something else by then, native code has set
    it further inside than the context was set, so it counts there: the job of a plugin that runs a script, or
    its shield. What the callback itself sets in the context lies further inside again.
    """

    __slots__ = ("token", "job", "share", "native_token", "native_job", "thread")

    def __init__(self, token: Any, job: Any, share: Any) -> None:
        self.token = token
        self.job = job
        self.share = share
        # What the call has set; where it has set nothing the slots go on to count.
        self.native_token: Optional[int] = _NOT_SET
        self.native_job: Optional[int] = _NOT_SET
        self.thread = threading.get_ident()
        calls.add(self)

    def end(self) -> None:
        """The call is over. Tasks and threads that have a copy of its context may go on for longer."""
        calls.discard(self)

    def is_here(self) -> bool:
        return self in calls and self.thread == threading.get_ident()

    def token_seen(self, token: Any) -> Any:
        """UNSET in place of the context's token if the slot counts."""
        if token is not self.token or token is UNSET or not self.is_here():
            return token
        return token if library.dcc_cancel_token_current() == self.native_token else UNSET

    def job_seen(self, job: Any) -> Any:
        """The same of the job."""
        if job is not self.job or job is UNSET or not self.is_here():
            return job
        return job if library.dcc_job_current() == self.native_job else UNSET

    def share_seen(self, share: Any, job: Any) -> Any:
        """None in place of the context's share where another job counts; `job` is the context's."""
        is_inside = share is self.share and self.job_seen(job) is not job
        return None if is_inside else share

    def on_this_thread(self) -> Around:
        """The same on a thread that has entered the slots."""
        there = Around(self.token, self.job, self.share)
        there.native_token, there.native_job = self.native_token, self.native_job
        return there


#: Those of this process. Where there are none a check has nothing to look for.
calls: Set[Around] = set()

#: Of the call that this context is inside of.
around: contextvars.ContextVar[Optional[Around]] = contextvars.ContextVar(
    "dcc_cancel_around", default=None
)
