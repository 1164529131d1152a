"""The same tests for `dcc_mcp_core.cancellation` and for this package, which can replace it."""

import asyncio
import contextvars
import copy
import pickle
import sys
import threading
import unittest

import dcc_cancel
import dcc_mcp_core.cancellation as theirs
from helpers import ContextCase, run_python

TOKEN_TEXT = "Request cancelled by client"
JOB_TEXT = "Job cancelled by dispatcher"


class Handle:
    """Another one's job."""

    def __init__(self, cancelled=False, job_id=None):
        self.cancelled = cancelled
        self.job_id = job_id


class Conformance:
    """What both promise. `api` is the module."""

    api = None

    def test_every_public_name_is_there(self):
        for name in theirs.__all__:
            self.assertIn(name, self.api.__all__)
            self.assertTrue(hasattr(self.api, name), name)

    def test_a_token_is_cancelled_once_and_for_all(self):
        token = self.api.CancelToken()
        self.assertIs(token.cancelled, False)
        self.assertIs(bool(token), False)
        token.cancel()
        token.cancel()
        self.assertIs(token.cancelled, True)
        self.assertIs(bool(token), True)

    def test_check_raises_the_token_text(self):
        token = self.api.CancelToken()
        self.assertIsNone(token.check())
        token.cancel()
        with self.assertRaises(self.api.DccMcpCancelledError) as caught:
            token.check()
        self.assertEqual(str(caught.exception), TOKEN_TEXT)

    def test_a_job_id_is_a_string_or_none(self):
        self.assertEqual(self.api.CancelToken("job-1").job_id, "job-1")
        self.assertEqual(self.api.CancelToken(job_id="job-1").job_id, "job-1")
        self.assertIsNone(self.api.CancelToken().job_id)
        self.assertIsNone(self.api.CancelToken("").job_id)
        self.assertIsNone(self.api.CancelToken(None).job_id)
        with self.assertRaises(AttributeError):
            self.api.CancelToken("a").job_id = "b"
        with self.assertRaises(AttributeError):
            self.api.CancelToken("a").cancelled = True

    def test_what_a_token_prints(self):
        token = self.api.CancelToken("job")
        self.assertEqual(repr(token), "CancelToken(cancelled=False)")
        token.cancel()
        self.assertEqual(repr(token), "CancelToken(cancelled=True)")

    def test_the_two_errors_are_one_plain_exception(self):
        self.assertIs(self.api.CancelledError, self.api.DccMcpCancelledError)
        self.assertTrue(issubclass(self.api.CancelledError, Exception))
        import concurrent.futures

        self.assertFalse(issubclass(self.api.CancelledError, concurrent.futures.CancelledError))
        self.assertFalse(issubclass(self.api.CancelledError, asyncio.CancelledError))
        error = self.api.CancelledError("a text")
        self.assertEqual(error.args, ("a text",))

    def test_without_anything_the_checks_do_nothing(self):
        self.assertIsNone(self.api.check_cancelled())
        self.assertIsNone(self.api.check_dcc_cancelled())
        self.assertIsNone(self.api.current_cancel_token())
        self.assertIsNone(self.api.current_job.get())
        self.assertIsNone(self.api.current_job_id())

    def test_set_and_reset_of_the_token_nest(self):
        outer, inner = self.api.CancelToken(), self.api.CancelToken()
        first = self.api.set_cancel_token(outer)
        second = self.api.set_cancel_token(inner)
        self.assertIsInstance(first, contextvars.Token)
        self.assertIs(self.api.current_cancel_token(), inner)
        self.api.reset_cancel_token(second)
        self.assertIs(self.api.current_cancel_token(), outer)
        self.api.reset_cancel_token(first)
        self.assertIsNone(self.api.current_cancel_token())

    def test_set_and_reset_of_the_job_nest(self):
        outer, inner = Handle(), Handle()
        first = self.api.set_current_job(outer)
        second = self.api.set_current_job(inner)
        self.assertIsInstance(first, contextvars.Token)
        self.assertIs(self.api.current_job.get(), inner)
        self.api.reset_current_job(second)
        self.assertIs(self.api.current_job.get(), outer)
        self.api.reset_current_job(first)
        self.assertIsNone(self.api.current_job.get())

    def test_none_clears_what_was_inherited(self):
        token = self.api.CancelToken()
        token.cancel()
        self.api.set_cancel_token(token)
        reset = self.api.set_cancel_token(None)
        self.api.check_cancelled()
        self.api.reset_cancel_token(reset)
        with self.assertRaises(self.api.CancelledError):
            self.api.check_cancelled()
        self.api.set_cancel_token(None)
        self.api.set_current_job(Handle(cancelled=True))
        reset = self.api.set_current_job(None)
        self.api.check_dcc_cancelled()
        self.api.reset_current_job(reset)
        with self.assertRaises(self.api.CancelledError):
            self.api.check_dcc_cancelled()

    def test_the_current_job_is_a_context_variable(self):
        self.assertIsInstance(self.api.current_job, contextvars.ContextVar)
        reset = self.api.current_job.set(Handle(cancelled=True))
        with self.assertRaises(self.api.CancelledError):
            self.api.check_dcc_cancelled()
        self.api.reset_current_job(reset)
        self.api.check_dcc_cancelled()

    def test_a_reset_that_was_used_is_a_runtime_error(self):
        reset = self.api.set_cancel_token(self.api.CancelToken())
        self.api.reset_cancel_token(reset)
        self.assertRaises(RuntimeError, self.api.reset_cancel_token, reset)
        reset = self.api.set_current_job(Handle())
        self.api.reset_current_job(reset)
        self.assertRaises(RuntimeError, self.api.reset_current_job, reset)

    def test_a_reset_of_the_other_slot_is_a_value_error_and_changes_nothing(self):
        token, job = self.api.CancelToken(), Handle()
        of_token, of_job = self.api.set_cancel_token(token), self.api.set_current_job(job)
        self.assertRaises(ValueError, self.api.reset_cancel_token, of_job)
        self.assertRaises(ValueError, self.api.reset_current_job, of_token)
        self.assertIs(self.api.current_cancel_token(), token)
        self.assertIs(self.api.current_job.get(), job)
        self.api.reset_cancel_token(of_token)
        self.api.reset_current_job(of_job)

    def test_a_reset_in_another_context_is_a_value_error(self):
        reset = self.api.set_cancel_token(self.api.CancelToken())
        elsewhere = contextvars.copy_context()
        self.assertRaises(ValueError, elsewhere.run, self.api.reset_cancel_token, reset)
        reset_job = self.api.set_current_job(Handle())
        self.assertRaises(ValueError, elsewhere.run, self.api.reset_current_job, reset_job)
        self.api.reset_current_job(reset_job)
        self.api.reset_cancel_token(reset)

    def test_the_token_goes_before_the_job(self):
        token, job = self.api.CancelToken(), Handle(cancelled=True)
        self.api.set_cancel_token(token)
        self.api.set_current_job(job)
        self.api.check_cancelled()
        with self.assertRaises(self.api.CancelledError) as caught:
            self.api.check_dcc_cancelled()
        self.assertEqual(str(caught.exception), JOB_TEXT)
        token.cancel()
        with self.assertRaises(self.api.CancelledError) as caught:
            self.api.check_dcc_cancelled()
        self.assertEqual(str(caught.exception), TOKEN_TEXT)
        with self.assertRaises(self.api.CancelledError) as caught:
            self.api.check_cancelled()
        self.assertEqual(str(caught.exception), TOKEN_TEXT)

    def test_any_object_with_cancelled_may_be_current(self):
        self.api.set_cancel_token(Handle(cancelled=True))
        with self.assertRaises(self.api.CancelledError) as caught:
            self.api.check_cancelled()
        self.assertEqual(str(caught.exception), TOKEN_TEXT)

    def test_the_job_id_is_the_explicit_one_then_the_tokens_then_the_jobs(self):
        self.api.set_current_job(Handle(job_id="of the job"))
        self.assertEqual(self.api.current_job_id(), "of the job")
        self.api.set_cancel_token(self.api.CancelToken())
        self.assertEqual(self.api.current_job_id(), "of the job")
        self.api.set_cancel_token(self.api.CancelToken("of the token"))
        self.assertEqual(self.api.current_job_id(), "of the token")
        reset = self.api._set_current_job_id("explicit")
        self.assertEqual(self.api.current_job_id(), "explicit")
        cleared = self.api._set_current_job_id("")
        self.assertEqual(self.api.current_job_id(), "of the token")
        self.api._reset_current_job_id(cleared)
        self.api._reset_current_job_id(reset)
        self.assertEqual(self.api.current_job_id(), "of the token")

    def test_a_job_id_that_is_no_string_does_not_count(self):
        self.api.set_cancel_token(Handle(job_id=7))
        self.api.set_current_job(Handle(job_id=b"8"))
        self.assertIsNone(self.api.current_job_id())
        self.api.set_current_job(object())
        self.assertIsNone(self.api.current_job_id())

    def test_the_protocols_are_told_by_their_names(self):
        token = self.api.CancelToken()
        self.assertIsInstance(token, self.api.CancellationProbe)
        self.assertIsInstance(token, self.api.JobHandle)
        self.assertIsInstance(Handle(), self.api.JobHandle)
        self.assertNotIsInstance(Handle(), self.api.CancellationProbe)
        self.assertNotIsInstance(object(), self.api.JobHandle)
        self.assertNotIsInstance(None, self.api.JobHandle)

    def test_who_inherits_from_a_protocol_has_it(self):
        class Mine(self.api.JobHandle):
            cancelled = False

        self.assertIsInstance(Mine(), Mine)
        self.assertIsInstance(Mine(), self.api.JobHandle)
        self.assertNotIsInstance(Handle(), Mine)

    def test_threads_start_empty(self):
        token = self.api.CancelToken()
        token.cancel()
        self.api.set_cancel_token(token)
        self.api.set_current_job(Handle(cancelled=True))
        seen = []

        def other():
            self.api.check_dcc_cancelled()
            seen.append((self.api.current_cancel_token(), self.api.current_job.get()))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        self.assertEqual(seen, [(None, None)])

    def test_a_copied_context_carries_to_a_thread(self):
        token, job = self.api.CancelToken("carried"), Handle()
        self.api.set_cancel_token(token)
        self.api.set_current_job(job)
        seen = []

        def other():
            seen.append((self.api.current_cancel_token(), self.api.current_job.get()))
            seen.append(self.api.current_job_id())
            self.api.set_cancel_token(None)

        thread = threading.Thread(target=contextvars.copy_context().run, args=(other,))
        thread.start()
        thread.join()
        self.assertEqual(seen, [(token, job), "carried"])
        self.assertIs(self.api.current_cancel_token(), token)

    def test_interleaved_tasks_stay_apart(self):
        api = self.api

        async def skill(name, cancel, steps):
            token = api.CancelToken(name)
            reset = api.set_cancel_token(token)
            try:
                for step in range(4):
                    if cancel and step == 2:
                        token.cancel()
                    steps.append(name)
                    await asyncio.sleep(0)
                    self.assertEqual(api.current_job_id(), name)
                    api.check_cancelled()
                return "done"
            except api.CancelledError:
                return "cancelled"
            finally:
                api.reset_cancel_token(reset)

        async def both():
            steps = []
            results = await asyncio.gather(skill("a", True, steps), skill("b", False, steps))
            self.assertEqual(steps[:4], ["a", "b", "a", "b"])
            self.assertIsNone(api.current_cancel_token())
            return results

        loop = asyncio.new_event_loop()
        try:
            self.assertEqual(loop.run_until_complete(both()), ["cancelled", "done"])
        finally:
            loop.close()

    def test_a_task_inherits_from_where_it_was_created(self):
        api = self.api
        token = api.CancelToken("outer")

        async def inner():
            seen = api.current_cancel_token()
            api.set_cancel_token(None)
            return seen

        async def outer():
            api.set_cancel_token(token)
            seen = await asyncio.ensure_future(inner())
            return seen, api.current_cancel_token()

        loop = asyncio.new_event_loop()
        try:
            self.assertEqual(loop.run_until_complete(outer()), (token, token))
        finally:
            loop.close()

    def test_a_cancel_of_another_thread_is_seen(self):
        token = self.api.CancelToken()
        self.api.set_cancel_token(token)
        thread = threading.Thread(target=token.cancel)
        thread.start()
        thread.join()
        self.assertRaises(self.api.CancelledError, self.api.check_cancelled)

    def test_tokens_cannot_be_pickled(self):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            self.assertRaises(TypeError, pickle.dumps, self.api.CancelToken(), protocol)
        self.assertRaises(TypeError, copy.deepcopy, self.api.CancelToken())

    def test_errors_can_be_pickled(self):
        token = self.api.CancelToken()
        token.cancel()
        try:
            token.check()
        except self.api.CancelledError as error:
            again = pickle.loads(pickle.dumps(error))
        self.assertIsInstance(again, self.api.CancelledError)
        self.assertEqual(str(again), TOKEN_TEXT)


class Theirs(Conformance, ContextCase):
    api = theirs


class CommonRoot(unittest.TestCase):
    """The class of the error itself is one of `DccMcpError`, whichever package comes first."""

    CHECKS = (
        "from dcc_mcp_core.errors import DccMcpError\n"
        "assert issubclass(dcc_cancel.DccMcpCancelledError, DccMcpError)\n"
        "assert dcc_cancel.CancelledError is dcc_cancel.DccMcpCancelledError\n"
        "from dcc_cancel import CancelledError\n"
        "token = dcc_cancel.CancelToken()\n"
        "token.cancel()\n"
        "for kind in (DccMcpError, CancelledError):\n"
        "    try: token.check()\n"
        "    except kind as error: print(type(error).__name__, isinstance(error, Exception))\n"
    )

    def assert_common(self, *imports):
        script = "".join("import %s\n" % name for name in imports) + self.CHECKS
        expected = "DccMcpCancelledError True\n" * 2
        self.assertEqual(run_python(script), (0, expected, ""))

    def test_ours_first(self):
        self.assert_common("dcc_cancel", "dcc_mcp_core.errors")

    def test_theirs_first(self):
        self.assert_common("dcc_mcp_core.errors", "dcc_cancel")
        self.assert_common("dcc_mcp_core.cancellation", "dcc_cancel")

    def test_ours_in_the_place_of_theirs(self):
        script = (
            "import sys, dcc_cancel\n"
            "sys.modules['dcc_mcp_core.cancellation'] = dcc_cancel\n"
            "from dcc_mcp_core.cancellation import DccMcpCancelledError\n"
            "from dcc_mcp_core.errors import DccMcpError\n"
            "from dcc_mcp_core.cancellation import DccMcpCancelledError as again\n"
            "print(issubclass(DccMcpCancelledError, DccMcpError), again is DccMcpCancelledError)\n"
        )
        self.assertEqual(run_python(script), (0, "True True\n", ""))

    def test_without_theirs(self):
        script = (
            "import sys, dcc_cancel\n"
            "print(dcc_cancel.CancelledError.__mro__[-3:] == (Exception, BaseException, object))\n"
            "print(any(name.startswith('dcc_mcp_core') for name in sys.modules))\n"
            "print(set(dcc_cancel.__all__) <= set(dir(dcc_cancel)), hasattr(dcc_cancel, 'Canceled'))\n"
        )
        self.assertEqual(run_python(script), (0, "True\nFalse\nTrue False\n", ""))


class Ours(Conformance, ContextCase):
    api = dcc_cancel


class StandIn(unittest.TestCase):
    """`dcc_mcp_core` itself runs on this package in place of its own module."""

    def test_their_executor_and_dispatcher_run_on_it(self):
        status, out, err = run_python(
            "import sys, dcc_cancel\n"
            "sys.modules['dcc_mcp_core.cancellation'] = dcc_cancel\n"
            "import dcc_mcp_core\n"
            "assert dcc_mcp_core.CancelToken is dcc_cancel.CancelToken\n"
            "from dcc_mcp_core._server.host_ui_dispatcher import HostUiJobEntry\n"
            "entry = HostUiJobEntry('r', 'main', dcc_cancel.check_dcc_cancelled, job_id='j')\n"
            "assert entry.execute()['success']\n"
            "entry.cancel()\n"
            "print(entry.execute()['error'])\n"
            "from dcc_mcp_core.errors import DccMcpError\n"
            "token = dcc_cancel.CancelToken(); token.cancel()\n"
            "try: token.check()\n"
            "except DccMcpError as error: print(type(error).__name__, error)\n"
        )
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, "Cancelled\nDccMcpCancelledError Request cancelled by client\n")


del Conformance

if __name__ == "__main__":
    sys.exit(unittest.main())
