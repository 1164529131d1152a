//! Cargo's package contains the files that git tracks, and builds without the rest of the checkout.

#[path = "../support/outside.rs"]
mod outside;
#[path = "../support/mod.rs"]
mod support;

use outside::Outside;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use support::{printed, root, run};

/// Files that cargo adds, or generates from ours.
const OF_CARGO: [&str; 3] = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml.orig"];

/// A command of cargo with a target folder of its own, which has compiled crates already.
fn cargo(target: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).env("CARGO_TARGET_DIR", target).env_remove("RUSTFLAGS");
    cargo
}

#[test]
fn it_has_what_it_takes_and_nothing_that_lies_about() {
    let list = |arguments: &[&str]| -> BTreeSet<String> {
        printed(Command::new(arguments[0]).args(&arguments[1..]).current_dir(root()))
            .lines()
            .map(str::to_owned)
            .collect()
    };
    let packed = list(&[env!("CARGO"), "package", "--allow-dirty", "--list", "--quiet"]);
    let known = list(&["git", "ls-files", "--cached", "--others", "--exclude-standard"]);
    let added: Vec<&String> =
        packed.difference(&known).filter(|name| !OF_CARGO.contains(&&***name)).collect();
    assert!(added.is_empty(), "git does not know {added:?}");
    let is_needed = |name: &&String| {
        ["src/", "include/", "cmake/", "python/dcc_cancel/"].iter().any(|of| name.starts_with(of))
    };
    let missing: Vec<&String> = known.difference(&packed).filter(is_needed).collect();
    assert!(missing.is_empty(), "the package lacks {missing:?}");
    for other in ["tests/", "xtask/", "benches/", ".ci/"] {
        assert!(!packed.iter().any(|name| name.starts_with(other)), "{other} is in the package");
    }
}

#[test]
#[ignore = "compiles the library once more"]
fn it_builds_by_itself() {
    // The folder is outside of the checkout: cargo would take it for a part of that.
    let folder = Outside::new("crate");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crate-target");
    run(cargo(&target).args(["package", "--allow-dirty", "--no-verify", "--quiet", "--offline"]));
    let name = concat!("dcc-cancel-", env!("CARGO_PKG_VERSION"));
    let archive = target.join("package").join(format!("{name}.crate"));
    run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&*folder));
    let mut check = cargo(&target);
    check.current_dir(folder.join(name));
    run(check.args(["check", "--locked", "--offline", "--quiet", "--lib", "--bins"]));
}
