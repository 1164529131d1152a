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
    """A function that is called once when a token is cancelled; CancelToken.add_callback makes it.

    It lasts until it was called, is unregistered, or the token is gone, whether or not it is kept. The end
    of a `with` block unregisters it.
    """

    __slots__ = ("_function", "_keeping")

    _function: Optional[Callable[[], object]]
    # The objects of this package by which the token is cancelled, if this keeps it.
    _keeping: Any

    # What was called, and what is no more, has nothing to wait for.
    _release = library.dcc_registration_unregister_no_wait

    def __init__(
        self, token: CancelToken, function: Callable[[], object], keep_token: bool = False
    ) -> None:
        self._handle = 0
        callable_in(function, "function")
        keeps = flag(keep_token, "keep_token")
        self._function = function
        # What is not native is asked for the sake of an object, which would else be gone.
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
        """Takes it back. Whether it was still waiting. Waits while it runs on another thread."""
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
        """As `unregister`."""
        self.unregister()
