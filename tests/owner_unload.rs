//! A plugin that closed its owner is really unmapped, and what it had registered, created and armed
//! calls into it no more.

#![cfg(target_os = "linux")]

mod support;

use std::process::Command;
use support::{C_FLAGS, cc, include, limited, root, run, scratch, staged_library};

#[test]
fn a_plugin_that_closed_its_owner_can_be_unloaded() {
    let folder = scratch("owner_unload");
    staged_library(&folder);
    let compile = |source: &str, output: &str, arguments: &[&str]| {
        run(Command::new(cc())
            .args(C_FLAGS)
            .arg("-I")
            .arg(include())
            .arg(root().join("tests/plugins").join(source))
            .arg("-L")
            .arg(&folder)
            .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN"])
            .args(arguments)
            .arg("-o")
            .arg(folder.join(output)));
    };
    compile("owned.c", "owned.so", &["-shared", "-fPIC"]);
    compile("owned_host.c", "host", &["-pthread", "-ldl"]);
    for what in ["stays", "cancelled", "deadline", "closed_while_called"] {
        run(limited(folder.join("host")).arg(what).arg(folder.join("owned.so")));
    }
}
