"""Session: one peer's connection, the scope of its request ids."""

from __future__ import annotations

import ctypes
import json
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, TypeVar

from . import _declarations as c
from ._handle import NativeObject, created
from ._arguments import flag, nanoseconds, one_of, span, text_in, whole, wrong_type
from ._library import library
from ._request_id import id_of, request_id
from ._status import checked, names_of, text_from
from ._types import Message, RequestId, Seconds
from .probes import JobHandle
from .request import Request

if TYPE_CHECKING:
    from typing_extensions import Literal

    Cancelled = Literal[
        "cancelled", "already_cancelled", "sealed", "not_found", "held", "not_cancellable"
    ]
    Known = Literal["unknown", "live", "cancelled", "held", "ended", "ended_cancelled"]

_KINDS: Dict[Literal["stdio", "http", "tasks"], int] = {
    "stdio": c.DCC_SESSION_STDIO,
    "http": c.DCC_SESSION_HTTP,
    "tasks": c.DCC_SESSION_TASKS,
}
_REPLIES: Dict[Literal["silent", "cancelled", "as_asked"], int] = {
    "silent": c.DCC_REPLIES_SILENT,
    "cancelled": c.DCC_REPLIES_CANCELLED,
    "as_asked": c.DCC_REPLIES_AS_ASKED,
}
_EARLY: Dict[Optional[Literal["held", "ignored"]], int] = {
    None: c.DCC_EARLY_BY_KIND,
    "held": c.DCC_EARLY_HELD,
    "ignored": c.DCC_EARLY_IGNORED,
}
_CANCELS: Dict[int, Cancelled] = {
    c.DCC_OK: "cancelled",
    c.DCC_ALREADY_CANCELLED: "already_cancelled",
    c.DCC_SEALED: "sealed",
    c.DCC_NOT_FOUND: "not_found",
    c.DCC_HELD: "held",
    c.DCC_NOT_CANCELLABLE: "not_cancellable",
}
_REQUESTS: Dict[int, Known] = {
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

    id: Optional[RequestId]

    def __new__(cls, info: c.MessageInfo) -> MessageOutcome:
        outcome = super().__new__(cls, _MESSAGES[info.message])
        outcome.id = id_of(info)
        return outcome


S = TypeVar("S", bound="Session")


class Session(NativeObject):
    """One peer's connection. Ids are int or str, and 1 is not "1".

    `kind`: "stdio", where messages come one after the other, or "http", where a cancel may come before
    its request and is held for it for `early_ttl` seconds, or "tasks": see below; `early`: "held" or
    "ignored" says otherwise. For as long a cancel of an id whose request is over is a late one, which touches
    nobody.
    `replies`: whether cancelled requests are answered with an error, "cancelled", or not, "silent", or
    "as_asked": after LSP's and ACP's messages with an error, else as MCP has it for this kind.
    `max_requests` may be in flight (0: 1024), of `max_kept` others something is remembered (0: 256).
    `progress_interval`: least seconds between two notes of progress; `progress_heartbeat`: most, for what
    cannot count, whose peer is told that it goes on; None for never. Any thread may call any method.

    In a session of kind "tasks" the requests are tasks of MCP's extension `io.modelcontextprotocol/tasks`,
    under the ids that you gave them, and `handle_message` takes `tasks/cancel`. What answers that is yours:
    the result `{"resultType": "complete"}` after "cancelled" and "without_effect", else the error -32602. At
    the end of a task "result" is for its status `completed` or `failed`, all else for `cancelled`.
    """

    __slots__ = ()

    _release = library.dcc_session_release

    def __init__(
        self,
        kind: Literal["stdio", "http", "tasks"] = "stdio",
        replies: Literal["silent", "cancelled", "as_asked"] = "silent",
        early: Optional[Literal["held", "ignored"]] = None,
        ids_are_texts: bool = False,
        max_requests: int = 0,
        max_kept: int = 0,
        early_ttl: Optional[Seconds] = None,
        progress_interval: Optional[Seconds] = None,
        progress_heartbeat: Optional[Seconds] = None,
    ) -> None:
        self._handle = 0
        description = c.SessionDesc(
            struct_size=ctypes.sizeof(c.SessionDesc),
            flags=c.DCC_SESSION_IDS_ARE_TEXTS if flag(ids_are_texts, "ids_are_texts") else 0,
            kind=one_of(_KINDS, "kind", kind),
            replies=one_of(_REPLIES, "replies", replies),
            early=one_of(_EARLY, "early", early),
            max_requests=whole(max_requests, "max_requests", 32, c.DCC_MAX_SESSION_QUOTA),
            max_kept=whole(max_kept, "max_kept", 32, c.DCC_MAX_SESSION_QUOTA),
            early_ttl_ns=_positive(early_ttl, "early_ttl"),
            progress_interval_ns=_positive(progress_interval, "progress_interval"),
            progress_heartbeat_ns=_positive(progress_heartbeat, "progress_heartbeat"),
        )
        self._handle = created(library.dcc_session_create, ctypes.byref(description))

    def begin(
        self,
        id: RequestId,
        parent: Optional[JobHandle] = None,
        cancellable: bool = True,
        progress_token: Optional[RequestId] = None,
        meta: Optional[Mapping[str, Any]] = None,
    ) -> Request:
        """Begins a request: a Request, to be kept and ended. `parent` cancels it as well, see CancelToken.

        `meta` is `params._meta` of its message: the progress token, unless `progress_token` is given; the
        `traceparent` that its token and what is below it work for; and "dcc-cancel/timeoutMs", how many
        milliseconds from now the peer waits, which is its token's deadline. What has another form is ignored.
        DuplicateError: the id is in flight; OverloadedError: too many are; ShutdownError: closed.
        """
        return Request(self, id, parent, cancellable, progress_token, meta)

    def cancel(self, id: RequestId, reason: Optional[str] = None) -> Cancelled:
        """Cancels the request with this id, in its peer's name.

        "cancelled", "already_cancelled", "sealed" (too late: its peer gets the result), "not_found", "held",
        or "not_cancellable".
        """
        text, length = text_in(reason, "reason")
        status = library.dcc_session_cancel(
            self.handle, ctypes.byref(request_id(id)), text, length
        )
        return _CANCELS[checked(status)]

    def query(self, id: RequestId) -> Known:
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

    def is_cancelled(self, id: RequestId) -> bool:
        """Whether the request with this id is cancelled, was, or will be when it begins; see `query`."""
        return self.query(id) in ("cancelled", "held", "ended_cancelled")

    def reason(self, id: RequestId) -> Optional[str]:
        """Why it was cancelled: "" if nobody said, None if it was not or nothing is known of it."""
        text, status = text_from(
            library.dcc_session_reason, self.handle, ctypes.byref(request_id(id))
        )
        return text if status == c.DCC_OK else None

    def clear(self, id: RequestId) -> bool:
        """Forgets an id that is not in flight. Whether anything was remembered of it."""
        status = checked(library.dcc_session_clear(self.handle, ctypes.byref(request_id(id))))
        return status == c.DCC_OK

    def sweep(self, seconds: Seconds) -> int:
        """Forgets what has been remembered for longer than this, and says how many ids that were."""
        count = ctypes.c_uint64()
        age = span(seconds, "seconds")
        checked(library.dcc_session_sweep(self.handle, age, ctypes.byref(count)))
        return count.value

    def handle_message(self, message: Message) -> MessageOutcome:
        """Does what a message of the peer asks for, if it is a cancel; others are left to you.

        "cancelled", "without_effect" (it was cancelled before, or cannot be), "held", "unknown" (no
        such request), "other" (for somebody else), "malformed"; its attribute `id` is the request that was
        meant. The message is JSON in UTF-8, or what `json.loads` makes of it. Never raises because of what
        a peer sent. Callbacks of the cancel run on a thread of the library.
        """
        raw = _bytes_of(message)
        info = c.MessageInfo(struct_size=ctypes.sizeof(c.MessageInfo))
        status = library.dcc_session_handle_message(
            self.handle, raw, len(raw), ctypes.byref(info)
        )
        checked(status)
        return MessageOutcome(info)

    def stats(self) -> Dict[str, int]:
        """What it has seen, as a dict; the names are those of dcc_session_stats."""
        info = c.SessionStats(struct_size=ctypes.sizeof(c.SessionStats))
        checked(library.dcc_session_read_stats(self.handle, ctypes.byref(info)))
        values = {name: getattr(info, name) for name in names_of(info)}
        values["is_closed"] = bool(values["is_closed"])
        return values

    def close(self) -> None:
        """The connection is over: cancels all its requests, which are still to be ended.

        No request begins any more: ShutdownError. Questions are answered as long as the object lives, so
        a thread that is still at work with it is not in danger.
        """
        checked(library.dcc_session_close(self.handle))

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "Session(%s)" % self._inside(self._state)

    def _state(self) -> str:
        stats = self.stats()
        return "%s%d in flight" % ("closed, " if stats["is_closed"] else "", stats["live"])


def _bytes_of(message: Message) -> bytes:
    if isinstance(message, bytes):
        return message
    if isinstance(message, str):
        # What is no text is for the library to refuse.
        return message.encode("utf-8", "surrogatepass")
    wanted = "JSON as str or bytes, or what json.loads makes of it"
    if isinstance(message, (dict, list)):
        try:
            return json.dumps(message, separators=(",", ":")).encode("ascii")
        except (TypeError, ValueError) as error:
            wrong_type("message", wanted, message, "JSON cannot have this (%s)" % error)
    try:
        return bytes(memoryview(message))
    except TypeError:
        wrong_type("message", wanted, message)


def _positive(seconds: Optional[Seconds], what: str) -> int:
    """0 nanoseconds is "as usual" for the library, so no time at all is the shortest one."""
    return max(nanoseconds(seconds, what, for_none=0), 0 if seconds is None else 1)
