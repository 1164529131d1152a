"""The current token and the current job of a context, and their way into native code."""

import contextvars

from .errors import JOB_TEXT, TOKEN_TEXT, _cancelled_error

_current_token = contextvars.ContextVar("dcc_cancel_token", default=None)
_current_job_id = contextvars.ContextVar("dcc_cancel_job_id", default=None)
current_job = contextvars.ContextVar("dcc_cancel_job", default=None)


def check_cancelled():
    """Raises DccMcpCancelledError if the current token is cancelled. Without one it does nothing."""
    token = _current_token.get()
    if token is not None and token.cancelled:
        raise _cancelled_error(TOKEN_TEXT)


def check_dcc_cancelled():
    """Raises DccMcpCancelledError if the current token is cancelled, or else the current job."""
    check_cancelled()
    job = current_job.get()
    if job is not None and job.cancelled:
        raise _cancelled_error(JOB_TEXT)


def current_cancel_token():
    """The current token of this context, or None."""
    return _current_token.get()


def current_job_id():
    """The id of the job that this context works for: its own, else the token's, else the job's."""
    explicit = _current_job_id.get()
    if explicit:
        return explicit
    for bearer in (_current_token.get(), current_job.get()):
        job_id = getattr(bearer, "job_id", None)
        if isinstance(job_id, str) and job_id:
            return job_id
    return None


def set_cancel_token(token):
    """Makes a token current in this context; None: none is. Returns what `reset_cancel_token` takes.

    Any object with `cancelled` will do. Threads start with none, tasks with what was current where
    they were created.
    """
    return _current_token.set(token)


def reset_cancel_token(reset):
    """Restores what was current before. RuntimeError: done before; ValueError: not of this context."""
    _current_token.reset(reset)


def set_current_job(job):
    """Makes a job current in this context, as `set_cancel_token`."""
    return current_job.set(job)


def reset_current_job(reset):
    """Restores the job that was current before, as `reset_cancel_token`."""
    current_job.reset(reset)


def _set_current_job_id(job_id):
    return _current_job_id.set(job_id or None)


def _reset_current_job_id(reset):
    _current_job_id.reset(reset)
