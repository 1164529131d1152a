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
# The step of a `progress` that the code of this context fills.
_current_share: contextvars.ContextVar[Optional[NativeObject]] = contextvars.ContextVar(
    "dcc_cancel_share", default=None
)

# Bound once, because inner loops call the checks.
_token_here, _job_here = _current_token.get, current_job.get


def current_layers() -> Tuple[Any, Any, Optional[NativeObject]]:
    """The token, the job and the share of this context.

    UNSET: the slots of this thread count instead. Either this context has never set any, or native code that
    was called from this context has set another one since.
    """
    token, job, share = _token_here(UNSET), _job_here(UNSET), _current_share.get()
    inside = around.get()
    if inside is None:
        return token, job, share
    return inside.token_seen(token), inside.job_seen(job), inside.share_seen(share, job)


def check_cancelled() -> None:
    """Raises DccMcpCancelledError if the current token is cancelled.

    For any thread or task; cheap enough for inner loops. It does nothing if no token is current, or if the
    current job has committed, because no cancel reaches that job any more. If this context has never set a
    token, the token counts that native code has made current on this thread. So does a token that native
    code has made current since this context called it through `native`.
    """
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
    """Raises DccMcpCancelledError if the current token or the current job is cancelled.

    For any thread or task; cheap enough for inner loops. It asks the token first, as `check_cancelled`. Which
    token and job count is described there. It also asks the host's own check, for instance whether the user
    has pressed Esc, if that may be asked on this thread.
    """
    token, job = _token_here(UNSET), _job_here(UNSET)
    if calls:
        token, job, _ = current_layers()
    if token is UNSET or token is not None and token.cancelled:
        check_cancelled()
    if job is UNSET:
        if _check() and _is_native_job_cancelled():
            raise _cancelled_error(JOB_TEXT)
    elif job is not None:
        # This context's job may be below a host's job in the slots. The call asks that job's own check, and
        # a cancel by it reaches this job, which is asked next.
        _check()
        if job.cancelled:
            raise _cancelled_error(JOB_TEXT)


def _is_native_job_cancelled() -> bool:
    # `_check` may have answered for the native token, but this context has a token of its own in its place.
    status: int = library.dcc_job_is_cancelled(library.dcc_job_current())
    return status > 0


def current_cancel_token() -> Optional[CancellationProbe]:
    """The current token of this context, or None. It does not look at what native code has made current."""
    return _current_token.get()


def current_job_id() -> Optional[str]:
    """The id of the job that this context works for, or None.

    It is the id that was set for this context, else the `job_id` of the current token, else that of the
    current job.
    """
    explicit = _current_job_id.get()
    if explicit:
        return explicit
    for bearer in (_current_token.get(), current_job.get()):
        job_id = getattr(bearer, "job_id", None)
        if isinstance(job_id, str) and job_id:
            return job_id
    return None


def set_cancel_token(token: Optional[CancellationProbe]) -> TokenReset:
    """Makes a token current in this context; with None no token is current.

    Returns a value for `reset_cancel_token`. The token may be any object with an attribute `cancelled`. A
    thread starts without a current token. A task starts with the one that was current where the task was
    created.
    """
    if token is not None:
        can_be_asked(token, "token")
    return _current_token.set(token)


def reset_cancel_token(reset: TokenReset) -> None:
    """Restores the token that was current before the call of `set_cancel_token` that returned `reset`.

    RuntimeError: `reset` was used already. ValueError: it was made in another context, that is in another
    thread or task, or by another function.
    """
    _reset(_current_token, reset, "token")


def set_current_job(job: Optional[JobHandle]) -> JobReset:
    """Makes a job current in this context; with None no job is current.

    Returns a value for `reset_current_job`. The rules of `set_cancel_token` hold. `with job:` does this, too,
    and begins and ends the job.
    """
    if job is not None:
        # A job without `cancelled` is accepted, as `dcc_mcp_core` does: it may carry an id alone.
        is_no_class_or_method(job, "job")
    return current_job.set(job)


def reset_current_job(reset: JobReset) -> None:
    """Restores the job that was current before `set_current_job`. It raises as `reset_cancel_token` does."""
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
