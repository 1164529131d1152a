//! Programs from npm, installed once under the target folder: the client for the TypeScript SDKs,
//! and newman.

use super::{built_once::built_once, support};
use std::path::PathBuf;
use std::process::Command;

/// Whether Node and npm are there.
pub fn exist() -> bool {
    support::exists("node") && support::exists("npm")
}

/// Installs the packages of a folder under `tests/clients` that has a `package-lock.json`. Returns
/// the folder under the target folder that contains them.
fn packages(folder: &str) -> PathBuf {
    let source = support::root().join("tests/clients").join(folder);
    let lock = std::fs::read_to_string(source.join("package-lock.json")).unwrap();
    built_once(&format!("node-packages-{folder}"), &lock, |folder| {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(source.join(file), folder.join(file)).unwrap();
        }
        support::run(
            Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(folder),
        );
    })
}

/// The program that plays the scenarios, in a folder that has its packages. Tests may copy it at
/// the same time, so each gives a `name` for its copy.
#[allow(dead_code, reason = "each test uses a part of it")]
pub fn client(name: &str) -> PathBuf {
    let source = support::root().join("tests/clients/typescript");
    // Node searches for packages in the folder of the program and in the folders above it.
    let copy = packages("typescript").join(name);
    std::fs::create_dir_all(&copy).unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "mjs") {
            std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
        }
    }
    copy.join("client.mjs")
}

/// Newman, which runs collections of Postman.
#[allow(dead_code, reason = "each test uses a part of it")]
pub fn newman() -> PathBuf {
    packages("postman").join("node_modules/newman/bin/newman.js")
}
