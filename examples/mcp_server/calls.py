"""A tool call of the SDK, done by the plugin in a worker thread, and how it is cancelled.

A cancel reaches a call on two ways, and one of them is enough:

- "message": the transport sees `notifications/cancelled` and shows it to `dcc_cancel`
  (raw_messages.py), with its id and its reason. The native loop stops at its next poll, without the
  SDK and without the event loop.
- "task": the SDK cancels the task of the handler, because of that message, because the client closed
  the response stream (streamable HTTP since 2026-07-28), or because the connection ended.
"""

import asyncio
import contextvars
import json

import anyio

import dcc_cancel

# How often the event loop looks whether a progress note is due.
LOOK_SECONDS = 0.02
# How long after the transport saw a cancel the SDK may take to cancel its task.
SDK_SECONDS = 10


class CallCancelled(Exception):
    """A call was cancelled and the SDK did not end it: the text is what its peer is told."""


class Call:
    """One call in flight."""

    def __init__(self, tool, label, request, job):
        self.tool = tool
        self.label = label
        self.request = request
        self.job = job
        self.ways = []
        self.done_at_cancel = None

    def note_cancel(self, way):
        """Notes on which way a cancel came, and how far the native loop was by then."""
        if self.done_at_cancel is None:
            self.done_at_cancel = self.job.progress()[0]
        if way not in self.ways:
            self.ways.append(way)

    def partial_result(self, outcome):
        return {
            "tool": self.tool,
            "label": self.label,
            "request_id": self.request.id,
            "reason": self.request.token.reason,
            "ways": self.ways,
            "done": outcome.done,
            "asked": outcome.asked,
            "result": str(outcome.result),  # more bits than a number has in JSON
            "done_at_cancel": self.done_at_cancel,
            "cancel_to_seen_ns": outcome.cancel_to_seen_ns,
        }


class Calls:
    """The calls of a server and what is left of those that were cancelled."""

    def __init__(self, connections):
        self._connections = connections
        self._partial_results = []

    async def run(self, session, request_id, progress_token, tool, label, native, report):
        """Calls `native` in a worker thread for a request of the SDK and gives its outcome.
        `report(progress, total, message)` tells the client how far it is."""
        with session.begin(request_id, progress_token=progress_token) as request:
            with dcc_cancel.Job(label=tool, parent=request.token) as job:
                call = Call(tool, label, request, job)
                self._connections.add(call)
                try:
                    return await self._until_done(call, native, report)
                finally:
                    self._connections.remove(call)

    def last_partial_result(self, label):
        """What the last cancelled call had done, or the last one with this label; None if none."""
        for partial in reversed(self._partial_results):
            if label is None or partial["label"] == label:
                return partial
        return None

    async def _until_done(self, call, native, report):
        # Each handler of the SDK is a task with a context of its own, which `copy_context` takes to the
        # worker thread; `native` makes it that thread's while the plugin is called.
        dcc_cancel.set_current_cancel_token(call.request.token)
        dcc_cancel.set_current_job(call.job)
        in_context = contextvars.copy_context().run
        worker = asyncio.get_running_loop().run_in_executor(
            None, in_context, dcc_cancel.native(native)
        )
        try:
            while not worker.done():
                await asyncio.wait({worker}, timeout=LOOK_SECONDS)
                await self._report_progress(call, report)
            if worker.result().stopped:
                # The transport saw the cancel first. The SDK is about to cancel this task, and answers
                # the request as its protocol version has it, or not.
                await anyio.sleep(SDK_SECONDS)
                raise CallCancelled(call.request.cancelled_reply() or "Request cancelled")
            return worker.result()
        except asyncio.CancelledError:
            call.request.cancel("the server's SDK cancelled the call")
            call.note_cancel("task")
            # The plugin uses memory and files of this call until its loop has stopped.
            with anyio.CancelScope(shield=True):
                await asyncio.wait({worker})
            raise
        finally:
            if worker.done() and not worker.exception() and worker.result().stopped:
                self._partial_results.append(call.partial_result(worker.result()))

    @staticmethod
    async def _report_progress(call, report):
        # The library decides whether a note is due and what it says: rising values, at intervals, none
        # after the end. The SDK sends it: only it knows the stream that belongs to a request, and it
        # may be writing another message at the moment.
        call.request.set_progress(0, job=call.job)
        note = call.request.write_progress()
        if note:
            values = json.loads(note)["params"]
            await report(values["progress"], values.get("total"), values.get("message"))
