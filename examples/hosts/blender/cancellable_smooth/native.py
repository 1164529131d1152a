"""Calls the native library by ctypes. It is loaded before dcc_cancel, which then takes the same instance."""

import ctypes
import os
import sys

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib")
_NAME = "smooth_mesh.dll" if sys.platform == "win32" else "libsmooth_mesh.so"
_library = ctypes.CDLL(os.path.join(LIB, _NAME))

import dcc_cancel  # noqa: E402


class _Outcome(ctypes.Structure):
    _fields_ = [("passes", ctypes.c_uint64), ("error", ctypes.c_char * 256)]


_smooth_mesh = _library.smooth_mesh
_smooth_mesh.restype = ctypes.c_int32
_smooth_mesh.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_uint64,
    ctypes.c_double,
    ctypes.POINTER(_Outcome),
]


@dcc_cancel.native
def smooth(positions, edges, passes, factor):
    """Smooths arrays of float32 (x, y, z of each vertex) and int32 (two vertices of each edge).

    Any thread may call this. It polls the token and the job that are current there, and other Python threads
    run meanwhile. DccMcpCancelledError: it was cancelled, and `positions` are unchanged.
    """
    outcome = _Outcome()
    status = _smooth_mesh(
        positions.ctypes.data,
        positions.size // 3,
        edges.ctypes.data,
        edges.size // 2,
        passes,
        factor,
        ctypes.byref(outcome),
    )
    if status < 0:
        raise RuntimeError(f"the mesh cannot be smoothed: {outcome.error.decode(errors='replace')}")
    if status > 0:
        raise dcc_cancel.DccMcpCancelledError(f"cancelled after {outcome.passes} of {passes} passes")
