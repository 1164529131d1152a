"""Loads the library by ctypes, cancels a token from another thread, prints the version."""
import ctypes
import sys
import threading

library = ctypes.CDLL(sys.argv[1])
library.dcc_version_string.restype = ctypes.c_char_p
token = ctypes.c_void_p()
assert library.dcc_cancel_token_create(ctypes.byref(token)) == 0
ticket = ctypes.c_uint64()
assert library.dcc_cancel_token_set_current(token, ctypes.byref(ticket)) == 0
assert library.dcc_check_cancelled() == 0
thread = threading.Thread(
    target=library.dcc_cancel_token_cancel,
    args=(token, b"from Python", ctypes.c_size_t(11)),
)
thread.start()
thread.join()
assert library.dcc_check_cancelled() == 1
assert library.dcc_cancel_token_reset_current(ticket) == 0
assert library.dcc_cancel_token_release(token) == 0
print(library.dcc_version_string().decode())
