"""A reference to an object of the library, and polling without a call."""

from __future__ import annotations

from ctypes import byref, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, Callable, Dict, NoReturn, Optional, TypeVar

from ._declarations import PollLayer
from ._library import library
from ._status import checked
from ._told import note_told
from .errors import ClosedError

S = TypeVar("S", bound="Polled")

# The state word of closed objects. It never equals what a poll expects, so each poll asks, and the question
# raises ClosedError.
_CLOSED = c_uint64(1)


class NativeObject:
    """Owns one reference to an object of the library. `close`, or the end of this object, gives it back."""

    __slots__ = ("_handle", "__weakref__")

    _handle: int

    # The library's function that takes the reference back.
    _release: Any = None

    # Old names of methods and their new names, for the error of a program that still uses the old ones.
    _renamed: Dict[str, str] = {}

    @property
    def handle(self) -> int:
        """The C handle as an int. It is valid until this object is closed or gone."""
        handle = self._handle
        if not handle:
            raise ClosedError(
                "this %s was closed, by its close() or at the end of its `with` block; make a new one"
                % type(self).__name__
            )
        return handle

    def close(self) -> Any:
        """Gives the reference back. The object cannot be used afterwards. Harmless if repeated."""
        handle, self._handle = self._handle, 0
        if handle:
            self._release(handle)

    def __del__(self) -> None:
        # An object whose constructor has raised may have no handle.
        handle = getattr(self, "_handle", 0)
        if handle:
            self._handle = 0
            self._release(handle)

    def _inside(self, of_open: Callable[[], str]) -> str:
        """What a `repr` shows inside its parentheses: the answer of `of_open`, or why there is none.

        It never raises, because debuggers and logs call it in a forked child and on half-made objects, too.
        """
        try:
            return of_open() if self._handle else "closed"
        except Exception as error:
            return "unreadable: " + type(error).__name__

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "this %s belongs to its process and cannot be copied or pickled; share the object itself"
            % type(self).__name__
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            kind = type(self)
            if name in kind._renamed:
                text = "%s.%s is now called %s" % (kind.__name__, name, kind._renamed[name])
                raise AttributeError(text)
            raise AttributeError("%r object has no attribute %r" % (kind.__name__, name))


class Polled(NativeObject):
    """An object with a token that can be polled.

    The poll is the poll that C code inlines: one read of the state word and one compare. The memory of the
    word is never unmapped, and the ABI fixes the meaning of the compare. So a poll needs no call and waits
    for nothing. Only if the two values differ the library is asked why.
    """

    __slots__ = ("_word", "_expected", "_parents")

    _word: c_uint64
    _expected: int
    # The objects through which its parents' cancels come, kept alive.
    _parents: Any

    # The library's function that answers whether the object is cancelled.
    _question: Any = None
    _is_of_job = False

    def _watch(self, token: int) -> None:
        """Makes polls of this object look at the token with this handle."""
        layer = PollLayer()
        checked(library.dcc_poll_read_token(token, byref(layer)))
        self._expected = layer.expected
        self._word = layer.word.contents

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop. Any thread; cheap enough for inner loops. A property: write no ()."""
        return self._word.value != self._expected and self._ask()

    def _is_native(self) -> bool:
        """False if a subclass has a `cancelled` of its own, because native code cannot ask that."""
        return type(self).cancelled is Polled.cancelled

    def _ask(self) -> bool:
        is_cancelled = self._is_asked_to_stop()
        if is_cancelled:
            note_told(self)
        return is_cancelled

    def _is_asked_to_stop(self) -> bool:
        return checked(self._question(self.handle)) > 0

    def close(self) -> Any:
        """Gives the reference back. The object cannot be used afterwards. Harmless if repeated."""
        self._word, self._expected = _CLOSED, 0
        super().close()

    def __bool__(self) -> bool:
        return self.cancelled

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        self.close()


def created(function: Any, *arguments: Any, context: str = "") -> int:
    """Calls a function of the library, and returns the handle that it writes through its last argument."""
    out = c_void_p()
    checked(function(*(arguments + (byref(out),))), context)
    return out.value or 0
