"""The library for Conan 2. Run `conan create packaging/conan` in a checkout.

cargo, which must be installed, builds the library. With `-c user.dcc_cancel:prefix=FOLDER` it is taken from
an unpacked archive of `cargo xtask dist` instead.
"""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

PREFIX = "user.dcc_cancel:prefix"


class DccCancel(ConanFile):
    name = "dcc_cancel"
    license = "MIT OR Apache-2.0"
    description = "Cooperative cancellation for native DCC plugins: tokens, jobs, polls behind a C ABI"
    topics = ("cancellation", "dcc", "plugin")
    package_type = "shared-library"
    settings = "os", "arch", "compiler", "build_type"

    def set_version(self):
        manifest = load(self, os.path.join(self.recipe_folder, "..", "..", "Cargo.toml"))
        self.version = re.search('^version = "(.*)"$', manifest, re.MULTILINE).group(1)

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        files = ["Cargo.toml", "Cargo.lock", "build.rs", "CMakeLists.txt", "README.md", "LICENSE-*"]
        folders = ["src", "include", "cmake", "python/dcc_cancel", "benches", "xtask", "tests/all"]
        for pattern in files + [folder + "/*" for folder in folders]:
            copy(self, pattern, root, self.export_sources_folder, excludes=["*/__pycache__/*"])

    def validate(self):
        if str(self.settings.arch) not in ("x86_64", "armv8"):
            why = "dcc_cancel is for 64-bit x86 and ARM, not for %s" % self.settings.arch
            raise ConanInvalidConfiguration(why)
        prefix = self.conf.get(PREFIX)
        if prefix and not os.path.isdir(os.path.join(prefix, "include")):
            raise ConanInvalidConfiguration("%s is %s, which has no folder include" % (PREFIX, prefix))

    def package_id(self):
        # The interface is C, and the library is always optimized, so these two make no difference.
        del self.info.settings.compiler
        del self.info.settings.build_type

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeToolchain(self).generate()

    def build(self):
        if not self.conf.get(PREFIX):
            cmake = CMake(self)
            cmake.configure()
            cmake.build()

    def package(self):
        prefix = self.conf.get(PREFIX)
        if prefix:
            copy(self, "*", prefix, self.package_folder)
        else:
            CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "dcc_cancel")
        library, headers = self.cpp_info.components["library"], self.cpp_info.components["headers"]
        library.set_property("cmake_target_name", "dcc_cancel::dcc_cancel")
        library.set_property("pkg_config_name", "dcc_cancel")
        library.libs = ["dcc_cancel"]
        headers.set_property("cmake_target_name", "dcc_cancel::headers")
        headers.libdirs = []
        if self.settings.os == "Linux":
            headers.system_libs = ["dl"]
        self.runenv_info.prepend_path(
            "PYTHONPATH", os.path.join(self.package_folder, "share", "dcc_cancel", "python")
        )
