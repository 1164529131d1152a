"""How a job ends, depending on the exception that its code raises."""

import contextvars
import threading
import unittest

import dcc_cancel
from helpers import BY_JOB, BY_TOKEN, LIBRARY, ContextCase, PumpedCase, loop_until_cancelled, raised


class Aborted(RuntimeError):
    """As a library says that its callback stopped it."""


def cancel_elsewhere(job):
    thread = threading.Thread(target=job.cancel, args=("esc",))
    thread.start()
    thread.join()


def asks_nothing(job):
    cancel_elsewhere(job)


def asks_itself(job):
    cancel_elsewhere(job)
    assert job.cancelled


def asks_its_token(job):
    cancel_elsewhere(job)
    assert job.token.cancelled


def asks_by_native_code(job):
    cancel_elsewhere(job)
    assert dcc_cancel.native(loop_until_cancelled)() == BY_JOB


def cancels_itself(job):
    job.cancel("esc")


def asks_before(job):
    assert not job.cancelled
    cancel_elsewhere(job)


def is_only_shown(job):
    cancel_elsewhere(job)
    assert "cancelled=True" in repr(job) and "cancelled=True" in repr(job.token)


TOLD = (asks_itself, asks_its_token, asks_by_native_code, cancels_itself)
NOT_TOLD = (asks_nothing, asks_before, is_only_shown)


class Waits(PumpedCase):
    def test_a_scene_is_freed_after_the_end_of_its_render(self):
        began, in_use = threading.Event(), []
        found = []

        def render():
            with dcc_cancel.Job("Render") as job:
                found.append(dcc_cancel.Job.find(job.id))
                in_use.append(True)
                began.set()
                while not job.cancelled:
                    pass
                in_use.clear()

        thread = threading.Thread(target=render)
        thread.start()
        self.assertTrue(began.wait(30))
        job = found[0]
        self.assertIs(job.wait(0), False)
        self.assertIs(job.wait(0.001), False)
        job.cancel("the scene changes")
        self.assertIs(job.wait(), True)
        self.assertEqual((in_use, job.state), ([], "completed"))
        thread.join()
        self.assertIs(job.wait(0), True)

    def test_a_job_does_not_wait_for_itself(self):
        with dcc_cancel.Job() as job:
            self.assertIsInstance(raised(job.wait), dcc_cancel.WouldDeadlockError)
            with dcc_cancel.Job():
                self.assertIsInstance(raised(job.wait), dcc_cancel.WouldDeadlockError)
            self.assertIs(job.wait(0), False)
        self.assertIs(job.wait(), True)

    def test_a_posted_job_has_ended_when_its_thread_has_pumped(self):
        posting = self.ui.post(int)
        # This thread would have to pump, so it may not wait.
        self.assertIsInstance(raised(posting.job.wait), dcc_cancel.WouldDeadlockError)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(posting.job.wait(30)))
        thread.start()
        self.ui.pump()
        thread.join()
        self.assertEqual(answers, [True])


class Elsewhere(ContextCase):
    def test_a_block_that_is_left_in_another_context_ends_its_job(self):
        def halfway():
            with dcc_cancel.Job() as job:
                yield job

        left = halfway()
        job = next(left)
        outer = dcc_cancel.Job()

        def close():
            with outer:
                error = raised(left.close)
                # A cancel in this block still belongs to this block.
                outer.cancel()
                raise error

        error = contextvars.Context().run(raised, close)
        self.assertIn("another context", str(error))
        self.assertEqual((job.state, outer.state), ("failed", "cancelled"))


class Blocks(ContextCase):
    def end_of(self, asks):
        job = dcc_cancel.Job()

        def leave():
            with job:
                asks(job)
                raise Aborted("AbortGenerateData")

        self.assertIsInstance(raised(leave), Aborted)
        self.assertEqual(job.failure, "Aborted: AbortGenerateData")
        return job.state

    def test_an_error_after_a_question_said_stop_is_no_failure(self):
        self.assertEqual([self.end_of(asks) for asks in TOLD], ["cancelled"] * len(TOLD))
        self.assertEqual([self.end_of(asks) for asks in NOT_TOLD], ["failed"] * len(NOT_TOLD))

    def test_what_an_inner_block_was_told_counts_for_the_outer_and_not_for_the_next(self):
        outer, inner, later = dcc_cancel.Job(), dcc_cancel.Job(), dcc_cancel.Job()

        def leave():
            with outer:
                with inner:
                    cancels_itself(inner)
                    raise Aborted()

        raised(leave)
        self.assertEqual((outer.state, inner.state), ("cancelled", "cancelled"))

        def leave_another():
            with later:
                raise Aborted()

        raised(leave_another)
        self.assertEqual(later.state, "failed")

    def test_an_inner_job_that_was_stopped_is_no_cancel_of_the_outer(self):
        def step_is_stopped(job_to_cancel):
            outer = dcc_cancel.Job()

            def step():
                with dcc_cancel.Job() as inner:
                    cancel_elsewhere(outer if job_to_cancel == "outer" else inner)
                    assert inner.cancelled
                    raise Aborted("AbortGenerateData")

            def leave():
                with outer:
                    raised(step)
                    raise Aborted("a step is missing")

            raised(leave)
            return outer.state, outer.failure

        missing = "Aborted: a step is missing"
        self.assertEqual(step_is_stopped("inner"), ("failed", missing))
        self.assertEqual(step_is_stopped("outer"), ("cancelled", missing))

    def test_an_inner_native_loop_that_was_stopped_tells_the_outer(self):
        outer = dcc_cancel.Job()

        def leave():
            with outer:
                with dcc_cancel.Job():
                    cancel_elsewhere(outer)
                    assert dcc_cancel.native(loop_until_cancelled)() == BY_JOB
                    raise Aborted("AbortGenerateData")

        raised(leave)
        self.assertEqual(outer.state, "cancelled")

    def state_after(self, asks):
        job = dcc_cancel.Job()

        def leave():
            with job:
                asks(job)
                raise Aborted()

        raised(leave)
        return job.state

    def test_a_token_that_is_not_current_or_is_of_a_part_says_nothing(self):
        def asks(token, is_current):
            def ask(job):
                asked = token(job)
                reset = dcc_cancel.set_cancel_token(asked if is_current else None)
                thread = threading.Thread(target=asked.cancel)
                thread.start()
                thread.join()
                assert asked.cancelled
                dcc_cancel.reset_cancel_token(reset)

            return ask

        def other(job):
            return dcc_cancel.CancelToken()

        def part(job):
            return dcc_cancel.CancelToken(parent=job)

        found = [self.state_after(asks(other, False)), self.state_after(asks(part, True))]
        self.assertEqual(found, ["failed", "failed"])
        self.assertEqual(self.state_after(asks(other, True)), "cancelled")

    def test_another_job_that_was_asked_says_nothing(self):
        job, other = dcc_cancel.Job(), dcc_cancel.Job()

        def leave():
            with job:
                cancel_elsewhere(other)
                assert other.cancelled
                raise Aborted()

        raised(leave)
        self.assertEqual(job.state, "failed")


class Postings(PumpedCase):
    def test_an_error_after_a_question_said_stop_is_no_failure(self):
        for asks in TOLD + NOT_TOLD:

            def work(asks=asks):
                asks(dcc_cancel.current_job.get())
                raise Aborted("AbortGenerateData")

            posting = self.run_to_end(self.ui.post(work))
            told = asks in TOLD
            self.assertEqual(posting.job.state, "cancelled" if told else "failed", asks)
            self.assertEqual(posting.job.failure, "Aborted: AbortGenerateData")
            error = raised(posting.result)
            self.assertIsInstance(error, dcc_cancel.CancelledError if told else Aborted)
            self.assertIsInstance(error.__cause__ if told else error, Aborted)


class Shields(ContextCase):
    def test_what_cleans_up_is_not_cancelled(self):
        token, job = dcc_cancel.CancelToken(job_id="7"), dcc_cancel.Job()
        dcc_cancel.set_cancel_token(token)
        dcc_cancel.set_current_job(job)
        token.cancel()
        job.cancel()
        with dcc_cancel.shield():
            dcc_cancel.check_dcc_cancelled()
            self.assertIsNone(dcc_cancel.current_cancel_token())
            self.assertEqual(dcc_cancel.current_job_id(), "7")
            self.assertEqual(dcc_cancel.native(poll_once)(), 0)
            with dcc_cancel.shield():
                dcc_cancel.check_dcc_cancelled()
            dcc_cancel.check_dcc_cancelled()
            with dcc_cancel.Job("Roll back", parent=None) as rollback:
                rollback.cancel()
                stops = rollback.set_progress(1, 2)
                with dcc_cancel.shield():
                    self.assertEqual((stops, rollback.set_progress(2, 2)), (True, False))
        self.assertIs(dcc_cancel.current_cancel_token(), token)
        self.assertIs(dcc_cancel.current_job.get(), job)
        self.assertIsInstance(raised(dcc_cancel.check_cancelled), dcc_cancel.CancelledError)
        self.assertEqual(dcc_cancel.native(poll_once)(), BY_TOKEN)

    def test_an_error_leaves_it(self):
        token = dcc_cancel.CancelToken()
        dcc_cancel.set_cancel_token(token)
        token.cancel()

        def leave():
            with dcc_cancel.shield():
                raise Aborted()

        self.assertIsInstance(raised(leave), Aborted)
        self.assertIs(dcc_cancel.current_cancel_token(), token)


def poll_once():
    return LIBRARY.dcc_check_cancelled()


if __name__ == "__main__":
    unittest.main()
