//! The archive of the sources that `cargo xtask dist` makes: unpacked far from the checkout, it is built by
//! cargo and by CMake without a network and without any crate that was fetched before. `.ci/archives` runs
//! this.

// This test builds the library three times.
#![cfg(all(target_os = "linux", dcc_archives))]

#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/archives.rs"]
mod archives;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/loader_header.rs"]
mod loader_header;
#[path = "../support/outside.rs"]
mod outside;
#[path = "../support/mod.rs"]
mod support;

use outside::Outside;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{printed, root, run};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A folder with the unpacked sources, and an empty home for cargo.
struct Unpacked {
    folder: Outside,
    sources: PathBuf,
}

impl Unpacked {
    fn new(name: &str) -> Self {
        static MADE: OnceLock<PathBuf> = OnceLock::new();
        let dist = MADE.get_or_init(|| archives::make("source"));
        let folder = Outside::new(&format!("source-{name}"));
        fs::create_dir(folder.join("home")).unwrap();
        let name = archives::name("source");
        let archive = dist.join(format!("{name}.tar.gz"));
        run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&*folder));
        Self { sources: folder.join(name), folder }
    }

    /// A command in the sources, with nothing downloaded before and no way to download.
    fn offline(&self, mut command: Command) -> Command {
        let foreign = ["CARGO", "DCC", "RUSTFLAGS"];
        outside::hide(&mut command, |name| foreign.iter().any(|start| name.starts_with(start)));
        command.current_dir(&self.sources).env("CARGO_HOME", self.folder.join("home"));
        command.env("CARGO_NET_OFFLINE", "true");
        command
    }

    fn cargo(&self) -> Command {
        self.offline(Command::new(env!("CARGO")))
    }

    fn cmake(&self) -> Command {
        let mut cmake = self.offline(build_tools::tool("cmake"));
        cmake.env("CMAKE_GENERATOR", "Ninja");
        cmake
    }
}

#[test]
fn cargo_builds_it_from_its_own_crates_alone() {
    let unpacked = Unpacked::new("cargo");
    run(unpacked.cargo().args(["build", "--offline", "--locked"]));
    let tool = unpacked.sources.join("target/debug/dcc-control");
    let said = printed(Command::new(tool).arg("--version"));
    assert!(said.contains(VERSION), "{said}");

    // The checkout's own settings leave the crates to be downloaded, so nothing could be built with
    // those.
    let settings = ".cargo/config.toml";
    fs::copy(root().join(settings), unpacked.sources.join(settings)).unwrap();
    let output = unpacked.cargo().args(["check", "--offline", "--locked"]).output().expect("cargo");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("--offline"), "{said}");
}

#[test]
fn the_preset_of_cmake_builds_and_installs_it() {
    let unpacked = Unpacked::new("preset");
    run(unpacked.cmake().args(["--preset", "offline"]));
    run(unpacked.cmake().args(["--build", "--preset", "offline"]));
    let prefix = unpacked.folder.join("prefix");
    run(unpacked.cmake().args(["--install", "target/cmake/offline", "--prefix"]).arg(&prefix));
    let said = printed(Command::new(prefix.join("bin/dcc-control")).arg("--version"));
    assert!(said.contains(VERSION), "{said}");
    let asks = "import dcc_cancel; print(dcc_cancel.version())";
    let mut python = Command::new("python3");
    python.args(["-c", asks]).env("PYTHONPATH", prefix.join("share/dcc_cancel/python"));
    let said = printed(python.env_remove("DCC_CANCEL_LIBRARY"));
    assert!(said.starts_with(&format!("dcc-cancel {VERSION} ")), "{said}");
}

/// The build folder belongs to that project, so cargo finds no settings in the folders above it.
#[test]
fn a_project_around_it_builds_it() {
    let unpacked = Unpacked::new("outer");
    let build = unpacked.folder.join("build");
    let mut configure = unpacked.cmake();
    configure.args(["-S", "tests/consumers/fetch_content", "-B"]).arg(&build);
    run(configure.arg("-DDCC_CANCEL_CARGO_FLAGS=--offline --locked"));
    run(unpacked.cmake().arg("--build").arg(&build));
    let said = printed(&mut Command::new(build.join("consumer")));
    assert!(said.starts_with(&format!("dcc-cancel {VERSION} ")), "{said}");
}

#[test]
fn it_has_what_git_knows_and_the_crates_and_nothing_of_the_machine() {
    let unpacked = Unpacked::new("contents");
    let files = |folder: &Path| -> Vec<String> {
        let mut find = Command::new("find");
        find.current_dir(folder).args(["-type", "f", "-printf", "%P\\n"]);
        printed(&mut find).lines().map(str::to_owned).collect()
    };
    let all = files(&unpacked.sources);
    let (crates, mut own): (Vec<&String>, Vec<&String>) =
        all.iter().partition(|name| name.starts_with("vendor/"));
    let known = printed(Command::new("git").current_dir(root()).arg("ls-files"));
    let mut known: Vec<&str> = known.lines().collect();
    own.sort();
    known.sort_unstable();
    assert_eq!(own, known);
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let locked = lock.lines().filter(|line| line.starts_with("checksum = ")).count();
    let vendored = crates.iter().filter(|name| name.ends_with("/.cargo-checksum.json")).count();
    assert_eq!(vendored, locked);
    for name in known.iter().filter(|name| !name.starts_with("tests/data/")) {
        archives::assert_names_no_folder(&unpacked.sources.join(name));
    }
    let linker = unpacked.sources.join("cmake/link_versioned.sh");
    assert_eq!(fs::metadata(linker).unwrap().permissions().mode() & 0o777, 0o755);
}
