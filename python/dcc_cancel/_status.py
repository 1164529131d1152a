"""Turns statuses of the library into exceptions, and reads its texts and times."""

from __future__ import annotations

import ctypes
from typing import Any, List, Optional, Tuple

from . import _declarations as c
from . import errors
from ._library import library
from ._types import Seconds

_CLASSES = {
    c.DCC_ERROR_INVALID_HANDLE: errors.InvalidHandleError,
    c.DCC_ERROR_INVALID_ARGUMENT: errors.InvalidArgumentError,
    c.DCC_ERROR_RESOURCES: errors.ResourcesError,
    c.DCC_ERROR_WRONG_THREAD: errors.WrongThreadError,
    c.DCC_ERROR_WRONG_STATE: errors.WrongStateError,
    c.DCC_ERROR_WOULD_DEADLOCK: errors.WouldDeadlockError,
    c.DCC_ERROR_SHUTDOWN: errors.ShutdownError,
    c.DCC_ERROR_FORKED: errors.ForkedError,
    c.DCC_ERROR_OVERLOADED: errors.OverloadedError,
    c.DCC_ERROR_DUPLICATE: errors.DuplicateError,
    c.DCC_ERROR_REENTRANT: errors.ReentrantError,
}


def text_from(function: Any, *arguments: Any) -> Tuple[str, int]:
    """The text that a function of the library writes into a buffer, and the status of the call."""
    size = 256
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = ctypes.c_size_t()
        status: int = function(*(arguments + (buffer, size, ctypes.byref(length))))
        if status < 0:
            raise error_of(status)
        # The text may grow between two calls, so a larger buffer may be too small again.
        if length.value < size:
            return buffer.raw[: length.value].decode("utf-8", "replace"), status
        size = length.value + 1


def error_of(status: int, context: str = "") -> errors.DccCancelError:
    """The exception for a negative status of this thread's latest call of the library.

    `context` begins the text. It says what the library does not know, for instance with which id a method was
    called.
    """
    size = 1024
    buffer = ctypes.create_string_buffer(size)
    length = ctypes.c_size_t()
    text = ""
    if library.dcc_last_error(buffer, size, ctypes.byref(length)) >= 0:
        text = buffer.raw[: min(length.value, size - 1)].decode("utf-8", "replace")
    if not text:
        text = library.dcc_status_string(status).decode("utf-8", "replace")
    if context:
        text = "%s: %s" % (context, text)
    return _CLASSES.get(status, errors.DccCancelError)(text, status)


def checked(status: int, context: str = "") -> int:
    """The status. A negative one is raised as its exception."""
    if status < 0:
        raise error_of(status, context)
    return status


def names_of(structure: ctypes.Structure) -> List[str]:
    """The names of a structure's fields, without `struct_size`, which is the first one."""
    return [field[0] for field in structure._fields_[1:]]


def seconds(nanoseconds: int) -> Optional[Seconds]:
    """Nanoseconds of the library in seconds. None for "no limit"."""
    return None if nanoseconds == c.DCC_NO_LIMIT else nanoseconds / 1e9
