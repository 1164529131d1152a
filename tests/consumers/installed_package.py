"""Uses the package that is installed, and says where its library is, which has to be in the same place."""

import os
import sys

import dcc_cancel

print(dcc_cancel.version())
package = os.path.dirname(dcc_cancel.__file__)
assert package.startswith(sys.prefix), package
with open("/proc/self/maps") as maps:
    loaded = {line.split()[-1] for line in maps if "libdcc_cancel" in line}
assert loaded == {os.path.join(package, "libdcc_cancel.so.2")}, loaded
assert dcc_cancel.__version__ in dcc_cancel.version()

token = dcc_cancel.CancelToken()
told = []
token.add_callback(lambda: told.append("told"))
reset = dcc_cancel.set_cancel_token(token)
token.cancel("enough")
try:
    dcc_cancel.check_cancelled()
except dcc_cancel.CancelledError:
    assert told == ["told"] and token.reason == "enough"
dcc_cancel.reset_cancel_token(reset)

with dcc_cancel.Dispatcher() as ui:
    posting = ui.post(dcc_cancel.check_dcc_cancelled)
    posting.cancel("not needed")
    ui.pump(0.1)
    assert posting.job.state == "cancelled", posting.job.state
print("stopped by token and by job")
