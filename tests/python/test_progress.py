"""Shares of a job's bar: steps, the libraries inside them, the threads that count, and the polls of those."""

import asyncio
import contextvars
import ctypes
import sys
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

import dcc_cancel
from helpers import BY_JOB, NATIVE, ContextCase, Foreign, native_job, native_share, raised, until

LOOK = ctypes.CFUNCTYPE(None)


def inner(units, seen):
    """A library that knows nothing of its caller."""
    with dcc_cancel.progress(units, "Inner") as p:
        for _ in range(units):
            p.advance()
            p.flush()
            seen()


def middle(seen):
    with dcc_cancel.progress(4, "Middle") as p:
        with p.step(3):
            inner(5, seen)
        p.advance()
        p.flush()
        seen()


class Aborted(RuntimeError):
    """As a library says that its callback stopped it."""


class Shares(ContextCase):
    def test_three_nested_libraries_fill_one_bar_that_never_falls(self):
        seen = []
        with dcc_cancel.Job("Export") as job:

            def look():
                seen.append(job.fraction)

            with dcc_cancel.progress(100, "Outer") as p:
                with p.step(40, "First"):
                    middle(look)
                self.assertEqual(job.fraction, 0.4)
                with p.step(50, "Second"):
                    middle(look)
                self.assertEqual(job.fraction, 0.9)
                p.advance(5)
                p.flush()
                self.assertEqual(job.fraction, 0.95)
        self.assertEqual(seen, sorted(seen))
        self.assertEqual((len(seen), len(set(seen))), (12, 12))
        self.assertEqual((job.fraction, job.time_left, job.state), (1.0, 0.0, "completed"))

    def test_what_was_counted_is_shown_once_somebody_looks(self):
        with dcc_cancel.Job() as job, dcc_cancel.progress(10) as p:
            p.advance(5)
            self.assertEqual(job.fraction, 0)

            def is_shown():
                p.advance(0)
                return job.fraction == 0.5

            until(is_shown)
            p.advance()
            with p.step(1):
                # The beginning of a step and a new total report the units that were counted before.
                self.assertEqual(job.fraction, 0.6)
            p.advance()
            p.set_total(16)
            self.assertEqual(job.fraction, 0.8)

    def test_at_the_end_of_the_block_it_is_full(self):
        with dcc_cancel.Job() as job:
            with dcc_cancel.progress(10) as all_of_it:
                with all_of_it.step(5):
                    with dcc_cancel.progress(10) as p:
                        p.advance(3)
                    # All but a thousandth.
                    self.assertEqual(job.fraction, 0.5 * 1023 / 1024)
                    # The rest is for a second share that counts by itself, so that nothing is filled twice.
                    with dcc_cancel.progress(10, "Again") as again:
                        again.advance(10)
                        again.flush()
                        self.assertTrue(0.5 * 1023 / 1024 < job.fraction < 0.5)
                        self.assertEqual(job.progress.message, "Again")

    def test_the_message_has_its_path(self):
        with dcc_cancel.Job() as job, dcc_cancel.progress(2, "Export") as p:
            with p.step(1, "Textures") as step:
                self.assertIs(type(step), dcc_cancel.progress)
                step.set_message("4k.exr")
                self.assertEqual(job.progress.message, "Export > Textures > 4k.exr")

    def test_a_step_may_count_by_itself(self):
        with dcc_cancel.Job() as job, dcc_cancel.progress(2) as p:
            with p.step(1, total=4) as step:
                step.advance(2)
                step.flush()
                self.assertEqual(job.fraction, 0.25)

    def test_a_report_of_the_job_fills_the_step(self):
        with dcc_cancel.Job() as job, dcc_cancel.progress(4) as p:
            with p.step(2):
                job.set_progress(1, 2)
                self.assertEqual(job.fraction, 0.25)
                self.assertEqual(native_share(), 0)

    def test_an_unknown_total_rises_and_stays_below_its_share(self):
        with dcc_cancel.Job() as job, dcc_cancel.progress() as p:
            seen = []
            for _ in range(5):
                p.advance(100)
                p.flush()
                seen.append(job.fraction)
        self.assertEqual(seen, sorted(set(seen)))
        self.assertLess(seen[-1], 1)

    def test_a_job_inside_a_step_has_its_own_bar(self):
        with dcc_cancel.Job() as outer, dcc_cancel.progress(2) as p:
            with p.step(1):
                with dcc_cancel.Job() as job:
                    with dcc_cancel.progress(4) as q:
                        q.advance(3)
                        q.flush()
                        self.assertEqual((job.fraction, outer.fraction), (0.75, 0))
                    job.set_progress(1, 1)
                self.assertEqual(outer.fraction, 0)

    def test_nothing_is_left(self):
        before = dcc_cancel.stats()["live_shares"]
        with dcc_cancel.Job(), dcc_cancel.progress(2) as p:
            with p.step(1):
                pass
            self.assertGreater(dcc_cancel.stats()["live_shares"], before)
        del p
        self.assertEqual(dcc_cancel.stats()["live_shares"], before)

    def test_an_error_ends_it_too(self):
        def leave(job):
            with job, dcc_cancel.progress(2) as p:
                with p.step(1):
                    raise Aborted

        job = dcc_cancel.Job()
        self.assertIsInstance(raised(leave, job), Aborted)
        self.assertEqual(job.state, "failed")
        with dcc_cancel.Job() as other, dcc_cancel.progress(2) as p:
            p.advance()
            p.flush()
            self.assertEqual(other.fraction, 0.5)


class Native(ContextCase):
    def test_native_code_fills_the_step(self):
        seen = []
        with dcc_cancel.Job() as job, dcc_cancel.progress(4) as p:
            look = LOOK(lambda: seen.append((job.fraction, job.progress.message)))
            with p.step(2, "Step"):
                self.assertEqual(dcc_cancel.native(NATIVE.count_units)(3, 6, look), 0)
            with p.step(2, "Step"):
                work = dcc_cancel.with_context(NATIVE.count_units)
                with ThreadPoolExecutor(1) as pool:
                    self.assertEqual(pool.submit(work, 3, 6, look).result(), 0)
        # The last step reaches a thousandth less than all.
        half = 0.5 + (0.5 - 1 / 1024) / 2
        self.assertEqual(seen, [(0.25, "Step > Native"), (half, "Step > Native")])
        self.assertEqual(native_share(), 0)

    def test_a_share_of_the_job_that_native_code_made_current(self):
        def script():
            # As on a host's thread, nothing was set in this context.
            self.assertEqual(native_job(), job.handle)
            with dcc_cancel.progress(2) as p:
                with p.step(1):
                    look = LOOK(lambda: seen.append(job.fraction))
                    dcc_cancel.native(NATIVE.count_units)(1, 2, look)
                job.cancel()
                self.assertIsInstance(raised(p.advance), dcc_cancel.CancelledError)

        seen = []
        job = dcc_cancel.Job()
        job.begin()
        dcc_cancel.set_current_job(job)
        dcc_cancel.native(lambda: contextvars.Context().run(script))()
        self.assertEqual(seen, [0.25])

    def test_a_native_loop_in_a_step_stops(self):
        with dcc_cancel.Job() as job, dcc_cancel.progress(4) as p:
            with p.step(2):
                job.cancel()
                self.assertEqual(dcc_cancel.native(NATIVE.count_units)(10, 10, LOOK(lambda: None)), BY_JOB)


class Threads(ContextCase):
    def test_eight_threads_lose_no_unit(self):
        each, threads = 5000, 8
        # Threads are switched in the middle of a count.
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(1e-6)
        with dcc_cancel.Job() as job, dcc_cancel.progress(2 * each * threads) as p:
            together = threading.Barrier(threads)

            def count():
                together.wait()
                for number in range(each):
                    p.advance()
                    if number % 100 == 0:
                        job.fraction

            with ThreadPoolExecutor(threads) as pool:
                for future in [pool.submit(dcc_cancel.with_context(count)) for _ in range(threads)]:
                    future.result()
            p.flush()
            self.assertEqual(job.fraction, 0.5)

    def test_a_pool_and_tasks_fill_the_step_of_their_context(self):
        async def task(units):
            await asyncio.sleep(0)
            dcc_cancel.current_job.get().set_progress(units, 4)

        async def main():
            with dcc_cancel.Job() as job, dcc_cancel.progress(4) as p:
                with p.step(2):
                    await asyncio.gather(task(1), task(2))
                    self.assertEqual(job.fraction, 0.25)
                with p.step(1):
                    with ThreadPoolExecutor(1) as pool:
                        pool.submit(dcc_cancel.with_context(job.set_progress), 1, 2).result()
                        self.assertEqual(job.fraction, 0.625)

        asyncio.run(main())

    def test_who_outlives_the_block_counts_nothing(self):
        with dcc_cancel.Job() as job:
            with dcc_cancel.progress(2) as all_of_it:
                with all_of_it.step(1) as step:
                    pass
                step.advance()
                step.flush()
                step.set_message("late")
                self.assertEqual(job.fraction, 0.5)
        all_of_it.advance()
        self.assertEqual(job.fraction, 1)


class Polls(ContextCase):
    def test_a_cancel_raises_and_ends_the_job_as_cancelled(self):
        def work(job):
            with job, dcc_cancel.progress(10) as p:
                p.advance()
                threading.Thread(target=job.cancel).start()
                while True:
                    p.advance(0)

        job = dcc_cancel.Job()
        self.assertIsInstance(raised(work, job), dcc_cancel.CancelledError)
        self.assertEqual(job.state, "cancelled")

    def test_a_cancel_of_the_token_raises(self):
        for token in (dcc_cancel.CancelToken(), Foreign()):
            dcc_cancel.set_cancel_token(token)
            with dcc_cancel.Job(), dcc_cancel.progress(10) as p:
                p.advance()
                if isinstance(token, Foreign):
                    token.cancelled = True
                else:
                    token.cancel()
                for poll in (p.advance, p.flush):
                    self.assertIsInstance(raised(poll), dcc_cancel.CancelledError)
            dcc_cancel.set_cancel_token(None)

    def test_a_thread_without_the_context_is_told_by_the_job_of_the_share(self):
        with dcc_cancel.Job() as job, dcc_cancel.progress(10) as p:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(p.advance).result()
                job.cancel()
                self.assertIsInstance(
                    pool.submit(p.advance).exception(), dcc_cancel.CancelledError
                )
                self.assertIsInstance(pool.submit(p.flush).exception(), dcc_cancel.CancelledError)

    def test_what_a_library_raises_when_a_poll_stopped_it_is_a_cancel(self):
        def work(job):
            with job, dcc_cancel.progress(10) as p:
                job.token.cancel()
                try:
                    p.advance()
                except dcc_cancel.CancelledError:
                    raise Aborted from None

        job = dcc_cancel.Job()
        self.assertIsInstance(raised(work, job), Aborted)
        self.assertEqual(job.state, "cancelled")

    def test_behind_a_shield_it_counts_and_stops_nothing(self):
        with dcc_cancel.Job() as job, dcc_cancel.progress(10) as p:
            job.cancel()
            with dcc_cancel.shield():
                p.advance(5)
                p.flush()
            self.assertEqual(job.fraction, 0.5)
            self.assertIsInstance(raised(p.advance), dcc_cancel.CancelledError)

    def test_without_a_job_it_only_polls(self):
        token = dcc_cancel.CancelToken()
        dcc_cancel.set_cancel_token(token)
        dcc_cancel.set_current_job(Foreign())
        with dcc_cancel.progress(10, "Nothing") as p:
            with p.step(5) as step:
                step.advance()
                p.set_message("nothing")
                p.set_total(20)
            token.cancel()
            self.assertIsInstance(raised(p.advance), dcc_cancel.CancelledError)
            self.assertIsInstance(raised(p.flush), dcc_cancel.CancelledError)

    def test_a_traced_count_says_where_it_stands(self):
        with dcc_cancel.Job() as job, dcc_cancel.progress(3) as p:
            job.trace()
            for _ in range(3):
                p.advance()
            gap = job.poll_gap()
        self.assertTrue(gap.from_file.endswith("test_progress.py") or gap.from_file == "(begin)", gap)
        self.assertTrue(gap.to_file.endswith("test_progress.py"), gap)


class Misuse(ContextCase):
    def test_outside_its_block(self):
        p = dcc_cancel.progress(10)
        for call in (p.advance, p.flush, lambda: p.step(1), lambda: p.set_total(1)):
            error = raised(call)
            self.assertIsInstance(error, dcc_cancel.WrongStateError)
            self.assertIn("with dcc_cancel.progress(...) as p:", str(error))

    def test_for_two_blocks(self):
        with dcc_cancel.Job(), dcc_cancel.progress(10) as p:
            again = raised(p.__enter__)
        for error in (again, raised(p.__enter__)):
            self.assertIsInstance(error, dcc_cancel.WrongStateError)
            self.assertIn("make a new one for each block", str(error))


if __name__ == "__main__":
    unittest.main()
