//! The library as CMake installs it.

use super::{build_tools, support};
use build_tools::{cmake, tool};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use support::{root, run, scratch};

/// Lets CMake take the library that cargo has built for this test.
pub fn prebuilt() -> String {
    format!("-DDCC_CANCEL_LIBRARY={}", support::built_library().display())
}

fn prebuilt_tool() -> String {
    format!("-DDCC_CANCEL_TOOL={}", env!("CARGO_BIN_EXE_dcc-control"))
}

/// The library installed into one prefix, which was then moved to another.
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
        // Nothing may still be found where it was built.
        std::fs::remove_dir_all(&build).unwrap();
        moved
    })
}
