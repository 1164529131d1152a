//! CMake, Ninja and pkg-config from PyPI, in a virtual environment under the target folder.

use super::support;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PACKAGES: &[&str] = &["cmake==3.31.6", "ninja==1.11.1.3", "pkgconf==2.3.0.post2"];

/// The folder of the tools, made if it is missing.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-tools");
        let done = environment.join("installed");
        if std::fs::read_to_string(&done).is_ok_and(|text| text == PACKAGES.concat()) {
            return environment.join("bin");
        }
        support::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
        support::run(
            Command::new(environment.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(PACKAGES),
        );
        std::fs::write(done, PACKAGES.concat()).unwrap();
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
