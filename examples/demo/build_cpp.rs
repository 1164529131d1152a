//! Builds the demo's C++ parts, for the demo and for its test.

use crate::support;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The built host and plugin. They lie beside the library that both load.
pub struct Built {
    host: PathBuf,
    plugin: PathBuf,
}

impl Built {
    /// The command that runs the host with this mesh. It writes its results to this folder.
    pub fn host(&self, mesh: &Path, results: &Path) -> Command {
        let mut host = Command::new(&self.host);
        host.arg(&self.plugin).arg(results).arg(mesh);
        host
    }

    /// The same host with a plugin that is compiled with more flags into another folder.
    #[allow(dead_code, reason = "for the demo's test")]
    pub fn with_plugin(&self, folder: &Path, flags: &[&str]) -> Self {
        support::staged_library(folder);
        Self { host: self.host.clone(), plugin: build_plugin(folder, flags) }
    }
}

/// The mesh that comes with the demo.
pub fn scan() -> PathBuf {
    support::root().join("examples/demo/scan.obj")
}

/// Compiles host and plugin into `folder`.
pub fn build(folder: &Path) -> Built {
    support::staged_library(folder);
    let host = folder.join("demo-host");
    let version = dcc_cancel::ffi::library::VERSION_STRING.to_str().expect("ASCII");
    support::run(
        compiler(folder)
            .arg("-std=c++20")
            .arg(format!("-DDEMO_LIBRARY_VERSION=\"{version}\""))
            .args(
                [
                    "host.cpp",
                    "scenes.cpp",
                    "gap_page.cpp",
                    "pool_page.cpp",
                    "steps_page.cpp",
                    "commit_page.cpp",
                    "coroutine_page.cpp",
                    "bake.cpp",
                    "obj_file.cpp",
                ]
                .map(source),
            )
            .args(["-pthread", "-ldcc_cancel", "-ldl", "-o"])
            .arg(&host),
    );
    Built { host, plugin: build_plugin(folder, &[]) }
}

fn build_plugin(folder: &Path, flags: &[&str]) -> PathBuf {
    let plugin = folder.join("demo-plugin.so");
    support::run(
        compiler(folder)
            .args(flags)
            .args(["-shared", "-fPIC", "-fvisibility=hidden"])
            .arg(source("plugin.cpp"))
            .args(["-ldcc_cancel", "-o"])
            .arg(&plugin),
    );
    plugin
}

fn compiler(folder: &Path) -> Command {
    let mut compiler = Command::new(support::cxx());
    compiler
        .args(support::CXX_FLAGS)
        .args(["-O2", "-Wl,-rpath,$ORIGIN"])
        .arg("-I")
        .arg(support::include())
        .arg("-L")
        .arg(folder);
    compiler
}

fn source(name: &str) -> PathBuf {
    support::root().join("examples/demo").join(name)
}
