"""The parents of a new job: the parent that was given, or what is current where the job is made."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Iterable, List, Optional, Tuple, Union, cast

from . import _declarations as c
from ._handle import created
from ._library import library
from ._slots import ThreadSlots
from ._status import checked
from ._types import CURRENT, UNSET, Default
from .context import current_layers
from .linking import parent_of
from .probes import JobHandle
from .token import CancelToken

if TYPE_CHECKING:
    Parent = Union[JobHandle, Default, None]


class Above:
    """A block in which one object of the library is created below the right parents.

    The description of the object gets `parent`. If `is_current`, it gets the flag that puts it below what is
    current as well; the block has then set the slots of the thread to what is current in this context.
    """

    __slots__ = ("token", "kept", "parent", "is_current", "_slots", "_set")

    #: The current token for the new job. None: no token is current. UNSET: the thread's slot counts.
    token: Any
    #: The Python objects that must live as long as the new object, because they carry cancels to it.
    kept: Any
    parent: Optional[int]
    is_current: bool

    def __init__(self, parent: Parent) -> None:
        self._slots = ThreadSlots()
        self._set: List[Tuple[Any, Optional[int]]] = []
        self.parent = None
        self.is_current = isinstance(parent, Default)
        if not self.is_current:
            self.token = parent
            self.kept, self.parent = parent_of(parent)
            return
        self.token, job, _ = current_layers()
        kept_token = None
        if self.token is not UNSET:
            kept_token, handle = parent_of(self.token)
            self._set.append((library.dcc_cancel_token_set_current, handle))
        self.kept = _flat(kept_token, self._add_job(job))

    def _add_job(self, job: Any) -> Any:
        """Adds the current job. Returns the Python objects that carry its cancels."""
        if job is UNSET:
            return None
        ask = getattr(job, "__dcc_job__", None)
        handle: Optional[int] = None if ask is None else ask()
        if handle is None and hasattr(job, "cancelled"):
            # The job is not native. A token that follows it becomes a parent, beside the current token.
            followed, above = parent_of(job)
            token = self._set[0][1] if self._set else library.dcc_cancel_token_current()
            both = _below_both(token, above, followed)
            self._set, self.is_current, self.parent = [], False, both.handle
            return both
        self._set.append((library.dcc_job_set_current, handle))
        return getattr(job, "_parents", None)

    def __enter__(self) -> Above:
        try:
            for function, handle in self._set:
                self._slots.set(function, handle)
        except BaseException:
            self._slots.unwind()
            raise
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        status = self._slots.unwind()
        if error is None:
            checked(status)


def below_current() -> CancelToken:
    """A token below what is current here, to be the parent of an object that can have only one parent."""
    above = Above(CURRENT)
    description = c.CancelTokenDesc(struct_size=ctypes.sizeof(c.CancelTokenDesc))
    if above.is_current:
        description.flags = c.DCC_TOKEN_BELOW_CURRENT
    else:
        description.parents, description.parent_count = (ctypes.c_void_p * 1)(above.parent), 1
    with above:
        return _created(description, above.kept)


def _below_both(first: Optional[int], second: Optional[int], kept: Any) -> CancelToken:
    parents = (ctypes.c_void_p * 2)(first, second)
    description = c.CancelTokenDesc(struct_size=ctypes.sizeof(c.CancelTokenDesc))
    description.parents, description.parent_count = parents, len(parents)
    return _created(description, kept)


def _created(description: c.CancelTokenDesc, kept: Any) -> CancelToken:
    handle = created(library.dcc_cancel_token_create_from, ctypes.byref(description))
    try:
        return CancelToken._borrowing(handle, kept)
    finally:
        library.dcc_cancel_token_release(handle)


def _flat(*things: Any) -> Tuple[Any, ...]:
    """All the objects, each once, because a job that posts itself again and again must not keep more."""
    found: List[Any] = []
    for thing in things:
        parts = cast("Iterable[Any]", thing) if isinstance(thing, tuple) else (thing,)
        for one in parts:
            if one is not None and not any(one is other for other in found):
                found.append(one)
    return tuple(found)
