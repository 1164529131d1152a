"""The functions of a host that its dispatcher calls."""

from __future__ import annotations

from typing import Callable, Optional

from . import _declarations as c
from ._arguments import callable_in
from ._callbacks import kept, report
from ._library import library
from ._status import checked
from .job import Job

Wake = Callable[[], object]
Veto = Callable[[], object]
ShowProgress = Callable[[Job, int, Optional[int]], object]


class Hooks:
    """The three functions of a host. Each of them may be None."""

    def __init__(
        self, wake: Optional[Wake], veto: Optional[Veto], progress: Optional[ShowProgress]
    ) -> None:
        for name, function in (("wake", wake), ("veto", veto), ("progress", progress)):
            callable_in(function, name, optional=True)
        self.wake = wake
        self.veto = veto
        self.progress = progress

    def fill(self, description: c.DispatcherDesc) -> None:
        """Makes the library call the functions that the host has given."""
        if self.wake is not None:
            description.wake = _wake
        if self.veto is not None:
            description.veto = _veto
        if self.progress is not None:
            description.progress = _progress


def _on_wake(key: int) -> None:
    try:
        kept(key).wake()
    except BaseException:
        report("a dispatcher's wake")


_wake = c.WakeFn(_on_wake)


def _on_veto(key: int) -> int:
    try:
        return 1 if kept(key).veto() else 0
    except BaseException:
        report("a dispatcher's veto")
        return 0


_veto = c.VetoFn(_on_veto)


def _on_progress(handle: int, done: int, total: int, key: int) -> None:
    try:
        checked(library.dcc_job_retain(handle))
        kept(key).progress(Job._owning(handle), done, total or None)
    except BaseException:
        report("a dispatcher's progress")


_progress = c.ProgressFn(_on_progress)
