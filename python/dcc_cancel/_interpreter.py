"""Refuses the interpreters that this package cannot serve, before ctypes is loaded.

1. Only the main interpreter is served. The library calls Python functions on threads of its own and on any
   thread that cancels. ctypes runs such a call in the main interpreter, even if the function belongs to
   another one. And before Python 3.12 the end of a subinterpreter ends the process if one of its threads is
   at work.
2. An interpreter without a GIL is not served. Numbers and lists that threads share in this package would need
   locks there.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .errors import LibraryError


def _is_main() -> bool:
    # The module that lists interpreters has one of two names. Python 3.7 has neither, and so is not refused.
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return _number_of(module.get_current()) == _number_of(module.get_main())
    return True


def _number_of(interpreter: Any) -> int:
    # From Python 3.13 on the number is the first item of a pair.
    try:
        return int(interpreter[0])
    except TypeError:
        return int(interpreter)


def refuse_what_cannot_be_served() -> None:
    """Raises LibraryError, which says what to do, in an interpreter that cannot be served."""
    has_gil = getattr(sys, "_is_gil_enabled", None)
    if has_gil is not None and not has_gil():
        raise LibraryError(
            "dcc_cancel needs the GIL, which this free-threaded Python %d.%d runs without: start it with"
            " PYTHON_GIL=1 or -X gil=1" % sys.version_info[:2]
        )
    if not _is_main():
        raise LibraryError(
            "dcc_cancel cannot be used in a subinterpreter, because the library's callbacks run in the"
            " main one: import it in the main interpreter"
        )


refuse_what_cannot_be_served()
