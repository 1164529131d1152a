"""A reference to an object of the library, and polling without a call."""

from ctypes import byref, c_uint64, c_void_p

from ._declarations import PollLayer
from ._library import library
from ._status import checked
from ._told import note_told
from .errors import ClosedError

# The word of what was closed: polls of it differ, and so ask, and so are told.
_CLOSED = c_uint64(1)


class NativeObject:
    """Owns one reference of an object of the library, and gives it back by `close` or at its end."""

    __slots__ = ("_handle", "__weakref__")

    # The library's function that takes the reference.
    _release = None

    @property
    def handle(self):
        """The C pointer as an int, good as long as this object."""
        handle = self._handle
        if not handle:
            raise ClosedError("this %s was closed" % type(self).__name__)
        return handle

    def close(self):
        """Gives the reference back; afterwards the object cannot be used. Harmless if repeated."""
        handle, self._handle = self._handle, 0
        if handle:
            self._release(handle)

    def __del__(self):
        # Also for what was not completely made.
        handle = getattr(self, "_handle", 0)
        if handle:
            self._handle = 0
            self._release(handle)

    def __reduce_ex__(self, protocol):
        raise TypeError(
            "a %s belongs to its process and cannot be copied or pickled; share the object itself"
            % type(self).__name__
        )


class Polled(NativeObject):
    """What has a token to be polled.

    The poll is the one that C code inlines: one read of the state word and one compare. The word is
    readable for ever and the compare is frozen ABI, so it needs no call and cannot wait for anything.
    Only where the two differ is the library asked why.
    """

    __slots__ = ("_word", "_expected", "_parents")

    # The library's function that says whether it is cancelled.
    _question = None

    def _watch(self, token):
        """Polls the token of this handle from now on."""
        layer = PollLayer()
        checked(library.dcc_poll_read_token(token, byref(layer)))
        self._expected = layer.expected
        self._word = layer.word.contents

    @property
    def cancelled(self):
        """Whether it was asked to stop. Any thread; cheap."""
        return self._word.value != self._expected and self._ask()

    def _is_native(self):
        """Not so where a subclass decides by itself what is cancelled: native code cannot know."""
        return type(self).cancelled is Polled.cancelled

    def _ask(self):
        is_cancelled = checked(self._question(self.handle)) > 0
        if is_cancelled:
            note_told()
        return is_cancelled

    def close(self):
        """Gives the reference back; afterwards the object cannot be used. Harmless if repeated."""
        self._word, self._expected = _CLOSED, 0
        super().close()

    def __bool__(self):
        return self.cancelled

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def created(function, *arguments):
    """The handle that a function of the library writes through its last argument."""
    out = c_void_p()
    checked(function(*(arguments + (byref(out),))))
    return out.value
