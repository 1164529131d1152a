"""A token's native event in Qt's own notifier: the event loop wakes with the cancel.

    python3 qt_notifier.py libdcc_cancel.so.2
"""

import ctypes
import sys
import threading
import time

from PyQt5.QtCore import QCoreApplication, QSocketNotifier, QTimer

library = ctypes.CDLL(sys.argv[1])
handle = ctypes.c_void_p


def check(status):
    assert status == 0, status


application = QCoreApplication([])
token, event = handle(), ctypes.c_ssize_t()
check(library.dcc_cancel_token_create(ctypes.byref(token)))
check(library.dcc_cancel_token_native_event(token, ctypes.byref(event)))

ticks = []
timer = QTimer()
timer.timeout.connect(lambda: ticks.append(time.monotonic()))
timer.start(5)

woken = []


def on_cancel():
    notifier.setEnabled(False)  # level-triggered: it would be told again and again
    woken.append(library.dcc_cancel_token_is_cancelled(token))
    application.quit()


notifier = QSocketNotifier(event.value, QSocketNotifier.Read)
notifier.activated.connect(on_cancel)
QTimer.singleShot(60_000, lambda: application.exit(1))


def cancel():
    time.sleep(0.05)
    check(library.dcc_cancel_token_cancel(token, None, ctypes.c_size_t(0)))


canceller = threading.Thread(target=cancel)
canceller.start()
assert application.exec() == 0, "the event loop did not wake"
canceller.join()
assert woken == [1], woken
assert ticks, "the event loop was blocked meanwhile"

check(library.dcc_native_event_close(event))
check(library.dcc_cancel_token_release(token))
print("woken by the cancel")
