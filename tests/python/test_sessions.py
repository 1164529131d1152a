"""Sessions and requests."""

import json
import os
import sys
import threading
import time
import unittest

import dcc_cancel
from helpers import ContextCase, live, raised, until


def cancel_message(id, reason=None):
    params = {"requestId": id}
    if reason is not None:
        params["reason"] = reason
    return json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})


class Sessions(ContextCase):
    def test_what_a_peer_says_of_a_request_reaches_what_works_for_it(self):
        span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        session = dcc_cancel.Session()
        meta = {"traceparent": span, "progressToken": "p", "dcc-cancel/timeoutMs": 3_600_000}
        with session.begin(1, meta=meta) as request, dcc_cancel.Job("tool", parent=request) as job:
            for token in (request.token, job.token):
                self.assertEqual(token.trace_parent, span)
                left = token.deadline - time.monotonic()
                self.assertTrue(3_000 < left <= 3_600, left)
            request.set_progress(1)
            self.assertEqual(json.loads(request.write_progress())["params"]["progressToken"], "p")
            with dcc_cancel.Observer() as observer:
                request.cancel("why")
                told = {event.kind: event for event in observer}
        self.assertEqual(told["token_cancelled"].trace_parent, span)
        told = told["request_cancelled"]
        self.assertEqual((told.request_id, told.reason, told.trace_parent), (1, "why", span))
        for meta in ({}, {"traceparent": 7, "dcc-cancel/timeoutMs": "5"}):
            with session.begin(2, meta=meta) as request:
                self.assertEqual((request.token.trace_parent, request.token.deadline), (None, None))
        with session.begin(3, meta={"dcc-cancel/timeoutMs": 0}) as request:
            self.assertTrue(request.cancelled)
        for wrong in (7, "{}", {"a": object()}):
            error = raised(session.begin, 4, None, True, None, wrong)
            self.assertIsInstance(error, TypeError)
            self.assertIn("params._meta", str(error))

    def test_an_event_has_the_longest_id_and_reason_whole(self):
        session = dcc_cancel.Session()
        longest, reason = "\x01" * 256, "x" * 4096
        with dcc_cancel.Observer() as observer, session.begin(longest) as request:
            request.cancel(reason)
            told = {event.kind: event for event in observer}
        of_peer, of_token = told["request_cancelled"], told["token_cancelled"]
        self.assertEqual((of_peer.request_id, of_peer.reason), (longest, reason))
        self.assertEqual((of_token.request_id, of_token.reason), (None, reason))

    def test_tasks_have_a_session_of_their_own(self):
        tasks = dcc_cancel.Session(kind="tasks")
        self.addCleanup(tasks.close)
        task = tasks.begin("786512e2")
        message = {"jsonrpc": "2.0", "id": 6, "method": "tasks/cancel", "params": {"taskId": "786512e2"}}
        heard = tasks.handle_message(message)
        self.assertEqual((heard, heard.id), ("cancelled", "786512e2"))
        self.assertTrue(task.cancelled)
        self.assertEqual(task.end(), "nothing")
        self.assertEqual(tasks.handle_message(message), "unknown")
        of_request = {"method": "notifications/cancelled", "params": {"requestId": "786512e2"}}
        self.assertEqual(tasks.handle_message(of_request), "other")

    def test_each_spelling_of_a_cancel_has_its_own_answer(self):
        for kind, of_mcp in (("stdio", "nothing"), ("http", "cancelled")):
            with dcc_cancel.Session(kind, replies="as_asked") as session:
                for method, named, owed in (
                    ("notifications/cancelled", "requestId", of_mcp),
                    ("$/cancelRequest", "id", "cancelled"),
                    ("$/cancel_request", "requestId", "cancelled"),
                ):
                    with session.begin(1) as request:
                        session.handle_message({"method": method, "params": {named: 1}})
                        self.assertEqual(request.end(), owed, (kind, method))

    def test_a_message_cancels_a_request(self):
        with dcc_cancel.Session() as session:
            request = session.begin(7)
            self.assertEqual((request.id, request.job_id, request.token.job_id), (7, None, None))
            self.assertIsInstance(request, dcc_cancel.CancellationProbe)
            self.assertIs(request.cancelled, False)
            self.assertEqual(session.handle_message(cancel_message(7, "enough")), "cancelled")
            self.assertEqual((request.cancelled, request.reason), (True, "enough"))
            self.assertIsInstance(raised(request.check), dcc_cancel.CancelledError)
            self.assertEqual(session.handle_message(cancel_message(7)), "without_effect")
            self.assertEqual(session.handle_message(cancel_message(7)).id, 7)
            self.assertEqual(session.handle_message(cancel_message("7\0ä")).id, "7\0ä")
            self.assertIsNone(session.handle_message("{}").id)
            self.assertEqual(request.end(), "nothing")
            self.assertEqual(request.end(), "nothing")
            self.assertEqual(request.cancelled_reply(), "")

    def test_what_messages_can_be(self):
        session = dcc_cancel.Session(kind="http")
        self.assertEqual(session.handle_message(cancel_message("early").encode()), "held")
        self.assertEqual(session.handle_message(bytearray(b'{"jsonrpc":"2.0"')), "malformed")
        self.assertEqual(session.handle_message(b"\xff"), "malformed")
        self.assertEqual(session.handle_message("\ud800"), "malformed")
        self.assertEqual(session.handle_message('{"jsonrpc":"2.0","method":"ping","id":1}'), "other")
        self.assertTrue(session.begin("early").cancelled)
        stdio = dcc_cancel.Session(kind="stdio")
        self.assertEqual(stdio.handle_message(cancel_message("early")), "unknown")
        self.assertIsInstance(raised(stdio.handle_message, None), TypeError)

    def test_ids_keep_their_types(self):
        session = dcc_cancel.Session(replies="cancelled")
        number, text = session.begin(1), session.begin("1")
        big = session.begin(-(1 << 63))
        self.assertEqual(session.cancel("1", "text"), "cancelled")
        self.assertEqual((number.cancelled, text.cancelled, big.cancelled), (False, True, False))
        self.assertEqual((text.id, number.id), ("1", 1))
        self.assertEqual(text.end(), "cancelled")
        reply = json.loads(text.cancelled_reply())
        self.assertEqual((reply["id"], reply["error"]["code"]), ("1", -32800))
        self.assertEqual((number.end(), number.cancelled_reply()), ("result", ""))
        for wrong in (1.0, True, None, b"1"):
            self.assertIsInstance(raised(session.begin, wrong), TypeError)
        for wrong in (1 << 63, "x" * 257):
            self.assertIsInstance(raised(session.begin, wrong), dcc_cancel.InvalidArgumentError)

    def test_ids_as_texts(self):
        session = dcc_cancel.Session(ids_are_texts=True)
        request = session.begin(7)
        self.assertEqual(session.cancel("7"), "cancelled")
        self.assertTrue(request.cancelled)

    def test_what_a_cancel_by_id_comes_to(self):
        session = dcc_cancel.Session(early="held")
        first = session.begin(1)
        self.assertEqual(session.cancel(1, "a\x07b"), "cancelled")
        self.assertEqual(session.cancel(1), "already_cancelled")
        self.assertEqual((session.reason(1), session.is_cancelled(1)), ("ab", True))
        never = session.begin("initialize", cancellable=False)
        self.assertEqual(session.cancel("initialize"), "not_cancellable")
        self.assertIs(session.is_cancelled("initialize"), False)
        self.assertEqual(session.cancel("later"), "held")
        self.assertEqual(session.reason("initialize"), None)
        self.assertEqual((session.is_cancelled(99), session.reason(99)), (False, None))
        ids = (1, "initialize", "later", 99)
        self.assertEqual(
            [session.query(id) for id in ids], ["cancelled", "live", "held", "unknown"]
        )
        self.assertIs(session.is_cancelled("later"), True)
        self.assertEqual(dcc_cancel.Session().cancel(1), "not_found")
        first.end()
        self.assertIs(session.is_cancelled(1), True)
        self.assertEqual(session.query(1), "ended_cancelled")
        self.assertIs(session.clear(1), True)
        self.assertIs(session.clear(1), False)
        self.assertIs(session.is_cancelled(1), False)
        self.assertEqual(session.query(1), "ended")
        self.assertEqual(session.sweep(3600), 0)
        until(lambda: session.sweep(0) == 1)
        never.end()

    def test_a_cancel_of_a_request_that_is_over_is_late(self):
        for kind in ("stdio", "http"):
            for end in (lambda request: request.end(), lambda request: None):
                session = dcc_cancel.Session(kind=kind)
                end(session.begin("frame7_1"))
                self.assertEqual(session.cancel("frame7_1", "late"), "not_found")
                outcome = session.handle_message(cancel_message("frame7_1"))
                self.assertEqual(outcome, "unknown")
                again = session.begin("frame7_1")
                self.assertFalse(again.cancelled)
                self.assertEqual((session.stats()["unknown"], session.stats()["early"]), (2, 0))
                self.assertEqual(session.cancel("frame7_1", "in time"), "cancelled")
                self.assertTrue(again.cancelled)
                again.end()

    def test_an_id_may_be_used_again_and_stale_ends_touch_nothing(self):
        session = dcc_cancel.Session()
        first = session.begin(1)
        self.assertIsInstance(raised(session.begin, 1), dcc_cancel.DuplicateError)
        first.end()
        second = session.begin(1)
        self.assertIs(first.cancel("late"), False)
        first.end()
        self.assertFalse(second.cancelled)
        self.assertIs(second.cancel("stream closed"), True)
        self.assertIs(second.cancel("again"), False)

    def test_the_quota(self):
        session = dcc_cancel.Session(max_requests=1)
        request = session.begin(1)
        self.assertIsInstance(raised(session.begin, 2), dcc_cancel.OverloadedError)
        request.end()
        session.begin(2)

    def test_a_block_ends_its_request(self):
        session = dcc_cancel.Session()
        with session.begin(1) as request:
            self.assertEqual(session.stats()["live"], 1)
        self.assertEqual(session.stats()["live"], 0)
        self.assertIsInstance(raised(request.end), dcc_cancel.ClosedError)
        with session.begin(1) as request:
            request.end()

    def test_a_parent_cancels_a_request(self):
        parent = dcc_cancel.CancelToken()
        session = dcc_cancel.Session(replies="cancelled")
        request = session.begin(1, parent=parent)
        parent.cancel("deadline")
        self.assertTrue(request.cancelled)
        self.assertEqual(request.end(), "cancelled")
        self.assertEqual(json.loads(request.cancelled_reply())["error"]["code"], -32802)

    def test_closing_cancels_all_and_lets_none_begin(self):
        session = dcc_cancel.Session()
        requests = [session.begin(id) for id in (1, "a")]
        tokens = [request.token for request in requests]
        session.close()
        session.close()
        self.assertEqual([token.cancelled for token in tokens], [True, True])
        self.assertEqual([request.end() for request in requests], ["nothing", "nothing"])
        self.assertIsInstance(raised(session.begin, 2), dcc_cancel.ShutdownError)
        self.assertTrue(session.stats()["is_closed"])
        self.assertEqual(repr(session), "Session(closed, 0 in flight)")

    def test_jobs_of_a_request_are_cancelled_with_it(self):
        session = dcc_cancel.Session()
        request = session.begin(1)
        job = dcc_cancel.Job(parent=request)
        session.cancel(1, "why")
        self.assertEqual((job.cancelled, job.reason), (True, "why"))

    def test_callbacks_of_a_message_run_elsewhere(self):
        session = dcc_cancel.Session()
        request = session.begin(1)
        threads = []
        request.token.add_callback(lambda: threads.append(threading.get_ident()))
        session.handle_message(cancel_message(1))
        self.assertTrue(request.cancelled)
        until(lambda: threads)
        self.assertNotEqual(threads, [threading.get_ident()])

    def test_stats(self):
        session = dcc_cancel.Session()
        request = session.begin(1)
        session.cancel(1)
        session.handle_message("[")
        stats = session.stats()
        self.assertEqual(
            (stats["begun"], stats["cancelled"], stats["malformed"], stats["is_closed"]),
            (1, 1, 1, False),
        )
        request.end()

    def test_wrong_options_are_told(self):
        for options, part in (
            ({"kind": "pipe"}, "'pipe'"),
            ({"replies": None}, "None"),
            ({"early": "maybe"}, "'maybe'"),
            ({"max_requests": 1 << 20}, "0 to 65536"),
            ({"max_requests": 1 << 32}, "4294967296"),
            ({"max_kept": -1}, "-1"),
            ({"early_ttl": -1}, "-1"),
        ):
            error = raised(lambda: dcc_cancel.Session(**options))
            self.assertIsInstance(error, dcc_cancel.InvalidArgumentError)
            self.assertIn(part, str(error))

    def test_an_early_cancel_expires(self):
        session = dcc_cancel.Session(kind="http", early_ttl=0)
        session.cancel(1)
        time.sleep(0.001)
        self.assertFalse(session.begin(1).cancelled)

    def test_references_are_given_back(self):
        before = live("live_sessions"), live("live_requests")
        session = dcc_cancel.Session()
        request = session.begin(1)
        request.end()
        del session, request
        self.assertEqual((live("live_sessions"), live("live_requests")), before)

    def test_recorded_messages_of_real_peers_raise_nothing(self):
        here = os.path.dirname(os.path.abspath(__file__))
        path = os.path.join(here, "..", "data", "mcp", "recorded_messages.jsonl")
        session = dcc_cancel.Session(kind="http")
        seen = set()
        with open(path, encoding="utf-8") as file:
            for line in file:
                seen.add(session.handle_message(json.dumps(json.loads(line)["msg"])))
        self.assertLessEqual({"held", "other"}, seen)


class Progress(ContextCase):
    def test_notes_rise_and_end(self):
        session = dcc_cancel.Session(progress_interval=0)
        request = session.begin(1, progress_token="p")
        self.assertEqual(request.write_progress(), "")
        self.assertIs(request.set_progress(1, 4, "one"), True)
        note = json.loads(request.write_progress(now=True))
        self.assertEqual(note["method"], "notifications/progress")
        self.assertEqual(
            note["params"],
            {"progressToken": "p", "progress": 1, "total": 4, "message": "one"},
        )
        request.set_progress(0.5)
        self.assertEqual(request.write_progress(now=True), "")
        request.set_progress(2.5)
        self.assertEqual(json.loads(request.write_progress(now=True))["params"]["progress"], 2.5)
        request.end()
        self.assertIs(request.set_progress(3), False)
        self.assertEqual(request.write_progress(now=True), "")

    def test_notes_are_an_interval_apart(self):
        session = dcc_cancel.Session(progress_interval=3600)
        request = session.begin(1, progress_token=5)
        request.set_progress(1)
        self.assertEqual(json.loads(request.write_progress())["params"]["progressToken"], 5)
        request.set_progress(2)
        self.assertEqual(request.write_progress(), "")
        self.assertNotEqual(request.write_progress(now=True), "")

    def test_the_progress_of_a_job(self):
        session = dcc_cancel.Session()
        request = session.begin(1, progress_token="p")
        job = dcc_cancel.Job(parent=request)
        job.begin()
        job.set_progress(3, 9, "of the job")
        self.assertIs(request.set_progress(job=job), True)
        params = json.loads(request.write_progress(now=True))["params"]
        self.assertEqual((params["progress"], params["total"]), (3, 9))
        self.assertEqual(params["message"], "of the job")

    def test_what_cannot_count_is_told_to_go_on(self):
        session = dcc_cancel.Session(progress_interval=0, progress_heartbeat=0)
        request = session.begin(1, progress_token="p")
        job = dcc_cancel.Job(parent=request)
        job.begin()
        self.assertIs(request.set_progress(job=job), True)
        job.set_progress(1, 4, "boolean")
        notes = []
        while len(notes) < 20:
            note = request.write_progress()
            if note:
                notes.append(json.loads(note)["params"])
        values = [note["progress"] for note in notes]
        self.assertEqual(values, sorted(set(values)))
        self.assertTrue(1 == values[0] and values[-1] < 2, values)
        self.assertEqual({(note["total"], note["message"]) for note in notes}, {(4, "boolean")})
        session.cancel(1)
        self.assertEqual(request.write_progress(), "")
        with self.assertRaises(ValueError):
            dcc_cancel.Session(progress_heartbeat=-1)

    def test_who_does_not_ask_is_not_told(self):
        request = dcc_cancel.Session().begin(1)
        request.set_progress(1)
        self.assertEqual(request.write_progress(now=True), "")

    def test_wrong_values_are_told(self):
        request = dcc_cancel.Session().begin(1)
        self.assertIsInstance(raised(request.set_progress), TypeError)
        both = raised(lambda: request.set_progress(1, job=dcc_cancel.Job()))
        self.assertIsInstance(both, TypeError)
        self.assertIsInstance(
            raised(request.set_progress, float("inf")), dcc_cancel.InvalidArgumentError
        )


if __name__ == "__main__":
    sys.exit(unittest.main())
