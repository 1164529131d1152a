"""Events, latencies, the poll trace and the timeline."""

import json
import logging
import os
import sys
import tempfile
import threading
import time
import unittest

import dcc_cancel
from helpers import LONG, NATIVE, ContextCase, loop_until_cancelled, until


def cancelled_in_a_native_loop(label, reason="enough"):
    """A job whose native loop runs on another thread until this cancels it."""
    job = dcc_cancel.Job(label)
    job.trace()

    def work():
        with job:
            dcc_cancel.native(loop_until_cancelled)()
            job.check()

    def run():
        try:
            work()
        except dcc_cancel.CancelledError:
            pass

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: any(known.polls > 2 for known in job.threads()))
    job.cancel(reason)
    thread.join(LONG)
    assert job.state == "cancelled", job
    return job


class Events(ContextCase):
    def test_an_observer_tells_what_becomes_of_a_job(self):
        before = time.monotonic()
        with dcc_cancel.Observer() as observer:
            job = cancelled_in_a_native_loop("smooth", "the artist pressed Esc")
            # A thread may see the cancel and report that before the cancelling call does; `at` is the order.
            events = [event for event in observer if event.job_id == job.id]
            events.sort(key=lambda event: event.at)
            self.assertEqual(observer.drain(), [])
        told = [(event.kind, event.state, event.cause, event.text) for event in events]
        self.assertEqual(
            told,
            [
                ("job_state", "pending", "", "smooth"),
                ("job_state", "running", "", "smooth"),
                ("token_cancelled", None, "request", "the artist pressed Esc"),
                ("cancel_seen", None, "request", ""),
                ("job_state", "cancelled", "", "smooth"),
            ],
        )
        at = [event.at for event in events]
        self.assertLessEqual(before, at[0])
        self.assertLessEqual(at[-1], time.monotonic())
        self.assertGreater(events[3].since_cancel, 0)
        self.assertEqual(events[3].thread, events[1].thread)
        self.assertNotEqual(events[2].thread, events[1].thread)

    def test_a_full_ring_says_how_many_are_missing(self):
        with dcc_cancel.Observer(capacity=4) as observer:
            jobs = [dcc_cancel.Job(str(number)) for number in range(10)]
            events = observer.drain()
        lost = [event.lost for event in events if event.kind == "overflow"]
        kept = [event.text for event in events if event.kind == "job_state"]
        self.assertEqual(sum(lost) + len(kept), len(jobs))
        self.assertEqual(kept[-1], "9")
        self.assertGreater(sum(lost), 0)

    def test_more_than_are_taken_out_at_a_time(self):
        with dcc_cancel.Observer() as observer:
            jobs = [dcc_cancel.Job(str(number)) for number in range(200)]
            made = [event.text for event in observer if event.state == "pending"]
        self.assertEqual(made, [job.label for job in jobs])

    def test_a_function_is_told_on_the_thread_of_the_tick(self):
        told = []

        def hear(event):
            told.append((threading.current_thread(), event.text))
            if event.text == "second":
                raise ValueError("a host's function")

        with dcc_cancel.Observer() as observer:
            self.assertEqual(observer.tell(hear), 0)
            jobs = [dcc_cancel.Job(label) for label in ("first", "second", "third")]
            with self.assertLogs("dcc_cancel", "ERROR") as logs:
                self.assertEqual(observer.tell(hear), len(jobs))
        here = threading.current_thread()
        self.assertEqual(told, [(here, "first"), (here, "second"), (here, "third")])
        self.assertIn("a host's function", logs.output[0])

    def test_events_become_records_of_a_log(self):
        logger = logging.getLogger("a host")
        with dcc_cancel.Observer(capacity=3) as observer:
            job = dcc_cancel.Job("bake")
            token = dcc_cancel.CancelToken("shot 12")
            token.cancel("too long")
            with self.assertLogs(logger, "DEBUG") as logs:
                self.assertEqual(observer.log(logger), 2)
            levels = [record.levelname for record in logs.records]
            self.assertEqual(levels, ["DEBUG", "INFO"])
            self.assertEqual(
                [record.getMessage() for record in logs.records],
                ["job %d is pending: bake" % job.id, "a token was cancelled by a request: too long"],
            )
            self.assertEqual(logs.records[0].dcc_event.job_id, job.id)
            jobs = [dcc_cancel.Job() for _ in range(5)]
            with self.assertLogs("dcc_cancel", "WARNING") as logs:
                observer.log()
            self.assertRegex(logs.output[0], r"[0-9] events were lost: drain more often")
            del jobs

    def test_a_cancel_that_nobody_sees_is_a_warning(self):
        dcc_cancel.set_slow_cancel_threshold(0.01)
        self.addCleanup(dcc_cancel.set_slow_cancel_threshold, 1.0)
        job = dcc_cancel.Job("forgets to poll")
        with dcc_cancel.Observer() as observer, job:
            job.cancel("stop")
            slow = []
            until(lambda: slow.extend(e for e in observer if e.kind == "slow_cancel") or slow)
        self.assertEqual((slow[0].job_id, slow[0].text), (job.id, "stop"))
        self.assertGreaterEqual(slow[0].since_cancel, 0.01)

    def test_a_peers_cancel_has_its_id_and_its_reason(self):
        with dcc_cancel.Observer() as observer, dcc_cancel.Session() as session:
            with session.begin("a-1") as request:
                session.cancel("a-1", "too late")
                self.assertTrue(request.cancelled)
            events = [event for event in observer if event.kind == "request_cancelled"]
        self.assertEqual([event.text for event in events], ['"a-1": too late'])


class Figures(ContextCase):
    def test_latencies_count_what_was_seen(self):
        before = dcc_cancel.latency("cancel_to_seen").samples, dcc_cancel.latency("cancel_to_end").samples
        cancelled_in_a_native_loop("timed")
        seen, end = dcc_cancel.latency("cancel_to_seen"), dcc_cancel.latency("cancel_to_end")
        self.assertEqual((seen.samples, end.samples), (before[0] + 1, before[1] + 1))
        self.assertTrue(0 < seen.p50 <= seen.p95 <= seen.p99 <= seen.max < LONG, seen)

    def test_stats_count_what_lives(self):
        before = dcc_cancel.stats()
        jobs = [dcc_cancel.Job() for _ in range(3)]
        after = dcc_cancel.stats()
        self.assertEqual(after["live_jobs"], before["live_jobs"] + len(jobs))
        self.assertNotIn("reserved", after)


class Traces(ContextCase):
    def test_a_traced_job_names_the_longest_gap_between_its_polls(self):
        # Where a busy machine takes the processor away decides which gap is the longest: that after the last
        # poll of the loop may end at the end of the job.
        for _ in range(50):
            job = cancelled_in_a_native_loop("traced")
            gap = job.poll_gap()
            if "native_loop.c" in gap.to_file:
                break
            self.assertIn(gap.to_file, ("(end)", "(unknown)"))
        self.assertIn("native_loop.c", gap.to_file)
        self.assertGreater(gap.to_line, 0)
        self.assertGreater(gap.seconds, 0)
        known = {thread.thread: thread for thread in job.threads()}[gap.thread]
        self.assertEqual(known.longest_gap, gap.seconds)
        self.assertGreater(known.polls, 2)
        self.assertGreater(known.cancel_to_seen, 0)
        self.assertLessEqual(known.last_poll_at, time.monotonic())

    def test_what_is_not_traced_has_no_gap(self):
        with dcc_cancel.Job() as job:
            self.assertIsNone(job.poll_gap())
            self.assertEqual(job.threads(), [])
            job.cancel()
            dcc_cancel.native(NATIVE.loop_until_cancelled)(int(1e9))
            (thread,) = job.threads()
        self.assertGreater(thread.cancel_to_seen, 0)
        self.assertEqual((thread.polls, thread.last_poll_at), (0, None))

    def test_all_jobs_are_traced_until_none_is(self):
        traced = lambda job: next(  # noqa: E731: only here
            live["is_traced"] for live in dcc_cancel.live_jobs() if live["id"] == job.id
        )
        first = dcc_cancel.Job()
        dcc_cancel.trace_all()
        self.addCleanup(dcc_cancel.trace_all, False)
        second = dcc_cancel.Job()
        self.assertTrue(traced(first) and traced(second))
        dcc_cancel.trace_all(False)
        self.assertFalse(traced(first) or traced(second))


class Timelines(ContextCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "recorded.json")

    def names(self):
        with open(self.path) as file:
            return [entry["name"] for entry in json.load(file)["traceEvents"]]

    def test_a_block_is_recorded(self):
        with dcc_cancel.timeline(self.path), dcc_cancel.Dispatcher() as ui:
            ui.post(len, "x", label="measure")
            ui.pump(0.1)
        dcc_cancel.Job().cancel()
        self.assertTrue({"tick", "posted", "measure", "completion"} <= set(self.names()))
        self.assertNotIn("cancel", self.names())

    def test_a_block_that_fails_is_recorded_too(self):
        with self.assertRaises(ValueError):
            with dcc_cancel.timeline(self.path, max_entries=10):
                dcc_cancel.Job().cancel()
                raise ValueError
        self.assertIn("cancel", self.names())

    def test_a_file_that_cannot_be_written_is_named(self):
        dcc_cancel.begin_timeline()
        dcc_cancel.end_timeline()
        path = os.path.join(os.path.dirname(self.path), "nowhere", "recorded.json")
        with self.assertRaisesRegex(dcc_cancel.DccCancelError, "nowhere"):
            dcc_cancel.write_timeline(path)


class PollsWithoutJob(ContextCase):
    def test_the_place_is_told(self):
        def polls():
            places = dcc_cancel.polls_without_job()
            found = [place for place in places if place.file.endswith("native_loop.c")]
            return sum(place.polls for place in found), {place.line for place in found}

        before, _ = polls()
        with dcc_cancel.Job():
            # Nothing is current on a new thread.
            thread = threading.Thread(target=NATIVE.loop_until_cancelled, args=[1])
            thread.start()
            thread.join()
        after, lines = polls()
        self.assertEqual(after, before + 1)
        self.assertTrue(all(line > 0 for line in lines), lines)


if __name__ == "__main__":
    sys.exit(unittest.main())
