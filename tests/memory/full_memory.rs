//! When memory is full, each function of the real shared library answers with an error. The
//! allocation that fails may be any of the process, also on the library's own threads and in the
//! system's libraries. `tests/memory` calls each exported function in a process with an allocator
//! of its own, once for each allocation that the call makes.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

#[path = "../support/c_header.rs"]
mod c_header;
#[path = "../support/mod.rs"]
mod support;

use c_header::Header;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{cc, include, printed, root, run, scratch, show, staged_library};

/// The host and the program in a folder of their own.
struct Stage(PathBuf);

impl Stage {
    fn new(name: &str) -> Self {
        let folder = scratch(&format!("full_memory_{name}"));
        staged_library(&folder);
        let sources = root().join("tests/memory");
        let compile = |files: &[PathBuf], name: &str, flags: &[&str]| {
            run(Command::new(cc())
                .args(["-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Wundef", "-Werror", "-O1"])
                .arg("-I")
                .arg(include())
                .args(files)
                .args(flags)
                .arg("-o")
                .arg(folder.join(name)));
        };
        compile(&[sources.join("host.c")], "host", &["-rdynamic", "-ldl", "-pthread"]);
        let mut files: Vec<PathBuf> = std::fs::read_dir(&sources)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "c"))
            .filter(|path| !path.ends_with("host.c"))
            .collect();
        files.sort();
        let folder_name = folder.display().to_string();
        let linking = ["-L", &folder_name, "-ldcc_cancel", "-Wl,-rpath,$ORIGIN"];
        compile(&files, "program.so", &[["-shared", "-fPIC"].as_slice(), &linking].concat());
        Self(folder)
    }

    fn host(&self) -> Command {
        let mut command = Command::new("timeout");
        command.arg("600").arg(self.0.join("host")).env_remove("RUST_BACKTRACE");
        command
    }

    fn program(&self) -> PathBuf {
        self.0.join("program.so")
    }
}

/// The system's own limits: a full address space, no further thread, and no further descriptor. The
/// limit of threads does not bind root, so the test uses another user.
#[test]
fn what_the_system_refuses_is_an_answer() {
    let stage = Stage::new("limits");
    for limit in ["as", "nproc", "nofile"] {
        let output = printed(stage.host().arg(stage.program()).args(["limit", limit]));
        let found = figures(&output);
        assert_eq!(found["broken"], 0, "{limit}: {output}");
        assert!(found["refused"] > 0, "{limit} refused nothing: {output}");
        show(&format!(
            "limit {limit}: {} rows, {} runs, {} of them refused",
            found["functions"], found["runs"], found["refused"]
        ));
    }
}

/// If the loader has no static thread-local storage left and no memory is left for a thread's first
/// use of the library's, the loader ends the process before any code of the library runs.
#[test]
fn without_static_thread_local_storage_only_the_loader_ends_a_process() {
    let stage = Stage::new("loader");
    let mut host = stage.host();
    host.env("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=0").arg(stage.program()).arg("run");
    let output = printed(&mut host);
    let found = figures(&output);
    assert_eq!(found["broken"], 0, "{output}");
    assert!(found["in_loader"] > 0, "the loader had static storage left: {output}");
    show(&format!(
        "full memory without static thread-local storage: {} runs, {} of them ended by the loader",
        found["runs"], found["in_loader"]
    ));
}

/// Reads lines of the form NAME=NUMBER.
fn figures(text: &str) -> BTreeMap<&str, u64> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.filter_map(|(name, value)| Some((name, value.parse().ok()?))).collect()
}

fn header() -> Header {
    let text = std::fs::read_to_string(Path::new(&include()).join("dcc_cancel.h")).unwrap();
    Header::parse(&text).unwrap()
}

#[test]
fn every_exported_function_has_a_row() {
    let stage = Stage::new("rows");
    let listed = printed(stage.host().arg(stage.program()).arg("list"));
    let rows: BTreeSet<&str> = listed.lines().collect();
    let header = header();
    let functions: BTreeSet<&str> =
        header.functions.iter().map(|function| function.name.as_str()).collect();
    let without: Vec<_> = functions.symmetric_difference(&rows).collect();
    assert_eq!(without, [] as [&&str; 0], "tests/memory has a row for each function of the header");
}

#[test]
fn no_allocation_that_fails_ends_the_process_or_leaves_anything() {
    let stage = Stage::new("each");
    let output = printed(stage.host().arg(stage.program()).arg("run"));
    let found = figures(&output);
    assert_eq!(found["broken"], 0, "{output}");
    assert_eq!(found["in_loader"], 0, "static thread-local storage needs no memory: {output}");
    assert!(found["runs"] > 1000, "{output}");
    show(&format!(
        "full memory: {} rows of all functions, {} runs with an allocation that fails, none ends the process",
        found["functions"], found["runs"]
    ));
}
