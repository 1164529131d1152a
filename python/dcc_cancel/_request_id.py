"""Ids of requests, in their exact types."""

from . import _declarations as c
from ._status import text_in
from .errors import InvalidArgumentError


def request_id(value, what="a request's id"):
    """An id for the library. It borrows the bytes of the text, which it keeps alive."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError("%s must be an int or a str, not %r" % (what, value))
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise InvalidArgumentError("%s must fit into 64 bits; it is %d" % (what, value))
        return c.RequestId(type=c.DCC_ID_INTEGER, integer=value)
    text, length = text_in(value, what)
    return c.RequestId(type=c.DCC_ID_TEXT, text=text, text_length=length)
