# pyright: strict
"""Where the types of `dcc_mcp_core` are known an error of a cancel is one of its `DccMcpError`."""

from __future__ import annotations

from dcc_mcp_core.errors import DccMcpError

import dcc_cancel

error: DccMcpError = dcc_cancel.DccMcpCancelledError("stop")
