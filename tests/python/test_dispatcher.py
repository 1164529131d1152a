"""Dispatchers: Python callables on a thread that pumps."""

import asyncio
import concurrent.futures
import contextvars
import sys
import threading
import time
import unittest

import dcc_cancel
import dcc_mcp_core.cancellation as theirs
from helpers import BY_JOB, BY_TOKEN, LIBRARY, PumpedCase, code_of_page, native_job, raised


class Posts(PumpedCase):
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
        self.assertTrue(waiting.job.token.wait(30))
        self.ui.pump()
        self.assertTrue(waiting.cancelled())

    def test_a_cancelled_one_that_waits_never_runs(self):
        ran = []
        posting = self.ui.post(ran.append, 1)
        done = []
        posting.add_done_callback(done.append)
        self.assertIs(posting.cancel("not needed"), True)
        self.assertEqual(self.ui.stats()["depth"], 0)
        self.assertEqual((posting.cancelled(), done), (True, [posting]), "nobody has pumped")
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

    def test_a_generator_gives_the_tick_back_when_its_slice_is_over(self):
        seen = []

        def relax(vertices):
            for vertex in range(vertices):
                if dcc_cancel.slice_is_over():
                    yield
                seen.append(vertex)

        posting = self.ui.post(relax, 10)
        self.assertEqual(self.ui.pump(budget=1e-9).remaining, 1)
        self.assertTrue(0 < len(seen) < 10, seen)
        self.ui.pump()
        self.assertEqual((posting.result(), seen), (None, list(range(10))))

        posting = self.ui.post(relax, 10)
        self.ui.post(posting.cancel, lane="interactive")
        self.ui.pump()
        self.assertEqual((posting.cancelled(), len(seen)), (True, 10))
        self.assertFalse(dcc_cancel.slice_is_over())

    def test_a_cancel_is_raised_where_a_generator_yields(self):
        tidied = []

        def bake(answer):
            try:
                while True:
                    yield answer
            except dcc_cancel.CancelledError:
                tidied.append(threading.get_ident())
                raise

        for answer in (None, dcc_cancel.when_woken):
            del tidied[:]
            posting = self.ui.post(bake, answer)
            self.ui.pump()
            posting.cancel()
            self.assertEqual(tidied, [])
            self.ui.pump()
            self.assertEqual((posting.cancelled(), tidied), (True, [threading.get_ident()]))

    def test_a_cancelled_generator_may_return_a_part_but_not_go_on(self):
        closed = []

        def bake(goes_on):
            frames = 0
            try:
                while True:
                    frames += 1
                    yield
            except dcc_cancel.CancelledError:
                if not goes_on:
                    return frames
            try:
                yield
            finally:
                closed.append(frames)

        part, endless = self.ui.post(bake, False), self.ui.post(bake, True)
        self.ui.pump()
        part.cancel()
        endless.cancel()
        self.ui.pump()
        self.assertEqual((part.result(), endless.cancelled(), closed), (1, True, [1]))

    def test_a_close_closes_generators(self):
        closed = []

        def bake():
            try:
                yield
            except GeneratorExit:
                closed.append(True)
                raise

        posting = self.ui.post(bake)
        self.ui.pump()
        self.ui.close()
        self.assertRaises(dcc_cancel.JobInterruptedError, posting.result)
        self.assertEqual(closed, [True])

    def test_a_generator_sleeps_until_it_is_woken(self):
        ready = []

        def wait():
            while not ready:
                yield dcc_cancel.when_woken
            return ready[0]

        posting = self.ui.post(wait)
        self.assertEqual(self.ui.pump().executed, 1)
        tick = self.ui.pump()
        self.assertEqual((tick.executed, tick.remaining, tick.next), (0, 0, None))
        self.assertTrue(posting.job.wake())
        self.ui.pump()
        self.assertTrue(posting.running())
        ready.append("frame 7")
        waker = threading.Thread(target=posting.job.wake)
        waker.start()
        waker.join()
        self.ui.pump()
        self.assertEqual(posting.result(), "frame 7")
        self.assertFalse(dcc_cancel.Job("not posted").wake())

    def test_only_a_pump_lets_a_generator_sleep(self):
        def wait():
            yield dcc_cancel.when_woken

        with self.assertRaisesRegex(dcc_cancel.DccCancelError, "DCC_RUN_WHEN_WOKEN"):
            self.run_to_end(self.ui.post(wait, any_thread=True)).result()

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
        concurrent.futures.wait([posting], 30)
        self.assertTrue(posting.cancelled(), "nobody has pumped")
        self.ui.pump()
        self.assertTrue(posting.job.cancelled)

    def test_what_its_thread_is_at(self):
        self.assertEqual(self.ui.stats()["since_last_tick_ns"], 2**64 - 1)
        inside = self.run_to_end(self.ui.post(self.ui.stats)).result()
        self.assertIn("stats", self.ui.longest_label)
        self.assertEqual(inside["since_last_tick_ns"], 0)
        self.assertNotEqual(inside["present_job_id"], 0)
        time.sleep(0.001)
        modal = self.ui.stats()
        self.assertGreater(modal["since_last_tick_ns"], 0)
        self.assertEqual(modal["present_job_id"], 0)

    def test_a_cancel_at_the_moment_of_a_run_gives_one_outcome(self):
        for _ in range(200):
            ran = []
            posting = self.ui.post(ran.append, 1)
            thread = threading.Thread(target=posting.cancel)
            thread.start()
            self.ui.pump()
            thread.join()
            self.ui.pump()
            self.assertTrue(posting.done())
            self.assertEqual(ran, [] if posting.cancelled() else [1])


class Page(unittest.TestCase):
    """The code of docs/python.md about slices."""

    def baked(self, ticks):
        """How many frames were baked in this many ticks, and how the posting is then and after a cancel."""
        page, baked = code_of_page("Slices"), []
        posting = page["ui"].post(page["bake"], 3, baked.append)
        for _ in range(ticks):
            page["tick"]()
        before = posting.job.state
        posting.job.cancel()
        page["tick"]()
        page["ui"].close()
        return baked, before, posting.job.state

    def test_each_tick_bakes_a_frame(self):
        self.assertEqual(self.baked(4), ([0, 1, 2], "completed", "completed"))

    def test_a_cancel_ends_it_between_two_frames(self):
        self.assertEqual(self.baked(2), ([0, 1], "running", "cancelled"))


if __name__ == "__main__":
    sys.exit(unittest.main())
