//! The Python package as pip makes and installs it: a wheel with the library in it, built by cargo, put into
//! fresh environments and used there, far from the sources.

#![cfg(target_os = "linux")]

#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/python_venv.rs"]
mod python_venv;
#[path = "../support/pythons.rs"]
mod pythons;
#[path = "../support/mod.rs"]
mod support;

use python_venv::venv;
use pythons::pythons_besides;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TOOLS: &[&str] = &["build==1.6.1"];

/// A command for `python -m`, which sees nothing of this project.
fn module(python: &Path, arguments: &[&str]) -> Command {
    let mut command = support::limited(python);
    command.arg("-m").args(arguments);
    for variable in ["PYTHONPATH", "DCC_CANCEL_LIBRARY", "LD_LIBRARY_PATH"] {
        command.env_remove(variable);
    }
    command.current_dir("/");
    command
}

/// The tools that build packages, or nothing where pip reaches no index.
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

/// Builds from the sources in a folder, with a library that cargo builds anew only if it has to.
fn build(python: &Path, from: &Path, to: &Path, kind: &str) -> Command {
    let mut command = module(python, &["build", kind, "--outdir"]);
    command.arg(to).arg(from);
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("release-library"));
    command
}

/// The one file in a folder.
fn only(folder: &Path) -> PathBuf {
    let mut found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file = found.next().unwrap();
    assert!(found.next().is_none(), "{} has more than {}", folder.display(), file.display());
    file
}

fn names_in(wheel: &Path) -> Vec<String> {
    let printed =
        support::printed(Command::new("python3").args(["-m", "zipfile", "-l"]).arg(wheel));
    let names =
        printed.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.collect()
}

/// Puts a wheel into a fresh environment of this Python, away from the sources, and uses it.
fn use_installed(python: &Path, wheel: &Path) {
    let name = python.display().to_string().replace('/', "-");
    let folder =
        std::env::temp_dir().join(format!("dcc-cancel-wheel-{}{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    support::run(module(python, &["venv"]).arg(&folder));
    let installed = folder.join("bin/python");
    let mut install = module(&installed, &["pip", "install", "--quiet", "--no-index"]);
    support::run(install.arg("--disable-pip-version-check").arg(wheel));
    let mut program = Command::new(&installed);
    program.arg("-I").arg(support::root().join("tests/consumers/installed_package.py"));
    program.current_dir("/").env_remove("DCC_CANCEL_LIBRARY").env_remove("LD_LIBRARY_PATH");
    let printed = support::printed(&mut program);
    let version = dcc_cancel::ffi::library::VERSION_STRING.to_str().unwrap();
    let package = version.split(" (").next().unwrap();
    assert!(printed.starts_with(package), "{printed}");
    assert!(printed.ends_with("stopped by token and by job\n"), "{printed}");
    support::show(&format!("{}: {}", python.display(), printed.lines().next().unwrap()));
    std::fs::remove_dir_all(folder).unwrap();
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
    // Built by the same command, so that what follows has nothing to compile.
    support::release_library();
    // As `pip install .` does it, in two steps.
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

    // The archive of the sources has all that a wheel is made of.
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
