//! A full memory is an answer of the real shared library, whatever allocation of the process fails, on the
//! library's own threads and in the system's libraries as well: `tests/memory` drives each exported function
//! in a process with an allocator of its own, once for each allocation that a call makes.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

#[path = "support/c_header.rs"]
mod c_header;
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
        let eater = root().join("tests/plugins/static_tls.c");
        compile(&[eater], "eater.so", &["-shared", "-fPIC"]);
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

/// The lines NAME=NUMBER.
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
    assert_eq!(rows, functions, "tests/memory has a row for each function of the header");
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
