"""Runs a tool call of the SDK in the plugin, on a worker thread, and cancels it.

A cancel reaches a call in two ways. Each of them is enough:

- "message": the transport sees `notifications/cancelled` and shows it to `dcc_cancel`
  (raw_messages.py), with its id and its reason. The native loop stops at its next poll, without the
  SDK and without the event loop.
- "task": the SDK cancels the task of the handler. It does so because of that message, because the client
  closed the stream of the response (streamable HTTP since 2026-07-28), or because the connection ended.
"""

import asyncio
import collections
import concurrent.futures
import contextvars
import json

import anyio

import dcc_cancel

# How many calls may run at the same time. Further calls wait for a worker.
WORKERS = 64
# Of how many cancelled calls the partial results are kept.
KEPT = 100
# How often the event loop looks whether a progress notification is due, in seconds.
LOOK_SECONDS = 0.02
# How many seconds the SDK may need to cancel its task after the transport saw the cancel.
SDK_SECONDS = 2


class CallCancelled(Exception):
    """A call was cancelled, and the SDK does not know it. The SDK sends this code and text to the peer."""

    def __init__(self, reply):
        error = json.loads(reply)["error"] if reply else {"code": -32800, "message": "Request cancelled"}
        super().__init__(error["message"])
        self.code = error["code"]


class Call:
    """One call that is in flight."""

    def __init__(self, tool, label, request, job, reason_of_sdk):
        self.reason_of_sdk = reason_of_sdk
        self.tool = tool
        self.label = label
        self.request = request
        self.job = job
        self.ways = []
        self.done_at_cancel = None
        self.is_over = asyncio.Event()

    def note_cancel(self, way):
        """Notes in which way a cancel came, and how far the native loop was at that moment."""
        if self.done_at_cancel is None:
            self.done_at_cancel = self.job.progress.done
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
            "result": str(outcome.result),  # a str, because numbers of JSON have fewer bits
            "done_at_cancel": self.done_at_cancel,
            "cancel_to_seen_ns": outcome.cancel_to_seen_ns,
        }


class Calls:
    """The calls of a server, and the partial results of those that were cancelled."""

    def __init__(self, connections):
        self._connections = connections
        self._partial_results = collections.deque(maxlen=KEPT)
        self._workers = concurrent.futures.ThreadPoolExecutor(WORKERS, "bake")

    async def run(self, session, request_id, meta, tool, label, native, report):
        """Calls `native` in a worker thread for a request of the SDK, and gives its outcome.

        `meta` is `params._meta` of the request. `report(progress, total, message)` tells the client how far
        the call is.
        """
        with session.begin(request_id, meta=meta) as request:
            reset = dcc_cancel.set_cancel_token(request.token)
            try:
                with dcc_cancel.Job(label=tool, parent=request) as job:
                    reason = self._connections.reason_of_sdk(session)
                    call = Call(tool, label, request, job, reason)
                    return await self._until_done(call, native, report)
            except dcc_cancel.DccMcpCancelledError as error:
                reply = request.cancelled_reply()
                if not reply:
                    # The transport saw MCP's cancel before the SDK did. The SDK will cancel this task soon,
                    # and then answer the request or not, as its protocol version demands.
                    await anyio.sleep(SDK_SECONDS)
                raise CallCancelled(reply) from error
            finally:
                dcc_cancel.reset_cancel_token(reset)

    async def last_partial_result(self, label):
        """The partial result of the last cancelled call, or of the last one with this label; None for none.

        It waits for calls that are cancelled and have not stopped yet.
        """
        for call in self._connections.cancelled_calls():
            if label in (None, call.label):
                await call.is_over.wait()
        for partial in reversed(self._partial_results):
            if label is None or partial["label"] == label:
                return partial
        return None

    async def _until_done(self, call, native, report):
        # `copy_context` carries what is current in this task to the worker thread. `native` makes it current
        # for native code during the call of the plugin.
        in_context = contextvars.copy_context().run
        worker = asyncio.get_running_loop().run_in_executor(
            self._workers, in_context, dcc_cancel.native(native)
        )
        self._connections.add(call)
        try:
            while not worker.done():
                await asyncio.wait({worker}, timeout=LOOK_SECONDS)
                await self._report_progress(call, report)
            outcome = worker.result()
            if outcome.stopped:
                call.job.check()
            await self._report_progress(call, report, now=True)
            return outcome
        except asyncio.CancelledError:
            call.request.cancel(call.reason_of_sdk)
            call.note_cancel("task")
            raise
        finally:
            if not worker.done():
                call.request.cancel("nobody waits for the call")
                # Wait, because the plugin uses memory and files of this call until its loop has stopped.
                with anyio.CancelScope(shield=True):
                    await asyncio.wait({worker})
            self._connections.remove(call)
            # The call has stopped, so its client may use the id again.
            call.request.end()
            if worker.exception() is None and worker.result().stopped:
                call.job.acknowledge_cancel()
                self._partial_results.append(call.partial_result(worker.result()))
            call.is_over.set()

    @staticmethod
    async def _report_progress(call, report, now=False):
        # The library decides whether a notification is due and what it says: values that rise, at intervals,
        # and none after the end. The SDK sends it, because only the SDK knows the stream that belongs to a
        # request, and whether it is writing another message at this moment.
        call.request.set_progress(job=call.job)
        note = call.request.write_progress(now)
        if note:
            values = json.loads(note)["params"]
            await report(values["progress"], values.get("total"), values.get("message"))
