"""Names of types that hints use.

The names behind TYPE_CHECKING do not exist in Python 3.7, on which this package runs. Only type checkers see
them, and type checkers bring `typing_extensions` with them.
"""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any, Dict, Generic, List, TypeVar, Union

T = TypeVar("T")

#: All times that go in or come out are seconds, as those of `time.sleep`: 0.008 is 8 milliseconds.
Seconds = float

#: The id of a request, as JSON-RPC has it. 1 is not "1".
RequestId = Union[int, str]

#: A message of a peer: its JSON text, or what `json.loads` makes of that.
Message = Union[str, bytes, bytearray, memoryview, Dict[str, Any], List[Any]]

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, TypeVarTuple

    P = ParamSpec("P")
    Ts = TypeVarTuple("Ts")
    Future = concurrent.futures.Future
else:

    class Future(concurrent.futures.Future, Generic[T]):
        """A future that hints can subscript, which that of Python 3.7 does not allow."""


class Default:
    """A default value that callers do not write. Signatures show the text that says what it means."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "<%s>" % self._text


#: The default of `parent`: the new object is below what is current where it is made.
CURRENT = Default("what is current")

# The value of a context variable that was never set in its context. Then what is current by the thread's
# native slots counts, because a native host may have set it.
UNSET: Any = Default("as the thread has it")
