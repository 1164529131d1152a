"""Follows tokens and jobs that are not native, by asking them again and again.

One thread of this package asks; native polls see only the flag that it sets, so none of them ever
waits for the GIL.
"""

import atexit
import itertools
import logging
import threading
import time
import weakref

from .errors import InvalidArgumentError

DEFAULT_INTERVAL = 0.02
LEAST_INTERVAL = 0.001

_NONE = object()


class Link:
    """Makes `follower` cancelled once `other` is. Ends with the follower, which holds it."""

    __slots__ = ("other", "follower", "interval", "due", "has_failed", "__weakref__")

    def __init__(self, other, follower, interval):
        self.other = other
        self.follower = weakref.ref(follower)
        self.interval = interval
        self.due = time.monotonic() + interval
        self.has_failed = False

    def sample(self):
        """Asks once; whether the link has done its work."""
        follower = self.follower()
        if follower is None or not follower._handle:
            return True
        if not self.other.cancelled:
            return False
        _cancel_as(follower, self.other)
        return True


def _cancel_as(follower, other):
    reason = getattr(other, "reason", None)
    try:
        follower.cancel(reason if isinstance(reason, str) else "")
    except InvalidArgumentError:
        # A reason that is too long or no text is no reason to go on.
        follower.cancel()


class _Sampler:
    """The thread that asks."""

    def __init__(self):
        self._links = {}
        self._keys = itertools.count()
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._thread = None
        self._is_ending = False

    def add(self, link):
        key = next(self._keys)
        links = self._links
        # No lock is taken when a link goes: that may happen in a garbage collection anywhere.
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

    def end(self):
        """Ends the thread: it must not be inside a native call when the interpreter goes."""
        self._is_ending = True
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(1.0)

    def _run(self):
        while not self._is_ending:
            span = self._round()
            self._wake.wait(span)
            self._wake.clear()

    def _round(self):
        """Asks all whose time has come; in how many seconds the next is due, None for none."""
        due = None
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
    def _is_done(link):
        try:
            return link.sample()
        except Exception:
            # It may recover, and whoever follows it must not lose the next cancel.
            if not link.has_failed:
                link.has_failed = True
                logging.getLogger(__package__).exception(
                    "%r cannot say whether it is cancelled; it is asked again", link.other
                )
            return False


_sampler = _Sampler()


def native_handle(thing):
    """The handle of the token of what is native, else None."""
    ask = getattr(thing, "__dcc_cancel_token__", None)
    return None if ask is None else ask()


def follow(cls, other, interval=DEFAULT_INTERVAL):
    """A token of class `cls` that is cancelled when `other` is."""
    job_id = fitting_id(getattr(other, "job_id", None))
    if native_handle(other) is not None:
        return cls(job_id=job_id, parent=other)
    is_cancelled = getattr(other, "cancelled", _NONE)
    if is_cancelled is _NONE:
        raise TypeError(
            "%r has no attribute 'cancelled', so it is nothing that can be followed" % (other,)
        )
    if not isinstance(interval, (int, float)) or not interval >= LEAST_INTERVAL:
        raise InvalidArgumentError(
            "the interval must be at least %s seconds; it is %r" % (LEAST_INTERVAL, interval)
        )
    token = cls(job_id=job_id)
    if is_cancelled:
        _cancel_as(token, other)
    else:
        token._link = Link(other, token, interval)
        _sampler.add(token._link)
    return token


def parent_of(thing, interval=DEFAULT_INTERVAL):
    """What to keep alive for a parent, and its handle. None has none."""
    if thing is None:
        return None, None
    handle = native_handle(thing)
    if handle is None:
        from .token import CancelToken

        thing = follow(CancelToken, thing, interval)
        handle = thing.handle
    return thing, handle


def fitting_id(value):
    """An id that the library can take, None for others."""
    if not isinstance(value, str) or not value:
        return None
    try:
        return value if len(value.encode("utf-8")) <= 128 else None
    except UnicodeEncodeError:
        return None
