"""Finding the library, its one instance, forks, and the end of the interpreter."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import dcc_cancel
from helpers import run_python

PACKAGE = os.path.dirname(os.path.abspath(dcc_cancel.__file__))
LIBRARY = os.environ["DCC_CANCEL_LIBRARY"]
HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "libdcc_cancel.so.2"

WORKS = "import dcc_cancel; print(dcc_cancel.CancelToken().cancelled)\n"


class Folders(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def copied(self, *below, **options):
        """A copy of the package in a folder of its own, and where Python finds it."""
        above = os.path.join(self.folder, *below)
        name = options.get("name", "dcc_cancel")
        shutil.copytree(PACKAGE, os.path.join(above, name))
        theirs = os.environ["PYTHONPATH"].split(os.pathsep)[1]
        return above, os.pathsep.join((above, theirs, HERE))

    def built(self, *flags):
        """A library that has next to nothing of this one."""
        path = os.path.join(self.folder, NAME)
        include = os.path.dirname(os.environ["DCC_TEST_HEADER"])
        source = os.path.join(HERE, "..", "consumers", "older_library.c")
        compiler = os.environ.get("CC") or "gcc"
        command = [compiler, "-shared", "-fPIC", "-I", include, "-Wl,-soname," + NAME, source]
        subprocess.check_call(command + list(flags) + ["-o", path])
        return path


class Finding(Folders):
    def assert_works(self, **environment):
        self.assertEqual(run_python(WORKS, **environment), (0, "False\n", ""))

    def refused(self, **environment):
        """Why it cannot be imported."""
        script = (
            "try: import dcc_cancel\n"
            "except ImportError as error: print(type(error).__name__, error)\n"
        )
        status, out, err = run_python(script, **environment)
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.startswith("LibraryError "), out)
        return out

    def test_an_instance_that_is_loaded_is_found_before_one_is_loaded(self):
        script = (
            "import ctypes, os\n"
            "plugin = ctypes.CDLL(os.environ['DCC_TEST_PLUGIN'])\n"
            "import dcc_cancel\n"
            "token = dcc_cancel.CancelToken()\n"
            "token.cancel()\n"
            "dcc_cancel.set_cancel_token(token)\n"
            "print(dcc_cancel.native(plugin.loop_until_cancelled)(ctypes.c_uint64(10**10)))\n"
            "maps = open('/proc/self/maps').read().split()\n"
            "print(len({line for line in maps if 'libdcc_cancel' in line}))\n"
        )
        # The variable names no library, and no other place may be tried.
        answer = run_python(script, DCC_CANCEL_LIBRARY="/nowhere/" + NAME)
        self.assertEqual(answer, (0, "1\n1\n", ""))

    def test_a_plugin_that_comes_later_shares_the_instance(self):
        script = (
            "import ctypes, os, dcc_cancel\n"
            "plugin = ctypes.CDLL(os.environ['DCC_TEST_PLUGIN'])\n"
            "token = dcc_cancel.CancelToken()\n"
            "token.cancel()\n"
            "dcc_cancel.set_cancel_token(token)\n"
            "print(dcc_cancel.native(plugin.loop_until_cancelled)(ctypes.c_uint64(10**10)))\n"
        )
        copy = os.path.join(self.folder, NAME)
        shutil.copy(LIBRARY, copy)
        self.assertEqual(run_python(script, DCC_CANCEL_LIBRARY=copy), (0, "1\n", ""))

    def test_the_variable(self):
        self.assert_works()
        text = self.refused(DCC_CANCEL_LIBRARY="/nowhere/" + NAME)
        self.assertIn("'/nowhere/libdcc_cancel.so.2'", text)
        self.assertIn("DCC_CANCEL_LIBRARY", text)

    def test_beside_the_package(self):
        above, path = self.copied()
        shutil.copy(LIBRARY, os.path.join(above, "dcc_cancel", NAME))
        self.assert_works(DCC_CANCEL_LIBRARY=None, PYTHONPATH=path)
        os.rename(os.path.join(above, "dcc_cancel", NAME), os.path.join(above, NAME))
        self.assert_works(DCC_CANCEL_LIBRARY=None, PYTHONPATH=path)

    def test_where_cmake_installs_it(self):
        _, path = self.copied("share", "dcc_cancel", "python")
        os.mkdir(os.path.join(self.folder, "lib"))
        shutil.copy(LIBRARY, os.path.join(self.folder, "lib", NAME))
        self.assert_works(DCC_CANCEL_LIBRARY=None, PYTHONPATH=path)

    def test_where_the_system_looks(self):
        self.assert_works(
            DCC_CANCEL_LIBRARY=None, LD_LIBRARY_PATH=os.path.dirname(LIBRARY)
        )

    def test_nowhere(self):
        text = self.refused(DCC_CANCEL_LIBRARY=None)
        self.assertIn("cannot find libdcc_cancel.so.2", text)
        self.assertIn("set DCC_CANCEL_LIBRARY to its path", text)

    def test_another_abi_is_refused(self):
        other = self.built("-DOLDER_ABI_MAJOR=1")
        text = self.refused(DCC_CANCEL_LIBRARY=other)
        self.assertIn("has ABI 1.0; this package needs 2", text)

    def test_an_older_library_is_refused_by_what_it_lacks(self):
        text = self.refused(DCC_CANCEL_LIBRARY=self.built())
        self.assertRegex(text, "has ABI 2.[0-9]+, which has no dcc_[a-z_]+; let the host load")

    def test_what_is_no_dcc_cancel_is_refused(self):
        text = self.refused(DCC_CANCEL_LIBRARY="libm.so.6")
        self.assertIn("libm.so.6 is not the library dcc-cancel", text)

    def test_two_packages_share_one_library(self):
        _, path = self.copied("vendored", name="their_cancel")
        script = (
            "import ctypes, dcc_cancel, their_cancel\n"
            "assert their_cancel.CancelToken is not dcc_cancel.CancelToken\n"
            "token = their_cancel.CancelToken('shared')\n"
            "child, job = dcc_cancel.CancelToken(parent=token), dcc_cancel.Job(parent=token)\n"
            "their_cancel.set_current_job(job)\n"
            "dcc_cancel.set_cancel_token(token)\n"
            "library = ctypes.CDLL('libdcc_cancel.so.2')\n"
            "library.dcc_job_current.restype = ctypes.c_void_p\n"
            "assert their_cancel.native(library.dcc_job_current)() == job.handle\n"
            "assert child._link is None\n"
            "token.cancel('both')\n"
            "print(child.reason, job.cancelled, dcc_cancel.native(library.dcc_check_cancelled)())\n"
        )
        here = os.environ["PYTHONPATH"]
        answer = run_python(script, PYTHONPATH=here + os.pathsep + path)
        self.assertEqual(answer, (0, "both True 1\n", ""))


class Forks(unittest.TestCase):
    @unittest.skipUnless(hasattr(os, "fork"), "os.fork")
    def test_a_fork_polls_and_is_told_of_the_rest(self):
        script = (
            "import os, sys, warnings, dcc_cancel\n"
            "warnings.simplefilter('ignore', DeprecationWarning)\n"
            "token, cancelled = dcc_cancel.CancelToken(), dcc_cancel.CancelToken()\n"
            "session = dcc_cancel.Session()\n"
            "cancelled.cancel()\n"
            "dispatcher = dcc_cancel.Dispatcher()\n"
            "posting = dispatcher.post(int)\n"
            "link = dcc_cancel.CancelToken.link(type('Probe', (), {'cancelled': False})())\n"
            "def told(function, *arguments):\n"
            "    try: function(*arguments)\n"
            "    except dcc_cancel.ForkedError as error: return 'fork' in str(error)\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    print(token.cancelled, cancelled.cancelled)\n"
            "    dcc_cancel.set_cancel_token(token)\n"
            "    dcc_cancel.check_dcc_cancelled()\n"
            "    print(told(dcc_cancel.CancelToken), told(token.cancel), told(session.begin, 1),\n"
            "        told(dispatcher.pump), told(token.wait, 1), told(posting.job.begin))\n"
            "    sys.stdout.flush()\n"
            "    del token, session, posting\n"
            "    sys.exit(7)\n"
            "status = os.waitpid(child, 0)[1]\n"
            "print(os.WIFEXITED(status) and os.WEXITSTATUS(status))\n"
            "token.cancel()\n"
            "dispatcher.pump()\n"
            "print(posting.result(), token.cancelled)\n"
        )
        expected = "False True\nTrue True True True True True\n7\n0 True\n"
        self.assertEqual(run_python(script), (0, expected, ""))

    @unittest.skipUnless(hasattr(os, "fork"), "os.fork")
    def test_a_fork_shows_every_object(self):
        script = (
            "import os, sys, warnings, dcc_cancel\n"
            "warnings.simplefilter('ignore', DeprecationWarning)\n"
            "token, cancelled = dcc_cancel.CancelToken(), dcc_cancel.CancelToken()\n"
            "cancelled.cancel()\n"
            "session = dcc_cancel.Session()\n"
            "request = session.begin(1)\n"
            "things = [token, cancelled, session, request, dcc_cancel.Dispatcher(), dcc_cancel.Job('a')]\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    for thing in things: print(thing)\n"
            "    sys.stdout.flush()\n"
            "    os._exit(0)\n"
            "os.waitpid(child, 0)\n"
            "request.end()\n"
        )
        unreadable = "unreadable: ForkedError"
        expected = [
            "CancelToken(%s)" % unreadable,
            "CancelToken(%s)" % unreadable,
            "Session(%s)" % unreadable,
            "Request(1, %s)" % unreadable,
            "Dispatcher(%s)" % unreadable,
            "Job(%s)" % unreadable,
        ]
        status, printed, errors = run_python(script)
        self.assertEqual((status, printed.splitlines(), errors), (0, expected, ""))

    def test_what_is_half_made_is_shown(self):
        for kind in (dcc_cancel.CancelToken, dcc_cancel.Job, dcc_cancel.Session, dcc_cancel.Dispatcher):
            self.assertEqual(repr(kind.__new__(kind)), kind.__name__ + "(unreadable: AttributeError)")


class Exits(unittest.TestCase):
    def assert_ends(self, script, expected=""):
        self.assertEqual(run_python(script), (0, expected, ""))

    def test_objects_that_are_alive_at_the_end(self):
        self.assert_ends(
            "import dcc_cancel\n"
            "token = dcc_cancel.CancelToken('t')\n"
            "session = dcc_cancel.Session()\n"
            "request = session.begin(1, parent=token)\n"
            "job = dcc_cancel.Job(parent=request)\n"
            "dispatcher = dcc_cancel.Dispatcher(wake=lambda: None)\n"
            "posting = dispatcher.post(print, 'never', parent=job)\n"
            "registration = token.add_callback(lambda: print('never'))\n"
            "cycle = [token, job, dispatcher]\n"
            "cycle.append(cycle)\n"
            "dcc_cancel.set_cancel_token(token)\n"
            "dcc_cancel.set_current_job(job)\n"
        )

    def test_callables_that_run_at_the_end_are_cancelled_and_waited_for(self):
        self.assert_ends(
            "import dcc_cancel, threading, time\n"
            "begun = threading.Event()\n"
            "def work():\n"
            "    begun.set()\n"
            "    try:\n"
            "        while True:\n"
            "            dcc_cancel.check_dcc_cancelled()\n"
            "            time.sleep(0.001)\n"
            "    finally:\n"
            "        print('tidied', flush=True)\n"
            "dispatcher = dcc_cancel.Dispatcher()\n"
            "posting = dispatcher.post(work, any_thread=True)\n"
            "assert begun.wait(30)\n",
            "tidied\n",
        )

    def test_nothing_is_called_after_the_interpreter_has_ended(self):
        # The process lingers for long enough; the deadline comes meanwhile, on a thread of the library.
        self.assert_ends(
            "import ctypes, os, dcc_cancel\n"
            "plugin = ctypes.CDLL(os.environ['DCC_TEST_PLUGIN'])\n"
            "assert plugin.linger_at_exit(ctypes.c_uint64(400000000)) == 0\n"
            "token = dcc_cancel.CancelToken()\n"
            "token.add_callback(lambda: os.write(1, b'called'))\n"
            "token.set_deadline_after(0.2)\n"
            # The token is never released, as if a host held it.
            "ctypes.pythonapi.Py_IncRef(ctypes.py_object(token))\n"
        )

    def test_daemon_threads_that_wait_and_pump_at_the_end(self):
        self.assert_ends(
            "import dcc_cancel, threading, time\n"
            "token = dcc_cancel.CancelToken()\n"
            "class Probe: cancelled = False\n"
            "links = [dcc_cancel.CancelToken.link(Probe(), 0.001) for _ in range(20)]\n"
            "dispatcher = dcc_cancel.Dispatcher(bind_later=True)\n"
            "def pump():\n"
            "    try:\n"
            "        while True:\n"
            "            dispatcher.post(time.sleep, 0.0001)\n"
            "            dispatcher.pump()\n"
            "    except dcc_cancel.ShutdownError:\n"
            "        token.wait()\n"
            "for work in (token.wait, pump):\n"
            "    threading.Thread(target=work, daemon=True).start()\n"
            "time.sleep(0.05)\n"
        )


del Folders

if __name__ == "__main__":
    sys.exit(unittest.main())
