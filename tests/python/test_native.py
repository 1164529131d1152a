"""Native code that is called from Python sees the objects that are current in the Python context."""

import asyncio
import contextvars
import ctypes
import gc
import sys
import threading
import time
import unittest

import dcc_cancel
import dcc_mcp_core.cancellation as theirs
from helpers import (
    BY_JOB,
    BY_TOKEN,
    LIBRARY,
    NATIVE,
    ContextCase,
    Foreign,
    live,
    loop_until_cancelled,
    native_job,
    native_job_id,
    native_token,
    raised,
    until,
)

check = dcc_cancel.native(LIBRARY.dcc_check_cancelled)


class NativeSlots(ContextCase):
    def test_both_slots_are_set_around_the_call_and_restored(self):
        token, job = dcc_cancel.CancelToken(), dcc_cancel.Job()
        dcc_cancel.set_cancel_token(token)
        dcc_cancel.set_current_job(job)
        both = dcc_cancel.native(lambda: (native_token(), native_job()))
        self.assertEqual(both(), (token.handle, job.handle))
        self.assertEqual((native_token(), native_job()), (0, 0))

    def test_arguments_results_and_exceptions_pass_through(self):
        dcc_cancel.set_cancel_token(dcc_cancel.CancelToken())

        @dcc_cancel.native
        def function(a, b=2):
            """What it does."""
            if a is None:
                raise KeyError(b)
            return a, b

        self.assertEqual(function(1, b=3), (1, 3))
        self.assertEqual((function.__name__, function.__doc__), ("function", "What it does."))
        with self.assertRaises(KeyError):
            function(None)
        self.assertEqual((native_token(), native_job()), (0, 0))

    def test_the_native_probe_tells_token_and_job_apart(self):
        token, job = dcc_cancel.CancelToken(), dcc_cancel.Job()
        dcc_cancel.set_cancel_token(token)
        dcc_cancel.set_current_job(job)
        self.assertEqual(check(), 0)
        job.cancel()
        self.assertEqual(check(), BY_JOB)
        token.cancel()
        self.assertEqual(check(), BY_TOKEN)

    def test_a_native_loop_stops_while_it_runs(self):
        token = dcc_cancel.CancelToken()
        dcc_cancel.set_cancel_token(token)
        thread = threading.Timer(0.05, token.cancel)
        thread.start()
        self.assertEqual(dcc_cancel.native(loop_until_cancelled)(), BY_TOKEN)
        thread.join()

    def test_a_request_may_be_current(self):
        session = dcc_cancel.Session()
        request = session.begin("r")
        dcc_cancel.set_cancel_token(request)
        self.assertEqual(check(), 0)
        session.cancel("r")
        self.assertEqual(check(), BY_TOKEN)
        self.assertIsInstance(raised(dcc_cancel.check_cancelled), dcc_cancel.CancelledError)
        session.close()

    def test_what_was_never_set_is_left_and_none_masks(self):
        outer = dcc_cancel.CancelToken()
        outer.cancel()
        self.assertEqual(NATIVE.leave_a_token_behind(outer.handle), 0)
        try:
            self.assertEqual(check(), BY_TOKEN)
            reset = dcc_cancel.set_cancel_token(None)
            self.assertEqual(check(), 0)
            dcc_cancel.reset_cancel_token(reset)
            self.assertEqual(check(), BY_TOKEN)
        finally:
            contextvars.copy_context().run(self.unwind_all)

    def unwind_all(self):
        # This thread's slot must be empty for the other tests.
        thread_done = []
        while native_token():
            ticket = ctypes.c_uint64()
            LIBRARY.dcc_cancel_token_set_current(None, ctypes.byref(ticket))
            # Tickets count up by one on a thread.
            LIBRARY.dcc_context_unwind(ctypes.c_uint64(ticket.value - 1))
            thread_done.append(1)
            self.assertLess(len(thread_done), 5)

    def test_what_a_plugin_leaves_behind_is_taken_back(self):
        token, left = dcc_cancel.CancelToken(), dcc_cancel.CancelToken()
        dcc_cancel.set_cancel_token(token)
        before = live("context_leaks")
        dcc_cancel.native(NATIVE.leave_a_token_behind)(left.handle)
        self.assertEqual(native_token(), 0)
        self.assertEqual(live("context_leaks"), before + 1)

    def test_calls_nest(self):
        outer, inner = dcc_cancel.CancelToken(), dcc_cancel.CancelToken()
        dcc_cancel.set_cancel_token(outer)

        def inside():
            reset = dcc_cancel.set_cancel_token(inner)
            seen = dcc_cancel.native(native_token)()
            dcc_cancel.reset_cancel_token(reset)
            return seen, native_token()

        self.assertEqual(dcc_cancel.native(inside)(), (inner.handle, outer.handle))

    def test_threads_have_slots_of_their_own(self):
        token = dcc_cancel.CancelToken()
        token.cancel()
        dcc_cancel.set_cancel_token(token)
        seen = []
        thread = threading.Thread(target=lambda: seen.append(check()))
        thread.start()
        thread.join()
        carried = threading.Thread(
            target=contextvars.copy_context().run, args=(lambda: seen.append(check()),)
        )
        carried.start()
        carried.join()
        self.assertEqual(seen, [0, BY_TOKEN])

    def test_interleaved_tasks_call_native_code_with_their_own(self):
        async def skill(name, seen):
            token = dcc_cancel.CancelToken(name)
            dcc_cancel.set_cancel_token(token)
            for step in range(3):
                await asyncio.sleep(0)
                if name == "b" and step == 1:
                    token.cancel()
                seen.append((dcc_cancel.native(native_job_id)(), check()))

        async def both():
            seen = []
            await asyncio.gather(skill("a", seen), skill("b", seen))
            return seen

        loop = asyncio.new_event_loop()
        try:
            seen = loop.run_until_complete(both())
        finally:
            loop.close()
        a, b = [state for name, state in seen if name == "a"], [s for n, s in seen if n == "b"]
        self.assertEqual((a, b), ([0, 0, 0], [0, BY_TOKEN, BY_TOKEN]))
        self.assertEqual([name for name, _ in seen], ["a", "b"] * 3)

    def test_the_job_id_of_native_code_follows_the_same_precedence(self):
        name = dcc_cancel.native(native_job_id)
        dcc_cancel.set_current_job(dcc_cancel.Job(caller_id="of the job"))
        self.assertEqual(name(), dcc_cancel.current_job_id())
        dcc_cancel.set_cancel_token(dcc_cancel.CancelToken("of the token"))
        self.assertEqual((name(), dcc_cancel.current_job_id()), ("of the token",) * 2)
        dcc_cancel._set_current_job_id("explicit")
        self.assertEqual((name(), dcc_cancel.current_job_id()), ("explicit",) * 2)
        dcc_cancel.current_cancel_token().cancel()
        self.assertEqual(check(), BY_TOKEN)

    def test_a_coroutine_function_is_refused(self):
        async def function():
            pass

        self.assertIsInstance(raised(dcc_cancel.native, function), TypeError)


class ForeignProbes(ContextCase):
    def test_a_foreign_token_that_is_cancelled_is_seen_at_once(self):
        other = theirs.CancelToken("theirs")
        other.cancel()
        dcc_cancel.set_cancel_token(other)
        self.assertEqual(check(), BY_TOKEN)
        self.assertEqual(dcc_cancel.native(native_job_id)(), "theirs")

    def test_a_foreign_token_stops_a_native_loop(self):
        other = theirs.CancelToken()
        dcc_cancel.set_cancel_token(other)
        threading.Timer(0.05, other.cancel).start()
        loop = dcc_cancel.native(loop_until_cancelled, interval=0.005)
        self.assertEqual(loop(), BY_TOKEN)

    def test_a_foreign_job_stops_a_native_loop_and_its_stand_in_ends(self):
        other = Foreign("their job")
        dcc_cancel.set_current_job(other)
        threading.Timer(0.05, lambda: setattr(other, "cancelled", True)).start()
        gc.collect()
        before = live("live_jobs"), live("jobs_interrupted"), live("live_tokens")
        self.assertEqual(dcc_cancel.native(native_job_id)(), "their job")
        self.assertEqual(dcc_cancel.native(loop_until_cancelled)(), BY_JOB)
        gc.collect()
        after = live("live_jobs"), live("jobs_interrupted"), live("live_tokens")
        self.assertEqual(after, before)

    def test_native_polls_never_wait_for_the_gil(self):
        """The GIL is held all the time while another thread polls what a foreign job is behind."""
        holding = ctypes.PyDLL(NATIVE._name)
        holding.poll_on_another_thread.argtypes = [ctypes.c_uint64]
        holding.poll_on_another_thread.restype = ctypes.c_int64
        token, job = theirs.CancelToken(), Foreign()
        dcc_cancel.set_cancel_token(token)
        dcc_cancel.set_current_job(job)
        polls = dcc_cancel.native(holding.poll_on_another_thread, interval=0.001)
        self.assertEqual(polls(200000), 0)
        job.cancelled = True
        self.assertEqual(polls(1000), 1000)

    def test_links_are_sampled_at_their_interval(self):
        class Counting:
            asked = 0

            @property
            def cancelled(self):
                self.asked += 1
                return False

        other = Counting()
        start = time.monotonic()
        token = dcc_cancel.CancelToken.link(other, interval=0.05)
        self.assertGreaterEqual(other.asked, 1)
        until(lambda: other.asked >= 5)
        # Four more, 50 ms apart; only "not earlier" is sure.
        self.assertGreaterEqual(time.monotonic() - start, 0.19)
        token.close()
        seen = other.asked
        time.sleep(0.15)
        self.assertLessEqual(other.asked, seen + 1)

    def test_a_link_carries_reason_and_job_id(self):
        other = Foreign("id")
        token = dcc_cancel.CancelToken.link(other, interval=0.001)
        self.assertEqual((token.job_id, token.cancelled), ("id", False))
        other.reason = "they said so"
        other.cancelled = True
        self.assertTrue(token.wait(30))
        self.assertEqual(token.reason, "they said so")

    def test_a_link_ends_with_its_token(self):
        import weakref

        class Probe:
            cancelled = False

        other = Probe()
        gone = weakref.ref(other)
        token = dcc_cancel.CancelToken.link(other)
        child = dcc_cancel.CancelToken(parent=token)
        del other, token
        gc.collect()
        self.assertIsNotNone(gone(), "the child still needs it")
        gone().cancelled = True
        self.assertTrue(child.wait(30))
        del child
        gc.collect()
        until(lambda: gc.collect() is not None and gone() is None)

    def test_a_foreign_parent_is_linked(self):
        other = theirs.CancelToken()
        children = [
            dcc_cancel.CancelToken(parent=other),
            dcc_cancel.Job(parent=other),
            dcc_cancel.Session().begin(1, parent=other),
        ]
        other.cancel()
        for child in children:
            self.assertTrue(child.cancelled or dcc_cancel.wait_any([child], 30) is child)

    def test_a_native_token_is_linked_without_sampling(self):
        parent = dcc_cancel.CancelToken()
        token = dcc_cancel.CancelToken.link(parent)
        self.assertIsNone(token._link)
        parent.cancel("now")
        self.assertEqual((token.cancelled, token.reason), (True, "now"))

    def test_a_probe_that_raises_is_logged_once_and_asked_again(self):
        class Broken:
            answers = [False]

            @property
            def cancelled(self):
                answer = self.answers[-1]
                if isinstance(answer, Exception):
                    raise answer
                return answer

        other = Broken()
        token = dcc_cancel.CancelToken.link(other, interval=0.001)
        with self.assertLogs("dcc_cancel", "ERROR") as logged:
            other.answers.append(OSError("the host is busy"))
            until(lambda: logged.records)
            time.sleep(0.02)
            other.answers.append(True)
            self.assertTrue(token.wait(30))
        self.assertEqual(len(logged.records), 1)
        self.assertIn("the host is busy", logged.output[0])

    def test_subclasses_that_decide_by_themselves_are_followed(self):
        class WithFlag(dcc_cancel.CancelToken):
            flag = False

            @property
            def cancelled(self):
                return self.flag

        class JobWithFlag(dcc_cancel.Job):
            cancelled = WithFlag.cancelled
            flag = False

        token, job = WithFlag(), JobWithFlag()
        child = dcc_cancel.CancelToken(parent=token)
        dcc_cancel.set_cancel_token(token)
        dcc_cancel.set_current_job(job)
        self.assertEqual(check(), 0)
        job.flag = True
        self.assertEqual(check(), BY_JOB)
        token.flag = True
        self.assertEqual(check(), BY_TOKEN)
        self.assertIs(dcc_cancel.wait_any([dcc_cancel.CancelToken(), token], 30), token)
        self.assertTrue(child.wait(30))

    def test_what_cannot_be_followed_is_refused(self):
        self.assertIsInstance(raised(dcc_cancel.CancelToken.link, object()), TypeError)
        self.assertIsInstance(raised(dcc_cancel.CancelToken, None, 7), TypeError)
        for interval in (0, -1, float("nan"), "1"):
            error = raised(dcc_cancel.CancelToken.link, Foreign(), interval)
            kind = TypeError if interval == "1" else dcc_cancel.InvalidArgumentError
            self.assertIsInstance(error, kind)
            self.assertIn(repr(interval), str(error))


class BesideTheirs(ContextCase):
    """This package and `dcc_mcp_core` in one process, each with its own context."""

    def test_a_native_job_is_one_of_their_job_handles(self):
        job = dcc_cancel.Job("bake", caller_id="b")
        self.assertIsInstance(job, theirs.JobHandle)
        reset = theirs.set_current_job(job)
        self.assertEqual(theirs.current_job_id(), "b")
        theirs.check_dcc_cancelled()
        job.cancel()
        error = raised(theirs.check_dcc_cancelled)
        self.assertIsInstance(error, theirs.DccMcpCancelledError)
        self.assertEqual(str(error), "Job cancelled by dispatcher")
        theirs.reset_current_job(reset)

    def test_a_native_token_is_one_of_their_probes(self):
        token = dcc_cancel.CancelToken("id")
        self.assertIsInstance(token, theirs.CancellationProbe)
        theirs.set_cancel_token(token)
        self.assertEqual(theirs.current_job_id(), "id")
        token.cancel()
        self.assertIsInstance(raised(theirs.check_cancelled), theirs.CancelledError)

    def test_their_handlers_catch_what_this_package_raises(self):
        token, job = dcc_cancel.CancelToken(), dcc_cancel.Job()
        token.cancel()
        job.cancel()
        dcc_cancel.set_current_job(job)
        for asks in (token.check, job.check, dcc_cancel.check_dcc_cancelled):
            error = raised(asks)
            self.assertIsInstance(error, theirs.DccMcpCancelledError)
            self.assertIsInstance(error, dcc_cancel.DccMcpCancelledError)
            self.assertEqual(type(error).__name__, "DccMcpCancelledError")


if __name__ == "__main__":
    sys.exit(unittest.main())
