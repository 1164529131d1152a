//! A plugin that closed its owner is really unmapped, and nothing that it registered, created or
//! armed calls into it afterwards. The plugin's dispatcher may have the slot of an older
//! dispatcher: a late cancel of the older one does not call the plugin, either.

#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{C_FLAGS, cc, include, limited, root, run, scratch, staged_library};

/// Builds a plugin and its host beside the library.
fn built(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    staged_library(folder);
    let compile = |source: String, output: &str, arguments: &[&str]| {
        let output = folder.join(output);
        run(Command::new(cc())
            .args(C_FLAGS)
            .arg("-I")
            .arg(include())
            .arg(root().join("tests/plugins").join(source))
            .arg("-L")
            .arg(folder)
            .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN"])
            .args(arguments)
            .arg("-o")
            .arg(&output));
        output
    };
    let plugin = compile(format!("{name}.c"), "plugin.so", &["-shared", "-fPIC"]);
    let host = compile(format!("{name}_host.c"), "host", &["-pthread", "-ldl"]);
    (plugin, host)
}

#[test]
fn a_plugin_that_closed_its_owner_can_be_unloaded() {
    let (plugin, host) = built(&scratch("owner_unload"), "owned");
    for what in ["stays", "cancelled", "deadline", "closed_while_called"] {
        run(limited(&host).arg(what).arg(&plugin));
    }
}

#[test]
fn a_plugin_in_the_place_of_another_dispatcher_can_be_unloaded() {
    let (plugin, host) = built(&scratch("owner_unload_woken"), "woken");
    for when in ["while_loaded", "after_unloading", "meanwhile"] {
        run(limited(&host).arg(when).arg(&plugin));
    }
}
