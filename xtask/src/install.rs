//! Writes the contents of an archive: the files that CMake installs, documents, notices and the SBOM.

use crate::compile::Built;
use crate::graph::Graph;
use crate::notices;
use crate::platform::{Platform, System};
use crate::sbom;
use crate::trouble::{Result, While};
use crate::windows::import_libraries;
use crate::workshop::{Workshop, print};
use std::fs;
use std::path::Path;

/// Documents and examples. They keep their places of the checkout, so that their links stay valid.
const DOCUMENTS: &[&str] = &["README.md", "CHANGELOG.md", "docs", "examples"];

/// Creates and fills the folder `prefix`.
pub fn install(
    workshop: &Workshop,
    platform: &Platform,
    built: &Built,
    graph: &Graph,
    prefix: &Path,
) -> Result<()> {
    let build = prefix.with_extension("cmake");
    if build.exists() {
        fs::remove_dir_all(&build).doing(build.display())?;
    }
    let cmake = || workshop.command(workshop.tool("cmake"));
    let setting = |name: &str, value: &Path| format!("-D{name}={}", value.display());
    let mut configure = cmake();
    configure
        .args(["--log-level=WARNING", "-G", "Ninja", "-DCMAKE_INSTALL_LIBDIR=lib", "-S"])
        .arg(&workshop.root)
        .arg("-B")
        .arg(&build)
        .arg(setting("DCC_CANCEL_LIBRARY", &built.library))
        .arg(setting("DCC_CANCEL_TOOL", &built.tool));
    configure.args(for_system(platform.system));
    if platform.system == System::Windows {
        let [msvc, mingw] = import_libraries(&workshop.folder(platform.name))?;
        let both = format!("{};{}", msvc.display(), mingw.display());
        configure.arg(setting("DCC_CANCEL_IMPORT_LIBRARY", Path::new(&both)));
    }
    print(&mut configure)?;
    print(cmake().arg("--build").arg(&build))?;
    print(cmake().arg("--install").arg(&build).arg("--prefix").arg(prefix))?;

    let documents = prefix.join("share/doc/dcc_cancel");
    copy_known(workshop, DOCUMENTS, &documents)?;
    sbom::write(workshop, platform, graph, &documents.join("dcc_cancel.cdx.json"))?;
    notices::write(workshop, platform, graph, &prefix.join("share/licenses/dcc_cancel"))
}

/// The settings for CMake to install for another system. It compiles nothing, so it must not try a
/// compiler.
fn for_system(system: System) -> &'static [&'static str] {
    match system {
        System::Linux => &[],
        System::Macos => &[
            "-DCMAKE_SYSTEM_NAME=Darwin",
            "-DCMAKE_C_COMPILER=cc",
            "-DCMAKE_C_COMPILER_ID_RUN=TRUE",
            "-DCMAKE_C_COMPILER_FORCED=TRUE",
            "-DCMAKE_SIZEOF_VOID_P=8",
        ],
        System::Windows => &[
            "-DCMAKE_SYSTEM_NAME=Windows",
            "-DCMAKE_C_COMPILER=cc",
            "-DCMAKE_C_COMPILER_ID_RUN=TRUE",
            "-DCMAKE_C_COMPILER_FORCED=TRUE",
            "-DCMAKE_SIZEOF_VOID_P=8",
        ],
    }
}

/// Copies the files below `paths` that git knows, so that no stray file is delivered.
pub fn copy_known(workshop: &Workshop, paths: &[&str], to: &Path) -> Result<()> {
    let mut git = workshop.command("git");
    let names = print(git.args(["ls-files", "-z", "--"]).args(paths))?;
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let to = to.join(name);
        let folder = to.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).doing(folder.display())?;
        fs::copy(workshop.root.join(name), &to).doing(name)?;
    }
    Ok(())
}

/// Makes an empty folder, in place of an earlier one.
pub fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).doing(folder.display())?;
    }
    fs::create_dir_all(folder).doing(folder.display())
}
