"""Names of types that hints use.

Those behind TYPE_CHECKING are newer than the oldest Python that this package runs on; only checkers of
types see them, and these bring `typing_extensions` with them.
"""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any, Dict, Generic, List, TypeVar, Union

T = TypeVar("T")

#: All times that go in or come out are seconds, as those of `time.sleep`: 0.008 is 8 milliseconds.
Seconds = float

#: An id of a request, as JSON-RPC has them; 1 is not "1".
RequestId = Union[int, str]

#: A message of a peer: its text, or what `json.loads` makes of it.
Message = Union[str, bytes, bytearray, memoryview, Dict[str, Any], List[Any]]

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, TypeVarTuple

    P = ParamSpec("P")
    Ts = TypeVarTuple("Ts")
    Future = concurrent.futures.Future
else:

    class Future(concurrent.futures.Future, Generic[T]):
        """A future that can be subscripted in Python 3.7, too."""


class Default:
    """A default value that no caller can give; signatures show what it stands for."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "<%s>" % self._text


#: The parent of what is made without one.
CURRENT = Default("what is current")

# In a context where nothing was ever set the thread's own slots count: a native host may have set them.
UNSET: Any = Default("as the thread has it")
