"""A session of dcc_cancel for each connection of the server, and the messages that it is shown."""

import contextlib
import time

import dcc_cancel

# Longer than the SDKs keep an HTTP session that is not used; they do not tell when they drop one.
KEPT_SECONDS = 3600


class Connections:
    """Sessions by the name that the transport has for a connection."""

    def __init__(self, kind):
        self._early = "held" if kind == "http" else None
        self._sessions = {}
        self._used = {}
        self._calls = []

    def open(self, name):
        """The session of a connection."""
        if name not in self._sessions:
            self._close_unused()
            self._sessions[name] = self._session()
        self._used[name] = time.monotonic()
        return self._sessions[name]

    @contextlib.contextmanager
    def for_one_request(self):
        """A session for a request that belongs to none, so that its id is its own."""
        session = self._session()
        try:
            yield session
        finally:
            session.close()

    def close(self, name):
        """Cancels what a connection that ended had asked for."""
        session = self._sessions.pop(name, None)
        self._used.pop(name, None)
        if session is not None:
            session.close()
            self._note("session closed")

    def close_all(self):
        for name in list(self._sessions):
            self.close(name)

    def message(self, name, raw):
        """Shows a session what its peer sent, as it came. Anything but a cancel is left to the SDK."""
        session = self._sessions.get(name)
        if session is not None and session.handle_message(raw) == "cancelled":
            self._note("message")

    def add(self, call):
        self._calls.append(call)

    def remove(self, call):
        self._calls.remove(call)

    def cancelled_calls(self):
        """Those that have yet to stop."""
        return [call for call in self._calls if call.request.cancelled]

    def reason_of_sdk(self, session):
        """Why the SDK cancels a call of which no message said so."""
        if session in self._sessions.values():
            return "the server's SDK cancelled the call"
        return "the stream of the response ended"  # which is how a client of 2026-07-28 cancels over HTTP

    def _session(self):
        # What MCP's own cancel is answered with is the SDK's business, over HTTP too; it does not know those
        # of LSP and ACP, which are ours to answer. A progress note is worth its bytes twenty times a second.
        return dcc_cancel.Session(
            kind="stdio", early=self._early, replies="as_asked", progress_interval=0.05
        )

    def _close_unused(self):
        latest = time.monotonic() - KEPT_SECONDS
        for name in [name for name, used in self._used.items() if used < latest]:
            self.close(name)

    def _note(self, way):
        for call in self._calls:
            if call.request.cancelled:
                call.note_cancel(way)
