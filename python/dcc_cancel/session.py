"""Session: one peer's connection, the scope of its request ids."""

import ctypes

from . import _declarations as c
from ._handle import NativeObject, created
from ._library import library
from ._request_id import request_id
from ._status import checked, nanoseconds, text_from, text_in, whole
from .errors import InvalidArgumentError
from .request import Request

_KINDS = {"stdio": c.DCC_SESSION_STDIO, "http": c.DCC_SESSION_HTTP}
_REPLIES = {"silent": c.DCC_REPLIES_SILENT, "cancelled": c.DCC_REPLIES_CANCELLED}
_EARLY = {None: c.DCC_EARLY_BY_KIND, "held": c.DCC_EARLY_HELD, "ignored": c.DCC_EARLY_IGNORED}
_CANCELS = {
    c.DCC_OK: "cancelled",
    c.DCC_ALREADY_CANCELLED: "already_cancelled",
    c.DCC_NOT_FOUND: "not_found",
    c.DCC_HELD: "held",
    c.DCC_NOT_CANCELLABLE: "not_cancellable",
}
_REQUESTS = {
    c.DCC_REQUEST_UNKNOWN: "unknown",
    c.DCC_REQUEST_LIVE: "live",
    c.DCC_REQUEST_CANCELLED: "cancelled",
    c.DCC_REQUEST_HELD: "held",
    c.DCC_REQUEST_ENDED: "ended",
    c.DCC_REQUEST_ENDED_CANCELLED: "ended_cancelled",
}
_MESSAGES = {
    c.DCC_MESSAGE_CANCELLED: "cancelled",
    c.DCC_MESSAGE_WITHOUT_EFFECT: "without_effect",
    c.DCC_MESSAGE_HELD: "held",
    c.DCC_MESSAGE_UNKNOWN: "unknown",
    c.DCC_MESSAGE_OTHER: "other",
    c.DCC_MESSAGE_MALFORMED: "malformed",
}


class MessageOutcome(str):
    """What a message was. `id`: the request that it meant, None if it was no cancellation."""

    def __new__(cls, info):
        outcome = super().__new__(cls, _MESSAGES[info.message])
        outcome.id = None
        if info.id_type == c.DCC_ID_INTEGER:
            outcome.id = info.id_integer
        elif info.id_type == c.DCC_ID_TEXT:
            # Not up to a NUL, which an id may have.
            start = ctypes.addressof(info) + c.MessageInfo.id_text.offset
            outcome.id = ctypes.string_at(start, info.id_text_length).decode("utf-8")
        return outcome


def _one_of(values, name, value):
    if value not in values:
        raise InvalidArgumentError(
            "%s must be one of %s; it is %r" % (name, ", ".join(map(repr, values)), value)
        )
    return values[value]


class Session(NativeObject):
    """One peer's connection. Ids are int or str, and 1 is not "1".

    `kind`: "stdio", where messages come one after the other, or "http", where a cancel may come before
    its request and is held for it for `early_ttl` seconds; `early`: "held" or "ignored" says otherwise. For
    as long a cancel of an id whose request is over is a late one, which touches nobody.
    `replies`: whether cancelled requests are answered with an error, "cancelled", or not, "silent".
    `max_requests` may be in flight (0: 1024), of `max_kept` others something is remembered (0: 256).
    `progress_interval`: least seconds between two notes of progress. Any thread may call any method.
    """

    __slots__ = ()

    _release = library.dcc_session_release

    def __init__(
        self,
        kind="stdio",
        replies="silent",
        early=None,
        ids_are_texts=False,
        max_requests=0,
        max_kept=0,
        early_ttl=None,
        progress_interval=None,
    ):
        self._handle = 0
        description = c.SessionDesc(
            struct_size=ctypes.sizeof(c.SessionDesc),
            flags=c.DCC_SESSION_IDS_ARE_TEXTS if ids_are_texts else 0,
            kind=_one_of(_KINDS, "kind", kind),
            replies=_one_of(_REPLIES, "replies", replies),
            early=_one_of(_EARLY, "early", early),
            max_requests=whole(max_requests, "max_requests", 32),
            max_kept=whole(max_kept, "max_kept", 32),
            early_ttl_ns=_positive(early_ttl, "early_ttl"),
            progress_interval_ns=_positive(progress_interval, "progress_interval"),
        )
        self._handle = created(library.dcc_session_create, ctypes.byref(description))

    def begin(self, id, parent=None, cancellable=True, progress_token=None):
        """Begins a request: a Request, to be ended. `parent` cancels it as well, see CancelToken.

        DuplicateError: the id is in flight; OverloadedError: too many are; ShutdownError: closed.
        """
        return Request(self, id, parent, cancellable, progress_token)

    def cancel(self, id, reason=""):
        """Cancels the request with this id, in its peer's name.

        "cancelled", "already_cancelled", "not_found", "held", or "not_cancellable".
        """
        text, length = text_in(reason, "reason")
        status = library.dcc_session_cancel(
            self.handle, ctypes.byref(request_id(id)), text, length
        )
        return _CANCELS[checked(status)]

    def query(self, id):
        """What is known of the request with this id.

        "live" or "cancelled", while it is in flight; "held": a cancel is held for it; "ended" or
        "ended_cancelled", as long as that is remembered; "unknown".
        """
        state = ctypes.c_int32()
        checked(
            library.dcc_session_query(
                self.handle, ctypes.byref(request_id(id)), ctypes.byref(state)
            )
        )
        return _REQUESTS[state.value]

    def is_cancelled(self, id):
        """Whether the request with this id is cancelled, was, or will be when it begins; see `query`."""
        return self.query(id) in ("cancelled", "held", "ended_cancelled")

    def reason(self, id):
        """Why it was cancelled: "" if nobody said, None if it was not or nothing is known of it."""
        text, status = text_from(
            library.dcc_session_reason, self.handle, ctypes.byref(request_id(id))
        )
        return text if status == c.DCC_OK else None

    def clear(self, id):
        """Forgets an id that is not in flight. Whether anything was remembered of it."""
        status = checked(library.dcc_session_clear(self.handle, ctypes.byref(request_id(id))))
        return status == c.DCC_OK

    def sweep(self, seconds):
        """Forgets what has been remembered for longer than this, and says how many ids that were."""
        count = ctypes.c_uint64()
        age = nanoseconds(seconds, "seconds")
        checked(library.dcc_session_sweep(self.handle, age, ctypes.byref(count)))
        return count.value

    def handle_message(self, message):
        """Does what a message of the peer asks for, if it is a cancel; others are left to you.

        "cancelled", "without_effect" (it was cancelled before, or cannot be), "held", "unknown" (no
        such request), "other" (for somebody else), "malformed"; its attribute `id` is the request that was
        meant. Never raises because of what a peer sent. Callbacks of the cancel run on a thread of the
        library.
        """
        if isinstance(message, str):
            # What is no text is for the library to refuse.
            message = message.encode("utf-8", "surrogatepass")
        elif not isinstance(message, bytes):
            message = bytes(memoryview(message))
        info = c.MessageInfo(struct_size=ctypes.sizeof(c.MessageInfo))
        status = library.dcc_session_handle_message(
            self.handle, message, len(message), ctypes.byref(info)
        )
        checked(status)
        return MessageOutcome(info)

    def stats(self):
        """What it has seen, as a dict; the names are those of dcc_session_stats."""
        info = c.SessionStats(struct_size=ctypes.sizeof(c.SessionStats))
        checked(library.dcc_session_read_stats(self.handle, ctypes.byref(info)))
        values = {name: getattr(info, name) for name, _ in info._fields_[1:]}
        values["is_closed"] = bool(values["is_closed"])
        return values

    def close(self):
        """The connection is over: cancels all its requests, which are still to be ended.

        No request begins any more: ShutdownError. Questions are answered as long as the object lives, so
        a thread that is still at work with it is not in danger.
        """
        checked(library.dcc_session_close(self.handle))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        stats = self.stats()
        return "Session(%s%d in flight)" % ("closed, " if stats["is_closed"] else "", stats["live"])


def _positive(seconds, what):
    """0 nanoseconds is "as usual" for the library, so no time at all is the shortest one."""
    return max(nanoseconds(seconds, what, for_none=0), 0 if seconds is None else 1)
