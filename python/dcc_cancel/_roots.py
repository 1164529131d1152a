"""The common base of the errors of this package and of `dcc_mcp_core`, which is never imported here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Optional, Type

if TYPE_CHECKING:
    # Type checkers see `DccMcpError` as the base. If its package is not installed, dcc_mcp_core/errors.pyi in
    # this package stands in for it.
    from dcc_mcp_core.errors import DccMcpError  # type: ignore[import-not-found, unused-ignore]

    class Root(DccMcpError, Exception):  # type: ignore[misc, unused-ignore]
        """The base of the errors of a cancel, as type checkers see it."""

else:

    class Root(Exception):
        """A place holder in the bases, which `DccMcpError` replaces once `dcc_mcp_core` is loaded."""


def class_of_theirs(module: str, name: str) -> Optional[Type[BaseException]]:
    """An exception class of `dcc_mcp_core`; None if that package is not loaded."""
    theirs = getattr(sys.modules.get("dcc_mcp_core." + module), name, None)
    return theirs if isinstance(theirs, type) and issubclass(theirs, BaseException) else None


def adopt(error: type) -> None:
    """Makes an error class a subclass of `DccMcpError` if that is loaded, and not one already."""
    root = class_of_theirs("errors", "DccMcpError")
    if root is not None and not issubclass(error, root):
        # Python allows this because the present base is a class that was written in Python, too.
        error.__bases__ = (root,)
