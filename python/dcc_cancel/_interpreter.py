"""Which interpreters this package can serve; asked before ctypes is loaded.

The library calls Python back on threads of its own, and on whichever thread cancels. ctypes runs such a call
in the process's main interpreter, also if the function is of another; and the end of a subinterpreter ends
the process while one of its threads is at work. So only the main interpreter is served. Without a GIL
numbers and lists that threads share here would need locks.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .errors import LibraryError


def _is_main() -> bool:
    # What lists interpreters is in the standard library under one name or the other; 3.7 has neither.
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return _number_of(module.get_current()) == _number_of(module.get_main())
    return True


def _number_of(interpreter: Any) -> int:
    # Since 3.13 it is the first of a pair.
    try:
        return int(interpreter[0])
    except TypeError:
        return int(interpreter)


def refuse_what_cannot_be_served() -> None:
    """Raises LibraryError with what to do."""
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
