"""A script that native code of a host calls while a job of that code is current on the thread."""

import contextvars
import ctypes
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

import dcc_cancel
from helpers import BY_JOB, LIBRARY, NATIVE, ContextCase, raised

ASKS = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
SCRIPT = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
RUN = NATIVE.run_script_in_a_host_job
RUN.argtypes = [ASKS, SCRIPT]
DCC_JOB_CANCELLED = 5


class InAHostsJob(ContextCase):
    def setUp(self):
        self.escape = 0

    def call(self, *arguments):
        """The host begins."""
        return RUN(*arguments)

    def run_script(self, script):
        """What the script gave or raised, with the state of the host's job after it."""
        results = []

        def run(job):
            try:
                results.append(script(job))
            except BaseException as error:
                results.append(error)

        state = self.call(ASKS(lambda _: self.escape), SCRIPT(run))
        return results[0], state

    def is_cancelled(self, result):
        error, state = result
        return isinstance(error, dcc_cancel.CancelledError) and state == DCC_JOB_CANCELLED

    def test_a_script_that_has_set_nothing_stops_with_the_job(self):
        def script(job):
            dcc_cancel.check_dcc_cancelled()
            LIBRARY.dcc_job_cancel(ctypes.c_void_p(job), None, ctypes.c_size_t(0))
            dcc_cancel.check_cancelled()
            dcc_cancel.check_dcc_cancelled()

        self.assertTrue(self.is_cancelled(self.run_script(script)))

    def test_the_hosts_own_check_is_asked(self):
        def script(_):
            dcc_cancel.check_dcc_cancelled()
            self.escape = 1
            dcc_cancel.check_dcc_cancelled()

        self.assertTrue(self.is_cancelled(self.run_script(script)))

    def test_it_is_asked_inside_a_job_of_the_script(self):
        jobs = []

        def script(_):
            with dcc_cancel.Job("inner") as job:
                jobs.append(job)
                dcc_cancel.check_dcc_cancelled()
                self.escape = 1
                dcc_cancel.check_dcc_cancelled()

        self.assertTrue(self.is_cancelled(self.run_script(script)))
        self.assertEqual(jobs[0].state, "cancelled")

    def test_it_is_asked_where_a_step_counts(self):
        def script(_):
            with dcc_cancel.Job("inner"), dcc_cancel.progress(10) as step:
                step.advance()
                self.escape = 1
                step.advance()

        self.assertTrue(self.is_cancelled(self.run_script(script)))

    def test_what_is_shielded_or_detached_goes_on(self):
        def script(_):
            self.escape = 1
            with dcc_cancel.shield():
                dcc_cancel.check_dcc_cancelled()
            with dcc_cancel.Job("detached", parent=None):
                dcc_cancel.check_dcc_cancelled()
            return "done"

        self.assertEqual(self.run_script(script)[0], "done")

    def test_a_token_of_native_code_counts_where_the_script_has_none(self):
        token = dcc_cancel.CancelToken()
        token.cancel()

        def script(job):
            ticket = ctypes.c_uint64()
            LIBRARY.dcc_cancel_token_set_current(ctypes.c_void_p(token.handle), ctypes.byref(ticket))
            try:
                first = raised(dcc_cancel.check_cancelled)
                dcc_cancel.set_cancel_token(dcc_cancel.CancelToken())
                dcc_cancel.check_dcc_cancelled()
                # A native token that is masked does not hide the job.
                LIBRARY.dcc_job_cancel(ctypes.c_void_p(job), None, ctypes.c_size_t(0))
                return first, raised(dcc_cancel.check_dcc_cancelled)
            finally:
                LIBRARY.dcc_cancel_token_reset_current(ticket)

        (first, second), _ = self.run_script(script)
        self.assertIn("client", str(first))
        self.assertIn("dispatcher", str(second))

    def test_its_threads_stop_with_the_job(self):
        def script(job):
            LIBRARY.dcc_job_cancel(ctypes.c_void_p(job), None, ctypes.c_size_t(0))
            with ThreadPoolExecutor(1) as pool:
                check = dcc_cancel.with_context(dcc_cancel.check_dcc_cancelled)
                pool.submit(check).result()

        self.assertTrue(self.is_cancelled(self.run_script(script)))

    def test_native_code_that_the_script_calls_stops_with_the_job(self):
        def script(job):
            LIBRARY.dcc_job_cancel(ctypes.c_void_p(job), None, ctypes.c_size_t(0))
            return dcc_cancel.native(LIBRARY.dcc_check_cancelled)()

        self.assertEqual(self.run_script(script)[0], BY_JOB)

    def test_a_shield_of_native_code_counts(self):
        def script(job):
            LIBRARY.dcc_job_cancel(ctypes.c_void_p(job), None, ctypes.c_size_t(0))
            ticket = ctypes.c_uint64()
            LIBRARY.dcc_context_shield(ctypes.byref(ticket))
            try:
                dcc_cancel.check_dcc_cancelled()
                return dcc_cancel.Job("rolls back").cancelled
            finally:
                LIBRARY.dcc_context_unwind(ticket)

        self.assertIs(self.run_script(script)[0], False)


class InAHostsJobThatPythonCalls(InAHostsJob):
    """The same where the context has a token and a job that are around the host's."""

    def call(self, *arguments):
        dcc_cancel.set_cancel_token(dcc_cancel.CancelToken())
        with dcc_cancel.Job("around") as self.around:
            return dcc_cancel.native(RUN)(*arguments)

    def test_a_script_hears_of_what_is_around_after_the_call(self):
        contexts = []

        def script(_):
            contexts.append(contextvars.copy_context())
            thread = threading.Thread(target=contexts[0].run, args=(hears,))
            thread.start()
            thread.join()

        def hears():
            # On a thread with nothing in its slots the context counts.
            self.around.cancel()
            results.append(raised(dcc_cancel.check_dcc_cancelled))

        results = []
        self.run_script(script)
        results.append(contexts[0].run(raised, dcc_cancel.check_dcc_cancelled))
        self.assertEqual(["dispatcher" in str(result) for result in results], [True, True])

    def test_a_shield_of_native_code_hides_what_is_around(self):
        def script(_):
            self.around.cancel()
            self.assertIn("dispatcher", str(raised(self.around.check)))
            ticket = ctypes.c_uint64()
            LIBRARY.dcc_context_shield(ctypes.byref(ticket))
            try:
                dcc_cancel.check_dcc_cancelled()
                return "done"
            finally:
                LIBRARY.dcc_context_unwind(ticket)

        self.assertEqual(self.run_script(script)[0], "done")


if __name__ == "__main__":
    unittest.main()
