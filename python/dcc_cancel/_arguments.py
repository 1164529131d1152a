"""Turns a caller's arguments into values for the library, or raises an error that says what is wrong.

The parameter `what` is the name of the argument in that error.
"""

from __future__ import annotations

import inspect
import reprlib
from typing import Any, Mapping, NoReturn, Optional, Tuple, TypeVar

from . import _declarations as c
from ._types import Seconds
from .errors import InvalidArgumentError

K = TypeVar("K")
V = TypeVar("V")

# A tick that may take this long, in seconds, is a mistake: the caller means milliseconds.
_LONGEST_BUDGET = 1.0

# In seconds.
_LEAST_INTERVAL = 0.001


def shown(value: object) -> str:
    """The repr of a value for a message, cut to 120 characters."""
    try:
        text = repr(value)
    except Exception:
        # The value's own `__repr__` has raised.
        text = object.__repr__(value)
    return text if len(text) <= 120 else reprlib.repr(value)[:120]


def wrong_type(what: str, wanted: str, value: object, advice: str = "") -> NoReturn:
    """Raises the TypeError that says what the argument must be."""
    raise TypeError("%s must be %s; it is %s%s" % (what, wanted, shown(value), _clause(advice)))


def wrong_value(what: str, wanted: str, value: object, advice: str = "") -> NoReturn:
    """Raises the InvalidArgumentError for a value of the right type that is not allowed."""
    raise InvalidArgumentError(
        "%s must be %s; it is %s%s" % (what, wanted, shown(value), _clause(advice)),
        c.DCC_ERROR_INVALID_ARGUMENT,
    )


def _clause(advice: str) -> str:
    return "; " + advice if advice else ""


def text_in(
    value: Optional[str], what: str, limit: int = c.DCC_MAX_TEXT_LENGTH
) -> Tuple[Optional[bytes], int]:
    """A text for the library: its UTF-8 bytes and their number. None is no text."""
    if value is None:
        return None, 0
    if not isinstance(value, str):
        advice = ""
        if hasattr(type(value), "cancelled"):
            advice = "what cancels it is given as parent="
        elif isinstance(value, (bytes, bytearray)):
            advice = "decode it"
        elif isinstance(value, (int, float)):
            advice = "str() makes one"
        wrong_type(what, "a str", value, advice)
    try:
        encoded = value.encode("utf-8")
    except UnicodeEncodeError as error:
        advice = "character %d is half of a surrogate pair" % error.start
        wrong_value(what, "text that UTF-8 can write", value, advice)
    if len(encoded) > limit:
        advice = "it has %d bytes; shorten it" % len(encoded)
        wrong_value(what, "at most %d bytes long" % limit, value, advice)
    return encoded, len(encoded)


def fitting_text(text: str, limit: int = c.DCC_MAX_TEXT_LENGTH) -> str:
    """A text cut to the library's limit, for texts whose author cannot be told of the limit by an error."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def id_in(value: Optional[str], what: str) -> Tuple[Optional[bytes], int]:
    """A caller id for the library. None and "" are no id."""
    encoded, length = text_in(value, what, c.DCC_MAX_CALLER_ID_LENGTH)
    return (encoded, length) if length else (None, 0)


def nanoseconds(seconds: Optional[Seconds], what: str, for_none: int = c.DCC_NO_LIMIT) -> int:
    """A time in seconds, in nanoseconds for the library. None becomes `for_none`."""
    if seconds is None:
        return for_none
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        wrong_type(what, "a number of seconds", seconds)
    # Written with `not`, so that it refuses NaN as well.
    if not seconds >= 0:
        wrong_value(what, "a number of seconds that is not negative", seconds)
    # A huge or infinite time stays below DCC_NO_LIMIT, which means "no limit".
    return int(seconds * 1e9) if seconds < 9e9 else 1 << 63


def span(seconds: Seconds, what: str, advice: str = "") -> int:
    """As `nanoseconds`, but None is refused."""
    if seconds is None:
        wrong_type(what, "a number of seconds", seconds, advice)
    return nanoseconds(seconds, what)


def budget(seconds: Optional[Seconds]) -> int:
    """The budget of one tick. A number meant as milliseconds would freeze a window, so it is refused."""
    limit = nanoseconds(seconds, "budget")
    if seconds is not None and seconds >= _LONGEST_BUDGET:
        advice = (
            "if you mean milliseconds it is budget=%r; None, no budget, runs all that waits"
            % (seconds / 1000,)
        )
        wrong_value("budget", "a number of seconds less than 1", seconds, advice)
    return limit


def interval(seconds: Seconds, what: str = "interval") -> Seconds:
    """The time in seconds between two looks at something."""
    span(seconds, what)
    if seconds < _LEAST_INTERVAL:
        wrong_value(what, "at least %s seconds" % _LEAST_INTERVAL, seconds)
    return seconds


def whole(value: int, what: str, bits: int, most: Optional[int] = None) -> int:
    """An unsigned number for the library. ctypes would silently cut a number that does not fit."""
    most = (1 << bits) - 1 if most is None else most
    if isinstance(value, bool) or not isinstance(value, int):
        wrong_type(what, "an int", value, "it counts whole units" if isinstance(value, float) else "")
    if not 0 <= value <= most:
        wrong_value(what, "from 0 to %d" % most, value)
    return value


def flag(value: bool, what: str) -> bool:
    """True or False. Other values are refused, because the text "no" would count as True."""
    if not isinstance(value, bool):
        wrong_type(what, "True or False", value)
    return value


def one_of(values: Mapping[K, V], what: str, value: K) -> V:
    """The library's value for a word that the caller has chosen."""
    try:
        return values[value]
    except (KeyError, TypeError):
        wrong_value(what, "one of %s" % ", ".join(map(repr, values)), value)


def callable_in(value: Any, what: str, optional: bool = False) -> None:
    """Refuses a value that is not callable, such as the result of a call of the function."""
    if callable(value) or (optional and value is None):
        return
    wrong_type(what, "callable", value, "pass the function itself, without calling it: f, not f()")


def is_no_class_or_method(thing: object, what: str) -> None:
    """Refuses a class in place of its object, and a method `cancelled`, whose truth value is always True."""
    if isinstance(thing, type):
        advice = "pass an object of the class, as %s() makes one" % thing.__name__
        wrong_type(what, "a token or a job", thing, advice)
    if inspect.isroutine(getattr(type(thing), "cancelled", None)):
        advice = "its `cancelled` is a method, which is always true; give it a property or an attribute"
        wrong_type(what, "a token or a job", thing, advice)


def can_be_asked(thing: object, what: str) -> None:
    """Refuses an object without an attribute `cancelled`. If that is a property, it is not asked here."""
    is_no_class_or_method(thing, what)
    if not hasattr(type(thing), "cancelled") and not hasattr(thing, "cancelled"):
        wrong_type(what, "a token or a job", thing, "it has no attribute `cancelled`")
