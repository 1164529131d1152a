//! What tests that build and run C and C++ share: where the library is, compilers, child processes.
//!
//! Hosts are always child processes. A test program links the Rust library itself, and a process
//! that also loaded the shared library would have two instances.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The warnings that are errors for all C code that we ship.
pub const C_FLAGS: &[&str] =
    &["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef", "-Werror"];
/// The warnings that are errors for all C++ code that we ship.
pub const CXX_FLAGS: &[&str] =
    &["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef", "-Werror"];

/// A wait that takes longer counts as hanging.
pub const HANG_SECONDS: u64 = include!("hang_seconds");

/// The project's root, which contains Cargo.toml.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the C headers.
pub fn include() -> PathBuf {
    root().join("include")
}

/// The shared library that cargo built together with the Rust library that this program links.
pub fn built_library() -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    let folder = program.parent().expect("a program is in a folder");
    let folder = if folder.ends_with("examples") {
        folder.parent().expect("examples is in a folder").join("deps")
    } else {
        folder.to_owned()
    };
    let library = folder.join("libdcc_cancel.so");
    let bytes = std::fs::read(&library)
        .unwrap_or_else(|error| panic!("cargo should have built {}: {error}", library.display()));
    // The version string contains the build id, so a library that is left over from an older build
    // is noticed.
    let version = dcc_cancel::ffi::library::VERSION_STRING.to_bytes();
    assert!(
        bytes.windows(version.len()).any(|part| part == version),
        "{} is not of this build ({})",
        library.display(),
        String::from_utf8_lossy(version)
    );
    library
}

/// A folder with the library under the names that linkers and loaders look for.
pub fn staged_library(folder: &Path) -> PathBuf {
    staged(&built_library(), folder)
}

/// As `staged_library`, with a library of another build.
pub fn staged(library: &Path, folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let target = folder.join("libdcc_cancel.so.2");
    // The file is put in place by a rename, because tests of other programs may be loading it.
    let fresh = folder.join(format!("fresh-{}", std::process::id()));
    std::fs::copy(library, &fresh).unwrap();
    std::fs::rename(&fresh, &target).unwrap();
    let link = folder.join("libdcc_cancel.so");
    if std::fs::symlink_metadata(&link).is_err() {
        let _ = std::os::unix::fs::symlink("libdcc_cancel.so.2", &link);
    }
    target
}

/// The folder for scratch folders. Cargo sets none for examples, which share this file and need no
/// scratch folder.
fn scratch_root() -> PathBuf {
    option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// The name of the running program, without the hash that cargo appends.
pub fn program_name() -> String {
    let program = std::env::current_exe().expect("the path of this program");
    let name = program.file_stem().expect("a program has a name").to_string_lossy().into_owned();
    name.rsplit_once('-').map_or(name.clone(), |(name, _)| name.to_owned())
}

/// An empty folder for one test. Each test program has its own, because programs run at the same
/// time.
pub fn scratch(name: &str) -> PathBuf {
    let folder = scratch_root().join(program_name()).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Whether a program can be started.
pub fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn first_of(variable: &str, names: &[&str]) -> String {
    std::env::var(variable).ok().filter(|name| !name.is_empty()).unwrap_or_else(|| {
        let found = names.iter().find(|name| exists(name));
        (*found
            .unwrap_or_else(|| panic!("no compiler: install one of {names:?} or set {variable}")))
        .to_owned()
    })
}

/// The C compiler.
pub fn cc() -> String {
    first_of("CC", &["gcc", "cc", "clang"])
}

/// The C++ compiler.
pub fn cxx() -> String {
    first_of("CXX", &["g++", "c++", "clang++"])
}

/// Removes cargo's entry from the path of libraries. Cargo lets its tests search the folder that it
/// built into before a program's own run path, so an old library in there would be loaded instead
/// of the one beside the program.
pub fn with_own_libraries(command: &mut Command) -> &mut Command {
    let name = "LD_LIBRARY_PATH";
    let is_given = command.get_envs().any(|(given, _)| given == name);
    if is_given { command } else { command.env_remove(name) }
}

/// Runs a command that must succeed; if it fails, its output is shown.
pub fn run(command: &mut Command) -> Output {
    with_own_libraries(command);
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A command for a program that is killed if it hangs. The limit is longer than the limits of the
/// program's own waits, so that the program can first say what it waited for.
pub fn limited(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", &(2 * HANG_SECONDS).to_string()]).arg(program);
    command.env("DCC_HANG_SECONDS", HANG_SECONDS.to_string());
    command
}

/// Runs a command that must succeed and returns what it printed.
pub fn printed(command: &mut Command) -> String {
    String::from_utf8(run(command).stdout).expect("UTF-8 output")
}

/// Prints lines even if the test passes. `println!` would not do: the test harness captures its
/// output.
pub fn show(lines: &str) {
    if !lines.is_empty() {
        let _ = writeln!(std::io::stderr(), "{}", lines.trim_end());
    }
}

/// Notes that a check was skipped; `cargo test` counts skips and lists them at its end. With
/// `DCC_NO_SKIP=1`, which CI sets, a skip is a failure.
pub fn skip(check: &str, why: &str) {
    assert!(std::env::var_os("DCC_NO_SKIP").is_none(), "{check} must not be skipped: {why}");
    note_skip(check, why);
}

/// As `skip`, for a check that no installation of packages would make possible.
pub fn note_skip(check: &str, why: &str) {
    show(&format!("SKIPPED {check}: {why}"));
    // tests/all sets this variable, to another file for each program.
    let Some(list) = std::env::var_os("DCC_TEST_SKIPS") else { return };
    let mut list = std::fs::File::options().create(true).append(true).open(list).unwrap();
    list.write_all(format!("{check}\t{}\n", why.replace('\n', " ")).as_bytes()).unwrap();
}

/// The library as users get it, with all optimizations, for tests that read its machine code or
/// count its instructions.
pub fn release_library() -> PathBuf {
    // This is not a scratch folder, so a second test finds the library built.
    let folder = scratch_root().join("release-library");
    run(Command::new(env!("CARGO"))
        .args(["rustc", "--quiet", "--locked", "--release", "--lib", "--crate-type", "cdylib"])
        .arg("--target-dir")
        .arg(&folder)
        .args(["--", "-Clinker=cmake/link_versioned.sh"])
        .current_dir(root()));
    folder.join("release/libdcc_cancel.so")
}
