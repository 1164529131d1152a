"""Converts ids of requests. An int stays an int and a str stays a str, because 1 is not "1" in JSON-RPC."""

from __future__ import annotations

import ctypes
from typing import Optional, Union

from . import _declarations as c
from ._arguments import text_in, wrong_type, wrong_value
from ._types import RequestId


def request_id(value: RequestId, what: str = "id") -> c.RequestId:
    """The id as the library takes it. The structure points to the bytes of a text, and keeps them alive."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        wrong_type(what, "an int or a str", value, "pass what the peer sent, in its own type")
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            wrong_value(what, "a number of 64 bits, or a str", value)
        return c.RequestId(type=c.DCC_ID_INTEGER, integer=value)
    text, length = text_in(value, what, c.DCC_MAX_REQUEST_ID_LENGTH)
    return c.RequestId(type=c.DCC_ID_TEXT, text=text, text_length=length)


def id_of(told: Union[c.MessageInfo, c.EventDetails]) -> Optional[RequestId]:
    """The id that the library has written into a structure, or None."""
    if told.id_type == c.DCC_ID_INTEGER:
        integer: int = told.id_integer
        return integer
    if told.id_type != c.DCC_ID_TEXT:
        return None
    # Read by its length, because an id may contain a NUL.
    start = ctypes.addressof(told) + type(told).id_text.offset
    return ctypes.string_at(start, told.id_text_length).decode("utf-8")
