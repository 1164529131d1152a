"""Keeps what cancelled calls had done when they stopped."""

import collections
import contextlib

import dcc_cancel
import dcc_cancel.mcp

# Of how many cancelled calls the partial results are kept.
KEPT = 100


class PartialResults:
    """The partial results of the latest calls that were cancelled."""

    def __init__(self):
        self._kept = collections.deque(maxlen=KEPT)

    def last(self, label):
        """The partial result of the last cancelled call, or of the last one with this label, or None."""
        for partial in reversed(self._kept):
            if label in ("", partial["label"]):
                return partial
        return None

    @contextlib.contextmanager
    def of_this_call(self, label):
        """Gives the block a function for the outcome of the plugin.

        It makes the tool's result from an outcome that is complete. It keeps an outcome that was stopped, and
        raises DccMcpCancelledError.
        """
        job = dcc_cancel.current_job.get()
        done_at_cancel = []
        registration = job.token.add_callback(lambda: done_at_cancel.append(job.progress.done))

        def finished(outcome):
            if not outcome.stopped:
                return {"done": outcome.done, "asked": outcome.asked, "result": str(outcome.result)}
            registration.unregister()  # waits until the callback has run
            self._kept.append(
                {
                    "tool": job.label,
                    "label": label,
                    "request_id": job.job_id,
                    "reason": job.reason,
                    # Only a cancel by a message has a reason of its client.
                    "ways": ["task" if job.reason in ("", dcc_cancel.mcp.STREAM_ENDED) else "message"],
                    "done": outcome.done,
                    "asked": outcome.asked,
                    "result": str(outcome.result),  # a str, because numbers of JSON have fewer bits
                    "done_at_cancel": done_at_cancel[0],
                    "cancel_to_seen_ns": outcome.cancel_to_seen_ns,
                }
            )
            job.check()
            raise AssertionError("only a cancel stops the plugin")

        try:
            yield finished
        finally:
            registration.unregister()
