"""Calls the plugin bake_plugin.cpp by ctypes.

Load the plugin before `dcc_cancel` is imported. The package then takes the library that the plugin has
loaded.
"""

import ctypes
import os
from dataclasses import dataclass


class _Outcome(ctypes.Structure):
    _fields_ = [
        ("done", ctypes.c_uint64),
        ("asked", ctypes.c_uint64),
        ("result", ctypes.c_uint64),
        ("cancel_to_seen_ns", ctypes.c_uint64),
        ("error", ctypes.c_char * 256),
    ]


@dataclass
class Outcome:
    """What a native call did. `stopped`: it was asked to stop before its end."""

    done: int
    asked: int
    result: int
    stopped: bool
    cancel_to_seen_ns: int


class BakeError(Exception):
    """The plugin has failed. The text says why."""


class BakePlugin:
    """The functions of the plugin. Each polls the token and the job that are current on its thread.

    ctypes releases the GIL during a call, so other Python threads run.
    """

    def __init__(self, path):
        library = ctypes.CDLL(os.fspath(path))
        outcome = ctypes.POINTER(_Outcome)
        for name, argument in (
            ("long_execution", ctypes.c_uint64),
            ("short_execution", ctypes.c_char_p),
            ("process_large_file", ctypes.c_char_p),
        ):
            function = getattr(library, name)
            function.argtypes = [argument, outcome]
            function.restype = ctypes.c_int32
        library.bake_open_resources.restype = ctypes.c_int64
        self._library = library

    def long_execution(self, count):
        return self._call(self._library.long_execution, count)

    def short_execution(self, topic):
        return self._call(self._library.short_execution, topic.encode())

    def process_large_file(self, path):
        return self._call(self._library.process_large_file, os.fsencode(path))

    def open_resources(self):
        return self._library.bake_open_resources()

    @staticmethod
    def _call(function, argument):
        outcome = _Outcome()
        status = function(argument, ctypes.byref(outcome))
        if status < 0:
            raise BakeError(outcome.error.decode(errors="replace"))
        return Outcome(
            outcome.done, outcome.asked, outcome.result, status > 0, outcome.cancel_to_seen_ns
        )
