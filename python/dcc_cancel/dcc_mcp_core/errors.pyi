"""Where `dcc_mcp_core` is not installed, pyright takes this for its module; nothing else ever reads it."""

class DccMcpError(Exception):
    """The root of its errors."""
