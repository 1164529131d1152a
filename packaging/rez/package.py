# The library for Rez. Run `rez build --install` in this folder with DCC_CANCEL_PREFIX set to an unpacked
# archive of `cargo xtask dist`, or to the prefix of an installation by CMake.

name = "dcc_cancel"
description = "Cooperative cancellation for native DCC plugins: tokens, jobs, polls behind a C ABI"


@early()
def version():
    import os
    import re

    root = os.path.join(os.environ.get("DCC_CANCEL_PREFIX", ""), "lib", "cmake", "dcc_cancel")
    path = os.path.join(root, "dcc_cancel-config-version.cmake")
    if not os.path.isfile(path):
        raise ValueError("DCC_CANCEL_PREFIX is to be the folder of an unpacked archive; there is no " + path)
    with open(path) as file:
        return re.search(r'set\(PACKAGE_VERSION "(.*)"\)', file.read()).group(1)


@early()
def variants():
    from rez.package_py_utils import expand_requirement

    return [[expand_requirement("platform-**"), expand_requirement("arch-**")]]


build_command = 'python3 "{root}/install.py" "$DCC_CANCEL_PREFIX" {install_path} {install}'


def commands():
    env.DCC_CANCEL_ROOT = "{root}"
    env.CMAKE_PREFIX_PATH.prepend("{root}")
    env.PKG_CONFIG_PATH.prepend("{root}/lib/pkgconfig")
    env.PYTHONPATH.prepend("{root}/share/dcc_cancel/python")
    env.PATH.prepend("{root}/bin")
    if system.platform == "linux":
        env.LD_LIBRARY_PATH.prepend("{root}/lib")
    elif system.platform == "osx":
        env.DYLD_LIBRARY_PATH.prepend("{root}/lib")
