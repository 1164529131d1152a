"""Builds the library with cargo and puts it into the wheel, beside the modules that load it.

DCC_CANCEL_BUILT_LIBRARY names one that is built already, for instance against an older glibc or for another
system; cargo is then not needed. Build such a wheel with `--config-settings=--build-option=--plat-name=TAG`.
DCC_CANCEL_BUILT_LICENCES names a folder with the licences of what is linked into it.
"""

import atexit
import os
import pathlib
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = pathlib.Path(__file__).resolve().parent
MANIFEST = (HERE / "Cargo.toml").read_text(encoding="utf-8")
# Nothing is written into the source tree but here.
TARGET = HERE / "target"
WORK = TARGET / "python"
BUILT = "DCC_CANCEL_BUILT_LIBRARY"
LICENCES = "DCC_CANCEL_BUILT_LICENCES"


def of_cargo(key):
    return re.search('^%s = "(.*)"$' % key, MANIFEST, re.MULTILINE).group(1)


def major_of_abi():
    declarations = (HERE / "python/dcc_cancel/_declarations.py").read_text(encoding="utf-8")
    return re.search(r"^ABI_MAJOR = (\d+)$", declarations, re.MULTILINE).group(1)


def cargos_name():
    """What cargo calls the library here."""
    return {"win32": "dcc_cancel.dll", "darwin": "libdcc_cancel.dylib"}.get(sys.platform, "libdcc_cancel.so")


def known_name(library):
    """What processes know a library by, of whatever system it is."""
    if library.endswith(".dll"):
        return "dcc_cancel.dll"
    if library.endswith(".dylib"):
        return "libdcc_cancel.%s.dylib" % major_of_abi()
    return "libdcc_cancel.so.%s" % major_of_abi()


def library():
    """The path of the library, built if it has to be."""
    if struct.calcsize("P") != 8:
        sys.exit("dcc-cancel is for 64-bit processes, and this Python is a 32-bit one")
    given = os.environ.get(BUILT)
    if given:
        if not os.path.isfile(given):
            sys.exit("%s is %r, where no file is: set it to the library, or unset it" % (BUILT, given))
        return given
    # A folder of its own: what cargo builds beside the rlib is not optimized as a whole.
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(os.fspath(TARGET), "library")
    command = ["cargo", "rustc", "--locked", "--release", "--lib", "--crate-type", "cdylib"]
    command += ["--target-dir", target]
    if sys.platform == "linux":
        # Symbols with versions, as in the library that everybody else has.
        command += ["--", "-Clinker=cmake/link_versioned.sh"]
    try:
        subprocess.check_call(command, cwd=os.fspath(HERE))
    except OSError as error:
        sys.exit(
            "the library is built by cargo, which cannot be run (%s): install Rust %s or newer, or set %s"
            " to a library that is built already" % (error, of_cargo("rust-version"), BUILT)
        )
    except subprocess.CalledProcessError as error:
        sys.exit("cargo could not build the library, see above (status %d)" % error.returncode)
    return os.path.join(target, "release", cargos_name())


def folder_of_this_build():
    """A folder that no other build uses, as one for another platform may run at the same time."""
    folder = tempfile.mkdtemp(prefix="build-", dir=os.fspath(WORK))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return os.path.relpath(folder, os.fspath(HERE))


class WithLibrary(build_py):
    """The modules and the library."""

    def run(self):
        super().run()
        folder = os.path.join(self.build_lib, "dcc_cancel")
        os.makedirs(folder, exist_ok=True)
        built = library()
        shutil.copyfile(built, os.path.join(folder, known_name(built)))
        if os.environ.get(LICENCES):
            shutil.copytree(os.environ[LICENCES], os.path.join(folder, "licences"))


class ForEveryPython(bdist_wheel):
    """One wheel for every Python of a platform: the package has no code that is compiled for one."""

    def get_tag(self):
        system = super().get_tag()[2]
        if sys.platform == "darwin" and self.plat_name is None:
            # A Python for two machines says so, and cargo has built for this one.
            system = re.sub("_universal2$|_intel$", "_" + platform.machine(), system)
        return "py3", "none", system


class WithBinary(Distribution):
    """So that the wheel is one of a platform, whose files go where binaries go."""

    def has_ext_modules(self):
        return True


WORK.mkdir(parents=True, exist_ok=True)
os.chdir(os.fspath(HERE))
setup(
    version=of_cargo("version"),
    license=of_cargo("license"),
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    distclass=WithBinary,
    cmdclass={"build_py": WithLibrary, "bdist_wheel": ForEveryPython},
    options={"build": {"build_base": folder_of_this_build()}, "egg_info": {"egg_base": "target/python"}},
)
