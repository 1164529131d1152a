"""Tokens, jobs and waits that `dcc_mcp_core` does not have."""

import asyncio
import concurrent.futures
import copy
import functools
import gc
import pickle
import signal
import sys
import threading
import time
import unittest

import dcc_cancel
import dcc_mcp_core.cancellation as theirs
from helpers import LONG, ContextCase, Foreign, live, raised, until


class Tokens(ContextCase):
    def test_the_first_reason_wins(self):
        token = dcc_cancel.CancelToken()
        self.assertIsNone(token.reason)
        self.assertIs(token.cancel("enough, Zoë"), True)
        self.assertIs(token.cancel("too late"), False)
        self.assertEqual(token.reason, "enough, Zoë")
        other = dcc_cancel.CancelToken()
        other.cancel()
        self.assertEqual(other.reason, "")

    def test_what_cancelled_it(self):
        theirs = Foreign()
        asked, late = dcc_cancel.CancelToken(), dcc_cancel.CancelToken()
        linked = dcc_cancel.CancelToken.link(theirs)
        job = dcc_cancel.Job(parent=asked)
        request = dcc_cancel.Session().begin(1, parent=late)
        for what in (asked, late, linked, job, request):
            self.assertIsNone(what.cause)
        self.assertIsNone(late.since_cancel)
        asked.cancel()
        before = dcc_cancel.clock()
        late.set_deadline_after(0)
        theirs.cancelled = True
        self.assertTrue(late.wait(LONG) and linked.wait(LONG))
        causes = [what.cause for what in (asked, job, late, request, linked)]
        self.assertEqual(causes, ["request", "request", "deadline", "deadline", "request"])
        # The order of both reads of the clock does not matter for this.
        self.assertLessEqual(late.since_cancel, dcc_cancel.clock() - before)
        self.assertGreaterEqual(late.since_cancel, 0)

    def test_a_long_reason_comes_back_whole(self):
        token = dcc_cancel.CancelToken()
        token.cancel("é" * 2000)
        self.assertEqual(token.reason, "é" * 2000)

    def test_parents_cancel_children_and_live_as_long(self):
        parent = dcc_cancel.CancelToken()
        child = dcc_cancel.CancelToken(parent=parent)
        grandchild = dcc_cancel.Job(parent=child)
        child_alone = dcc_cancel.CancelToken(parent=grandchild)
        parent.cancel("all")
        for token in (child, grandchild, child_alone):
            self.assertEqual((token.cancelled, token.reason), (True, "all"))
        late = dcc_cancel.CancelToken(parent=parent)
        self.assertTrue(late.cancelled)

    def test_a_cancelled_child_leaves_its_parent(self):
        parent = dcc_cancel.CancelToken()
        dcc_cancel.CancelToken(parent=parent).cancel()
        self.assertFalse(parent.cancelled)

    def test_wrong_values_are_told(self):
        for wrong, kind, part in (
            (lambda: dcc_cancel.CancelToken(7), TypeError, "job_id must be a str; it is 7"),
            (lambda: dcc_cancel.CancelToken("x" * 129), dcc_cancel.InvalidArgumentError, "129"),
            (lambda: dcc_cancel.CancelToken("\ud800"), dcc_cancel.InvalidArgumentError, "job_id"),
            (lambda: dcc_cancel.CancelToken().cancel(7), TypeError, "reason"),
            (lambda: dcc_cancel.CancelToken().cancel("x" * 4097), ValueError, "4097"),
            (lambda: dcc_cancel.Job().set_progress(-1), ValueError, "-1"),
            (lambda: dcc_cancel.Job().set_progress(0.5), TypeError, "0.5"),
            (lambda: dcc_cancel.CancelToken().wait(-1), ValueError, "-1"),
            (lambda: dcc_cancel.CancelToken().wait("1"), TypeError, "timeout"),
            (lambda: dcc_cancel.CancelToken().set_deadline_after(float("nan")), ValueError, "nan"),
        ):
            error = raised(wrong)
            self.assertIsInstance(error, kind)
            self.assertIn(part, str(error))

    def test_references_are_given_back(self):
        gc.collect()
        before = live("live_tokens"), live("live_jobs")
        token = dcc_cancel.CancelToken()
        job = dcc_cancel.Job(parent=token)
        self.assertEqual(live("live_tokens"), before[0] + 2)
        job.token.cancel()
        del token, job
        self.assertEqual((live("live_tokens"), live("live_jobs")), before)
        token = dcc_cancel.CancelToken()
        token.close()
        token.close()
        with dcc_cancel.CancelToken():
            pass
        self.assertEqual(live("live_tokens"), before[0])

    def test_what_is_closed_says_so(self):
        token, job = dcc_cancel.CancelToken(), dcc_cancel.Job()
        token.close()
        job.close()
        for use in (
            lambda: token.cancelled,
            token.cancel,
            token.check,
            lambda: token.handle,
            lambda: token.wait(1),
            lambda: dcc_cancel.CancelToken(parent=token),
            lambda: job.cancelled,
            job.begin,
        ):
            error = raised(use)
            self.assertIsInstance(error, dcc_cancel.ClosedError)
            self.assertIn("was closed", str(error))
        self.assertEqual((repr(token), repr(job)), ("CancelToken(closed)", "Job(closed)"))

    def test_what_sleeps_is_known_by_its_identity(self):
        for copied in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
            self.assertIs(copied(dcc_cancel.when_woken), dcc_cancel.when_woken)

    def test_a_time_of_any_size_is_a_time(self):
        token = dcc_cancel.CancelToken()
        for seconds in (10**400, float("inf")):
            token.set_deadline_after(seconds)
            self.assertGreater(token.deadline, 9e9)

    def test_nothing_native_can_be_copied_or_pickled(self):
        session = dcc_cancel.Session()
        dispatcher = dcc_cancel.Dispatcher()
        things = [
            dcc_cancel.CancelToken(),
            dcc_cancel.Job(),
            session,
            session.begin(1),
            dispatcher,
            dispatcher.post(int),
            dcc_cancel.Observer(),
        ]
        for thing in things:
            for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
                error = raised(attempt, thing)
                self.assertIsInstance(error, TypeError)
                text = "this %s belongs to its process and cannot be copied or pickled"
                self.assertIn(text % type(thing).__name__, str(error))
        dispatcher.close()

    def test_a_deadline_cancels_and_can_be_taken_back(self):
        token = dcc_cancel.CancelToken()
        token.set_deadline_after(0.01)
        self.assertTrue(token.wait(30))
        other = dcc_cancel.CancelToken()
        other.set_deadline_after(3600)
        self.assertIs(other.clear_deadline(), True)
        self.assertIs(other.clear_deadline(), False)

    def test_the_last_that_leaves_cancels_what_waits_for_all(self):
        first, second = dcc_cancel.CancelToken(), dcc_cancel.CancelToken()
        job, other = dcc_cancel.Job(), theirs.CancelToken()
        shared = dcc_cancel.CancelToken.when_all([first, job])
        self.assertIs(shared.join(second), True)
        self.assertIs(shared.join(other), True)
        first.cancel("has closed the window")
        job.cancel()
        # Nothing holds the token any more.
        del second
        gc.collect()
        self.assertIs(shared.wait(0), False)
        other.cancel()
        self.assertIs(shared.wait(30), True)
        self.assertIs(shared.join(dcc_cancel.CancelToken()), False)
        self.assertFalse(dcc_cancel.CancelToken.when_all().cancelled)
        self.assertTrue(dcc_cancel.CancelToken.when_all([first]).cancelled)
        self.assertEqual(dcc_cancel.CancelToken.when_all([first]).reason, "has closed the window")
        for wrong, error in ((first, TypeError), ([None], TypeError), (["token"], TypeError)):
            self.assertIsInstance(raised(dcc_cancel.CancelToken.when_all, wrong), error)
        self.assertIsInstance(raised(first.join, job), dcc_cancel.InvalidArgumentError)

    def test_callbacks_are_called_once(self):
        token = dcc_cancel.CancelToken()
        called = []
        kept = token.add_callback(lambda: called.append("kept"))
        token.add_callback(lambda: called.append("not kept"))
        taken_back = token.add_callback(lambda: called.append("never"))
        gc.collect()
        self.assertIs(taken_back.unregister(), True)
        self.assertIs(taken_back.unregister(), False)
        token.cancel()
        token.cancel()
        self.assertEqual(called, ["not kept", "kept"])
        self.assertIs(kept.unregister(), False)
        token.add_callback(lambda: called.append("at once"))
        self.assertEqual(called[2:], ["at once"])

    def test_what_a_callback_raises_is_logged(self):
        token = dcc_cancel.CancelToken()
        token.add_callback(lambda: 1 // 0)
        with self.assertLogs("dcc_cancel", "ERROR") as logged:
            self.assertIs(token.cancel(), True)
        self.assertIn("ZeroDivisionError", logged.output[0])

    def test_callbacks_go_with_their_token(self):
        from dcc_cancel import _callbacks

        before = _callbacks.kept_objects()
        token = dcc_cancel.CancelToken()
        token.add_callback(lambda: None)
        self.assertEqual(_callbacks.kept_objects(), before + 1)
        del token
        self.assertEqual(_callbacks.kept_objects(), before)

    def test_a_callback_keeps_its_token_if_it_is_to(self):
        from dcc_cancel import _callbacks

        before = _callbacks.kept_objects()
        parent = dcc_cancel.CancelToken()
        foreign = Foreign()
        called = []
        makers = [
            ("of a parent", lambda: dcc_cancel.CancelToken(parent=parent)),
            ("that follows", lambda: dcc_cancel.CancelToken.link(foreign, 0.001)),
            ("below one that follows", lambda: dcc_cancel.CancelToken(parent=foreign)),
            ("of all", lambda: dcc_cancel.CancelToken.when_all([parent, foreign], 0.001)),
        ]
        for which, make in makers:
            make().add_callback(lambda which=which: called.append("gone " + which))
            make().add_callback(called.append, keep_token=False)
            make().add_callback(functools.partial(called.append, which), keep_token=True)
        gc.collect()
        self.assertEqual(_callbacks.kept_objects(), before + len(makers))
        parent.cancel()
        foreign.cancelled = True
        until(lambda: len(called) == len(makers))
        self.assertEqual(sorted(called), sorted(which for which, _ in makers))
        until(lambda: _callbacks.kept_objects() == before)

    def test_a_kept_token_that_nobody_can_cancel_is_gone(self):
        from dcc_cancel import _callbacks

        before = _callbacks.kept_objects()
        dcc_cancel.CancelToken().add_callback(lambda: None, keep_token=True)
        self.assertEqual(_callbacks.kept_objects(), before)

    def test_a_block_keeps_its_token_and_unregisters(self):
        parent = dcc_cancel.CancelToken()
        called = []
        with dcc_cancel.CancelToken(parent=parent).add_callback(
            lambda: called.append("never"), keep_token=True
        ) as registration:
            gc.collect()
            self.assertIsInstance(registration, dcc_cancel.Registration)
        parent.cancel()
        self.assertEqual(called, [])
        self.assertIs(registration.unregister(), False)
        with dcc_cancel.CancelToken(parent=parent).add_callback(lambda: called.append("now")):
            self.assertEqual(called, ["now"])

    def test_a_callback_cancels_an_asyncio_task(self):
        token = dcc_cancel.CancelToken()

        async def main():
            loop = asyncio.get_event_loop()
            task = asyncio.ensure_future(asyncio.sleep(60))
            token.add_callback(functools.partial(loop.call_soon_threadsafe, task.cancel))
            threading.Timer(0.01, token.cancel).start()
            await task

        loop = asyncio.new_event_loop()
        try:
            self.assertIsInstance(
                raised(loop.run_until_complete, main()), asyncio.CancelledError
            )
        finally:
            loop.close()


class Jobs(ContextCase):
    def test_the_life_of_a_job(self):
        job = dcc_cancel.Job("Bake", caller_id="job-7")
        self.assertEqual((job.label, job.caller_id, job.job_id), ("Bake", "job-7", "job-7"))
        self.assertEqual(job.state, "pending")
        self.assertIs(job.begin(), True)
        self.assertIs(job.set_progress(3, 10, "baking"), False)
        self.assertEqual(job.progress, (3, 10, "baking"))
        self.assertIs(job.cancel("stop"), True)
        self.assertIs(job.cancel("again"), False)
        self.assertEqual((job.cancelled, job.reason), (True, "stop"))
        self.assertIs(job.set_progress(4, 10), True)
        self.assertIs(job.acknowledge_cancel(), True)
        self.assertIs(job.complete(), False)
        self.assertEqual(job.state, "cancelled")
        self.assertIs(job.cancel(), False)

    def test_other_ends(self):
        job = dcc_cancel.Job()
        job.fail("no such file")
        self.assertEqual((job.state, job.failure, job.job_id), ("failed", "no such file", None))
        job = dcc_cancel.Job()
        job.interrupt("the host closes")
        self.assertEqual((job.state, job.failure), ("interrupted", "the host closes"))
        job = dcc_cancel.Job()
        job.begin()
        self.assertEqual(job.progress, (0, None, ""))
        self.assertIs(job.complete(), True)
        self.assertEqual(job.state, "completed")
        self.assertIsInstance(raised(job.begin), dcc_cancel.WrongStateError)

    def test_a_job_is_found_by_its_number(self):
        job = dcc_cancel.Job("here", caller_id="c")
        found = dcc_cancel.Job.find(job.id)
        self.assertEqual((found.handle, found.label, found.job_id), (job.handle, "here", "c"))
        number = job.id
        del job, found
        self.assertIsNone(dcc_cancel.Job.find(number))

    def test_check_raises_the_job_text(self):
        job = dcc_cancel.Job()
        self.assertIsNone(job.check())
        job.cancel()
        self.assertEqual(str(raised(job.check)), "Job cancelled by dispatcher")

    def test_the_jobs_token_is_cancelled_with_it(self):
        job = dcc_cancel.Job()
        child = dcc_cancel.CancelToken(parent=job.token)
        job.cancel("both")
        self.assertEqual((child.cancelled, child.reason), (True, "both"))

    def test_a_block_begins_makes_current_and_ends(self):
        with dcc_cancel.Job("a") as job:
            self.assertIs(dcc_cancel.current_job.get(), job)
            self.assertEqual(job.state, "running")
        self.assertEqual(job.state, "completed")
        self.assertIsNone(dcc_cancel.current_job.get())
        failing = dcc_cancel.Job()
        with self.assertRaises(KeyError):
            with failing:
                raise KeyError("k")
        self.assertEqual((failing.state, failing.failure), ("failed", "KeyError: 'k'"))
        for error in (dcc_cancel.CancelledError("a"), theirs.CancelledError("b")):
            stopping = dcc_cancel.Job()
            with self.assertRaises(type(error)):
                with stopping:
                    raise error
            self.assertEqual(stopping.state, "cancelled")
        before = dcc_cancel.Job()
        before.cancel()
        with self.assertRaises(dcc_cancel.CancelledError):
            with before:
                self.fail("it was cancelled before it began")
        self.assertEqual(before.state, "cancelled")


class Waits(ContextCase):
    def test_a_wait_ends_with_the_cancel_or_the_time(self):
        token = dcc_cancel.CancelToken()
        self.assertIs(token.wait(0), False)
        self.assertIs(token.wait(0.01), False)
        threading.Timer(0.02, token.cancel).start()
        self.assertIs(token.wait(), True)
        self.assertIs(token.wait(0), True)

    def test_a_wait_on_another_thread(self):
        token = dcc_cancel.CancelToken()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(token.wait, 60)
            token.cancel()
            self.assertIs(waiting.result(30), True)

    def test_the_gil_is_released_while_waiting(self):
        """Python threads that only another Python thread can free wait at the same time."""
        first, second = dcc_cancel.CancelToken(), dcc_cancel.CancelToken()
        answers = []

        def relay():
            # This runs while the main thread waits in the library.
            answers.append(first.wait(30))
            second.cancel()

        thread = threading.Thread(target=relay)
        thread.start()
        threading.Timer(0.02, first.cancel).start()
        answers.append(second.wait(30))
        thread.join()
        self.assertEqual(answers, [True, True])

    def test_the_first_of_several(self):
        session = dcc_cancel.Session()
        request = session.begin(1)
        tokens = [dcc_cancel.CancelToken(), dcc_cancel.Job(), request, theirs.CancelToken()]
        self.assertIsNone(dcc_cancel.wait_any(tokens, 0))
        for thing in tokens:
            threading.Timer(0.01, thing.cancel).start()
            self.assertIs(dcc_cancel.wait_any([thing], 30), thing)
        self.assertIs(dcc_cancel.wait_any(tokens, 30), tokens[0])
        self.assertIsInstance(raised(dcc_cancel.wait_any, [None], 0), TypeError)
        session.close()

    @unittest.skipUnless(hasattr(signal, "setitimer"), "signals of Unix")
    def test_ctrl_c_ends_a_wait(self):
        def handler(number, frame):
            raise KeyboardInterrupt()

        before = signal.signal(signal.SIGALRM, handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            start = time.monotonic()
            self.assertIsInstance(raised(dcc_cancel.CancelToken().wait, LONG), KeyboardInterrupt)
            self.assertLess(time.monotonic() - start, LONG)
        finally:
            signal.signal(signal.SIGALRM, before)

    def test_threads_may_use_one_token_at_once(self):
        token = dcc_cancel.CancelToken()
        parents = [dcc_cancel.CancelToken() for _ in range(4)]
        firsts = []

        def work(parent):
            for _ in range(200):
                child = dcc_cancel.CancelToken(parent=parent)
                child.cancelled
                child.close()
            firsts.append(token.cancel())

        threads = [threading.Thread(target=work, args=(parent,)) for parent in parents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(firsts), [False, False, False, True])


if __name__ == "__main__":
    sys.exit(unittest.main())
