"""A process exits although its threads wait in the library, but not before they have done their work."""

import inspect
import os
import sys
import unittest

import dcc_cancel
from dcc_cancel import control, diagnosis, mcp
from helpers import run_python

SETTING = """
import asyncio, concurrent.futures, sys, threading
import dcc_cancel
token = dcc_cancel.CancelToken()
begun = dcc_cancel.Job()
begun.begin()
ui = dcc_cancel.Dispatcher()
posting = ui.post(int)
waiting = threading.Semaphore(0)
def wait(way):
    waiting.release()
    try: answer = way()
    except (dcc_cancel.JobInterruptedError, dcc_cancel.ShutdownError): answer = "interrupted"
    sys.stderr.write("%s\\n" % (answer,))
"""

# Each way to wait, and its result when the interpreter exits.
WAYS = {
    "CancelToken.wait": ("token.wait", "False"),
    "wait_any": ("lambda: dcc_cancel.wait_any([token, begun])", "None"),
    "Job.wait": ("begun.wait", "False"),
    "Posting.result": ("posting.result", "interrupted"),
    "Posting.exception": ("lambda: type(posting.exception()).__name__", "JobInterruptedError"),
    "Dispatcher.post_and_wait": ("lambda: ui.post_and_wait(int)", "interrupted"),
}

# These wait for as long as it takes, too: functions of the library, and which ways call them.
WAITS_OF_THE_LIBRARY = {
    "dcc_cancel_token_wait_any": ("CancelToken.wait", "wait_any"),
    "dcc_job_wait": ("Job.wait", "Posting.result", "Posting.exception"),
    "dcc_dispatcher_post_and_wait": ("Dispatcher.post_and_wait",),
}


def with_a_timeout():
    """Names of all functions of the package that take one."""
    found = set()
    for module in (dcc_cancel, control, diagnosis, mcp):
        for name in module.__all__ if hasattr(module, "__all__") else dir(module):
            thing = getattr(module, name)
            members = vars(thing).items() if inspect.isclass(thing) else [("", thing)]
            for member, function in members:
                if member.startswith("_") or not inspect.isfunction(function):
                    continue
                if "timeout" in inspect.signature(function).parameters:
                    found.add("%s.%s" % (name, member) if member else name)
    return found


class Exits(unittest.TestCase):
    def test_each_way_to_wait_is_tried(self):
        self.assertEqual(with_a_timeout(), set(WAYS))
        called = [way for ways in WAITS_OF_THE_LIBRARY.values() for way in ways]
        self.assertEqual(sorted(called), sorted(WAYS))

    def ends(self, ways, starts):
        """What threads are told that wait when the interpreter exits."""
        script = SETTING
        for way, _ in ways:
            script += starts % way + "waiting.acquire()\n"
        if WAYS["Dispatcher.post_and_wait"] in ways:
            # Is being posted before the exit begins, as `posting` is: what comes later is refused.
            script += "while ui.stats()['depth'] < 2: pass\n"
        status, out, err = run_python(script)
        self.assertEqual((status, out), (0, ""), err)
        told = [answer for answer in err.split() if answer != "over"]
        self.assertEqual(sorted(told), sorted(answer for _, answer in ways))

    # Older interpreters do not announce their exit before they have waited.
    if sys.version_info >= (3, 9):

        def test_threads_that_wait(self):
            self.ends(list(WAYS.values()), "threading.Thread(target=wait, args=[%s]).start()\n")

        def test_threads_of_a_pool_that_wait(self):
            starts = "pool = concurrent.futures.ThreadPoolExecutor(9)\npool.submit(wait, %s)\n"
            self.ends(list(WAYS.values()), starts)

        def test_threads_of_a_loop_that_is_over(self):
            # A post waits for its dispatcher, which the loop knows nothing of.
            ways = [way for name, way in WAYS.items() if name != "Dispatcher.post_and_wait"]
            starts = (
                "async def main(way):\n"
                "    asyncio.ensure_future(asyncio.to_thread(wait, way))\n"
                "    while not waiting.acquire(blocking=False): await asyncio.sleep(0.001)\n"
                "waiting.release()\n"
                "asyncio.run(main(%s))\n"
            )
            for way, answer in ways:
                # The dispatcher is not closed by that, so the posting has no end that it could give.
                answer = "interrupted" if way.startswith("lambda: type(posting") else answer
                with self.subTest(way):
                    self.ends([(way, answer)], starts + "sys.stderr.write('over ')\n")

    def test_a_thread_that_joins_one_that_waits(self):
        starts = (
            "thread = threading.Thread(target=wait, args=[%s])\nthread.start()\n"
            "threading.Thread(target=thread.join).start()\n"
        )
        self.ends([WAYS["Job.wait"], WAYS["Posting.result"]], starts)

    def test_dispatchers_that_are_closed_or_pumped_again_at_exit(self):
        script = SETTING + (
            "import atexit\n"
            "closed = dcc_cancel.Dispatcher()\n"
            "closed.close()\n"
            "def pump():\n"
            "    ui.pump()\n"
            "    sys.stderr.write('%r\\n' % ui.close())\n"
            "atexit.register(pump)\n"
        )
        self.assertEqual(run_python(script), (0, "", "True\n"))

    @unittest.skipUnless(hasattr(os, "fork"), "os.fork")
    def test_a_forked_child(self):
        script = SETTING + (
            "import os, warnings\n"
            "warnings.simplefilter('ignore', DeprecationWarning)\n"
            "child = os.fork()\n"
            "if child: sys.stderr.write('%d\\n' % os.waitpid(child, 0)[1])\n"
        )
        self.assertEqual(run_python(script), (0, "", "0\n"))

    def test_threads_that_still_work_are_waited_for(self):
        script = SETTING + (
            "import time\n"
            "def linger():\n"
            "    threading.main_thread().join()\n"
            # Longer than the library needs to see that no thread works any more. It ignores daemon threads.
            "    time.sleep(1)\n"
            "daemon = threading.Thread(target=linger, daemon=True)\n"
            "daemon.start()\n"
            "def work():\n"
            "    threading.main_thread().join()\n"
            "    daemon.join()\n"
            "    token.cancel('at last')\n"
            "def cancelled():\n"
            "    answer = token.wait()\n"
            "    begun.complete()\n"
            "    return answer\n"
            "for way in (cancelled, begun.wait, work):\n"
            "    threading.Thread(target=wait, args=[way]).start()\n"
        )
        status, out, err = run_python(script)
        self.assertEqual((status, out), (0, ""), err)
        self.assertEqual(sorted(err.split()), ["None", "True", "True"])

    def test_a_limit_is_waited_for(self):
        # Otherwise a loop around the call would not wait at all.
        script = SETTING + (
            "import time\n"
            "def timed():\n"
            "    threading.main_thread().join()\n"
            "    at = time.monotonic()\n"
            "    answer = token.wait(0.5)\n"
            "    return answer, time.monotonic() - at >= 0.5\n"
            "threading.Thread(target=wait, args=[timed]).start()\n"
        )
        self.assertEqual(run_python(script), (0, "", "(False, True)\n"))


if __name__ == "__main__":
    sys.exit(unittest.main())
