"""Request: a request of a peer that is in flight, with its token."""

from __future__ import annotations

import ctypes
import json
import warnings
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional

from . import _declarations as c
from ._handle import NativeObject, created
from ._arguments import flag, text_in, wrong_type, wrong_value
from ._library import library
from ._request_id import request_id
from ._status import checked, text_from
from ._told import note_told
from ._types import RequestId
from .job import Job
from .linking import parent_of
from .probes import JobHandle
from .token import CancelToken

if TYPE_CHECKING:
    from typing_extensions import Literal

    from .session import Session
    from .token import Cause

    Owed = Literal["result", "nothing", "cancelled"]

_OWED: Dict[int, Owed] = {
    c.DCC_OWED_RESULT: "result",
    c.DCC_OWED_NOTHING: "nothing",
    c.DCC_OWED_CANCELLED: "cancelled",
}


class Request(NativeObject):
    """A request of a session. Session.begin makes it.

    Any thread may call any method. Use it, or its `token`, as the parent of what works for the request. As a
    context manager it ends with the block. Otherwise call `end`; a request that is dropped before its end is
    a ResourceWarning, because its peer cannot cancel it any more.
    """

    __slots__ = ("_id", "_token", "_parents", "_has_ended")

    _id: RequestId
    _token: CancelToken
    _parents: Any
    _has_ended: bool

    _release = library.dcc_request_release

    def __init__(
        self,
        session: Session,
        id: RequestId,
        parent: Optional[JobHandle],
        cancellable: bool,
        progress_token: Optional[RequestId],
        meta: Optional[Mapping[str, Any]],
    ) -> None:
        self._handle = 0
        self._has_ended = False
        self._id = id
        description = c.RequestDesc(
            struct_size=ctypes.sizeof(c.RequestDesc),
            flags=0 if flag(cancellable, "cancellable") else c.DCC_REQUEST_NOT_CANCELLABLE,
            id=request_id(id),
        )
        if progress_token is not None:
            description.progress_token = request_id(progress_token, "progress_token")
        if meta is not None:
            written = _json_of(meta)
            description.meta, description.meta_length = written, len(written)
        self._parents, description.parent = parent_of(parent)
        self._handle = created(
            library.dcc_request_begin,
            session.handle,
            ctypes.byref(description),
            context="begin(%r)" % (id,),
        )
        handle = library.dcc_request_token(self._handle)
        self._token = CancelToken._borrowing(handle, self._parents)

    @property
    def id(self) -> RequestId:
        """The id of the request, in the type in which the peer sent it."""
        return self._id

    @property
    def token(self) -> CancelToken:
        """The token of the request. It may be used after the end of the request."""
        return self._token

    @property
    def cancelled(self) -> bool:
        """Whether the request is cancelled. Cheap enough for inner loops. A property: write no ()."""
        return self._token.cancelled

    @property
    def job_id(self) -> Optional[str]:
        """Always None: the id of a request belongs to its peer, and is not the id of a job."""
        return None

    @property
    def reason(self) -> Optional[str]:
        """Why the request was cancelled: "" if the cancel gave no reason, None while it is not cancelled."""
        return self._token.reason

    @property
    def cause(self) -> Optional[Cause]:
        """What kind of cancel it was: "request", "foreign" or "deadline", see CancelToken.cause, or None."""
        return self._token.cause

    def check(self) -> None:
        """Raises DccMcpCancelledError if the request is cancelled. Does nothing else."""
        self._token.check()

    def cancel(self, reason: Optional[str] = None) -> bool:
        """Cancels the request in its peer's name, for instance because the stream of its response was closed.

        Whether this call was the first, and not too late. Callbacks of the cancel run on this thread before
        the call returns. It also cancels a request that its peer may not cancel.
        """
        text, length = text_in(reason, "reason")
        return checked(library.dcc_request_cancel(self.handle, text, length)) == c.DCC_OK

    def seal(self) -> bool:
        """Lets the request pass its point of no return, for work that has no job; see `Job.seal`.

        True: go ahead, no cancel reaches the request any more, and its peer gets the result. False: a cancel
        was first, or the request has ended.
        """
        status = checked(library.dcc_request_seal(self.handle))
        if status == c.DCC_CANCELLED_BY_TOKEN:
            note_told()
        return status == c.DCC_OK

    def end(self) -> Owed:
        """Ends the request, so that its id may be used again, and says what is owed to the peer.

        "result": send the result or the error of the work. "nothing": the peer does not wait any more.
        "cancelled": send `cancelled_reply`. If two threads end it, or a call is repeated, all get the same
        answer.
        """
        owed = ctypes.c_int32()
        checked(library.dcc_request_end(self.handle, ctypes.byref(owed)))
        self._has_ended = True
        return _OWED[owed.value]

    def cancelled_reply(self) -> str:
        """The JSON-RPC error that the peer of a cancelled request waits for; "" if none is owed."""
        return text_from(library.dcc_request_write_cancelled, self.handle)[0]

    def set_progress(
        self,
        progress: Optional[float] = None,
        total: Optional[float] = None,
        message: Optional[str] = None,
        job: Optional[Job] = None,
    ) -> bool:
        """Notes how far the request is, for `write_progress`. False: the request has ended.

        Give either numbers or the `job` that works for the request; each later `write_progress` asks that
        job. It is cheap. A number that is not larger than before, with the same message, is ignored.
        TypeError: neither or both were given.
        """
        if job is not None:
            if not isinstance(job, Job):
                wrong_type("job", "a dcc_cancel.Job", job)
            if (progress, total, message) != (None, None, None):
                raise TypeError("set_progress takes either a job or numbers, not both")
            status = library.dcc_request_set_progress_of_job(self.handle, job.handle)
            return checked(status) == c.DCC_OK
        if progress is None:
            raise TypeError("set_progress needs a number, or job=")
        note = c.RequestProgress(
            struct_size=ctypes.sizeof(c.RequestProgress),
            progress=_number(progress, "progress"),
            total=0.0 if total is None else _number(total, "total"),
        )
        note.message, note.message_length = text_in(message, "message")
        status = library.dcc_request_set_progress(self.handle, ctypes.byref(note))
        return checked(status) == c.DCC_OK

    def write_progress(self, now: bool = False) -> str:
        """The progress notification to send to the peer now, as JSON; "" if none is due.

        Call it from a tick or after each step, and with `now=True` right before the end. If the session has a
        `progress_heartbeat`, call it from a thread or task that is not busy with the work. MCP forbids a
        notification after the answer. So if another thread sends the answer, hold the lock of your output
        from before this call until the notification is sent, and from before `end` until the answer is sent.
        """
        flags = c.DCC_PROGRESS_NOW if flag(now, "now") else 0
        return text_from(library.dcc_request_write_progress, self.handle, flags)[0]

    def __dcc_cancel_token__(self) -> int:
        return self._token.handle

    def __del__(self) -> None:
        was_forgotten = getattr(self, "_handle", 0) and not self._has_ended
        super().__del__()
        if was_forgotten:
            warnings.warn(
                "the request %r was dropped before its end(), so that nobody can cancel it any more:"
                " keep what begin() returns, or use it in `with`" % (self._id,),
                ResourceWarning,
            )

    def __enter__(self) -> Request:
        return self

    def __exit__(self, kind: object, error: Optional[BaseException], trace: object) -> None:
        if self._handle:
            self.end()
        self.close()

    def __repr__(self) -> str:
        # `cancelled` would tell the code of the current job to stop: a log line must not.
        state = self._inside(lambda: "cancelled=%s" % (self.cause is not None))
        return "Request(%r, %s)" % (getattr(self, "_id", None), state)


def _number(value: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        wrong_type(what, "a number", value)
    if not 0 <= value < float("inf"):
        wrong_value(what, "a finite number that is not negative", value)
    return float(value)


def _json_of(meta: Mapping[str, Any]) -> bytes:
    wanted = "what json.loads makes of `params._meta`, a dict"
    # A peer or a middleware may have put any value in. The library reads texts and numbers of it only.
    if not isinstance(meta, Mapping):
        wrong_type("meta", wanted, meta)
    try:
        return json.dumps(dict(meta), separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError) as error:
        wrong_type("meta", wanted, meta, "JSON cannot have this (%s)" % error)
