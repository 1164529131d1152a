"""The library's slots of this thread, in which native code finds what is current."""

from __future__ import annotations

from ctypes import byref, c_uint64
from typing import Any, Optional

from ._library import library
from ._status import checked


class ThreadSlots:
    """Sets slots of this thread until `unwind` restores them. Use one object on one thread."""

    __slots__ = ("_ticket",)

    def __init__(self) -> None:
        self._ticket = 0

    def set(self, function: Any, handle: Optional[int]) -> None:
        """Sets one slot by its function of the library. Set the job before the share: a new job hides it."""
        ticket = c_uint64()
        checked(function(handle, byref(ticket)))
        # To unwind to the first ticket unwinds the later ones as well.
        self._ticket = self._ticket or ticket.value

    def unwind(self) -> int:
        """Restores the slots, even if code in between has left something in them. Returns the status."""
        ticket, self._ticket = self._ticket, 0
        status: int = library.dcc_context_unwind(ticket) if ticket else 0
        return status
