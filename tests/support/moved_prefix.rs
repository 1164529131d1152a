//! Installs the library with CMake, once for all tests of a program.

use super::{build_tools, support};
use build_tools::{cmake, tool};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use support::{root, run, scratch};

/// The setting that lets CMake install the library that cargo has built for this test.
pub fn prebuilt() -> String {
    format!("-DDCC_CANCEL_LIBRARY={}", support::built_library().display())
}

fn prebuilt_tool() -> String {
    format!("-DDCC_CANCEL_TOOL={}", env!("CARGO_BIN_EXE_dcc-control"))
}

/// The folder of a library that was installed into one prefix and then moved to another.
pub fn moved_prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let folder = scratch("packaging_install");
        let (build, first, moved) =
            (folder.join("build"), folder.join("first"), folder.join("moved"));
        cmake(
            &root(),
            &build,
            &[prebuilt(), prebuilt_tool(), "-DCMAKE_INSTALL_LIBDIR=lib".to_owned()],
        );
        run(tool("cmake").arg("--install").arg(&build).arg("--prefix").arg(&first));
        std::fs::rename(&first, &moved).unwrap();
        // The build folder is removed, so that nothing can still be found there.
        std::fs::remove_dir_all(&build).unwrap();
        moved
    })
}
