"""Waiting for the first of several tokens."""

from __future__ import annotations

from typing import Iterable, Optional, TypeVar

from ._arguments import can_be_asked, wrong_type, wrong_value
from ._arguments import interval as checked_interval
from ._types import Seconds
from ._waiting import wait_for
from .linking import DEFAULT_INTERVAL, parent_of
from .probes import JobHandle

Waited = TypeVar("Waited", bound=JobHandle)


def wait_any(
    tokens: Iterable[Waited],
    timeout: Optional[Seconds] = None,
    interval: Seconds = DEFAULT_INTERVAL,
) -> Optional[Waited]:
    """Waits until one of several tokens, jobs or requests is cancelled, and returns that one.

    Any thread may call this, but a UI thread should not wait. Other Python threads run meanwhile. None: none
    was cancelled within `timeout` seconds, none can be cancelled any more, or the wait ended as described at
    CancelToken.wait. Objects that are not native are asked every `interval` seconds, see CancelToken.link.
    InvalidArgumentError: `tokens` is empty.
    """
    checked_interval(interval)
    try:
        several = list(tokens)
    except TypeError:
        advice = "one alone has wait(), or goes in as [token]"
        wrong_type("tokens", "a list of tokens or jobs", tokens, advice)
    if not several:
        wrong_value("tokens", "a list with something in it", tokens, "nothing could end the wait")
    for index, token in enumerate(several):
        can_be_asked(token, "tokens[%d]" % index)
    # Kept in a variable: followers of objects that are not native must live as long as the wait.
    followed = [parent_of(token, interval) for token in several]
    which = wait_for([handle for _, handle in followed if handle is not None], timeout)
    return None if which is None else several[which]
