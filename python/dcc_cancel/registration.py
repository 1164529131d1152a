"""A function that a cancel calls."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Callable, Optional

from . import _declarations as c
from ._arguments import callable_in
from ._callbacks import destroy, forget, keep, kept, owner, report
from ._handle import NativeObject
from ._library import library
from ._status import checked, error_of

if TYPE_CHECKING:
    from .token import CancelToken


def _called(token: int, key: int) -> None:
    registration: Optional[Registration] = None
    try:
        registration = kept(key)
        assert registration is not None and registration._function is not None
        registration._function()
    except BaseException:
        report("the callback %r of a cancelled token" % (registration,))


_call = c.CancelFn(_called)


class Registration(NativeObject):
    """A function that is called once when a token is cancelled; CancelToken.add_callback makes it.

    It lasts until it was called, is unregistered, or the token is gone, whether or not it is kept.
    """

    __slots__ = ("_function",)

    _function: Optional[Callable[[], object]]

    # What was called, and what is no more, has nothing to wait for.
    _release = library.dcc_registration_unregister_no_wait

    def __init__(self, token: CancelToken, function: Callable[[], object]) -> None:
        self._handle = 0
        callable_in(function, "function")
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
        self._handle = out.value or 0

    def unregister(self) -> bool:
        """Takes it back. Whether it was still waiting. Waits while it runs on another thread."""
        handle = self._handle
        if not handle:
            return False
        status = checked(library.dcc_registration_unregister(handle))
        self._handle = 0
        return status == c.DCC_OK

    def _destroyed(self) -> None:
        self._function = None

    def close(self) -> None:
        """As `unregister`."""
        self.unregister()
