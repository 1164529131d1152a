"""Ids of requests, in their exact types."""

from __future__ import annotations

import ctypes
from typing import Optional, Union

from . import _declarations as c
from ._arguments import text_in, wrong_type, wrong_value
from ._types import RequestId


def request_id(value: RequestId, what: str = "id") -> c.RequestId:
    """An id for the library. It borrows the bytes of the text, which it keeps alive."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        wrong_type(what, "an int or a str", value, "pass what the peer sent, in its own type")
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            wrong_value(what, "a number of 64 bits, or a str", value)
        return c.RequestId(type=c.DCC_ID_INTEGER, integer=value)
    text, length = text_in(value, what, c.DCC_MAX_REQUEST_ID_LENGTH)
    return c.RequestId(type=c.DCC_ID_TEXT, text=text, text_length=length)


def id_of(told: Union[c.MessageInfo, c.EventDetails]) -> Optional[RequestId]:
    """The id that the library tells; None for none."""
    if told.id_type == c.DCC_ID_INTEGER:
        integer: int = told.id_integer
        return integer
    if told.id_type != c.DCC_ID_TEXT:
        return None
    # Not up to a NUL, which an id may have.
    start = ctypes.addressof(told) + type(told).id_text.offset
    return ctypes.string_at(start, told.id_text_length).decode("utf-8")
