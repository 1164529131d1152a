//! The archive of `cargo xtask dist` for Linux on aarch64. Programs are compiled with its headers
//! and its library, and run by qemu. `.ci/archives` runs this test.

// This test compiles the standard library, which takes minutes.
#![cfg(dcc_archives)]

#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/archives.rs"]
mod archives;
#[path = "../support/cpp_programs.rs"]
mod cpp_programs;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/loader_header.rs"]
mod loader_header;
#[path = "../support/page.rs"]
mod page;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/unpacked.rs"]
mod unpacked;
#[path = "../support/version_list.rs"]
mod version_list;

use cpp_programs::{COROUTINE_PROGRAMS, PROGRAMS};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{printed, run, scratch};

const CC: &str = "aarch64-linux-gnu-gcc";
const CXX: &str = "aarch64-linux-gnu-g++";
const QEMU: &str = "qemu-aarch64";

/// The archive and its symbols. If they cannot be used here, this notes the skip and returns
/// `None`.
fn archive(check: &str) -> Option<&'static [PathBuf; 2]> {
    static UNPACKED: OnceLock<[PathBuf; 2]> = OnceLock::new();
    if let Some(lacks) = [CC, CXX, QEMU].iter().find(|program| !support::exists(program)) {
        let from = "Debian: gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user";
        support::skip(check, &format!("no {lacks} ({from})"));
        return None;
    }
    Some(UNPACKED.get_or_init(|| unpacked::tar("linux-aarch64")))
}

/// Compiles a program against the archive, beside its library.
fn compile(prefix: &Path, compiler: &str, flags: &[&str], sources: &[&str], program: &Path) {
    let folder = program.parent().unwrap();
    std::fs::copy(prefix.join("lib/libdcc_cancel.so.2"), folder.join("libdcc_cancel.so.2"))
        .unwrap();
    let mut command = Command::new(compiler);
    command.args(flags).args(["-O1", "-pthread", "-I"]).arg(prefix.join("include"));
    command.args(sources.iter().map(|source| support::root().join(source)));
    command.arg("-L").arg(prefix.join("lib")).args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"]);
    run(command.arg(program));
}

/// Runs a program under qemu, with the system libraries of Debian's cross compiler.
fn emulated(program: &Path) -> Command {
    let mut command = support::limited(QEMU);
    command.args(["-L", "/usr/aarch64-linux-gnu"]).arg(program);
    command
}

#[test]
fn the_pages_plugin_is_cancelled() {
    let Some([prefix, _]) = archive("the page on aarch64") else { return };
    let folder = scratch("page");
    let page = prefix.join("share/doc/dcc_cancel/docs/install.md");
    page::write_files_of(&std::fs::read_to_string(page).unwrap(), &folder);
    let sources = ["plugin.cpp", "host.cpp"].map(|name| folder.join(name).display().to_string());
    let program = folder.join("host");
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    compile(prefix, CXX, &["-std=c++17"], &sources, &program);
    assert_eq!(printed(&mut emulated(&program)), "cancelled: the user pressed Esc\n");
    let said = printed(emulated(&prefix.join("bin/dcc-control")).arg("--version"));
    assert!(said.contains(env!("CARGO_PKG_VERSION")), "{said}");
}

#[test]
fn the_programs_of_the_wrapper_run() {
    let Some([prefix, _]) = archive("C++ on aarch64") else { return };
    let folder = scratch("cpp");
    let coroutines = COROUTINE_PROGRAMS.iter().map(|name| (name, ["-std=c++20"].as_slice()));
    for (name, flags) in PROGRAMS.iter().map(|name| (name, support::CXX_FLAGS)).chain(coroutines) {
        let program = folder.join(name);
        compile(prefix, CXX, flags, &[&format!("tests/cpp/{name}.cpp")], &program);
        run(&mut emulated(&program));
    }
}

#[test]
fn the_rows_of_the_semantics_hold_in_c() {
    let Some([prefix, _]) = archive("C on aarch64") else { return };
    let program = scratch("c").join("rows");
    compile(prefix, CC, support::C_FLAGS, &["tests/c/python_semantics.c"], &program);
    let rows = printed(emulated(&program).arg("--list"));
    assert!(rows.lines().count() > 20, "{rows}");
    for row in rows.lines() {
        run(emulated(&program).arg(row));
    }
}

#[test]
fn the_library_is_for_old_systems_and_shows_the_headers_functions_alone() {
    let Some([prefix, symbols]) = archive("the library for aarch64") else { return };
    let library = prefix.join("lib/libdcc_cancel.so.2");
    for file in [&library, &prefix.join("bin/dcc-control")] {
        archives::assert_needs_at_most(file, [2, 28]);
        let header = printed(Command::new("readelf").arg("-h").arg(file));
        assert!(header.contains("AArch64"), "{header}");
        let notes = printed(Command::new("readelf").arg("-n").arg(file));
        let id = archives::after(&notes, "Build ID: ")[0];
        let apart = symbols.join(format!("lib/debug/.build-id/{}/{}.debug", &id[..2], &id[2..]));
        assert!(apart.exists(), "{}", apart.display());
    }
    let dynamic = printed(Command::new("readelf").arg("-dW").arg(&library));
    assert_eq!(archives::after(&dynamic, "soname: "), ["[libdcc_cancel.so.2]"]);
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    let of_glibc =
        ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-aarch64.so.1"];
    for needed in archives::after(&dynamic, "Shared library: ") {
        assert!(of_glibc.iter().any(|name| needed == format!("[{name}]")), "{needed}");
    }
    assert_eq!(version_list::shown(&library), version_list::expected());
    let dist = support::root().join("target/dist");
    archives::wheel_with(&dist, "manylinux_2_28_aarch64", &library, "libdcc_cancel.so.2");
    unpacked::assert_names_no_folder(prefix);
    unpacked::assert_names_no_folder(symbols);
}
