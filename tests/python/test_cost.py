"""The costs of polls beside those of `dcc_mcp_core`: times are shown, steps of the interpreter decide."""

import sys
import timeit
import unittest

import dcc_cancel
import dcc_mcp_core.cancellation as theirs
from helpers import LIBRARY, ContextCase


def ratio(statement, ours, others):
    """How much longer it takes with the one than with the other, and both in nanoseconds; to be shown.

    The best of many short rounds: some of them nobody disturbs.
    """
    best = [float("inf"), float("inf")]
    for _ in range(100):
        for index, names in enumerate((ours, others)):
            best[index] = min(best[index], timeit.timeit(statement, globals=names, number=1000))
    return best[0] / best[1], best[0] / 1000 * 1e9, best[1] / 1000 * 1e9


def steps(statement, names):
    """How many instructions of Python and calls of C functions it takes, the same on a busy machine."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    def profile(_, event, __):
        nonlocal count
        count += event == "c_call"

    code = compile(statement, "<steps>", "exec")
    sys.settrace(trace)
    sys.setprofile(profile)
    try:
        exec(code, names)
    finally:
        sys.setprofile(None)
        sys.settrace(None)
    return count


class Cost(ContextCase):
    def measured(self, what, statement):
        names = []
        for api in (dcc_cancel, theirs):
            token = api.CancelToken()
            api.set_cancel_token(token)
            names.append({"token": token, "api": api, "check": api.check_cancelled})
        value, own, other = ratio(statement, *names)
        print("%s: %.2f (%.0f ns, theirs %.0f ns)" % (what, value, own, other))
        own, other = (steps(statement, each) for each in names)
        self.assertGreater(other, 3)
        self.assertLessEqual(own, other, what)

    def test_polls(self):
        self.measured("token.cancelled", "token.cancelled")
        self.measured("check_cancelled()", "check()")
        self.measured("check_dcc_cancelled()", "api.check_dcc_cancelled()")

    def test_a_native_call(self):
        dcc_cancel.set_cancel_token(dcc_cancel.CancelToken())
        plain = LIBRARY.dcc_cancel_token_check_current
        wrapped = dcc_cancel.native(plain)
        value, own, other = ratio("f()", {"f": wrapped}, {"f": plain})
        print("native(function): %.1f (%.0f ns, without %.0f ns)" % (value, own, other))
        self.assertLess(steps("f()", {"f": wrapped}), 100 * steps("f()", {"f": plain}))


if __name__ == "__main__":
    sys.exit(unittest.main())
