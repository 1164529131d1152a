"""Finds the one instance of the library in this process, or loads it."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Any, List, Optional

from ._declarations import ABI_MAJOR, FUNCTIONS
from .errors import LibraryError

VARIABLE = "DCC_CANCEL_LIBRARY"

if sys.platform == "win32":
    FILE_NAME = "dcc_cancel.dll"

    def find_loaded() -> Optional[ctypes.CDLL]:
        """The instance that this process has loaded already, or None."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        find = kernel.GetModuleHandleExW
        find.argtypes = [ctypes.c_uint32, ctypes.c_wchar_p, ctypes.POINTER(ctypes.c_void_p)]
        find.restype = ctypes.c_int32
        module = ctypes.c_void_p()
        # The flag 1 pins the module: the plugin that brought it may be unloaded before the library's first
        # use pins it.
        if find(1, FILE_NAME, ctypes.byref(module)) == 0:
            return None
        return ctypes.CDLL(FILE_NAME, handle=module.value)

elif sys.platform == "darwin":
    FILE_NAME = "libdcc_cancel.%d.dylib" % ABI_MAJOR

    def find_loaded() -> Optional[ctypes.CDLL]:
        """The instance that this process has loaded already, or None."""
        # The loader's list begins with the image that was loaded first. The file name tells the library.
        loader = ctypes.CDLL(None)
        loader._dyld_image_count.restype = ctypes.c_uint32
        loader._dyld_get_image_name.argtypes = [ctypes.c_uint32]
        loader._dyld_get_image_name.restype = ctypes.c_char_p
        for index in range(loader._dyld_image_count()):
            path = os.fsdecode(loader._dyld_get_image_name(index) or b"")
            if os.path.basename(path) == FILE_NAME:
                return ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        return None

else:
    FILE_NAME = "libdcc_cancel.so.%d" % ABI_MAJOR

    def find_loaded() -> Optional[ctypes.CDLL]:
        """The instance that this process has loaded already, or None."""
        try:
            return ctypes.CDLL(FILE_NAME, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        except OSError:
            return None


def candidates() -> List[str]:
    """The paths to try, in this order. The last one is only a name, for which the system searches itself."""
    package = os.path.dirname(os.path.abspath(__file__))
    above = os.path.dirname(package)
    # CMake installs the package into PREFIX/share/dcc_cancel/python.
    prefix = os.path.dirname(os.path.dirname(os.path.dirname(above)))
    folders = [package, above]
    folders += [os.path.join(prefix, name) for name in ("lib", "lib64", "bin")]
    # Debian and systems made from it have a library folder for each architecture.
    if sys.platform.startswith("linux"):
        multiarch = getattr(sys.implementation, "_multiarch", "")
        if multiarch:
            folders.append(os.path.join(prefix, "lib", multiarch))
    paths = [os.path.join(folder, FILE_NAME) for folder in folders]
    return [path for path in paths if os.path.isfile(path)] + [FILE_NAME]


def _load() -> ctypes.CDLL:
    named = os.environ.get(VARIABLE)
    if named:
        try:
            return ctypes.CDLL(named)
        except OSError as error:
            raise LibraryError(
                "cannot load %r, which the variable %s names: %s" % (named, VARIABLE, error)
            ) from error
    reasons: List[str] = []
    for path in candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            reasons.append("%s: %s" % (path, error))
    raise LibraryError(
        "cannot find %s; put it beside the package %s, or set %s to its path (%s)"
        % (FILE_NAME, os.path.dirname(os.path.abspath(__file__)), VARIABLE, "; ".join(reasons))
    )


class Library:
    """The functions of the library. Each is bound when it is first used.

    Every call releases the GIL while it runs, because even a question may call a host's function that waits
    for another Python thread. Polls have to be faster, so they read the state word, see `_handle`.
    """

    def __init__(self, loaded: ctypes.CDLL) -> None:
        self._loaded = loaded
        try:
            version = loaded.dcc_abi_version
        except AttributeError:
            raise LibraryError("%s is not the library dcc-cancel" % loaded._name) from None
        version.restype = ctypes.c_uint32
        version.argtypes = []
        self.abi_version = (version() >> 16, version() & 0xFFFF)
        if self.abi_version[0] != ABI_MAJOR:
            raise LibraryError(
                "the library %s in this process has ABI %d.%d; this package needs %d"
                % ((loaded._name,) + self.abi_version + (ABI_MAJOR,))
            )

    def __getattr__(self, name: str) -> Any:
        if name not in FUNCTIONS:
            raise AttributeError(name)
        restype, argtypes = FUNCTIONS[name]
        try:
            # By index, which makes a new function object. The one of the attribute is shared with other users
            # of the CDLL, and the types that are set below must not change theirs.
            function = self._loaded[name]
        except AttributeError:
            raise LibraryError(
                "the library %s in this process has ABI %d.%d, which has no %s; let the host load a"
                " newer one first" % ((self._loaded._name,) + self.abi_version + (name,))
            ) from None
        function.restype = restype
        function.argtypes = argtypes
        setattr(self, name, function)
        return function


def _instance() -> Library:
    if struct.calcsize("P") != 8:
        raise LibraryError("dcc-cancel is for 64-bit processes, and this Python is a 32-bit one")
    first = find_loaded()
    if first is None:
        own = _load()
        # Another thread may have loaded another copy meanwhile. All threads then take the first one.
        first = find_loaded() or own
    return Library(first)


library = _instance()
