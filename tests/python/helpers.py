"""What the tests share: the native plugin, child processes, and which other packages are installed.

The environment, as tests/python/python.rs sets it: DCC_CANCEL_LIBRARY, the library; DCC_TEST_PLUGIN, the
plugin made of native_loop.c; DCC_TEST_HEADER, dcc_cancel.h; PYTHONPATH, the package.
"""

import contextvars
import ctypes
import faulthandler
import gc
import os
import subprocess
import sys
import time
import unittest
import warnings

import dcc_cancel
from dcc_cancel import _callbacks, _declarations

import dcc_mcp_core.cancellation as theirs

NATIVE = ctypes.CDLL(os.environ["DCC_TEST_PLUGIN"])
NATIVE.loop_until_cancelled.argtypes = [ctypes.c_uint64]
NATIVE.poll_on_another_thread.argtypes = [ctypes.c_uint64]
NATIVE.poll_on_another_thread.restype = ctypes.c_int64
NATIVE.count_units.argtypes = [ctypes.c_uint64, ctypes.c_uint64, ctypes.CFUNCTYPE(None)]
NATIVE.leave_a_token_behind.argtypes = [ctypes.c_void_p]

LIBRARY = ctypes.CDLL("libdcc_cancel.so.2")
LIBRARY.dcc_cancel_token_current.restype = ctypes.c_void_p
LIBRARY.dcc_job_current.restype = ctypes.c_void_p
LIBRARY.dcc_progress_current.restype = ctypes.c_void_p

BY_TOKEN = 1
BY_JOB = 2

with open(os.path.join(os.path.dirname(__file__), "..", "support", "hang_seconds")) as file:
    #: What takes longer hangs; what is waited for comes at once.
    LONG = float(file.read().split()[-1])

# A test that hangs is reported with the stacks of all threads, instead of waiting for ever.
faulthandler.dump_traceback_later(4 * LONG, exit=True)


def native_token():
    """The token in this thread's native slot, 0 for none."""
    return LIBRARY.dcc_cancel_token_current() or 0


def native_job():
    """The job in this thread's native slot, 0 for none."""
    return LIBRARY.dcc_job_current() or 0


def native_share():
    """The share of progress in this thread's native slot, 0 for none."""
    return LIBRARY.dcc_progress_current() or 0


def loop_until_cancelled():
    """A native loop: 0 if nobody stopped it."""
    return NATIVE.loop_until_cancelled(int(LONG * 1e9))


def native_job_id():
    """The id under which native code knows what it works for."""
    buffer = ctypes.create_string_buffer(300)
    LIBRARY.dcc_context_caller_id(buffer, ctypes.c_size_t(300), None)
    return buffer.value.decode()


def live(what):
    """How many objects of a kind the library has, without those that are garbage."""
    gc.collect()
    stats = _declarations.Stats()
    stats.struct_size = ctypes.sizeof(stats)
    assert LIBRARY.dcc_stats_read(ctypes.byref(stats)) == 0
    return getattr(stats, what)


class ContextCase(unittest.TestCase):
    """Each test runs in a context of its own, so that it need not reset what it sets, and leaves nothing that
    the library calls."""

    #: Such as postings that nothing runs.
    leaves_things = False

    def run(self, result=None):
        # Objects that other tests have left end now, not in the middle of this test.
        gc.collect()
        before = set(_callbacks._kept)
        with warnings.catch_warnings():
            # Tests drop requests in all their states; test_misuse.py is about this warning.
            warnings.filterwarnings("ignore", "the request .* was dropped", ResourceWarning)
            ended = contextvars.Context().run(super().run, result)
        if not self.leaves_things:
            # A thread may be about to release what it called; the next test counts the kept objects.
            gc.collect()
            until(lambda: not set(_callbacks._kept) - before)
        return ended


class PumpedCase(ContextCase):
    """Each test has a dispatcher of its own, `ui`, on this thread."""

    def setUp(self):
        self.ui = dcc_cancel.Dispatcher()
        self.addCleanup(self.ui.close)

    def run_to_end(self, posting):
        """Pumps until it is done."""
        end = time.monotonic() + LONG
        while not posting.done():
            assert time.monotonic() < end
            self.ui.pump(0.01)
        return posting


class Foreign:
    """A token or job that is not native, as a host may have one."""

    def __init__(self, job_id=None):
        self.cancelled = False
        self.job_id = job_id
        self.reason = None

    def check(self):
        if self.cancelled:
            raise theirs.DccMcpCancelledError("foreign")


def until(condition):
    """Waits for what is about to happen."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.001)


def run_python(script, *arguments, **changes):
    """Runs a script in a fresh interpreter: what it ended with, printed, and complained about."""
    environment = dict(os.environ)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    process = subprocess.Popen(
        [sys.executable, "-c", script] + list(arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        env=environment,
    )
    try:
        out, err = process.communicate(timeout=LONG)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError("it hangs\n%s\n%s" % (out, err))
    return process.returncode, out, err


def code_of_page(section):
    """What the code in a section of docs/python.md defines."""
    path = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "python.md")
    with open(path, encoding="utf-8") as page:
        text = page.read().split("\n## %s\n" % section)[1].split("\n## ")[0]
    defined = {}
    for piece in text.split("```python\n")[1:]:
        exec(piece.split("```")[0], defined)
    return defined


def raised(function, *arguments):
    """The exception that a call raises."""
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")

