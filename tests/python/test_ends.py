"""How a job ends by what its code raises."""

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


TOLD = (asks_itself, asks_its_token, asks_by_native_code, cancels_itself)
NOT_TOLD = (asks_nothing, asks_before)


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
