"""A function that a cancel calls."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Callable, Optional

from . import _declarations as c
from ._arguments import callable_in, flag
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
    """A function that is called once when a token is cancelled. CancelToken.add_callback makes it.

    Any thread may call any method. The registration lasts until its function was called, until `unregister`,
    or until the token is gone. You need not keep this object for that. The end of a `with` block unregisters
    it.
    """

    __slots__ = ("_function", "_keeping")

    _function: Optional[Callable[[], object]]
    # With `keep_token`: the objects of this package through which a cancel reaches the token.
    _keeping: Any

    # For `__del__`. `_callbacks` keeps this object until the function was called or dropped, so then there is
    # nothing to wait for.
    _release = library.dcc_registration_unregister_no_wait

    def __init__(
        self, token: CancelToken, function: Callable[[], object], keep_token: bool = False
    ) -> None:
        self._handle = 0
        callable_in(function, "function")
        keeps = flag(keep_token, "keep_token")
        self._function = function
        # A token that follows an object that is not native is cancelled by its Link, which dies with the
        # Python object of the token.
        self._keeping = None
        if keeps:
            self._keeping = token._parents if token._link is None else token
        register = (
            library.dcc_cancel_token_register_keeping if keeps else library.dcc_cancel_token_register
        )
        handle = token.handle
        by = owner()
        key = keep(self)
        out = ctypes.c_void_p()
        status = register(handle, _call, key, destroy, by, ctypes.byref(out))
        if status < 0:
            forget(key)
            raise error_of(status)
        self._handle = out.value or 0

    def unregister(self) -> bool:
        """Takes the function back. Whether that was in time, so that it is never called.

        If the function runs on another thread, this waits until it has returned; hold no lock that the
        function takes. WouldDeadlockError: the function waits for this thread. Harmless if repeated.
        """
        handle = self._handle
        if not handle:
            return False
        status = checked(library.dcc_registration_unregister(handle))
        self._handle = 0
        return status == c.DCC_OK

    def _destroyed(self) -> None:
        self._function = None
        self._keeping = None

    def __enter__(self) -> Registration:
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        self.unregister()

    def close(self) -> None:
        """The same as `unregister`."""
        self.unregister()
