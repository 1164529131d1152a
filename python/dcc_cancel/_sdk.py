"""What the SDKs of MCP servers show of a message, and what they take: FastMCP 4 and the `mcp` SDK 2."""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any, Dict, Mapping, Optional

from . import _declarations as c
from ._arguments import fitting_text
from ._types import RequestId

#: What a client is told of a request that something else than the client has cancelled.
REQUEST_CANCELLED = -32800

#: The reason of a cancel over HTTP since 2026-07-28, where a client cancels by closing the stream.
STREAM_ENDED = "the stream of the response ended"


def package(name: str) -> Any:
    """What is there where a server calls, and nowhere else has to be."""
    return importlib.import_module(name)


class Message:
    """What a middleware is shown, by either SDK."""

    def __init__(self, context: Any) -> None:
        self.context = context
        above = getattr(context, "fastmcp_context", None)
        #: Where progress is told.
        self.teller: Any = above if above is not None else getattr(context, "session", None)
        #: Of the request that the message belongs to: the SDK's context, FastMCP's with the same names.
        self._request: Any = above.request_context if above is not None else context
        message: Any = getattr(context, "message", None) or getattr(context, "params", None) or ()
        self.params: Dict[str, Any] = dict(message)
        # FastMCP's message has of it what the SDK knows by name.
        meta: Any = self.params.get("_meta") if above is None else getattr(self._request, "meta", None)
        #: `params._meta`, as it came.
        self.meta: Optional[Mapping[str, Any]] = meta if isinstance(meta, Mapping) else None

    @property
    def request_id(self) -> Any:
        return getattr(self._request, "request_id", None)

    @property
    def fitting_id(self) -> RequestId:
        """The same, as the library can have it."""
        id = self.request_id
        if type(id) is int and -(1 << 63) <= id < 1 << 63:
            return id
        return fitting_text("" if id is None else str(id), c.DCC_MAX_REQUEST_ID_LENGTH)

    @property
    def _headers(self) -> Any:
        """None over standard streams."""
        return getattr(getattr(self._request, "request", None), "headers", None)

    def unspoken_reason(self) -> Optional[str]:
        """Why a request was cancelled of which no message said so."""
        headers = self._headers
        return STREAM_ENDED if headers and headers.get("mcp-session-id") is None else None

    def quiet_error(self) -> Exception:
        """What a tool may raise without being reported as broken; it does not reach the client."""
        if getattr(self.context, "fastmcp_context", None) is None:
            return request_cancelled(None)
        tool_error = package("fastmcp.exceptions").ToolError
        error: Exception = tool_error("Request cancelled", log_level=logging.DEBUG)
        return error

    def connection_and_id(self, request_id: Any) -> Any:
        # Over standard streams there is one connection; the SDKs take 1 and "1" for the same.
        headers = self._headers
        return headers and headers.get("mcp-session-id"), str(request_id)


def task_of_sdk() -> Optional[str]:
    """The id of the task of MCP that this runs as, in a worker of FastMCP's TasksExtension; else None."""
    # Where such a worker is, it is imported.
    context: Any = sys.modules.get("fastmcp_tasks.context")
    task: Any = None if context is None else context.get_task_context()
    return None if task is None else str(task.task_id)


def request_cancelled(reason: Optional[str]) -> Exception:
    text = "Request cancelled" + (": " + reason if reason else "")
    error: Exception = package("mcp.shared.exceptions").MCPError(REQUEST_CANCELLED, text)
    return error
