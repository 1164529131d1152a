//! Virtual environments of Python, made once under the target folder.

use super::{built_once::built_once, support};
use std::path::PathBuf;
use std::process::Command;

/// The folder of an environment with these packages, such as `["mcp==2.3.0"]`. Its interpreter is
/// `bin/python`.
pub fn venv(name: &str, requirements: &[&str]) -> PathBuf {
    built_once(&format!("venv-{name}"), &requirements.join("\n"), |folder| {
        support::run(Command::new("python3").args(["-m", "venv"]).arg(folder));
        support::run(
            Command::new(folder.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(requirements),
        );
    })
}
