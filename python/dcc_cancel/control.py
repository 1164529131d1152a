"""The control endpoint, through which the command line tool dcc-control reaches the jobs of this process."""

from __future__ import annotations

import atexit
from ctypes import byref, sizeof
from typing import Optional

from . import _declarations as c
from ._arguments import text_in
from ._library import library
from ._status import checked, text_from


def open_control(name: Optional[str] = None) -> None:
    """Lets dcc-control, run by the same user, list, watch, trace and cancel the jobs of this process.

    That works even when the host's window hangs. For a host's startup script. Any thread may call this.
    `name` is shown to people, for instance "Maya 2026, shot 12"; None is the name of the program. If the
    endpoint is already open this does nothing, and the name given first stays. The endpoint is closed by
    `close_control`, and at exit. DccCancelError: it could not be opened, and the text says why.
    """
    encoded, length = text_in(name, "name")
    desc = c.ControlDesc(struct_size=sizeof(c.ControlDesc), name=encoded, name_length=length)
    checked(library.dcc_control_open(byref(desc)))
    # The function is registered at most once, however often this is called.
    atexit.unregister(_close_at_exit)
    atexit.register(_close_at_exit)


def control_address() -> Optional[str]:
    """The path of the endpoint's socket, or the name of its pipe; None while it is not open."""
    return text_from(library.dcc_control_address)[0] or None


def _close_at_exit() -> None:
    # The status is not checked: in a forked child the call is refused, because the endpoint is the parent's.
    library.dcc_control_close()


def close_control() -> None:
    """Closes the control endpoint. If none is open this does nothing. Any thread may call this."""
    checked(library.dcc_control_close())
