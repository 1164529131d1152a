"""Dispatchers: Python callables on a thread that pumps."""

import asyncio
import concurrent.futures
import contextvars
import gc
import sys
import threading
import time
import unittest
import weakref

import dcc_cancel
import dcc_mcp_core.cancellation as theirs
from dcc_cancel import _callbacks
from helpers import BY_JOB, BY_TOKEN, LIBRARY, ContextCase, live, native_job, raised, until


class Pumped(ContextCase):
    def setUp(self):
        self.ui = dcc_cancel.Dispatcher()
        self.addCleanup(self.ui.close)
        self.addCleanup(self.ui.shutdown)

    def run_to_end(self, posting):
        """Pumps until it is done."""
        end = time.monotonic() + 30
        while not posting.done():
            assert time.monotonic() < end
            self.ui.pump(0.01)
        return posting


class Posts(Pumped):
    def test_a_result_comes_back(self):
        posting = self.ui.post(divmod, 7, 2, label="divide", caller_id="d")
        self.assertIsInstance(posting, concurrent.futures.Future)
        self.assertEqual((posting.done(), posting.job.state), (False, "pending"))
        self.assertEqual((posting.job.label, posting.job.job_id), ("divide", "d"))
        self.assertEqual(self.ui.find("d").handle, posting.job.handle)
        tick = self.ui.pump()
        self.assertEqual((tick.executed, tick.completed, tick.remaining), (1, 1, 0))
        self.assertIsNone(tick.next)
        self.assertEqual(posting.result(), (3, 1))
        self.assertEqual((posting.job.state, posting.cancelled()), ("completed", False))
        self.assertIsNone(self.ui.find("d"))

    def test_an_exception_comes_back(self):
        posting = self.run_to_end(self.ui.post(divmod, 1, 0))
        self.assertIsInstance(posting.exception(), ZeroDivisionError)
        self.assertIsInstance(raised(posting.result), ZeroDivisionError)
        self.assertEqual(posting.job.state, "failed")
        self.assertTrue(posting.job.failure.startswith("ZeroDivisionError: "))

    def test_no_exception_crosses_the_boundary(self):
        class Unprintable(Exception):
            def __str__(self):
                raise ValueError("not even this")

        def raising(error):
            raise error

        for error in (SystemExit(3), Unprintable(), GeneratorExit(), StopIteration(5)):
            posting = self.ui.post(raising, error)
            after = self.ui.post(int)
            self.ui.pump()
            self.assertIs(posting.exception(), error)
            self.assertEqual((posting.job.state, after.result()), ("failed", 0))

    def test_ctrl_c_ends_the_pump_too(self):
        def interrupted():
            raise KeyboardInterrupt()

        posting = self.ui.post(interrupted)
        after = self.ui.post(int)
        self.assertIsInstance(raised(self.ui.pump), KeyboardInterrupt)
        self.assertIsInstance(posting.exception(), KeyboardInterrupt)
        self.ui.pump()
        self.assertEqual(after.result(), 0)

    def test_token_and_job_are_current_for_python_and_native_code(self):
        token = dcc_cancel.CancelToken("request")
        probe = LIBRARY.dcc_check_cancelled

        def work():
            job = dcc_cancel.current_job.get()
            before = probe()
            job.cancel()
            by_job = probe()
            token.cancel()
            return (
                dcc_cancel.current_cancel_token() is token,
                job.handle == native_job(),
                dcc_cancel.current_job_id(),
                (before, by_job, probe(), dcc_cancel.native(probe)()),
                type(raised(dcc_cancel.check_cancelled)).__name__,
            )

        posting = self.run_to_end(self.ui.post(work, parent=token))
        self.assertEqual(
            posting.result(),
            (True, True, "request", (0, BY_JOB, BY_TOKEN, BY_TOKEN), "DccMcpCancelledError"),
        )
        self.assertIsNone(dcc_cancel.current_job.get())

    def test_the_posters_context_is_carried(self):
        variable = contextvars.ContextVar("variable", default="none")
        variable.set("of the poster")
        token = dcc_cancel.CancelToken()
        dcc_cancel.set_cancel_token(token)
        posting = self.ui.post(lambda: (variable.get(), dcc_cancel.current_cancel_token()))
        alone = self.ui.post(dcc_cancel.current_cancel_token, parent=None)
        variable.set("later")
        dcc_cancel.set_cancel_token(None)
        self.ui.pump()
        self.assertEqual(posting.result(), ("of the poster", token))
        self.assertIsNone(alone.result())

    def test_a_foreign_parent_cancels_a_job(self):
        other = theirs.CancelToken()
        posting = self.ui.post(dcc_cancel.current_cancel_token, parent=other)
        self.ui.pump()
        self.assertIs(posting.result(), other)
        waiting = self.ui.post(int, parent=other)
        other.cancel()
        self.assertTrue(waiting.job.wait(30))
        self.ui.pump()
        self.assertTrue(waiting.cancelled())

    def test_a_cancelled_one_that_waits_never_runs(self):
        ran = []
        posting = self.ui.post(ran.append, 1)
        done = []
        posting.add_done_callback(done.append)
        self.assertIs(posting.cancel("not needed"), True)
        self.assertEqual(self.ui.stats()["depth"], 0)
        self.ui.pump()
        self.assertEqual((ran, posting.cancelled(), done), ([], True, [posting]))
        self.assertIsInstance(raised(posting.result), concurrent.futures.CancelledError)
        self.assertEqual((posting.job.state, posting.job.reason), ("cancelled", "not needed"))
        self.assertIs(posting.cancel(), True)
        over = self.run_to_end(self.ui.post(int))
        self.assertIs(over.cancel(), False)

    def test_one_that_sees_its_cancel_is_cancelled(self):
        for error in (dcc_cancel.CancelledError, theirs.CancelledError):

            def work():
                dcc_cancel.current_job.get().cancel()
                if error is dcc_cancel.CancelledError:
                    dcc_cancel.check_dcc_cancelled()
                raise error("seen")

            posting = self.run_to_end(self.ui.post(work))
            self.assertEqual((posting.cancelled(), posting.job.state), (True, "cancelled"))

    def test_one_that_completes_all_the_same_is_completed(self):
        posting = self.ui.post(lambda: posting.cancel() and "done")
        self.assertEqual(self.run_to_end(posting).result(), "done")

    def test_generators_run_slice_by_slice(self):
        seen = []

        def bake(frames):
            for frame in range(frames):
                seen.append((frame, dcc_cancel.current_job.get().label))
                yield
            return "baked"

        posting = self.ui.post(bake, 3, label="bake")
        for count in (1, 2, 3):
            self.assertEqual(self.ui.pump().remaining, 1)
            self.assertEqual(len(seen), count)
            self.assertTrue(posting.running())
        self.ui.pump()
        self.assertEqual(posting.result(), "baked")
        self.assertEqual(seen[-1], (2, "bake"))
        self.assertFalse(posting.running())

    def test_a_generator_that_is_cancelled_between_slices_is_closed(self):
        tidied = []

        def bake():
            try:
                while True:
                    yield
            finally:
                tidied.append(threading.get_ident())

        posting = self.ui.post(bake)
        self.ui.pump()
        posting.cancel()
        self.ui.pump()
        self.assertEqual((posting.cancelled(), tidied), (True, [threading.get_ident()]))

    def test_any_thread(self):
        posting = self.ui.post(
            lambda: (threading.get_ident(), dcc_cancel.current_job.get().handle == native_job()),
            any_thread=True,
        )
        thread, sees_its_job = self.run_to_end(posting).result()
        self.assertNotEqual(thread, threading.get_ident())
        self.assertTrue(sees_its_job)

    def test_posts_of_other_threads(self):
        postings = []

        def post(base):
            for index in range(50):
                postings.append((base + index, self.ui.post(abs, -(base + index))))

        threads = [threading.Thread(target=post, args=(base,)) for base in (100, 200, 300)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.ui.pump(0.001)
        for thread in threads:
            thread.join()
        self.ui.pump()
        self.assertEqual(len(postings), 150)
        for expected, posting in postings:
            self.assertEqual(posting.result(), expected)

    def test_concurrent_futures_and_asyncio_wait_for_postings(self):
        postings = [self.ui.post(int), self.ui.post(int)]
        postings[1].cancel()
        self.ui.pump()
        done, _ = concurrent.futures.wait(postings, 30)
        self.assertEqual(done, set(postings))

        async def main():
            wrapped = asyncio.wrap_future(self.ui.post(abs, -3))
            cancelled = asyncio.wrap_future(self.ui.post(abs, -4))
            cancelled.cancel()
            while not wrapped.done():
                self.ui.pump(0.001)
                await asyncio.sleep(0)
            return await wrapped, cancelled.cancelled()

        loop = asyncio.new_event_loop()
        try:
            self.assertEqual(loop.run_until_complete(main()), (3, True))
        finally:
            loop.close()

    def test_the_pumping_thread_is_not_left_waiting_for_itself(self):
        posting = self.ui.post(int)
        for asks in (posting.result, posting.exception):
            self.assertIsInstance(raised(asks), dcc_cancel.WouldDeadlockError)

    def test_bounds_of_a_pump(self):
        for _ in range(5):
            self.ui.post(time.sleep, 0.002)
        self.assertEqual(self.ui.pump(max_jobs=2).executed, 2)
        tick = self.ui.pump(budget=0.0001)
        self.assertEqual((tick.executed, tick.remaining), (1, 2))
        self.assertGreater(tick.overrun, 0)

    def test_lanes(self):
        order = []
        for lane in ("background", "normal", "interactive"):
            self.ui.post(order.append, lane, lane=lane)
        self.ui.pump()
        self.assertEqual(order, ["interactive", "normal", "background"])
        error = raised(lambda: self.ui.post(int, lane="fast"))
        self.assertIn("'fast'", str(error))

    def test_a_deadline_cancels(self):
        posting = self.ui.post(int, deadline=0.001)
        self.assertTrue(posting.job.wait(30))
        self.ui.pump()
        self.assertTrue(posting.cancelled())


class Waiting(Pumped):
    def pumping(self):
        """A dispatcher that another thread pumps."""
        wake = threading.Event()
        ui = dcc_cancel.Dispatcher(bind_later=True, wake=wake.set)
        ending = []

        def pump():
            while not ending:
                wake.wait(0.05)
                wake.clear()
                ui.pump()
            ui.shutdown()

        thread = threading.Thread(target=pump)
        thread.start()

        def end():
            ending.append(1)
            wake.set()
            thread.join()
            ui.close()

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

        # It has begun at once, as nothing else is there; if not, it is the other answer.
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
        self.assertEqual(_callbacks.kept_objects(), before + 2)
        ui.pump()
        gc.collect()
        self.assertIsNone(posting.result()())
        self.assertEqual(_callbacks.kept_objects(), before + 1)
        ui.shutdown()
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
        ui.shutdown()
        self.assertIsInstance(raised(ui.post, int), dcc_cancel.ShutdownError)
        ui.close()
        self.assertIsInstance(raised(ui.post, int), dcc_cancel.ClosedError)

    def test_a_shutdown_interrupts_what_waits(self):
        ui = dcc_cancel.Dispatcher()
        posting = ui.post(int)
        self.assertIs(ui.shutdown(), True)
        self.assertIsInstance(posting.exception(), dcc_cancel.JobInterruptedError)
        self.assertEqual(posting.job.state, "interrupted")
        self.assertTrue(ui.stats()["is_closed"])

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

    def test_a_block_shuts_down(self):
        with dcc_cancel.Dispatcher() as ui:
            posting = ui.post(int)
        self.assertTrue(posting.done())
        self.assertEqual(repr(ui), "Dispatcher(closed)")


del Pumped

if __name__ == "__main__":
    sys.exit(unittest.main())
