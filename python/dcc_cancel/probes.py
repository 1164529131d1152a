"""What a token and a job have to offer to be current."""

from __future__ import annotations

import inspect
import sys
from typing import Any, Optional, Tuple

if sys.version_info >= (3, 8):
    from typing import Protocol, runtime_checkable
else:
    # Instances are told by the names they have.
    _MISSING = object()

    class _ByNames(type):
        _names: Tuple[str, ...]

        def __instancecheck__(cls, instance: object) -> bool:
            if "_names" not in vars(cls):
                return super().__instancecheck__(instance)
            return all(
                inspect.getattr_static(instance, name, _MISSING) is not _MISSING
                for name in cls._names
            )

    class Protocol(metaclass=_ByNames):
        """The part of typing.Protocol that is needed here."""

    def runtime_checkable(cls: Any) -> Any:
        """Lets isinstance look for the names of the class."""
        cls._names = tuple(name for name in vars(cls) if not name.startswith("_"))
        return cls


@runtime_checkable
class CancellationProbe(Protocol):
    """What can be asked whether a request is cancelled."""

    @property
    def cancelled(self) -> bool:
        """Whether it is."""
        ...

    @property
    def job_id(self) -> Optional[str]:
        """The id that a server gave the job, or None."""
        ...

    def check(self) -> None:
        """Raises if it is cancelled."""
        ...


@runtime_checkable
class JobHandle(Protocol):
    """What a host's dispatcher makes current for each job it runs."""

    @property
    def cancelled(self) -> bool:
        """Whether the host has asked the job to stop."""
        ...
