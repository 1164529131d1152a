"""The protocols of tokens and jobs: what an object needs to be current or a parent."""

from __future__ import annotations

import inspect
import sys
from typing import Any, Optional, Tuple

if sys.version_info >= (3, 8):
    from typing import Protocol, runtime_checkable
else:
    # Python 3.7 has no Protocol. Here an object is an instance if it has the names of the class.
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
        """The part of typing.Protocol that this module needs."""

    def runtime_checkable(cls: Any) -> Any:
        """Lets isinstance ask whether an object has the public names of the class."""
        cls._names = tuple(name for name in vars(cls) if not name.startswith("_"))
        return cls


@runtime_checkable
class CancellationProbe(Protocol):
    """An object that can be asked whether a request is cancelled, such as a CancelToken."""

    @property
    def cancelled(self) -> bool:
        """Whether the request is cancelled."""
        ...

    @property
    def job_id(self) -> Optional[str]:
        """The id that a server has given to the job, or None."""
        ...

    def check(self) -> None:
        """Raises an error if the request is cancelled."""
        ...


@runtime_checkable
class JobHandle(Protocol):
    """A job that a host's dispatcher makes current while it runs. Any object with `cancelled` is one."""

    @property
    def cancelled(self) -> bool:
        """Whether the host has asked the job to stop."""
        ...
