"""The current token, job and share of progress of a context."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any, NoReturn, Optional, Tuple, TypeVar

from ._arguments import can_be_asked, is_no_class_or_method, shown
from ._around import around, calls
from ._library import library
from ._types import UNSET
from .errors import JOB_TEXT, TOKEN_TEXT, _cancelled_error
from .probes import CancellationProbe, JobHandle

V = TypeVar("V")

if TYPE_CHECKING:
    from ._handle import NativeObject

    TokenReset = contextvars.Token[Optional[CancellationProbe]]
    JobReset = contextvars.Token[Optional[JobHandle]]

_token_check = library.dcc_cancel_token_check_current
_check = library.dcc_check_cancelled

_current_token: contextvars.ContextVar[Optional[CancellationProbe]] = contextvars.ContextVar(
    "dcc_cancel_token", default=None
)
_current_job_id: contextvars.ContextVar[Optional[str]] = contextvars.ContextVar(
    "dcc_cancel_job_id", default=None
)
current_job: contextvars.ContextVar[Optional[JobHandle]] = contextvars.ContextVar(
    "dcc_cancel_job", default=None
)
# The step that code of this context fills, see `progress`.
_current_share: contextvars.ContextVar[Optional[NativeObject]] = contextvars.ContextVar(
    "dcc_cancel_share", default=None
)

# Bound once: a check is called in inner loops.
_token_here, _job_here = _current_token.get, current_job.get


def current_layers() -> Tuple[Any, Any, Optional[NativeObject]]:
    """Token, job and share of this context. UNSET: what is in this thread's slots counts, since this context
    has set none, or native code has set another inside that."""
    token, job, share = _token_here(UNSET), _job_here(UNSET), _current_share.get()
    inside = around.get()
    if inside is None:
        return token, job, share
    return inside.token_seen(token), inside.job_seen(job), inside.share_seen(share, job)


def check_cancelled() -> None:
    """Raises DccMcpCancelledError if the current token is cancelled. Without one it does nothing, nor once
    the current job has committed: no cancel reaches that any more. The one that native code has made current
    on this thread counts where this context has set none, or called that code by `native`."""
    token = _token_here(UNSET)
    if calls:
        token, _, _ = current_layers()
    if token is UNSET:
        if _token_check() <= 0:
            return
    elif token is None or not token.cancelled:
        return
    if not _has_committed():
        raise _cancelled_error(TOKEN_TEXT)


def _has_committed() -> bool:
    return getattr(current_job.get(), "is_sealed", False) is True


def check_dcc_cancelled() -> None:
    """Raises DccMcpCancelledError if the current token is cancelled, or else the current job: those of this
    context, else those that native code has made current on this thread, whose host is asked, too."""
    token, job = _token_here(UNSET), _job_here(UNSET)
    if calls:
        token, job, _ = current_layers()
    if token is UNSET or token is not None and token.cancelled:
        check_cancelled()
    if job is UNSET:
        if _check() and _is_native_job_cancelled():
            raise _cancelled_error(JOB_TEXT)
    elif job is not None:
        # It is below the host's job, whose own check is asked by this.
        _check()
        if job.cancelled:
            raise _cancelled_error(JOB_TEXT)


def _is_native_job_cancelled() -> bool:
    # What was answered may be of a native token, in the place of which this context has one of its own.
    status: int = library.dcc_job_is_cancelled(library.dcc_job_current())
    return status > 0


def current_cancel_token() -> Optional[CancellationProbe]:
    """The current token of this context, or None."""
    return _current_token.get()


def current_job_id() -> Optional[str]:
    """The id of the job that this context works for: its own, else the token's, else the job's."""
    explicit = _current_job_id.get()
    if explicit:
        return explicit
    for bearer in (_current_token.get(), current_job.get()):
        job_id = getattr(bearer, "job_id", None)
        if isinstance(job_id, str) and job_id:
            return job_id
    return None


def set_cancel_token(token: Optional[CancellationProbe]) -> TokenReset:
    """Makes a token current in this context; None: none is. Returns what `reset_cancel_token` takes.

    Any object with `cancelled` will do. Threads start with none, tasks with what was current where
    they were created.
    """
    if token is not None:
        can_be_asked(token, "token")
    return _current_token.set(token)


def reset_cancel_token(reset: TokenReset) -> None:
    """Restores what was current before. RuntimeError: done before; ValueError: not of this context."""
    _reset(_current_token, reset, "token")


def set_current_job(job: Optional[JobHandle]) -> JobReset:
    """Makes a job current in this context, as `set_cancel_token`."""
    if job is not None:
        # One without `cancelled` passes, as in `dcc_mcp_core`; it can carry an id.
        is_no_class_or_method(job, "job")
    return current_job.set(job)


def reset_current_job(reset: JobReset) -> None:
    """Restores the job that was current before, as `reset_cancel_token`."""
    _reset(current_job, reset, "job")


def _reset(variable: contextvars.ContextVar[V], reset: contextvars.Token[V], what: str) -> None:
    try:
        variable.reset(reset)
    except (RuntimeError, TypeError, ValueError) as error:
        _refuse(variable, reset, what, error)


def _refuse(variable: object, reset: object, what: str, error: Exception) -> NoReturn:
    setter = "set_cancel_token" if what == "token" else "set_current_job"
    if isinstance(error, RuntimeError):
        why = "was used already; each call of %s gives one for one reset" % setter
    elif isinstance(error, TypeError):
        why = "must be what %s has returned; it is %s" % (setter, shown(reset))
    elif getattr(reset, "var", variable) is not variable:
        why = "comes from another function; pass what %s has returned" % setter
    else:
        why = (
            "was made in another context, that is in another thread or task; reset there, in the `finally`"
            " of the block that has set the %s" % what
        )
    raise type(error)("reset " + why) from error


def _set_current_job_id(job_id: Optional[str]) -> contextvars.Token[Optional[str]]:
    return _current_job_id.set(job_id or None)


def _reset_current_job_id(reset: contextvars.Token[Optional[str]]) -> None:
    _current_job_id.reset(reset)
