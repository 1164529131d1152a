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
    """A share of the library, with the two words that say when it has to be told what was counted."""

    __slots__ = ("epoch", "seen", "job_word", "job_expected")

    # This word changes when a reader asks for what was counted.
    epoch: ctypes.c_uint64
    seen: int
    # As long as the word equals `job_expected` the job is neither cancelled nor traced.
    job_word: ctypes.c_uint64
    job_expected: int

    _release = library.dcc_progress_release

    def __init__(self, handle: int) -> None:
        self._handle = handle
        counter = c.ProgressCounter()
        checked(library.dcc_progress_read_counter(handle, ctypes.byref(counter)))
        # The memory of these words is never unmapped, so it may be read after the share is gone.
        self.epoch = counter.epoch.word.contents
        self.seen = counter.epoch.expected
        self.job_word = counter.poll.job.word.contents
        self.job_expected = counter.poll.job.expected


class progress:
    """The share of a block of code in its job's bar. It counts units of its own, and ends with the block.

    Any thread may call any method. The share fills the step that is current, else the bar of the current job.
    So a function counts the same way whether it is a whole job or a step of one:

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

    `total` is the number of units, None while it is unknown; `label` is for people. If several shares begin
    in one step, the first fills it, and the messages of all are shown. If no job is current, nothing is
    counted, and `advance` asks as `check_dcc_cancelled` does. WrongStateError: the block has not begun, or
    one object is used for a second block.
    """

    __slots__ = (
        "_above", "_weight", "_total", "_label", "_has_begun", "_share", "_reset", "_pending", "_lock",
    )  # fmt: skip

    # The progress that this is a step of; None for a progress that was made by itself.
    _above: Optional[progress]
    _weight: int
    _label: Tuple[Optional[bytes], int]
    # None before the block, and if no job was current at its start: then nothing is counted.
    _share: Optional[_Share]
    # Only a step has one: it is current in its block, other shares are not.
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
        # Reentrant, because a signal handler may count in the middle of a count on the same thread.
        self._lock = threading.RLock()

    def step(
        self, weight: int, label: Optional[str] = None, total: Optional[int] = None
    ) -> progress:
        """A part of this share that is worth `weight` of its units. It is current in its own block.

        Code that counts by itself in that block fills the step: a library that begins a `progress`,
        `Job.set_progress`, native code that is called through `native`, and threads and tasks that carry the
        context. Or give the step units of its own by `total`, and count them by its `advance`.
        """
        self._counting()
        made = progress(total, label)
        made._above = self
        made._weight = whole(weight, "weight", 64)
        return made

    def advance(self, n: int = 1) -> None:
        """Counts `n` units. Raises DccMcpCancelledError if the job was asked to stop.

        It asks as `check_dcc_cancelled` does. Cheap enough for inner loops, because the units are passed on
        only after a reader has asked for them. So the last units before a pause are not shown; call `flush`.
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
        """Passes on all units that were counted. Call it before a call that blocks. Raises as `advance`."""
        share = self._counting()
        if share is not None:
            self._tell(share, 2)
        check_dcc_cancelled()

    def set_total(self, total: Optional[int]) -> None:
        """Changes the number of units; None is unknown.

        The part of the share that is not filled yet is spread over the units that are left.
        """
        units = _units(total)
        share = self._counting()
        if share is not None:
            self._count(share)
            checked(library.dcc_progress_set_total(share.handle, units))

    def set_message(self, message: str) -> None:
        """Sets the text that says what the code is doing now, for people."""
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
                # Threads may still count in the share. After its end they change nothing.
                checked(library.dcc_progress_end(share.handle))
            except DccCancelError:
                # An error of the end must not replace the error that leaves the block.
                if error is None:
                    raise

    def _counting(self) -> Optional[_Share]:
        if not self._has_begun:
            self._refuse("has not begun; use it as `with dcc_cancel.progress(...) as p:`")
        return self._share

    def _refuse(self, why: str) -> None:
        raise WrongStateError("this progress " + why, c.DCC_ERROR_WRONG_STATE)

    def _count(self, share: _Share, file: Optional[bytes] = None, line: int = 0) -> int:
        """Tells the share what was counted. A positive status says that its job is to stop."""
        with self._lock:
            units, self._pending = self._pending, 0
            share.seen = share.epoch.value
        return checked(library.dcc_progress_add_at(share.handle, min(units, _MOST), file, line))

    def _tell(self, share: _Share, depth: int) -> None:
        """As `_count`, and raises if the share's job is to stop. `depth`: the frame whose place is noted."""
        file, line = None, 0
        if share.job_word.value != share.job_expected:
            frame = sys._getframe(depth)
            file, line = frame.f_code.co_filename.encode("utf-8", "replace"), frame.f_lineno
        status = self._count(share, file, line)
        # The library has noted itself that the job was told. Behind a shield no job is current, and then a
        # cancel must not be raised.
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
    """Begins a share of the step or job that is current in this context. 0: no native job is current."""
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
