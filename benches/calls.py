"""Measures polls from Python, beside `dcc_mcp_core` if it is there, and beside a call without `native`.

Prints the rows of figures.hpp: work, peer, median of the ratio, its quartiles, rounds, calls in each, and
nanoseconds of a call.
"""

import ctypes
import os
import statistics
import timeit

import dcc_cancel

try:
    import dcc_mcp_core.cancellation as peer
except ImportError:
    peer = None

CALLS = 1000
ROUNDS = 21 if os.environ.get("DCC_BENCH_QUICK") else 501


def row(work, peer_name, own, other):
    """Both are a statement and its names, timed in turns after a round that does not count."""
    timers = [timeit.Timer(statement, globals=names) for statement, names in (own, other)]
    rounds = []
    for turn in range(ROUNDS + 1):
        order = (0, 1) if turn % 2 == 0 else (1, 0)
        times = [0.0, 0.0]
        for which in order:
            times[which] = timers[which].timeit(CALLS)
        rounds.append(times)
    del rounds[0]
    ratios = sorted(own / other for own, other in rounds)
    nanoseconds = statistics.median(own for own, _ in rounds) / CALLS * 1e9
    low, middle, high = (ratios[round((ROUNDS - 1) * part)] for part in (0.25, 0.5, 0.75))
    numbers = "%.4f\t%.4f\t%.4f\t%d\t%d\t%.2f" % (middle, low, high, ROUNDS, CALLS, nanoseconds)
    print("%s\t%s\t%s" % (work, peer_name, numbers))


def names_of(api):
    token = api.CancelToken()
    api.set_cancel_token(token)
    return {"token": token, "check_cancelled": api.check_cancelled}


def main():
    own = names_of(dcc_cancel)
    if peer is not None:
        other = names_of(peer)
        for statement in ("token.cancelled", "check_cancelled()"):
            row(statement, "dcc_mcp_core " + statement, (statement, own), (statement, other))
    plain = {"flag": [False]}
    row("token.cancelled", "an item of a list", ("token.cancelled", own), ("flag[0]", plain))
    row("check_cancelled()", "an item of a list", ("check_cancelled()", own), ("flag[0]", plain))
    # A plugin's function, as far as Python can tell.
    question = ctypes.CDLL(os.environ["DCC_CANCEL_LIBRARY"]).dcc_cancel_token_check_current
    wrapped = dcc_cancel.native(question)
    row("native(f)()", "f()", ("f()", {"f": wrapped}), ("f()", {"f": question}))


main()
