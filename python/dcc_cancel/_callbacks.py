"""Python functions that the library calls.

1. As user data the library gets a number in place of a Python object. The object is kept here until the
   destroy-notify is called with that number.
2. All functions belong to one owner, which is closed before the interpreter ends. The close waits for the
   functions that run, and no function is called after it.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import threading
from typing import Any, Dict, Optional

from ._declarations import DestroyFn
from ._handle import created
from ._library import library

_kept: Dict[int, Any] = {}
_keys = itertools.count(1)
_owner_lock = threading.Lock()
_owner: Optional[int] = None


def keep(thing: object) -> int:
    """Keeps an object until `destroy` or `forget` is called with the number that this returns."""
    key = next(_keys)
    _kept[key] = thing
    return key


def kept(key: int) -> Any:
    """The object that `keep` has given this number."""
    return _kept[key]


def forget(key: int) -> None:
    """Drops an object after a call of the library that failed, so that no destroy-notify will come."""
    _kept.pop(key, None)


def _let_go(key: int) -> None:
    """The destroy-notify: the library has used the object for the last time."""
    thing = _kept.pop(key, None)
    notify = getattr(thing, "_destroyed", None)
    if notify is not None:
        try:
            notify()
        except BaseException:
            report("the end of %r" % (thing,))


destroy = DestroyFn(_let_go)


def report(what: str) -> None:
    """Logs the present exception, because the library, which has called `what`, cannot pass it on."""
    logging.getLogger(__package__).exception("%s raised an exception", what)


def owner() -> int:
    """The owner of all functions of this package. The first use creates it."""
    global _owner
    with _owner_lock:
        if _owner is None:
            _owner = created(library.dcc_owner_create)
            atexit.register(_close)
        return _owner


def _close() -> None:
    library.dcc_owner_close(_owner)


def kept_objects() -> int:
    """How many objects are kept for the library. For tests."""
    return len(_kept)
