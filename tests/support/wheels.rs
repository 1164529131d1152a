//! Wheels, and Pythons in which a wheel is installed.

use super::outside::Outside;
use super::support;
use std::path::Path;
use std::process::Command;

/// A command for `python -m` that sees nothing of this project.
pub fn module(python: &Path, arguments: &[&str]) -> Command {
    let mut command = support::limited(python);
    command.arg("-m").args(arguments);
    for variable in ["PYTHONPATH", "DCC_CANCEL_LIBRARY", "LD_LIBRARY_PATH"] {
        command.env_remove(variable);
    }
    command.current_dir("/");
    command
}

/// All files of a wheel.
pub fn names_in(wheel: &Path) -> Vec<String> {
    let printed =
        support::printed(Command::new("python3").args(["-m", "zipfile", "-l"]).arg(wheel));
    let names =
        printed.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.collect()
}

/// Installs a wheel into a fresh environment of this Python, away from the sources, and uses it.
pub fn use_installed(python: &Path, wheel: &Path) {
    let name = python.display().to_string().replace('/', "-");
    let folder = Outside::new(&format!("wheel{name}"));
    support::run(module(python, &["venv"]).arg(&*folder));
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
}
