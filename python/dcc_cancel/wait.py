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

    None: after `timeout` seconds none was, or the interpreter exits, see CancelToken.wait. Those that are not
    native are followed meanwhile, asked every `interval` seconds, see CancelToken.link. Other Python
    threads run while it waits. Not for a UI thread.
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
    # What follows those that are not native lives as long as the wait.
    followed = [parent_of(token, interval) for token in several]
    which = wait_for([handle for _, handle in followed if handle is not None], timeout)
    return None if which is None else several[which]
