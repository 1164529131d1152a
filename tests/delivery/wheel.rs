//! The Python package as pip makes and installs it: a wheel that contains the library, built by
//! cargo. It is installed into fresh environments and used there, far from the sources.

#![cfg(target_os = "linux")]

#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/outside.rs"]
mod outside;
#[path = "../support/python_venv.rs"]
mod python_venv;
#[path = "../support/pythons.rs"]
mod pythons;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/wheels.rs"]
mod wheels;

use python_venv::venv;
use pythons::pythons_besides;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use wheels::{module, names_in, use_installed};

const TOOLS: &[&str] = &["build==1.6.1"];

/// The tools that build packages; `None` if pip reaches no index.
fn tools(check: &str) -> Option<PathBuf> {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    command.args(["--retries", "1", "--dest"]).arg(support::scratch("an index")).args(TOOLS);
    let output = command.output().unwrap();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        support::skip(check, &format!("pip cannot get {TOOLS:?}: {}", said.trim()));
        return None;
    }
    Some(venv("packages", TOOLS).join("bin/python"))
}

/// Builds from the sources in a folder. Cargo builds the library again only if it has changed.
fn build(python: &Path, from: &Path, to: &Path, kind: &str) -> Command {
    let mut command = module(python, &["build", kind, "--outdir"]);
    command.arg(to).arg(from);
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("release-library"));
    command
}

/// The only file in a folder.
fn only(folder: &Path) -> PathBuf {
    let mut found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file = found.next().unwrap();
    assert!(found.next().is_none(), "{} has more than {}", folder.display(), file.display());
    file
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
#[ignore = "packages from PyPI, and the library is built for release"]
fn a_wheel_works_in_every_python_of_the_machine() {
    let Some(python) = tools("the wheel of the Python package") else { return };
    let folder = support::scratch("wheel");
    // The same command builds the library here, so the later steps have nothing to compile.
    support::release_library();
    // The two steps of `pip install .`.
    let mut command = module(&python, &["pip", "wheel", "--quiet", "--disable-pip-version-check"]);
    command.args(["--no-deps", "--wheel-dir"]).arg(folder.join("pip")).arg(support::root());
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("release-library"));
    support::run(&mut command);
    let wheel = only(&folder.join("pip"));
    let machine = std::env::consts::ARCH;
    let tag = format!("dcc_cancel-{}-py3-none-linux_{machine}.whl", env!("CARGO_PKG_VERSION"));
    assert_eq!(wheel.file_name().unwrap(), &OsString::from(tag));
    let names = names_in(&wheel);
    for wanted in ["__init__.py", "py.typed", "libdcc_cancel.so.2", "dcc_mcp_core/errors.pyi"] {
        assert!(names.contains(&format!("dcc_cancel/{wanted}")), "{wanted} is not in {names:#?}");
    }
    for left in ["build", "python/dcc_cancel.egg-info", "dcc_cancel.egg-info"] {
        assert!(!support::root().join(left).exists(), "{left} was left in the sources");
    }

    let pythons = pythons_besides(&[]);
    assert!(!pythons.is_empty(), "there is no Python here");
    for python in pythons {
        use_installed(&python, &wheel);
    }

    // The source archive contains all that a wheel needs.
    support::run(&mut build(&python, &support::root(), &folder.join("sources"), "--sdist"));
    let unpacked = folder.join("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    let archive = only(&folder.join("sources"));
    support::run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&unpacked));
    let sources = only(&unpacked);
    let mut check = Command::new(env!("CARGO"));
    check
        .args(["check", "--quiet", "--locked", "--lib", "--target-dir"])
        .arg(folder.join("target"));
    support::run(check.current_dir(&sources));
    let mut again = build(&python, &sources, &folder.join("again"), "--wheel");
    support::run(again.env("DCC_CANCEL_BUILT_LIBRARY", support::built_library()));
    assert_eq!(names_in(&only(&folder.join("again"))), names);
}

#[test]
#[ignore = "packages from PyPI"]
fn what_cannot_be_built_is_told() {
    let Some(python) = tools("building without cargo") else { return };
    let folder = support::scratch("no_wheel");
    let mut without_cargo = Command::new(&python);
    without_cargo.args(["-m", "build", "--wheel", "--outdir"]).arg(&folder).arg(support::root());
    let output = without_cargo.env("PATH", "/nowhere").current_dir("/").output().unwrap();
    let text = said(&output);
    assert!(!output.status.success() && text.contains("install Rust 1.91 or newer"), "{text}");
    let mut with_none = build(&python, &support::root(), &folder, "--wheel");
    let output =
        with_none.env("DCC_CANCEL_BUILT_LIBRARY", "/nowhere/libdcc_cancel.so").output().unwrap();
    let text = said(&output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("DCC_CANCEL_BUILT_LIBRARY is '/nowhere/libdcc_cancel.so'"), "{text}");
}

#[test]
#[ignore = "packages from PyPI"]
fn a_library_for_another_system_goes_under_its_name_with_its_licences() {
    let Some(python) = tools("wheels for other systems") else { return };
    let folder = support::scratch("others");
    let licences = folder.join("licences");
    std::fs::create_dir(&licences).unwrap();
    std::fs::write(licences.join("THIRD-PARTY.txt"), "of others").unwrap();
    // At the same time: what one build puts together is not in the wheel of another.
    let make = |file: &str, tag: &str, name: &str| {
        let library = folder.join(file);
        std::fs::write(&library, "not looked at").unwrap();
        let to = folder.join(tag);
        let mut wheel = build(&python, &support::root(), &to, "--wheel");
        wheel.arg(format!("--config-setting=--build-option=--plat-name={tag}"));
        wheel.env("DCC_CANCEL_BUILT_LIBRARY", library);
        support::run(wheel.env("DCC_CANCEL_BUILT_LICENCES", &licences));
        let wheel = only(&to);
        let expected = format!("dcc_cancel-{}-py3-none-{tag}.whl", env!("CARGO_PKG_VERSION"));
        assert_eq!(wheel.file_name().unwrap(), &OsString::from(expected));
        let names = names_in(&wheel);
        assert!(names.iter().any(|name| name.ends_with("licences/THIRD-PARTY.txt")), "{names:#?}");
        let is_library =
            |name: &&String| [".dll", ".dylib", ".so"].iter().any(|end| name.contains(end));
        let libraries: Vec<&String> = names.iter().filter(is_library).collect();
        assert_eq!(libraries, [&format!("dcc_cancel/{name}")], "{names:#?}");
    };
    std::thread::scope(|threads| {
        for (file, tag, name) in [
            ("dcc_cancel.dll", "win_amd64", "dcc_cancel.dll"),
            ("libdcc_cancel.dylib", "macosx_11_0_universal2", "libdcc_cancel.2.dylib"),
            ("libdcc_cancel.so", "manylinux_2_28_aarch64", "libdcc_cancel.so.2"),
        ] {
            let make = &make;
            threads.spawn(move || make(file, tag, name));
        }
    });
}
