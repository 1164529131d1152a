"""Threads of a pool work for the job that is current where the work is submitted."""

import asyncio
import ctypes
import functools
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

import dcc_cancel
from helpers import (
    BY_JOB, LIBRARY, LONG, NATIVE, ContextCase, code_of_page, loop_until_cancelled, raised,
)  # fmt: skip


class Aborted(RuntimeError):
    """As a library says that its callback stopped it."""


def until_cancelled(number=0):
    while True:
        try:
            dcc_cancel.check_dcc_cancelled()
        except dcc_cancel.CancelledError:
            return number


class Workers(ContextCase):
    def setUp(self):
        self.job = dcc_cancel.Job("Smooth")
        self.pool = ThreadPoolExecutor(3)
        self.addCleanup(self.pool.shutdown)

    def cancel_soon(self):
        timer = threading.Timer(0.01, self.job.cancel)
        timer.start()
        self.addCleanup(timer.join)

    def test_a_pool_sees_the_cancel_of_the_job(self):
        with self.assertRaises(dcc_cancel.CancelledError), self.job:
            future = self.pool.submit(dcc_cancel.with_context(until_cancelled), 7)
            self.cancel_soon()
            self.assertEqual(future.result(), 7)
            dcc_cancel.check_dcc_cancelled()
        self.assertEqual(self.job.state, "cancelled")

    def test_several_threads_run_one_at_a_time(self):
        together = threading.Barrier(3)

        def work(number):
            together.wait()
            return until_cancelled(number)

        with self.job:
            results = self.pool.map(dcc_cancel.with_context(work), range(3))
            self.cancel_soon()
            self.assertEqual(list(results), [0, 1, 2])

    def test_native_code_there_sees_it(self):
        with self.job:
            carried = dcc_cancel.with_context(dcc_cancel.native(loop_until_cancelled))
            future = self.pool.submit(carried)
            self.cancel_soon()
            self.assertEqual(future.result(), BY_JOB)

    def test_a_function_of_ctypes_sees_it_by_itself(self):
        limit = int(LONG * 1e9)
        for function in (NATIVE.loop_until_cancelled, functools.partial(NATIVE.loop_until_cancelled)):
            job = dcc_cancel.Job()
            with job:
                future = self.pool.submit(dcc_cancel.with_context(function), limit)
                job.cancel()
                self.assertEqual(future.result(), BY_JOB)

    def test_without_it_nothing_is_current(self):
        with self.job:
            self.assertIsNone(self.pool.submit(dcc_cancel.current_job.get).result())
            carried = dcc_cancel.with_context(dcc_cancel.current_job.get)
            self.assertIs(self.pool.submit(carried).result(), self.job)
            # Nothing stays current on the thread.
            self.assertIsNone(self.pool.submit(dcc_cancel.current_job.get).result())

    def test_what_it_sets_is_its_own(self):
        token = dcc_cancel.CancelToken()
        carried = dcc_cancel.with_context(functools.partial(dcc_cancel.set_cancel_token, token))
        self.pool.submit(carried).result()
        self.assertIsNone(dcc_cancel.current_cancel_token())
        self.assertIsNone(dcc_cancel.with_context(dcc_cancel.current_cancel_token)())

    def test_what_native_code_made_current_goes_along(self):
        def carried():
            return dcc_cancel.with_context(LIBRARY.dcc_check_cancelled)

        with self.job:
            # It is current on this thread only, as inside a job of the host.
            work = dcc_cancel.native(carried)()
        self.assertEqual(self.pool.submit(work).result(), 0)
        job = dcc_cancel.Job()
        job.begin()
        dcc_cancel.set_current_job(job)
        work = dcc_cancel.native(carried)()
        job.cancel()
        self.assertEqual(self.pool.submit(work).result(), BY_JOB)
        self.assertEqual(self.pool.submit(LIBRARY.dcc_check_cancelled).result(), 0)

    def test_what_a_library_raises_in_a_worker_ends_the_job_as_cancelled(self):
        def work():
            until_cancelled()
            raise Aborted("stopped")

        def leave():
            with self.job:
                future = self.pool.submit(dcc_cancel.with_context(work))
                self.job.token.cancel()
                future.result()

        self.assertIsInstance(raised(leave), Aborted)
        self.assertEqual(self.job.state, "cancelled")
        self.assertEqual(self.job.failure, "Aborted: stopped")

    def test_one_that_was_not_told_fails_it(self):
        def work():
            raise Aborted("no memory")

        def leave():
            with self.job:
                self.pool.submit(dcc_cancel.with_context(work)).result()

        self.assertIsInstance(raised(leave), Aborted)
        self.assertEqual(self.job.state, "failed")

    def test_it_looks_like_what_it_carries(self):
        carried = dcc_cancel.with_context(until_cancelled)
        self.assertEqual(carried.__name__, "until_cancelled")
        self.assertEqual(dcc_cancel.with_context(int)("7", base=8), 7)

    def test_what_is_no_function_is_refused(self):
        async def work():
            await asyncio.sleep(0)

        for wrong in (None, 7, work):
            self.assertIsInstance(raised(dcc_cancel.with_context, wrong), TypeError, wrong)


class Scene:
    """What the code of the page works on; half of it is done, then `half_way` is called."""

    def __init__(self, half_way=lambda: None):
        self.parts = [1.0, 2.0]
        self.half_way = half_way
        self.job = None
        self.replaced_by = None
        self.was_restored = False
        self.about_to_replace = lambda: None

    def work(self, part):
        dcc_cancel.check_dcc_cancelled()
        self.half_way()
        dcc_cancel.check_dcc_cancelled()
        return part / 2

    def restore(self):
        dcc_cancel.check_dcc_cancelled()
        self.was_restored = True

    def replace(self, smoothed):
        self.late_cancel = self.job.cancel()
        dcc_cancel.check_dcc_cancelled()
        self.replaced_by = smoothed


class Page(ContextCase):
    def setUp(self):
        code = code_of_page("Threads")
        self.edit, self.close = code["edit"], code["close"]

    def assert_rolled_back(self, scene, seconds=LONG):
        error = raised(self.edit, scene, scene.work, seconds)
        self.assertIsInstance(error, dcc_cancel.CancelledError)
        self.assertTrue(scene.was_restored)
        self.assertEqual((scene.job.state, scene.replaced_by), ("cancelled", None))

    def test_a_commit_that_is_first_wins(self):
        scene = Scene()
        self.edit(scene, scene.work)
        self.assertEqual((scene.job.state, scene.replaced_by), ("completed", [0.5, 1.0]))
        self.assertEqual((scene.late_cancel, scene.was_restored), (False, False))

    def test_a_cancel_stops_the_pool_and_the_rollback_is_whole(self):
        scene = Scene(lambda: scene.job.cancel("Esc"))
        self.assert_rolled_back(scene)
        self.assertEqual(scene.job.token.reason, "Esc")

    def test_a_cancel_just_before_the_commit_wins(self):
        scene = Scene()
        both_done = threading.Barrier(2, lambda: scene.job.cancel("Esc"))

        def work(part):
            both_done.wait()
            return part

        self.assertIsInstance(raised(self.edit, scene, work), dcc_cancel.CancelledError)
        self.assertEqual((scene.job.state, scene.replaced_by), ("cancelled", None))

    def test_the_limit_of_a_part_stops_it_alone(self):
        scene = Scene(until_cancelled)
        self.assert_rolled_back(scene, 0.01)
        self.assertFalse(scene.job.cancelled)

    def test_a_scene_is_closed_when_its_job_has_stopped(self):
        begun = threading.Event()

        def half_way():
            begun.set()
            until_cancelled()

        scene = Scene(half_way)
        thread = threading.Thread(target=raised, args=(self.edit, scene, scene.work, LONG))
        thread.start()
        self.addCleanup(thread.join)
        self.assertTrue(begun.wait(LONG))
        self.assertTrue(self.close(scene))
        self.assertEqual((scene.job.state, scene.was_restored), ("cancelled", True))


class Traces(ContextCase):
    def test_a_report_of_progress_says_where_it_stands(self):
        job = dcc_cancel.Job("Smooth")
        with job:
            # For an untraced job the place is not looked up.
            self.assertEqual(job._place(1), (None, 0))
            LIBRARY.dcc_job_trace(ctypes.c_void_p(job.handle), 1)
            for done in range(3):
                job.set_progress(done, 3)
            [found] = [one for one in dcc_cancel.live_jobs() if one["id"] == job.id]
        [place] = [thread["last_poll_at"] for thread in found["threads"]]
        self.assertTrue(place["file"].endswith("test_workers.py"), place)
        self.assertGreater(place["line"], 0)


if __name__ == "__main__":
    unittest.main()
