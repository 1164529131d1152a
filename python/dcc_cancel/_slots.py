"""The slots of this thread, where native code finds what is current."""

from __future__ import annotations

from ctypes import byref, c_uint64
from typing import Any, Optional

from ._library import library
from ._status import checked


class ThreadSlots:
    """What is set in them until `unwind`."""

    __slots__ = ("_ticket",)

    def __init__(self) -> None:
        self._ticket = 0

    def set(self, function: Any, handle: Optional[int]) -> None:
        """Sets one by its function of the library. The job goes before the share, which it would mask."""
        ticket = c_uint64()
        checked(function(handle, byref(ticket)))
        # Unwinding to the first takes the others with it.
        self._ticket = self._ticket or ticket.value

    def unwind(self) -> int:
        """Sets them to what they were, also if others have left something. The status of that."""
        ticket, self._ticket = self._ticket, 0
        status: int = library.dcc_context_unwind(ticket) if ticket else 0
        return status
