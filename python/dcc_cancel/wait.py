"""Waiting for the first of several tokens."""

from ._waiting import wait_for
from .linking import DEFAULT_INTERVAL, parent_of


def wait_any(tokens, timeout=None, interval=DEFAULT_INTERVAL):
    """Waits until one of several tokens, jobs or requests is cancelled, and returns that one.

    None: after `timeout` seconds none was. Those that are not native are followed meanwhile, see
    CancelToken.link. Other Python threads run while it waits. Not for a UI thread.
    """
    tokens = list(tokens)
    if any(token is None for token in tokens):
        raise TypeError("None is never cancelled and cannot be waited for")
    # What follows those that are not native lives as long as the wait.
    followed = [parent_of(token, interval) for token in tokens]
    index = wait_for([handle for _, handle in followed], timeout)
    return None if index is None else tokens[index]
