"""Waiting for posted callables, and how long the objects of a dispatcher live."""

import asyncio
import gc
import sys
import threading
import time
import unittest
import weakref

import dcc_cancel
from dcc_cancel import _callbacks
from helpers import ContextCase, PumpedCase, live, raised


class Waiting(PumpedCase):
    def pumping(self):
        """A dispatcher that another thread pumps."""
        wake = threading.Event()
        ui = dcc_cancel.Dispatcher(bind_later=True, wake=wake.set)
        ending = []

        def pump():
            # It pumps at least once: before that the dispatcher has no thread, and a close runs nothing.
            ui.pump()
            while not ending:
                wake.wait(0.05)
                wake.clear()
                ui.pump()
            ui.close()

        thread = threading.Thread(target=pump)
        thread.start()

        def end():
            ending.append(1)
            wake.set()
            thread.join()

        self.addCleanup(end)
        return ui, thread

    def test_on_the_own_thread_it_runs_at_once(self):
        self.assertEqual(self.ui.post_and_wait(divmod, 7, 2), (3, 1))
        self.assertIsInstance(raised(self.ui.post_and_wait, divmod, 7, 0), ZeroDivisionError)

        def slices():
            yield
            return "all of them"

        self.assertEqual(self.ui.post_and_wait(slices), "all of them")

    def test_on_another_thread_it_waits(self):
        ui, thread = self.pumping()
        self.assertEqual(ui.post_and_wait(threading.get_ident), thread.ident)
        self.assertIsInstance(raised(ui.post_and_wait, divmod, 7, 0), ZeroDivisionError)
        self.assertEqual(ui.post(abs, -1).result(30), 1)

    def test_a_cancel_is_raised(self):
        def work():
            dcc_cancel.current_job.get().cancel()
            dcc_cancel.check_dcc_cancelled()

        self.assertIsInstance(raised(self.ui.post_and_wait, work), dcc_cancel.CancelledError)
        cancelled = dcc_cancel.CancelToken()
        cancelled.cancel()
        error = raised(lambda: self.ui.post_and_wait(int, parent=cancelled))
        self.assertIsInstance(error, dcc_cancel.CancelledError)

    def test_the_time_is_over_before_it_began(self):
        ran = []
        errors = []

        def wait():
            errors.append(raised(lambda: self.ui.post_and_wait(ran.append, 1, timeout=0.01)))

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
        self.ui.pump()
        self.assertIsInstance(errors[0], dcc_cancel.PostTimeoutError)
        self.assertIsInstance(errors[0], TimeoutError)
        self.assertEqual((errors[0].started, ran), (False, []))

    def test_the_time_is_over_after_it_began(self):
        ui, _ = self.pumping()

        def work():
            while True:
                dcc_cancel.check_dcc_cancelled()
                time.sleep(0.001)

        # The job begins at once, because nothing else is queued; otherwise this gives the other answer.
        error = raised(lambda: ui.post_and_wait(work, timeout=0.1))
        self.assertIsInstance(error, dcc_cancel.PostTimeoutError)
        self.assertEqual(error.started, "asked to stop" in str(error))


class Lifetimes(ContextCase):
    def test_callables_live_until_the_destroy_notify_and_no_longer(self):
        class Callable:
            def __call__(self):
                return weakref.ref(self)

        gc.collect()
        before = _callbacks.kept_objects()
        ui = dcc_cancel.Dispatcher()
        posting = ui.post(Callable())
        gc.collect()
        self.assertEqual(_callbacks.kept_objects(), before + 3)
        ui.pump()
        gc.collect()
        self.assertIsNone(posting.result()())
        self.assertEqual(_callbacks.kept_objects(), before + 1)
        ui.close()
        self.assertEqual(_callbacks.kept_objects(), before)

    def test_what_is_refused_is_not_kept(self):
        ui = dcc_cancel.Dispatcher(capacity=1)
        ui.post(int, caller_id="a")
        before = _callbacks.kept_objects()
        error = raised(ui.post, int)
        self.assertIsInstance(error, dcc_cancel.OverloadedError)
        self.assertGreater(error.retry_after, 0)
        self.assertIsInstance(
            raised(lambda: ui.post(int, caller_id="x" * 200)), dcc_cancel.InvalidArgumentError
        )
        self.assertIsInstance(raised(ui.post, 7), TypeError)
        self.assertIsInstance(raised(lambda: ui.post(int, deadline="1")), TypeError)
        self.assertEqual(_callbacks.kept_objects(), before)
        self.assertIs(ui.close(), True)
        self.assertIsInstance(raised(ui.post, int), dcc_cancel.ClosedError)
        self.assertIs(ui.close(), True)

    def test_a_close_interrupts_what_waits(self):
        ui = dcc_cancel.Dispatcher()
        posting = ui.post(int)
        self.assertIs(ui.close(), True)
        self.assertIsInstance(posting.exception(), dcc_cancel.JobInterruptedError)
        self.assertEqual(posting.job.state, "interrupted")

    def test_a_close_elsewhere_leaves_completions_to_the_thread_of_the_dispatcher(self):
        ui = dcc_cancel.Dispatcher()
        posting = ui.post(int)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(ui.close()))
        thread.start()
        thread.join()
        self.assertEqual((answers, posting.done()), ([False], False))
        self.assertTrue(ui.stats()["is_closed"])
        self.assertIsInstance(raised(ui.post, int), dcc_cancel.ShutdownError)
        self.assertIs(ui.close(), True)
        self.assertIsInstance(posting.exception(), dcc_cancel.JobInterruptedError)

    def test_one_that_is_dropped_interrupts_what_waits(self):
        gc.collect()
        before = live("live_dispatchers"), _callbacks.kept_objects()
        posting = dcc_cancel.Dispatcher().post(int)
        self.assertIsInstance(posting.exception(), dcc_cancel.JobInterruptedError)
        del posting
        gc.collect()
        self.assertEqual((live("live_dispatchers"), _callbacks.kept_objects()), before)

    def test_the_wrong_thread_and_the_inside_of_a_pump_are_refused(self):
        ui = dcc_cancel.Dispatcher()
        errors = []
        thread = threading.Thread(target=lambda: errors.append(raised(ui.pump)))
        thread.start()
        thread.join()
        self.assertIsInstance(errors[0], dcc_cancel.WrongThreadError)
        posting = ui.post(ui.pump)
        ui.pump()
        self.assertIsInstance(posting.exception(), dcc_cancel.ReentrantError)
        ui.close()

    def test_wake_veto_and_progress(self):
        wakes, vetoes, seen = [], [True, False, False], []
        ui = dcc_cancel.Dispatcher(
            wake=lambda: wakes.append(1),
            veto=lambda: vetoes.pop(0) if vetoes else False,
            progress=lambda job, done, total: seen.append((job.label, done, total)),
        )

        def work():
            dcc_cancel.current_job.get().set_progress(2, 5)

        ui.post(work, label="w")
        self.assertEqual(wakes, [1])
        self.assertTrue(ui.pump().is_vetoed)
        self.assertFalse(ui.pump().is_vetoed)
        self.assertEqual(seen, [("w", 2, 5)])
        ui.close()

    def test_what_a_hosts_function_raises_is_logged(self):
        def broken(*_):
            raise OSError("the host is broken")

        ui = dcc_cancel.Dispatcher(wake=broken, veto=broken, progress=broken)
        with self.assertLogs("dcc_cancel", "ERROR") as logged:
            posting = ui.post(lambda: dcc_cancel.current_job.get().set_progress(1))
            ui.pump()
        self.assertTrue(posting.done())
        text = "\n".join(logged.output)
        for part in ("wake", "veto", "progress", "the host is broken"):
            self.assertIn(part, text)
        ui.close()

    def test_a_block_closes(self):
        with dcc_cancel.Dispatcher() as ui:
            posting = ui.post(int)
        self.assertTrue(posting.done())
        self.assertEqual(repr(ui), "Dispatcher(closed)")


class WithoutAThread(ContextCase):
    # Only the thread that has ended could complete it.
    leaves_things = True

    def test_what_was_posted_to_a_thread_that_has_ended_is_not_waited_for(self):
        made = []
        thread = threading.Thread(target=lambda: made.append(dcc_cancel.Dispatcher()))
        thread.start()
        thread.join()
        posting = made[0].post(int)
        for ask in (posting.result, posting.exception):
            self.assertIn("has ended", str(raised(ask)))
            self.assertIsInstance(raised(ask, 0), dcc_cancel.JobInterruptedError)

        async def wait():
            await posting

        self.assertIn("has ended", str(raised(asyncio.run, wait())))


if __name__ == "__main__":
    sys.exit(unittest.main())
