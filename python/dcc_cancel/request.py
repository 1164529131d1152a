"""Request: an id in flight with its token."""

import ctypes

from . import _declarations as c
from ._handle import NativeObject, created
from ._library import library
from ._request_id import request_id
from ._status import checked, text_from, text_in
from .linking import parent_of
from .token import CancelToken

_OWED = {
    c.DCC_OWED_RESULT: "result",
    c.DCC_OWED_NOTHING: "nothing",
    c.DCC_OWED_CANCELLED: "cancelled",
}


class Request(NativeObject):
    """A request of a session, made by Session.begin. As a context manager it ends with the block.

    Its `token` is the parent of what works for it. Any thread may call any method.
    """

    __slots__ = ("_id", "_token", "_parents")

    _release = library.dcc_request_release

    def __init__(self, session, id, parent, cancellable, progress_token):
        self._handle = 0
        self._id = id
        description = c.RequestDesc(
            struct_size=ctypes.sizeof(c.RequestDesc),
            flags=0 if cancellable else c.DCC_REQUEST_NOT_CANCELLABLE,
            id=request_id(id),
        )
        if progress_token is not None:
            description.progress_token = request_id(progress_token, "a progress token")
        self._parents, description.parent = parent_of(parent)
        self._handle = created(
            library.dcc_request_begin, session.handle, ctypes.byref(description)
        )
        handle = library.dcc_request_token(self._handle)
        self._token = CancelToken._borrowing(handle, self._parents)

    @property
    def id(self):
        """The id, in the type that it came in."""
        return self._id

    @property
    def token(self):
        """Its token; may be used after the end."""
        return self._token

    @property
    def cancelled(self):
        """Whether it is cancelled. Cheap."""
        return self._token.cancelled

    @property
    def job_id(self):
        """None: a request's id is its peer's, not that of a server's job."""
        return None

    @property
    def reason(self):
        """Why it was cancelled: "" if nobody said, None while it is not."""
        return self._token.reason

    def check(self):
        """Raises DccMcpCancelledError if it is cancelled."""
        self._token.check()

    def cancel(self, reason=""):
        """Cancels it in its peer's name, for instance because the stream of its response was closed.

        Whether this call was the first, and not too late.
        """
        text, length = text_in(reason, "reason")
        return checked(library.dcc_request_cancel(self.handle, text, length)) == c.DCC_OK

    def end(self):
        """Ends it, so that its id may be used again, and says what is owed to the peer.

        "result"; "nothing", it does not wait any more; "cancelled": `cancelled_reply`. Repeated, it
        says the same again.
        """
        owed = ctypes.c_int32()
        checked(library.dcc_request_end(self.handle, ctypes.byref(owed)))
        return _OWED[owed.value]

    def cancelled_reply(self):
        """The JSON-RPC error that the peer of a cancelled request waits for; "" if none is owed."""
        return text_from(library.dcc_request_write_cancelled, self.handle)[0]

    def set_progress(self, progress=None, total=None, message=None, job=None):
        """Notes how far it is, for `write_progress`; or how far the `job` is that works for it.

        Cheap; what is not further than before is left out. False: the request has ended.
        """
        if job is not None:
            if (progress, total, message) != (None, None, None):
                raise TypeError("set_progress takes either a job or numbers, not both")
            status = library.dcc_request_set_progress_of_job(self.handle, job.handle)
            return checked(status) == c.DCC_OK
        if progress is None:
            raise TypeError("set_progress needs a number, or job=")
        note = c.RequestProgress(
            struct_size=ctypes.sizeof(c.RequestProgress), progress=progress, total=total or 0
        )
        note.message, note.message_length = text_in(message, "message")
        status = library.dcc_request_set_progress(self.handle, ctypes.byref(note))
        return checked(status) == c.DCC_OK

    def write_progress(self, now=False):
        """The notification of progress that the peer is to be told now, "" if none is due.

        Call it from a tick or after each step, and with `now` right before the end.
        """
        flags = c.DCC_PROGRESS_NOW if now else 0
        return text_from(library.dcc_request_write_progress, self.handle, flags)[0]

    def __dcc_cancel_token__(self):
        return self._token.handle

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._handle:
            self.end()
        self.close()

    def __repr__(self):
        if not self._handle:
            return "Request(%r, closed)" % (self._id,)
        return "Request(%r, cancelled=%s)" % (self._id, self.cancelled)
