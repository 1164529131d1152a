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

# The word of what was closed: polls of it differ, and so ask, and so are told.
_CLOSED = c_uint64(1)


class NativeObject:
    """Owns one reference of an object of the library, and gives it back by `close` or at its end."""

    __slots__ = ("_handle", "__weakref__")

    _handle: int

    # The library's function that takes the reference.
    _release: Any = None

    # What was named otherwise in an earlier version.
    _renamed: Dict[str, str] = {}

    @property
    def handle(self) -> int:
        """The C pointer as an int, good as long as this object."""
        handle = self._handle
        if not handle:
            raise ClosedError(
                "this %s was closed, by its close() or at the end of its `with` block; make a new one"
                % type(self).__name__
            )
        return handle

    def close(self) -> Any:
        """Gives the reference back; afterwards the object cannot be used. Harmless if repeated."""
        handle, self._handle = self._handle, 0
        if handle:
            self._release(handle)

    def __del__(self) -> None:
        # Also for what was not completely made.
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
    """What has a token to be polled.

    The poll is the one that C code inlines: one read of the state word and one compare. The word is
    readable for ever and the compare is frozen ABI, so it needs no call and cannot wait for anything.
    Only where the two differ is the library asked why.
    """

    __slots__ = ("_word", "_expected", "_parents")

    _word: c_uint64
    _expected: int
    # What cancels it as well, kept alive.
    _parents: Any

    # The library's function that says whether it is cancelled.
    _question: Any = None
    _is_of_job = False

    def _watch(self, token: int) -> None:
        """Polls the token of this handle from now on."""
        layer = PollLayer()
        checked(library.dcc_poll_read_token(token, byref(layer)))
        self._expected = layer.expected
        self._word = layer.word.contents

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop. Any thread; cheap. An attribute, no method: without ()."""
        return self._word.value != self._expected and self._ask()

    def _is_native(self) -> bool:
        """Not so where a subclass decides by itself what is cancelled: native code cannot know."""
        return type(self).cancelled is Polled.cancelled

    def _ask(self) -> bool:
        is_cancelled = self._is_asked_to_stop()
        if is_cancelled:
            note_told(self)
        return is_cancelled

    def _is_asked_to_stop(self) -> bool:
        return checked(self._question(self.handle)) > 0

    def close(self) -> Any:
        """Gives the reference back; afterwards the object cannot be used. Harmless if repeated."""
        self._word, self._expected = _CLOSED, 0
        super().close()

    def __bool__(self) -> bool:
        return self.cancelled

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        self.close()


def created(function: Any, *arguments: Any, context: str = "") -> int:
    """The handle that a function of the library writes through its last argument."""
    out = c_void_p()
    checked(function(*(arguments + (byref(out),))), context)
    return out.value or 0
