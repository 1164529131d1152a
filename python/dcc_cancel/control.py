"""The control endpoint: the jobs of this process for the command line tool dcc-control."""

from __future__ import annotations

import atexit
from ctypes import byref, sizeof
from typing import Optional

from . import _declarations as c
from ._arguments import text_in
from ._library import library
from ._status import checked, text_from


def open_control(name: Optional[str] = None) -> None:
    """Lets dcc-control, run by the same user, list, watch, trace and cancel the jobs of this process, also
    when the host's window answers no more. For a host's startup script.

    `name` is what people see, "Maya 2026, shot 12" say; None is the name of the program. Fine also when it
    is open. It is closed at exit, or by `close_control`.
    """
    encoded, length = text_in(name, "name")
    desc = c.ControlDesc(struct_size=sizeof(c.ControlDesc), name=encoded, name_length=length)
    checked(library.dcc_control_open(byref(desc)))
    # At most once.
    atexit.unregister(_close_at_exit)
    atexit.register(_close_at_exit)


def control_address() -> Optional[str]:
    """The path of the endpoint's socket, or the name of its pipe; None while it is not open."""
    return text_from(library.dcc_control_address)[0] or None


def _close_at_exit() -> None:
    # In a forked child it is refused: it is the parent's.
    library.dcc_control_close()


def close_control() -> None:
    """Closes the control endpoint. Fine also when none is open."""
    checked(library.dcc_control_close())
