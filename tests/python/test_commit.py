"""The point of no return: committed work is done, and both sides get the same answer."""

import asyncio
import threading
import unittest

import dcc_cancel
from helpers import LIBRARY, LONG, ContextCase, PumpedCase, raised


class Aborted(RuntimeError):
    """What a library raises."""


def poll_once():
    return LIBRARY.dcc_check_cancelled()


class Commits(ContextCase):
    def test_what_is_committed_is_not_cancelled(self):
        parent = dcc_cancel.CancelToken()
        with dcc_cancel.Job(parent=parent) as job:
            dcc_cancel.set_cancel_token(parent)
            self.assertFalse(job.is_sealed)
            with job.commit():
                self.assertTrue(job.is_sealed)
                self.assertFalse(job.cancel("too late"))
                self.assertTrue(parent.cancel("too late, too"))
                self.assertIsNone(dcc_cancel.current_job.get())
                dcc_cancel.check_dcc_cancelled()
                self.assertEqual(dcc_cancel.native(poll_once)(), 0)
            # The code after the commit continues to work.
            dcc_cancel.check_cancelled()
            dcc_cancel.check_dcc_cancelled()
            with dcc_cancel.progress(2) as p:
                p.advance(2)
            self.assertEqual(dcc_cancel.native(poll_once)(), 0)
            self.assertIs(dcc_cancel.current_job.get(), job)
            self.assertIs(dcc_cancel.current_cancel_token(), parent)
            self.assertEqual((job.cancelled, job.reason), (False, None))
            job.check()
            # A sealed job may be sealed again.
            self.assertTrue(job.seal())
            with job.commit():
                pass
        self.assertEqual((job.state, job.is_sealed), ("completed", True))

    def test_after_a_cancel_nothing_is_committed(self):
        done = []

        def work(job):
            with job:
                job.cancel("first")
                with job.commit():
                    done.append(True)

        job = dcc_cancel.Job()
        self.assertIsInstance(raised(work, job), dcc_cancel.CancelledError)
        self.assertEqual((job.state, job.reason, job.is_sealed, done), ("cancelled", "first", False, []))
        self.assertFalse(job.seal())
        self.assertIsInstance(raised(job.commit), dcc_cancel.CancelledError)

    def test_a_cancel_by_another_thread_is_told_by_the_seal(self):
        def work(job):
            with job:
                thread = threading.Thread(target=job.cancel)
                thread.start()
                thread.join()
                self.assertFalse(job.seal())
                raise Aborted("gave up")

        job = dcc_cancel.Job()
        self.assertIsInstance(raised(work, job), Aborted)
        self.assertEqual(job.state, "cancelled")

    def test_an_error_inside_fails_the_job(self):
        for error in (Aborted("the disk is full"), dcc_cancel.CancelledError("stopped")):

            def work(job):
                with job:
                    with job.commit():
                        job.cancel()
                        raise error

            job = dcc_cancel.Job()
            self.assertIs(raised(work, job), error)
            self.assertEqual(job.state, "failed")
            self.assertIsNone(dcc_cancel.current_job.get())

    def test_what_does_not_run_is_told(self):
        pending = dcc_cancel.Job()
        self.assertIn("cannot seal a job that is pending; begin it first", str(raised(pending.commit)))
        self.assertIn("begin it first", str(raised(pending.seal)))
        pending.interrupt("the host goes")
        self.assertFalse(pending.seal())
        ended = raised(pending.commit)
        self.assertIsInstance(ended, dcc_cancel.WrongStateError)
        self.assertIn("for a job that is interrupted", str(ended))

    def test_who_decides_by_itself_what_is_cancelled_is_asked(self):
        class Vetoed(dcc_cancel.Job):
            __slots__ = ("is_vetoed",)

            @property
            def cancelled(self):
                return self.is_vetoed

        job = Vetoed()
        job.is_vetoed = True
        job.begin()
        self.assertFalse(job.seal())
        self.assertIsInstance(raised(job.commit), dcc_cancel.CancelledError)
        job.is_vetoed = False
        self.assertTrue(job.seal())

    def test_a_cancel_and_a_commit_agree(self):
        jobs = [dcc_cancel.Job() for _ in range(500)]
        for job in jobs:
            job.begin()
        cancelled = []
        thread = threading.Thread(target=lambda: cancelled.extend(job.cancel() for job in jobs))
        thread.start()
        committed = [job.seal() for job in reversed(jobs)]
        thread.join()
        self.assertEqual([not won for won in reversed(committed)], cancelled)


class Requests(ContextCase):
    def test_a_request_is_answered_with_what_its_job_has_committed(self):
        request = dcc_cancel.Session().begin(1)
        with dcc_cancel.Job(parent=request) as job:
            with job.commit():
                self.assertFalse(request.cancel())
        self.assertEqual((job.state, request.end()), ("completed", "result"))

    def test_a_request_without_a_job_is_sealed_by_itself(self):
        session = dcc_cancel.Session(replies="cancelled")
        with session.begin(1) as request:
            self.assertTrue(request.seal() and request.seal())
            self.assertEqual(session.cancel(1), "sealed")
            self.assertFalse(request.cancelled)
            self.assertEqual(request.end(), "result")
            self.assertFalse(request.seal())
        with session.begin(2) as cancelled:
            self.assertTrue(cancelled.cancel())
            self.assertFalse(cancelled.seal())
            self.assertEqual(cancelled.end(), "cancelled")

    def test_the_seal_of_a_cancelled_request_tells_its_job(self):
        def work(job, request):
            with job:
                request.cancel()
                self.assertFalse(request.seal())
                raise Aborted("gave up")

        with dcc_cancel.Session().begin(1) as request:
            job = dcc_cancel.Job(parent=request)
            self.assertIsInstance(raised(work, job, request), Aborted)
            self.assertEqual(job.state, "cancelled")


class Slices(PumpedCase):
    def test_a_posted_job_commits_in_its_last_slice(self):
        def bake():
            yield
            job = dcc_cancel.current_job.get()
            with job.commit():
                self.assertFalse(job.cancel())
            return "baked"

        call = self.run_to_end(self.ui.post(bake))
        self.assertEqual(call.result(), "baked")
        self.assertEqual(call.job.state, "completed")


class Tasks(ContextCase):
    def test_a_cancel_does_not_reach_the_task_of_a_committed_job(self):
        async def main():
            async with dcc_cancel.Job() as job:
                with job.commit():
                    self.assertFalse(job.cancel())
                    await asyncio.sleep(0.01)
            self.assertEqual(job.state, "completed")
            await asyncio.sleep(0)

        asyncio.run(main())

    def test_a_cancel_of_the_task_fails_a_committed_job(self):
        async def work(jobs, began):
            async with dcc_cancel.Job() as job:
                jobs.append(job)
                with job.commit():
                    began.set()
                    await asyncio.sleep(3600)

        async def main():
            jobs, began = [], asyncio.Event()
            task = asyncio.ensure_future(work(jobs, began))
            await began.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual((jobs[0].state, jobs[0].cancelled), ("failed", False))

        asyncio.run(main())

    def test_a_cancel_of_the_task_is_too_late_for_what_a_thread_has_committed(self):
        def work(fails):
            with dcc_cancel.current_job.get().commit():
                has_committed.set()
                self.assertTrue(may_end.wait(LONG))
                if fails:
                    raise Aborted("no space")
            return "baked"

        async def cancelled(fails):
            has_committed.clear()
            may_end.clear()
            task = asyncio.ensure_future(dcc_cancel.run_in_thread(work, fails))
            while not has_committed.is_set():
                await asyncio.sleep(0.001)
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(0.001)
            may_end.set()
            await asyncio.wait([task])
            return task

        async def main():
            task = await cancelled(False)
            self.assertEqual(task.result(), "baked")
            if hasattr(task, "cancelling"):
                self.assertEqual(task.cancelling(), 0)
            self.assertTrue((await cancelled(True)).cancelled())

        has_committed, may_end = threading.Event(), threading.Event()
        asyncio.run(main())


if __name__ == "__main__":
    unittest.main()
