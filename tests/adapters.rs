//! The adapters of `include/dcc_cancel/adapters` for libraries that compute and write: each stops that
//! library's own work in the middle, and the same work runs to its end without a cancel.

#![cfg(target_os = "linux")]

#[path = "support/adapters.rs"]
mod adapters;
#[path = "support/built_once.rs"]
mod built_once;
mod support;

use adapters::{Adapter, pkg_config};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn tbb() {
    Adapter {
        name: "tbb",
        header: "oneapi/tbb/task_group.h",
        package: "libtbb-dev",
        compile: pkg_config("--cflags", "tbb"),
        link: words(&["-ltbb"]),
    }
    .stops_by_a_cancel();
}
