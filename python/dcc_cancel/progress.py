"""progress: the share of the bar of a job that a block of code fills."""

from __future__ import annotations

import ctypes
import sys
import threading
from typing import TYPE_CHECKING, Optional, Tuple, Type, TypeVar

from . import _declarations as c
from ._arguments import text_in, whole, wrong_type
from ._handle import NativeObject, created
from ._library import library
from ._slots import ThreadSlots
from ._status import checked
from ._types import UNSET
from .context import _current_share, check_dcc_cancelled, current_job, current_layers
from .errors import JOB_TEXT, TOKEN_TEXT, DccCancelError, WrongStateError, _cancelled_error
from .job import Job

if TYPE_CHECKING:
    import contextvars
    from types import TracebackType

P = TypeVar("P", bound="progress")

_MOST = (1 << 64) - 1


class _Share(NativeObject):
    """A share, with the words that say when to tell it what was counted."""

    __slots__ = ("epoch", "seen", "job_word", "job_expected")

    # Changes when a reader asks for what was counted.
    epoch: ctypes.c_uint64
    seen: int
    # As long as these are the same the job is neither cancelled nor traced.
    job_word: ctypes.c_uint64
    job_expected: int

    _release = library.dcc_progress_release

    def __init__(self, handle: int) -> None:
        self._handle = handle
        counter = c.ProgressCounter()
        checked(library.dcc_progress_read_counter(handle, ctypes.byref(counter)))
        # These are readable for ever.
        self.epoch = counter.epoch.word.contents
        self.seen = counter.epoch.expected
        self.job_word = counter.poll.job.word.contents
        self.job_expected = counter.poll.job.expected


class progress:
    """The share of a block of code in the bar of its job: counted in units of its own, ended with the block.

    It takes all of the step that is current, else of the current job, so whoever calls it need not know.

        def smooth(mesh):
            with dcc_cancel.progress(len(mesh.vertices), "Smooth") as p:
                for vertex in mesh.vertices:
                    p.advance()
                    relax(vertex)

        with dcc_cancel.Job("Export"), dcc_cancel.progress(100) as p:
            with p.step(25, "Prepare"):
                smooth(mesh)                # fills these 25 of 100
            with p.step(75, "Write"):
                write(mesh)

    `total` is None while it is unknown, `label` for people. Where several count by themselves in one step the
    first fills it, and the messages of all are shown. With no current job it counts nothing, and its polls
    are those of `check_dcc_cancelled`. Any thread may call any method.
    """

    __slots__ = (
        "_above", "_weight", "_total", "_label", "_has_begun", "_share", "_reset", "_pending", "_lock",
    )  # fmt: skip

    # What this is a step of.
    _above: Optional[progress]
    _weight: int
    _label: Tuple[Optional[bytes], int]
    # None: nothing is counted.
    _share: Optional[_Share]
    # Of a step, which is current in its block.
    _reset: Optional[contextvars.Token[Optional[NativeObject]]]

    def __init__(self, total: Optional[int] = None, label: Optional[str] = None) -> None:
        self._above = None
        self._weight = 0
        self._total = _units(total)
        self._label = text_in(label, "label")
        self._has_begun = False
        self._share = None
        self._reset = None
        self._pending = 0
        # A handler of a signal may count, too, in the middle of a count.
        self._lock = threading.RLock()

    def step(
        self, weight: int, label: Optional[str] = None, total: Optional[int] = None
    ) -> progress:
        """A part that is worth `weight` of the units of this, and current in its block.

        What counts by itself in that block fills it: a library that begins a `progress`, `Job.set_progress`,
        native code that is called through `native`, and other threads and tasks that carry the context. Or
        count its own units, `total`, by its `advance`.
        """
        self._counting()
        made = progress(total, label)
        made._above = self
        made._weight = whole(weight, "weight", 64)
        return made

    def advance(self, n: int = 1) -> None:
        """Counts units. Raises DccMcpCancelledError if the job was asked to stop, as `check_dcc_cancelled`.

        For inner loops: what was counted is shown once somebody looks and the next unit comes.
        """
        if type(n) is not int or not 0 <= n <= _MOST:
            whole(n, "n", 64)
        share = self._share
        if share is None:
            self._counting()
        else:
            with self._lock:
                self._pending += n
            if share.epoch.value != share.seen or share.job_word.value != share.job_expected:
                self._tell(share, 2)
        check_dcc_cancelled()

    def flush(self) -> None:
        """Shows what was counted: call it before anything that blocks. Raises as `advance`."""
        share = self._counting()
        if share is not None:
            self._tell(share, 2)
        check_dcc_cancelled()

    def set_total(self, total: Optional[int]) -> None:
        """Changes how many units there are; what is left of the share is spread over those that are left."""
        units = _units(total)
        share = self._counting()
        if share is not None:
            self._count(share)
            checked(library.dcc_progress_set_total(share.handle, units))

    def set_message(self, message: str) -> None:
        """What it is at, for people."""
        if message is None:
            wrong_type("message", "a str", message)
        text, length = text_in(message, "message")
        share = self._counting()
        if share is not None:
            checked(library.dcc_progress_set_message(share.handle, text, length))

    def __enter__(self: P) -> P:
        if self._has_begun:
            self._refuse("has begun before; make a new one for each block")
        description = c.ProgressDesc(struct_size=ctypes.sizeof(c.ProgressDesc), total=self._total)
        description.label, description.label_length = self._label
        above = self._above
        if above is None:
            handle = _begun_in_context(description)
        else:
            handle = _begun_in(above, description, self._weight)
        self._has_begun = True
        if handle:
            self._share = _Share(handle)
            if above is not None:
                self._reset = _current_share.set(self._share)
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._reset is not None:
            _current_share.reset(self._reset)
            self._reset = None
        share = self._share
        if share is not None:
            try:
                self._count(share)
                # What others still count in it is left out.
                checked(library.dcc_progress_end(share.handle))
            except DccCancelError:
                # Not in place of what has left the block.
                if error is None:
                    raise

    def _counting(self) -> Optional[_Share]:
        if not self._has_begun:
            self._refuse("has not begun; use it as `with dcc_cancel.progress(...) as p:`")
        return self._share

    def _refuse(self, why: str) -> None:
        raise WrongStateError("this progress " + why, c.DCC_ERROR_WRONG_STATE)

    def _count(self, share: _Share, file: Optional[bytes] = None, line: int = 0) -> int:
        """Tells the share what was counted, and answers whether its job is to stop."""
        with self._lock:
            units, self._pending = self._pending, 0
            share.seen = share.epoch.value
        return checked(library.dcc_progress_add_at(share.handle, min(units, _MOST), file, line))

    def _tell(self, share: _Share, depth: int) -> None:
        """The same, and raises if its job is to stop, for the caller at this depth."""
        file, line = None, 0
        if share.job_word.value != share.job_expected:
            frame = sys._getframe(depth)
            file, line = frame.f_code.co_filename.encode("utf-8", "replace"), frame.f_lineno
        status = self._count(share, file, line)
        # The library knows that it has told the job. Behind a shield no job is current, and none is asked.
        if status > 0 and current_job.get(UNSET) is not None:
            raise _cancelled_error(TOKEN_TEXT if status == c.DCC_CANCELLED_BY_TOKEN else JOB_TEXT)


def _units(total: Optional[int]) -> int:
    return 0 if total is None else whole(total, "total", 64)


def _begun_in(above: progress, description: c.ProgressDesc, weight: int) -> int:
    share = above._counting()
    if share is None:
        return 0
    above._count(share)
    description.parent = share.handle
    description.weight = weight
    return created(library.dcc_progress_begin, ctypes.byref(description))


def _begun_in_context(description: c.ProgressDesc) -> int:
    """A share of all that is current in this context; 0: that is no job of the library."""
    slots = ThreadSlots()
    try:
        _, job, share = current_layers()
        if job is not UNSET:
            if not isinstance(job, Job):
                return 0
            slots.set(library.dcc_job_set_current, job.handle)
        if share is not None:
            slots.set(library.dcc_progress_set_current, share.handle)
        return created(library.dcc_progress_begin, ctypes.byref(description))
    finally:
        slots.unwind()
