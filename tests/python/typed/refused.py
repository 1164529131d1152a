# pyright: strict
"""What mypy and pyright both refuse: each line that ends in "# refused", and no other."""

from __future__ import annotations

from typing import List

import dcc_cancel


def smooth(mesh: str, rounds: int = 3) -> List[float]:
    return [0.0] * rounds * len(mesh)


class WithMethod:
    def cancelled(self) -> bool:
        return False


token = dcc_cancel.CancelToken()
ui = dcc_cancel.Dispatcher()
session = dcc_cancel.Session()

token.cancelled()  # refused
token.canceled  # refused
token.cancelled = True  # refused
token.cancel(7)  # refused
token.wait("1")  # refused
dcc_cancel.CancelToken(7)  # refused
dcc_cancel.CancelToken(parent="x")  # refused
dcc_cancel.CancelToken(parent=WithMethod())  # refused
dcc_cancel.set_cancel_token(dcc_cancel.CancelToken)  # refused
dcc_cancel.set_cancel_token("oops")  # refused
dcc_cancel.reset_cancel_token(dcc_cancel.set_current_job(None))  # refused
dcc_cancel.Job(token)  # refused
dcc_cancel.Job().set_progress(0.5)  # refused
dcc_cancel.wait_any(token)  # refused
dcc_cancel.progress("Smooth")  # refused
dcc_cancel.progress(3).step(0.5)  # refused
dcc_cancel.native(3)  # refused
dcc_cancel.native(smooth)(3)  # refused
dcc_cancel.native(smooth)("mesh", turns=3)  # refused
ui.post(smooth("mesh"))  # refused
ui.post(None)  # refused
ui.post(smooth, 3)  # refused
ui.post(smooth, "mesh", lane="fast")  # refused
ui.post(smooth, "mesh", deadline="5s")  # refused
ui.pump(budget="8ms")  # refused
number: int = ui.post(smooth, "mesh").result()  # refused
token.add_callback(print())  # refused
token.add_callback(print, keep_token=1)  # refused
session.begin(1.0)  # refused
session.handle_message(7)  # refused
dcc_cancel.Session(kind="sse")  # refused
dcc_cancel.Session(replies=-32800)  # refused
session.cancel(1) == "canceled"  # refused
