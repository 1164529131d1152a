"""Tokens, jobs and postings in asyncio, and its cancels and those of futures as ends of jobs."""

import asyncio
import concurrent.futures
import functools
import pickle
import threading
import unittest
from unittest import mock

import dcc_cancel
import dcc_mcp_core.cancellation as theirs
from helpers import (
    LONG, ContextCase, PumpedCase, code_of_page, live, loop_until_cancelled, raised, until,
)  # fmt: skip


def run(coroutine):
    """Runs it in a loop of its own, not for ever."""
    return asyncio.run(asyncio.wait_for(coroutine, LONG))


async def cancelled(task):
    """Cancels a task and waits for it: what it raised."""
    task.cancel()
    return (await asyncio.gather(task, return_exceptions=True))[0]


class Ends(ContextCase):
    def test_a_block_that_is_left_by_any_cancel_ends_as_cancelled(self):
        for error in (
            asyncio.CancelledError(),
            concurrent.futures.CancelledError(),
            dcc_cancel.CancelledError("enough"),
            theirs.DccMcpCancelledError("enough"),
        ):
            job = dcc_cancel.Job()
            child = dcc_cancel.CancelToken(parent=job)

            def leave(job=job, error=error):
                with job:
                    raise error

            self.assertIs(raised(leave), error)
            self.assertEqual((job.state, job.failure), ("cancelled", ""), error)
            told = isinstance(error, (asyncio.CancelledError, concurrent.futures.CancelledError))
            self.assertEqual((job.cancelled, child.cancelled), (told, told), error)

    def test_a_block_that_a_cancelled_task_leaves_ends_as_cancelled(self):
        jobs = []

        async def tool(also_cancels):
            with dcc_cancel.Job("tool") as job:
                jobs.append(job)
                try:
                    await asyncio.sleep(LONG)
                except asyncio.CancelledError:
                    if also_cancels:
                        job.cancel("esc")
                    raise

        async def main():
            for also_cancels in (False, True):
                task = asyncio.ensure_future(tool(also_cancels))
                await asyncio.sleep(0)
                self.assertIsInstance(await cancelled(task), asyncio.CancelledError)

        run(main())
        self.assertEqual([job.state for job in jobs], ["cancelled"] * 2)
        self.assertEqual([job.reason for job in jobs], ["its task was cancelled", "esc"])

    def test_other_errors_fail(self):
        job = dcc_cancel.Job()

        def leave():
            with job:
                raise concurrent.futures.TimeoutError()

        raised(leave)
        self.assertEqual(job.state, "failed")


class Postings(PumpedCase):
    def test_what_any_cancel_leaves_is_cancelled_for_both_handlers(self):
        for error in (
            asyncio.CancelledError("x"),
            concurrent.futures.CancelledError(),
            dcc_cancel.CancelledError("enough"),
            theirs.DccMcpCancelledError("enough"),
        ):

            def work(error=error):
                raise error

            posting = self.run_to_end(self.ui.post(work))
            waited = raised(self.ui.post_and_wait, work)
            self.assertEqual((posting.job.state, posting.cancelled()), ("cancelled", True), error)
            for seen in (raised(posting.result), raised(posting.exception), waited):
                self.assertIsInstance(seen, dcc_cancel.CancelledError)
                self.assertIsInstance(seen, concurrent.futures.CancelledError)
                self.assertIsInstance(seen, theirs.DccMcpCancelledError)
                self.assertIs(seen.__cause__, error)
                text = "enough" if "enough" in str(error) else "Job cancelled by dispatcher"
                self.assertEqual(str(seen), text)
                again = pickle.loads(pickle.dumps(seen))
                self.assertIs(type(again), type(seen))
                self.assertEqual(again.args, seen.args)

    def test_a_cancelled_one_that_never_ran_raises_for_both_handlers(self):
        posting = self.ui.post(self.fail)
        posting.cancel("closed")
        self.run_to_end(posting)
        for error in (raised(posting.result), raised(posting.exception)):
            self.assertIsInstance(error, dcc_cancel.CancelledError)
            self.assertIsInstance(error, concurrent.futures.CancelledError)

    def test_coroutines_are_refused(self):
        async def work():
            return 1

        async def items():
            yield 1

        class Called:
            async def __call__(self):
                return 1

        for wrong in (work, items, functools.partial(work), Called(), Called().__call__):
            with self.assertRaisesRegex(TypeError, "only makes a coroutine"):
                self.ui.post(wrong)
            with self.assertRaisesRegex(TypeError, "only makes a coroutine"):
                self.ui.post_and_wait(wrong)
        for late in (lambda: work(), lambda: items()):
            posting = self.run_to_end(self.ui.post(late))
            self.assertEqual(posting.job.state, "failed")
            self.assertIn("in place of a result", str(raised(posting.result)))
        # Other awaitable objects are results like any other.
        token = dcc_cancel.CancelToken()
        self.assertIs(self.run_to_end(self.ui.post(lambda: token)).result(), token)
        with self.assertRaisesRegex(TypeError, "only makes a coroutine"):
            run(dcc_cancel.run_in_thread(work))

    def test_they_are_awaited(self):
        async def main():
            pumping = asyncio.ensure_future(self.pump())
            try:
                self.assertEqual(await self.ui.post(lambda: 7), 7)
                with self.assertRaises(ZeroDivisionError):
                    await self.ui.post(lambda: 1 // 0)
                # A cancel of the job does not cancel the task.
                posting = self.ui.post(self.fail)
                posting.cancel("esc")
                with self.assertRaises(dcc_cancel.CancelledError):
                    await posting
                # A cancel of the task cancels the job.
                posting = self.ui.post(self.endless)
                waiting = asyncio.ensure_future(self.wait(posting))
                while posting.job.state != "running":
                    await asyncio.sleep(0)
                self.assertIsInstance(await cancelled(waiting), asyncio.CancelledError)
                self.assertTrue(posting.job.cancelled)
                while not posting.done():
                    await asyncio.sleep(0)
                self.assertTrue(posting.cancelled())
            finally:
                await cancelled(pumping)

        run(main())

    async def pump(self):
        while True:
            self.ui.pump(0.01)
            await asyncio.sleep(0)

    @staticmethod
    def endless():
        while True:
            dcc_cancel.check_dcc_cancelled()
            yield

    @staticmethod
    async def wait(posting):
        return await posting


class Awaited(ContextCase):
    def test_a_token_is_awaited(self):
        before = live("live_registrations")

        async def main():
            token = dcc_cancel.CancelToken()
            thread = threading.Timer(0.01, token.cancel, ["esc"])
            thread.start()
            self.assertEqual(await token, "esc")
            self.assertEqual(await token, "esc")
            thread.join()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(self.wait(dcc_cancel.CancelToken()), 0.01)

        run(main())
        self.assertEqual(live("live_registrations"), before)

    @staticmethod
    async def wait(token):
        return await token

    def test_a_cancel_after_the_loop_is_closed_disturbs_nobody(self):
        token = dcc_cancel.CancelToken()
        loop = asyncio.new_event_loop()
        waiting = token.__await__()
        loop.run_until_complete(self.begin(waiting))
        loop.close()
        with self.assertRaises(AssertionError):
            with self.assertLogs("dcc_cancel"):
                token.cancel()
        waiting.close()

    @staticmethod
    async def begin(waiting):
        waiting.send(None)

    def test_the_end_of_a_job_is_awaited(self):
        async def main(has_readers):
            if not has_readers:
                # Simulates a loop that cannot wait for descriptors.
                asyncio.get_running_loop().add_reader = has_none
            job = dcc_cancel.Job()
            self.assertFalse(job.has_ended)
            job.begin()
            asyncio.get_running_loop().call_later(0.01, job.fail, "no disk")
            self.assertEqual(await job, "failed")
            self.assertTrue(job.has_ended)
            self.assertEqual(await job, "failed")

        def has_none(*arguments):
            raise NotImplementedError

        run(main(True))
        run(main(False))

    def test_progress_is_iterated(self):
        async def main():
            seen = []
            with dcc_cancel.Job() as job:
                updates = job.updates(0.001).__aiter__()
                for done in range(3):
                    job.set_progress(done, 3, "step %d" % done)
                    seen.append(await updates.__anext__())
            job_updates = [update async for update in updates]
            steps = [(0, "step 0"), (1, "step 1"), (2, "step 2")]
            self.assertEqual([(update.done, update.message) for update in seen], steps)
            self.assertEqual(job_updates, [])
            self.assertEqual([update.done async for update in job.updates()], [2])

        run(main())


class Tied(ContextCase):
    def test_a_cancel_of_the_job_ends_the_block_in_its_task(self):
        async def main():
            for by_thread in (False, True):
                async with dcc_cancel.Job("quick") as job:
                    self.assertIs(dcc_cancel.current_job.get(), job)
                self.assertEqual(job.state, "completed")
                with self.assertRaises(dcc_cancel.CancelledError):
                    async with dcc_cancel.Job("slow") as job:
                        if by_thread:
                            threading.Thread(target=job.cancel, args=("esc",)).start()
                        else:
                            asyncio.get_running_loop().call_soon(job.cancel, "esc")
                        await asyncio.sleep(LONG)
                self.assertEqual((job.state, job.reason), ("cancelled", "esc"))
                # The task itself is not cancelled.
                await asyncio.sleep(0)

        run(main())

    def test_a_cancel_of_the_task_stays_one(self):
        async def work(jobs):
            async with dcc_cancel.Job() as job:
                jobs.append(job)
                await asyncio.sleep(LONG)

        async def main():
            jobs = []
            task = asyncio.ensure_future(work(jobs))
            await asyncio.sleep(0)
            self.assertIsInstance(await cancelled(task), asyncio.CancelledError)
            self.assertTrue(task.cancelled())
            self.assertEqual(jobs[0].state, "cancelled")

        run(main())

    def test_a_cancel_that_comes_at_the_end_reaches_nobody_behind_it(self):
        async def main():
            async with dcc_cancel.Job() as job:
                job.cancel()
            self.assertEqual(job.state, "completed")
            await asyncio.sleep(0.01)

        run(main())

    if hasattr(asyncio, "timeout"):

        def test_a_timeout_around_and_inside_is_a_timeout(self):
            async def main():
                jobs = []
                with self.assertRaises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        async with dcc_cancel.Job() as job:
                            jobs.append(job)
                            await asyncio.sleep(LONG)
                async with dcc_cancel.Job() as job:
                    jobs.append(job)
                    with self.assertRaises(TimeoutError):
                        async with asyncio.timeout(0.01):
                            await asyncio.sleep(LONG)
                # A deadline of the token holds for the job, too.
                with self.assertRaises(dcc_cancel.CancelledError):
                    async with asyncio.timeout(LONG):
                        async with dcc_cancel.Job() as job:
                            jobs.append(job)
                            job.token.set_deadline_after(0.01)
                            await asyncio.sleep(LONG)
                self.assertEqual([job.state for job in jobs], ["cancelled", "completed", "cancelled"])
                self.assertEqual(asyncio.current_task().cancelling(), 0)

            run(main())


class Threads(ContextCase):
    def test_a_function_runs_as_a_job_in_this_context(self):
        async def main():
            token = dcc_cancel.CancelToken(job_id="7")
            dcc_cancel.set_cancel_token(token)

            def work(first, second):
                job = dcc_cancel.current_job.get()
                self.assertIsNot(threading.current_thread(), threading.main_thread())
                self.assertEqual((job.label, job.state), ("bake", "running"))
                self.assertIs(dcc_cancel.current_cancel_token(), token)
                return first + second

            self.assertEqual(await dcc_cancel.run_in_thread(work, 1, 2, label="bake"), 3)
            with self.assertRaises(ZeroDivisionError):
                await dcc_cancel.run_in_thread(lambda: 1 // 0)
            token.cancel()
            with self.assertRaises(dcc_cancel.CancelledError):
                await dcc_cancel.run_in_thread(self.fail)

        run(main())

    def test_a_cancelled_task_waits_until_its_native_code_has_stopped(self):
        ends = []

        def work():
            ends.append(dcc_cancel.current_job.get())
            ends.append(loop_until_cancelled())
            return "too late"

        async def main():
            task = asyncio.ensure_future(dcc_cancel.run_in_thread(work))
            while not ends:
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            self.assertIsInstance(
                (await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError
            )
            self.assertEqual(len(ends), 2, "it has stopped")
            self.assertEqual(ends[0].reason, "the task that waits for it was cancelled")

        run(main())

    def test_a_cancel_of_the_job_is_what_the_await_raises(self):
        async def main():
            token = dcc_cancel.CancelToken()

            def work():
                # This reads the job and not the token, because a cancel reaches a token's children a moment
                # later.
                until(lambda: dcc_cancel.current_job.get().cancelled)
                dcc_cancel.check_dcc_cancelled()

            asyncio.get_running_loop().call_later(0.01, token.cancel)
            with self.assertRaises(dcc_cancel.CancelledError):
                await dcc_cancel.run_in_thread(work, parent=token)

        run(main())


class Page(ContextCase):
    """The code of docs/python.md about asyncio."""

    def exported(self, smooth, seconds=LONG):
        """How the page's job ended, what cancelled it, whether its work was used, and what was raised."""
        page = code_of_page("asyncio")
        page["print"] = lambda *shown: None
        show, scene, jobs = page["show"], mock.Mock(), []
        page["show"] = lambda job: jobs.append(job) or show(job)

        async def main():
            loop = asyncio.get_running_loop()
            task = asyncio.ensure_future(page["export"](scene, seconds))
            scene.smooth = lambda: smooth(lambda: loop.call_soon_threadsafe(task.cancel))
            error = (await asyncio.gather(task, return_exceptions=True))[0]
            return await scene.viewer, jobs[0].cause, scene.replace.called, error

        return run(main())

    def test_it_completes(self):
        self.assertEqual(self.exported(lambda _: 7), ("completed", None, True, None))

    def test_its_time_is_over(self):
        def smooth(_):
            until(lambda: dcc_cancel.current_job.get().cancelled)
            dcc_cancel.check_dcc_cancelled()

        *ended, error = self.exported(smooth, 0.01)
        self.assertEqual(ended, ["cancelled", "deadline", False])
        self.assertIsInstance(error, dcc_cancel.CancelledError)

    def test_its_task_is_cancelled(self):
        def smooth(cancel_task):
            cancel_task()
            until(lambda: dcc_cancel.current_job.get().cancelled)
            dcc_cancel.check_dcc_cancelled()

        *ended, error = self.exported(smooth)
        self.assertEqual(ended, ["cancelled", "request", False])
        self.assertIsInstance(error, asyncio.CancelledError)


if __name__ == "__main__":
    unittest.main()
