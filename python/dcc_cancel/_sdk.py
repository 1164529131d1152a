"""Reads the messages and makes the errors of two SDKs of MCP servers: FastMCP 4 and the `mcp` SDK 2."""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any, Dict, Mapping, Optional

from . import _declarations as c
from ._arguments import fitting_text
from ._types import RequestId

#: The code of the error that a client gets if its request was cancelled, but not by the client.
REQUEST_CANCELLED = -32800

#: The reason of a cancel over HTTP without a session, where a client cancels by closing the stream (MCP since
#: 2026-07-28).
STREAM_ENDED = "the stream of the response ended"


def package(name: str) -> Any:
    """Imports a package that every server has, but not every user of this package."""
    return importlib.import_module(name)


class Message:
    """The message that an SDK shows to a middleware, in one form for both SDKs."""

    def __init__(self, context: Any) -> None:
        self.context = context
        above = getattr(context, "fastmcp_context", None)
        #: The object of the SDK that tells progress to the client.
        self.teller: Any = above if above is not None else getattr(context, "session", None)
        #: The context of the request that the message belongs to. Both SDKs use the same names in it.
        self._request: Any = above.request_context if above is not None else context
        message: Any = getattr(context, "message", None) or getattr(context, "params", None) or ()
        self.params: Dict[str, Any] = dict(message)
        # The message of FastMCP has only those members of `_meta` that the SDK knows by name.
        meta: Any = self.params.get("_meta") if above is None else getattr(self._request, "meta", None)
        #: `params._meta`, as the client sent it.
        self.meta: Optional[Mapping[str, Any]] = meta if isinstance(meta, Mapping) else None

    @property
    def request_id(self) -> Any:
        return getattr(self._request, "request_id", None)

    @property
    def fitting_id(self) -> RequestId:
        """The id of the request, in a form that the library accepts."""
        id = self.request_id
        if type(id) is int and -(1 << 63) <= id < 1 << 63:
            return id
        return fitting_text("" if id is None else str(id), c.DCC_MAX_REQUEST_ID_LENGTH)

    @property
    def _headers(self) -> Any:
        """The HTTP headers of the request; None over standard streams."""
        return getattr(getattr(self._request, "request", None), "headers", None)

    def unspoken_reason(self) -> Optional[str]:
        """The reason of a cancel that came without a message; None if there is none to give."""
        headers = self._headers
        return STREAM_ENDED if headers and headers.get("mcp-session-id") is None else None

    def quiet_error(self) -> Exception:
        """An error that a tool may raise without a report of a crash. The client does not see it."""
        if getattr(self.context, "fastmcp_context", None) is None:
            return request_cancelled(None)
        tool_error = package("fastmcp.exceptions").ToolError
        error: Exception = tool_error("Request cancelled", log_level=logging.DEBUG)
        return error

    def connection_and_id(self, request_id: Any) -> Any:
        # Over standard streams there is one connection. The SDKs treat 1 and "1" as the same id.
        headers = self._headers
        return headers and headers.get("mcp-session-id"), str(request_id)


def task_of_sdk() -> Optional[str]:
    """The id of the MCP task that this code runs as, in a worker of FastMCP's TasksExtension; else None."""
    # A worker has imported this module. If nobody has imported it, there is no worker.
    context: Any = sys.modules.get("fastmcp_tasks.context")
    task: Any = None if context is None else context.get_task_context()
    return None if task is None else str(task.task_id)


def request_cancelled(reason: Optional[str]) -> Exception:
    text = "Request cancelled" + (": " + reason if reason else "")
    error: Exception = package("mcp.shared.exceptions").MCPError(REQUEST_CANCELLED, text)
    return error
