//! CMake, Ninja and pkg-config from PyPI, in a virtual environment under the target folder.

use super::{built_once::built_once, support};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PACKAGES: &[&str] = &["cmake==3.31.6", "ninja==1.11.1.3", "pkgconf==2.3.0.post2"];

/// The folder of the tools, made if it is missing.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // Several test programs may need the tools at the same time.
        let environment = built_once("build-tools", &PACKAGES.concat(), |environment| {
            support::run(Command::new("python3").args(["-m", "venv"]).arg(environment));
            support::run(
                Command::new(environment.join("bin/python"))
                    .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                    .args(PACKAGES),
            );
        });
        environment.join("bin")
    })
}

/// One of the tools.
pub fn tool(name: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(folder().join(name));
    command.env("PATH", format!("{}:{path}", folder().display()));
    command
}

/// Configures and builds a CMake project with Ninja.
pub fn cmake(source: &Path, build: &Path, settings: &[String]) {
    support::run(
        tool("cmake").args(["-G", "Ninja", "-S"]).arg(source).arg("-B").arg(build).args(settings),
    );
    support::run(tool("cmake").arg("--build").arg(build));
}
