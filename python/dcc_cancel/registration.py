"""A function that a cancel calls."""

import ctypes

from . import _declarations as c
from ._callbacks import destroy, forget, keep, kept, owner, report
from ._handle import NativeObject
from ._library import library
from ._status import checked, error_of


@c.CancelFn
def _call(token, key):
    registration = None
    try:
        registration = kept(key)
        registration._function()
    except BaseException:
        report("the callback %r of a cancelled token" % (registration,))


class Registration(NativeObject):
    """A function that is called once when a token is cancelled; CancelToken.add_callback makes it.

    It lasts until it was called, is unregistered, or the token is gone, whether or not it is kept.
    """

    __slots__ = ("_function",)

    # What was called, and what is no more, has nothing to wait for.
    _release = library.dcc_registration_unregister_no_wait

    def __init__(self, token, function):
        self._handle = 0
        if not callable(function):
            raise TypeError("%r is not callable" % (function,))
        self._function = function
        handle = token.handle
        by = owner()
        key = keep(self)
        out = ctypes.c_void_p()
        status = library.dcc_cancel_token_register(
            handle, _call, key, destroy, by, ctypes.byref(out)
        )
        if status < 0:
            forget(key)
            raise error_of(status)
        self._handle = out.value

    def unregister(self):
        """Takes it back. Whether it was still waiting. Waits while it runs on another thread."""
        handle = self._handle
        if not handle:
            return False
        status = checked(library.dcc_registration_unregister(handle))
        self._handle = 0
        return status == c.DCC_OK

    def _destroyed(self):
        self._function = None

    def close(self):
        """As `unregister`."""
        self.unregister()
