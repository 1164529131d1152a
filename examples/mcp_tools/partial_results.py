"""What cancelled calls had done when they stopped."""

import collections
import contextlib

import dcc_cancel
import dcc_cancel.mcp

# Cancelled calls whose partial results are kept.
KEPT = 100


class PartialResults:
    """Of the latest calls that were cancelled."""

    def __init__(self):
        self._kept = collections.deque(maxlen=KEPT)

    def last(self, label):
        """What the last cancelled call had done, or the last one with this label; None if none."""
        for partial in reversed(self._kept):
            if label in ("", partial["label"]):
                return partial
        return None

    @contextlib.contextmanager
    def of_this_call(self, label):
        """Gives a function for the outcome of the plugin: it makes the tool's result of a whole one; one that
        was stopped is kept, and the tool is left by DccMcpCancelledError."""
        job = dcc_cancel.current_job.get()
        done_at_cancel = []
        registration = job.token.add_callback(lambda: done_at_cancel.append(job.progress.done))

        def finished(outcome):
            if not outcome.stopped:
                return {"done": outcome.done, "asked": outcome.asked, "result": str(outcome.result)}
            registration.unregister()  # which waits until it has run
            self._kept.append(
                {
                    "tool": job.label,
                    "label": label,
                    "request_id": job.job_id,
                    "reason": job.reason,
                    # A message has a reason of its own.
                    "ways": ["task" if job.reason in ("", dcc_cancel.mcp.STREAM_ENDED) else "message"],
                    "done": outcome.done,
                    "asked": outcome.asked,
                    "result": str(outcome.result),  # more bits than a number has in JSON
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
