"""Session: the connection of one peer, in which its request ids are unique."""

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
    """What a peer's message was: the text that Session.handle_message describes, with an `id`."""

    #: The id of the request that the message named; None if the message was not a cancel.
    id: Optional[RequestId]

    def __new__(cls, info: c.MessageInfo) -> MessageOutcome:
        outcome = super().__new__(cls, _MESSAGES[info.message])
        outcome.id = id_of(info)
        return outcome


S = TypeVar("S", bound="Session")


class Session(NativeObject):
    """The connection of one peer. Ids of requests are int or str, and 1 is not "1".

    Any thread may call any method. As a context manager it is closed with the block.

    - `kind`: "stdio" if messages come one after the other; "http" if they come on several threads, so that a
      cancel may come before its request; "tasks": see below.
    - `early`: whether a cancel that comes before its request is "held" for it or "ignored". None: held in a
      session of kind "http", ignored in others.
    - `early_ttl`: for how many seconds such a cancel is held. For the same time a cancel of a request that
      has ended counts as late, and does not cancel the next request with that id. None: 30.
    - `replies`: "cancelled" if cancelled requests are answered with an error, "silent" if they are not
      answered. "as_asked": with an error after a cancel by LSP's or ACP's message, else as MCP demands for
      this kind.
    - `ids_are_texts`: True if 7 and "7" are the same id, as in some servers.
    - `max_requests`: how many requests may be in flight; 0 means 1024.
    - `max_kept`: of how many other ids something is remembered; 0 means 256.
    - `progress_interval`: least seconds between two progress notifications of a request. None: 0.1.
    - `progress_heartbeat`: most seconds between them. A request whose progress has not changed is then told
      to be going on. None: no such notification.

    In a session of kind "tasks" the requests are tasks of MCP's extension `io.modelcontextprotocol/tasks`,
    under the ids that you gave them, and `handle_message` takes `tasks/cancel`. You answer that message: with
    the result `{"resultType": "complete"}` after "cancelled" and "without_effect", else with the error
    -32602. At the end of a task "result" means its status `completed` or `failed`, all else means
    `cancelled`.
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
        """Begins a request and returns a Request. Keep it, and end it.

        If a cancel with this id is held, the request is cancelled from the start. A cancel of `parent`
        cancels it as well, see CancelToken. With `cancellable=False` its peer cannot cancel it.

        `meta` is `params._meta` of the peer's message. Three members of it are used: the progress token,
        unless `progress_token` is given; the `traceparent`, for the request's token and everything below it;
        and "dcc-cancel/timeoutMs", which says how many milliseconds from now the peer waits, and becomes the
        token's deadline. A member of another form is ignored.

        DuplicateError: a request with this id is in flight. OverloadedError: too many requests are in flight.
        ShutdownError: the session is closed.
        """
        return Request(self, id, parent, cancellable, progress_token, meta)

    def cancel(self, id: RequestId, reason: Optional[str] = None) -> Cancelled:
        """Cancels the request in flight with this id, in its peer's name.

        Callbacks of the cancel run on this thread before the call returns. The answer:

        - "cancelled": this call was the first.
        - "already_cancelled": it was cancelled before, and the first reason stays.
        - "sealed": too late, its peer gets the result.
        - "held": no request has this id yet, and the cancel is held for it.
        - "not_found": no request has this id, or it has ended.
        - "not_cancellable": it was begun with `cancellable=False`.
        """
        text, length = text_in(reason, "reason")
        status = library.dcc_session_cancel(
            self.handle, ctypes.byref(request_id(id)), text, length
        )
        return _CANCELS[checked(status)]

    def query(self, id: RequestId) -> Known:
        """What is known of the request with this id.

        "live" or "cancelled" while it is in flight. "held": it has not begun, and a cancel is held for it.
        "ended" or "ended_cancelled" as long as its end is remembered. "unknown": nothing is known.
        """
        state = ctypes.c_int32()
        checked(
            library.dcc_session_query(
                self.handle, ctypes.byref(request_id(id)), ctypes.byref(state)
            )
        )
        return _REQUESTS[state.value]

    def is_cancelled(self, id: RequestId) -> bool:
        """Whether the request with this id is or was cancelled, or will be when it begins; see `query`."""
        return self.query(id) in ("cancelled", "held", "ended_cancelled")

    def reason(self, id: RequestId) -> Optional[str]:
        """Why the request with this id was cancelled: "" if the cancel gave no reason.

        None: it was not cancelled, or nothing is known of it.
        """
        text, status = text_from(
            library.dcc_session_reason, self.handle, ctypes.byref(request_id(id))
        )
        return text if status == c.DCC_OK else None

    def clear(self, id: RequestId) -> bool:
        """Forgets what is remembered of an id that is not in flight. Whether there was anything."""
        status = checked(library.dcc_session_clear(self.handle, ctypes.byref(request_id(id))))
        return status == c.DCC_OK

    def sweep(self, seconds: Seconds) -> int:
        """Forgets the ids that have been remembered for more than so many `seconds`. How many ids that were.

        Requests in flight stay.
        """
        count = ctypes.c_uint64()
        age = span(seconds, "seconds")
        checked(library.dcc_session_sweep(self.handle, age, ctypes.byref(count)))
        return count.value

    def handle_message(self, message: Message) -> MessageOutcome:
        """Does what a message of the peer asks for if it is a cancel. You handle all other messages.

        The message is JSON in UTF-8, or what `json.loads` makes of it. A peer cannot make this call raise an
        error. Callbacks of the cancel run on a thread of the library, so a transport thread may call this.
        The answer's attribute `id` is the request that the message named. The answer:

        - "cancelled": the request is cancelled by this message.
        - "without_effect": it was cancelled before, cannot be cancelled, or has committed.
        - "held": no request has this id yet, and the cancel is held for it.
        - "unknown": no request in flight has this id.
        - "other": the message is not a cancel.
        - "malformed": it is not a JSON-RPC message, or it is a cancel that names no request.
        """
        raw = _bytes_of(message)
        info = c.MessageInfo(struct_size=ctypes.sizeof(c.MessageInfo))
        status = library.dcc_session_handle_message(
            self.handle, raw, len(raw), ctypes.byref(info)
        )
        checked(status)
        return MessageOutcome(info)

    def stats(self) -> Dict[str, int]:
        """Counts of what the session has seen, as a dict. The names are those of dcc_session_stats."""
        info = c.SessionStats(struct_size=ctypes.sizeof(c.SessionStats))
        checked(library.dcc_session_read_stats(self.handle, ctypes.byref(info)))
        values = {name: getattr(info, name) for name in names_of(info)}
        values["is_closed"] = bool(values["is_closed"])
        return values

    def close(self) -> None:
        """Closes the session for good, because its connection is over. Cancels all its requests in flight.

        You still end the requests. A later `begin` raises ShutdownError. All other methods still work, so a
        thread that uses the session at this moment is not disturbed. Harmless if repeated.
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
        # A half surrogate is passed on: the library calls such a message malformed, so nothing is raised
        # here.
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
    """Nanoseconds, at least 1 for a time that was given: the library takes 0 as "the default"."""
    return max(nanoseconds(seconds, what, for_none=0), 0 if seconds is None else 1)
