"""Objects that are created inside a job's work, or for the current request, stop with it."""

import asyncio
import ctypes
import threading
import unittest

import dcc_cancel
from helpers import BY_JOB, LIBRARY, LONG, ContextCase, Foreign, PumpedCase, raised


def poll_once():
    return LIBRARY.dcc_check_cancelled()


def is_cancelled_soon(thing):
    """Where a follower has to ask first."""
    return thing.token.wait(LONG)


class Jobs(ContextCase):
    def test_a_job_inside_another_stops_with_it(self):
        outer, inner = dcc_cancel.Job("outer"), []

        def work():
            with outer, dcc_cancel.Job("inner") as job:
                inner.append(job)
                outer.cancel("enough")
                dcc_cancel.check_dcc_cancelled()

        self.assertIsInstance(raised(work), dcc_cancel.CancelledError)
        self.assertEqual((outer.state, inner[0].state, inner[0].reason), ("cancelled", "cancelled", "enough"))

    def test_native_code_in_it_sees_the_cancel(self):
        with dcc_cancel.Job("outer") as outer:
            inner = dcc_cancel.Job("inner")
            inner.begin()
            reset = dcc_cancel.set_current_job(inner)
            self.assertEqual(dcc_cancel.native(poll_once)(), 0)
            outer.cancel()
            self.assertEqual(dcc_cancel.native(poll_once)(), BY_JOB)
            dcc_cancel.reset_current_job(reset)

    def test_both_that_are_current_are_above(self):
        for is_token in (True, False):
            token, outer = dcc_cancel.CancelToken(), dcc_cancel.Job("outer")
            reset = dcc_cancel.set_cancel_token(token)
            with outer:
                inner = dcc_cancel.Job("inner")
                self.assertFalse(inner.cancelled)
                (token if is_token else outer).cancel()
                self.assertTrue(inner.cancelled)
            dcc_cancel.reset_cancel_token(reset)

    def test_a_job_of_a_request_commits_or_is_cancelled_and_its_peer_is_told_the_same(self):
        peer = dcc_cancel.Session()
        first, second = peer.begin(1), peer.begin(2)
        reset = dcc_cancel.set_cancel_token(first.token)
        job = dcc_cancel.Job()
        job.begin()
        self.assertTrue(first.cancel("the peer"))
        self.assertIsInstance(raised(job.commit), dcc_cancel.CancelledError)
        dcc_cancel.reset_cancel_token(reset)
        dcc_cancel.set_cancel_token(second.token)
        with dcc_cancel.Job() as job:
            with job.commit():
                self.assertFalse(second.cancel("too late"))
        self.assertEqual(job.state, "completed")

    def test_nothing_is_above_what_is_detached_or_shielded(self):
        token, other = dcc_cancel.CancelToken(), dcc_cancel.CancelToken()
        dcc_cancel.set_cancel_token(token)
        with dcc_cancel.Job("outer") as outer:
            detached = dcc_cancel.Job("detached", parent=None)
            given = dcc_cancel.Job("given", parent=other)
            with dcc_cancel.shield():
                behind = dcc_cancel.Job("behind a shield")
            outer.cancel()
            token.cancel()
            self.assertFalse(detached.cancelled or given.cancelled or behind.cancelled)
            other.cancel()
            self.assertTrue(given.cancelled)

    def test_what_is_not_native_is_followed(self):
        for is_token in (True, False):
            token, job = Foreign(), Foreign()
            resets = dcc_cancel.set_cancel_token(token), dcc_cancel.set_current_job(job)
            inner = dcc_cancel.Job("inner")
            self.assertFalse(inner.cancelled)
            (token if is_token else job).cancelled = True
            self.assertTrue(is_cancelled_soon(inner))
            dcc_cancel.reset_cancel_token(resets[0])
            dcc_cancel.reset_current_job(resets[1])

    def test_what_follows_others_lives_as_long_as_what_is_made_below_it(self):
        theirs = Foreign()
        dcc_cancel.set_cancel_token(theirs)
        with dcc_cancel.Job("outer"):
            inner = dcc_cancel.Job("inner")
        theirs.cancelled = True
        self.assertTrue(is_cancelled_soon(inner))

    def test_a_job_that_only_carries_an_id_is_above_nothing(self):
        class Named:
            job_id = "7"

        dcc_cancel.set_current_job(Named())
        token = dcc_cancel.CancelToken()
        dcc_cancel.set_cancel_token(token)
        job = dcc_cancel.Job()
        token.cancel()
        self.assertTrue(job.cancelled)

    def test_what_a_native_host_has_made_current_is_above(self):
        outer = dcc_cancel.Job("outer")
        ticket = ctypes.c_uint64()
        set_current = LIBRARY.dcc_job_set_current
        self.assertEqual(set_current(ctypes.c_void_p(outer.handle), ctypes.byref(ticket)), 0)
        inner = dcc_cancel.Job("inner")
        self.assertEqual(LIBRARY.dcc_job_reset_current(ticket), 0)
        outer.cancel()
        self.assertTrue(inner.cancelled)


class Posts(PumpedCase):
    def test_a_post_stops_with_the_job_that_posted_it(self):
        ran = []
        with dcc_cancel.Job("outer") as outer:
            below = self.ui.post(ran.append, "below")
            detached = self.ui.post(ran.append, "detached", parent=None)
            outer.cancel()
        self.ui.pump()
        self.assertTrue(below.cancelled())
        self.assertEqual((ran, detached.job.state), (["detached"], "completed"))

    def test_so_does_one_of_a_job_of_the_dispatcher(self):
        posted = []

        def work():
            posted.append(self.ui.post(lambda: None))

        token = dcc_cancel.CancelToken()
        outer = self.ui.post(work, parent=token)
        self.ui.pump(max_jobs=1)
        self.assertEqual(outer.job.state, "completed")
        # The posting job has ended, but the objects above that job are still above this one.
        token.cancel()
        self.assertTrue(posted[0].job.cancelled)

    def test_the_current_token_goes_along(self):
        token = dcc_cancel.CancelToken()
        reset = dcc_cancel.set_cancel_token(token)
        with dcc_cancel.Job("outer"):
            call = self.ui.post(dcc_cancel.current_cancel_token)
        dcc_cancel.reset_cancel_token(reset)
        self.ui.pump()
        self.assertIs(call.result(), token)

    def test_what_posts_itself_keeps_no_more_each_time(self):
        token = dcc_cancel.CancelToken()
        dcc_cancel.set_cancel_token(token)
        calls = []

        def again():
            if len(calls) < 5:
                calls.append(self.ui.post(again))

        again()
        while not all(call.done() for call in calls):
            self.ui.pump()
        self.assertEqual(len({len(call.job._parents) for call in calls}), 1)


class Threads(unittest.TestCase):
    def test_run_in_thread_stops_with_the_job_of_the_task(self):
        async def main():
            outer = dcc_cancel.Job("outer")
            with outer:
                begun = threading.Event()

                def work():
                    begun.set()
                    while True:
                        dcc_cancel.check_dcc_cancelled()

                task = asyncio.ensure_future(dcc_cancel.run_in_thread(work))
                while not begun.is_set():
                    await asyncio.sleep(0)
                outer.cancel()
                try:
                    await task
                except dcc_cancel.CancelledError:
                    return True
            return False

        loop = asyncio.new_event_loop()
        self.assertTrue(loop.run_until_complete(main()))
        loop.close()


if __name__ == "__main__":
    unittest.main()
