"""What the errors of this package and of `dcc_mcp_core` have in common, which is found and never imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Optional, Type

if TYPE_CHECKING:
    # For checkers of types it is the root wherever it is installed; else see dcc_mcp_core/errors.pyi.
    from dcc_mcp_core.errors import DccMcpError  # type: ignore[import-not-found, unused-ignore]

    class Root(DccMcpError, Exception):  # type: ignore[misc, unused-ignore]
        """What stands above the errors of a cancel."""

else:

    class Root(Exception):
        """Stands where `DccMcpError` comes once `dcc_mcp_core` is loaded."""


def class_of_theirs(module: str, name: str) -> Optional[Type[BaseException]]:
    """A class of `dcc_mcp_core`, if that has been loaded."""
    theirs = getattr(sys.modules.get("dcc_mcp_core." + module), name, None)
    return theirs if isinstance(theirs, type) and issubclass(theirs, BaseException) else None


def adopt(error: type) -> None:
    """Makes this error one of `DccMcpError`, once that is there."""
    root = class_of_theirs("errors", "DccMcpError")
    if root is not None and not issubclass(error, root):
        # Possible because the base that it has is a class of Python, too.
        error.__bases__ = (root,)
