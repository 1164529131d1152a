"""Follows tokens and jobs that are not native, by asking them again and again.

One thread of this package asks them. It sets a native flag, and native polls see only that flag, so a native
poll never waits for the GIL.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple, Type, TypeVar

from . import _declarations as c
from ._arguments import can_be_asked, fitting_text
from ._arguments import interval as checked_interval
from ._types import Seconds

if TYPE_CHECKING:
    from .token import CancelToken

    Token = TypeVar("Token", bound=CancelToken)

#: How often objects that are not native are asked, in seconds, unless an `interval` is given.
DEFAULT_INTERVAL: Seconds = 0.02


class Link:
    """Cancels `follower` once `other` is cancelled. The follower owns the link, so the link ends with it."""

    __slots__ = ("other", "follower", "interval", "due", "has_failed", "__weakref__")

    def __init__(self, other: Any, follower: CancelToken, interval: Seconds) -> None:
        self.other: Any = other
        self.follower: weakref.ref[CancelToken] = weakref.ref(follower)
        self.interval: Seconds = interval
        self.due: float = time.monotonic() + interval
        self.has_failed: bool = False

    def sample(self) -> bool:
        """Asks once. Whether the link has done its work."""
        follower = self.follower()
        if follower is None or not follower._handle:
            return True
        if not self.other.cancelled:
            return False
        _cancel_as(follower, self.other)
        return True


def _cancel_as(follower: CancelToken, other: object) -> None:
    reason = getattr(other, "reason", None)
    # A reason that is too long, or not a text, must not keep the cancel from happening.
    follower.cancel(fitting_text(reason) if isinstance(reason, str) else "")


class _Sampler:
    """The thread that asks all followed objects."""

    def __init__(self) -> None:
        self._links: Dict[int, weakref.ref[Link]] = {}
        self._keys = itertools.count()
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._thread: Optional[threading.Thread] = None
        self._is_ending = False

    def add(self, link: Link) -> None:
        key = next(self._keys)
        links = self._links
        # No lock is taken when a link goes: a garbage collection may drop it anywhere, also under a lock.
        links[key] = weakref.ref(link, lambda _: links.pop(key, None))
        with self._starting:
            if self._thread is None and not self._is_ending:
                thread = threading.Thread(
                    target=self._run, name="dcc_cancel sampling", daemon=True
                )
                thread.start()
                self._thread = thread
                atexit.register(self.end)
        self._wake.set()

    def end(self) -> None:
        """Ends the thread. It must not be inside a native call when the interpreter is finalized."""
        self._is_ending = True
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(1.0)

    def _run(self) -> None:
        while not self._is_ending:
            span = self._round()
            self._wake.wait(span)
            self._wake.clear()

    def _round(self) -> Optional[Seconds]:
        """Asks all objects that are due. In how many seconds the next one is due, or None."""
        due: Optional[Seconds] = None
        for key, reference in list(self._links.items()):
            link = reference()
            if link is None:
                continue
            now = time.monotonic()
            if link.due <= now:
                if self._is_done(link):
                    self._links.pop(key, None)
                    continue
                link.due = now + link.interval
            due = link.due if due is None else min(due, link.due)
        return None if due is None else max(0.0, due - time.monotonic())

    @staticmethod
    def _is_done(link: Link) -> bool:
        try:
            return link.sample()
        except Exception:
            # The object may recover, and its follower must not miss a later cancel.
            if not link.has_failed:
                link.has_failed = True
                logging.getLogger(__package__).exception(
                    "%r cannot say whether it is cancelled; it is asked again", link.other
                )
            return False


_sampler = _Sampler()


def native_handle(thing: object) -> Optional[int]:
    """The handle of the token of a native object; None for an object that is not native."""
    ask = getattr(thing, "__dcc_cancel_token__", None)
    handle: Optional[int] = None if ask is None else ask()
    return handle


def follow(
    cls: Type[Token], other: Any, interval: Seconds = DEFAULT_INTERVAL, what: str = "other"
) -> Token:
    """A token of class `cls` that is cancelled when `other` is. Errors call `other` by the name `what`."""
    can_be_asked(other, what)
    checked_interval(interval)
    job_id = fitting_id(getattr(other, "job_id", None))
    if native_handle(other) is not None:
        return cls(job_id=job_id, parent=other)
    token = cls(job_id=job_id)
    if other.cancelled:
        _cancel_as(token, other)
    else:
        token._link = Link(other, token, interval)
        _sampler.add(token._link)
    return token


def parent_of(
    thing: Any, interval: Seconds = DEFAULT_INTERVAL, what: str = "parent"
) -> Tuple[Any, Optional[int]]:
    """The object to keep alive for a parent, and the parent's handle. Both are None for None."""
    if thing is None:
        return None, None
    can_be_asked(thing, what)
    handle = native_handle(thing)
    if handle is None:
        from .token import CancelToken

        thing = follow(CancelToken, thing, interval, what)
        handle = thing.handle
    return thing, handle


def fitting_id(value: object) -> Optional[str]:
    """The id if the library can take it, else None."""
    if not isinstance(value, str) or not value:
        return None
    try:
        return value if len(value.encode("utf-8")) <= c.DCC_MAX_CALLER_ID_LENGTH else None
    except UnicodeEncodeError:
        return None
