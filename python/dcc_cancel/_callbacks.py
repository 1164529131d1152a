"""Python functions that the library calls.

The library gets a number in place of each Python object; the object is kept until the destroy-notify.
All of them belong to one owner, which is closed before the interpreter ends: that waits for those that
run, and none is called afterwards.
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
    """The number of an object, which lives until `destroy` is called with it, or `forget`."""
    key = next(_keys)
    _kept[key] = thing
    return key


def kept(key: int) -> Any:
    """The object of this number."""
    return _kept[key]


def forget(key: int) -> None:
    """Lets an object go that the library did not take."""
    _kept.pop(key, None)


def _let_go(key: int) -> None:
    """The library has used it for the last time."""
    thing = _kept.pop(key, None)
    notify = getattr(thing, "_destroyed", None)
    if notify is not None:
        try:
            notify()
        except BaseException:
            report("the end of %r" % (thing,))


destroy = DestroyFn(_let_go)


def report(what: str) -> None:
    """Nobody can be told of this exception but a reader of the log."""
    logging.getLogger(__package__).exception("%s raised an exception", what)


def owner() -> int:
    """The owner of all functions of this package, created at the first use."""
    global _owner
    with _owner_lock:
        if _owner is None:
            _owner = created(library.dcc_owner_create)
            atexit.register(_close)
        return _owner


def _close() -> None:
    library.dcc_owner_close(_owner)


def kept_objects() -> int:
    """How many objects the library holds; for tests."""
    return len(_kept)
