"""Statuses of the library become exceptions."""

import ctypes

from . import _declarations as c
from . import errors
from ._library import library

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


def text_from(function, *arguments):
    """A text that a function writes into a buffer, and its status."""
    size = 256
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = ctypes.c_size_t()
        status = function(*(arguments + (buffer, size, ctypes.byref(length))))
        if status < 0:
            raise error_of(status)
        # It may grow between two calls.
        if length.value < size:
            return buffer.raw[: length.value].decode("utf-8", "replace"), status
        size = length.value + 1


def error_of(status):
    """The exception for a negative status of the call that this thread made last."""
    size = 1024
    buffer = ctypes.create_string_buffer(size)
    length = ctypes.c_size_t()
    text = ""
    if library.dcc_last_error(buffer, size, ctypes.byref(length)) >= 0:
        text = buffer.raw[: min(length.value, size - 1)].decode("utf-8", "replace")
    if not text:
        text = library.dcc_status_string(status).decode("utf-8", "replace")
    return _CLASSES.get(status, errors.DccCancelError)(text, status)


def checked(status):
    """The status, unless it is negative: then its exception is raised."""
    if status < 0:
        raise error_of(status)
    return status


def text_in(value, what):
    """A text for the library: bytes and their number. None is no text."""
    if value is None:
        return None, 0
    if not isinstance(value, str):
        raise TypeError("%s must be a str, not %s" % (what, type(value).__name__))
    try:
        encoded = value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise errors.InvalidArgumentError(
            "%s cannot be written as UTF-8: %s" % (what, error), c.DCC_ERROR_INVALID_ARGUMENT
        ) from None
    return encoded, len(encoded)


def nanoseconds(seconds, what, for_none=c.DCC_NO_LIMIT):
    """A time in seconds for the library; None is `for_none`."""
    if seconds is None:
        return for_none
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError("%s must be a number of seconds, not %r" % (what, seconds))
    if seconds != seconds or seconds < 0:
        raise errors.InvalidArgumentError(
            "%s must not be negative; it is %r" % (what, seconds), c.DCC_ERROR_INVALID_ARGUMENT
        )
    # As good as for ever, and short of the value that means it.
    return int(min(seconds * 1e9, float(1 << 63)))


def whole(value, what, bits):
    """A number without sign for the library; ctypes would cut what does not fit."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("%s must be an int, not %r" % (what, value))
    if not 0 <= value < 1 << bits:
        raise errors.InvalidArgumentError(
            "%s must be from 0 to %d; it is %d" % (what, (1 << bits) - 1, value),
            c.DCC_ERROR_INVALID_ARGUMENT,
        )
    return value


def seconds(nanoseconds_):
    """A time of the library in seconds; None for "no limit"."""
    return None if nanoseconds_ == c.DCC_NO_LIMIT else nanoseconds_ / 1e9
