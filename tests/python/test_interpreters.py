"""Subinterpreters and Pythons without a GIL are refused with a reason, and the process survives them."""

import sys
import unittest

from helpers import run_python

# A thread of the interpreter asks the linked objects; the interpreter's end must not meet that thread.
IN_A_SUBINTERPRETER = """
import sys
try:
    import _interpreters as interpreters
    makers = [lambda: interpreters.create("legacy"), lambda: interpreters.create("isolated")]
except ImportError:
    import _xxsubinterpreters as interpreters
    makers = [interpreters.create]
    if sys.version_info >= (3, 9):
        makers.append(lambda: interpreters.create(isolated=False))
USE = '''
class Theirs:
    cancelled = False
    job_id = None
    def check(self): pass

theirs = Theirs()
try:
    import dcc_cancel
    token = dcc_cancel.CancelToken.link(theirs)
except Exception as error:
    print(type(error).__name__, error, flush=True)
'''
for make in makers:
    interpreter = make()
    interpreters.run_string(interpreter, USE)
    interpreters.destroy(interpreter)
import dcc_cancel
print("the main one:", dcc_cancel.CancelToken().cancelled)
"""

WITHOUT_A_GIL = """
import sys
sys._is_gil_enabled = lambda: False
try: import dcc_cancel
except ImportError as error: print(type(error).__name__, error)
sys._is_gil_enabled = lambda: True
import dcc_cancel
print(dcc_cancel.CancelToken().cancelled)
"""


class Interpreters(unittest.TestCase):
    def test_a_subinterpreter_is_refused_and_may_end(self):
        status, out, err = run_python(IN_A_SUBINTERPRETER)
        self.assertEqual((status, err), (0, ""))
        *refusals, last = out.splitlines()
        self.assertEqual(last, "the main one: False")
        self.assertEqual(len(refusals), 2 if sys.version_info >= (3, 9) else 1, out)
        for refusal in refusals:
            self.assertIn("LibraryError dcc_cancel cannot be used in a subinterpreter", refusal)

    def test_a_python_without_a_gil_is_refused(self):
        # No free-threaded build is among the Pythons here; this one says that it is one.
        status, out, err = run_python(WITHOUT_A_GIL)
        self.assertEqual((status, err), (0, ""))
        refusal, last = out.splitlines()
        self.assertIn("LibraryError dcc_cancel needs the GIL", refusal)
        self.assertIn("PYTHON_GIL=1", refusal)
        self.assertEqual(last, "False")


if sys.version_info < (3, 8):
    # This Python has no way to make a subinterpreter.
    del Interpreters.test_a_subinterpreter_is_refused_and_may_end


if __name__ == "__main__":
    sys.exit(unittest.main())
