"""Keeps a session of dcc_cancel for each connection of the server, and shows messages to it."""

import contextlib
import time

import dcc_cancel

# A session that was not used for so many seconds is closed. The SDKs drop HTTP sessions earlier, and do not
# say so.
KEPT_SECONDS = 3600


class Connections:
    """The sessions of all connections. The transport gives each connection a name."""

    def __init__(self, kind):
        self._early = "held" if kind == "http" else None
        self._sessions = {}
        self._used = {}
        self._calls = []

    def open(self, name):
        """The session of a connection. The first call makes it."""
        if name not in self._sessions:
            self._close_unused()
            self._sessions[name] = self._session()
        self._used[name] = time.monotonic()
        return self._sessions[name]

    @contextlib.contextmanager
    def for_one_request(self):
        """A new session for a request that has no connection, so that its id meets no other request."""
        session = self._session()
        try:
            yield session
        finally:
            session.close()

    def close(self, name):
        """Cancels the calls of a connection that has ended."""
        session = self._sessions.pop(name, None)
        self._used.pop(name, None)
        if session is not None:
            session.close()
            self._note("session closed")

    def close_all(self):
        for name in list(self._sessions):
            self.close(name)

    def message(self, name, raw):
        """Shows a session a message of its peer as it came. The SDK handles every message but a cancel."""
        session = self._sessions.get(name)
        if session is not None and session.handle_message(raw) == "cancelled":
            self._note("message")

    def add(self, call):
        self._calls.append(call)

    def remove(self, call):
        self._calls.remove(call)

    def cancelled_calls(self):
        """The calls that are cancelled and have not stopped yet."""
        return [call for call in self._calls if call.request.cancelled]

    def reason_of_sdk(self, session):
        """The reason of a cancel by the SDK for which no message has come."""
        if session in self._sessions.values():
            return "the server's SDK cancelled the call"
        return "the stream of the response ended"  # so a client of 2026-07-28 cancels over HTTP

    def _session(self):
        # The SDK answers MCP's own cancels, over HTTP, too, so the kind is "stdio". It does not know the
        # cancels of LSP and ACP, so the session says how to answer those. Progress is told at most twenty
        # times in a second.
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
