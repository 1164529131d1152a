//! Processes that end, or shut the library down, while the library is at work. Each case runs in a
//! process of its own, which must end soon and with status 0.

#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::process::Command;
use support::{CXX_FLAGS, cxx, include, limited, printed, root, run, scratch, staged_library};

fn program() -> PathBuf {
    let folder = scratch("process_life");
    staged_library(&folder);
    let program = folder.join("process_life");
    run(Command::new(cxx())
        .args(CXX_FLAGS)
        .args(["-O1", "-pthread", "-I"])
        .arg(include())
        .arg(root().join("tests/cpp/process_life.cpp"))
        .arg("-L")
        .arg(&folder)
        .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
        .arg(&program));
    program
}

#[test]
fn the_process_ends_soon_and_well_whatever_the_library_does() {
    let program = program();
    let ways = printed(Command::new(&program).arg("--list"));
    assert!(ways.lines().count() > 10, "{ways}");
    for way in ways.lines() {
        // A race at the end of a process does not show every time.
        let rounds = if way == "shutdown_does_not_wait_for_ever" { 1 } else { 20 };
        for _ in 0..rounds {
            run(limited(&program).arg(way));
        }
    }
}
