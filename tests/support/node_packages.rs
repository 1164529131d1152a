//! The client of the TypeScript SDK with its packages, installed once under the target folder.

use super::{built_once::built_once, support};
use std::path::PathBuf;
use std::process::Command;

/// Whether Node and npm are there.
pub fn exist() -> bool {
    support::exists("node") && support::exists("npm")
}

/// The program that plays the scenarios, in a folder that has its packages. `name` tells the tests apart
/// that copy it at the same time.
pub fn client(name: &str) -> PathBuf {
    let source = support::root().join("tests/clients/typescript");
    let lock = std::fs::read_to_string(source.join("package-lock.json")).unwrap();
    let packages = built_once("node-packages", &lock, |folder| {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(source.join(file), folder.join(file)).unwrap();
        }
        support::run(
            Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(folder),
        );
    });
    // Node looks for packages from where a program lies upwards.
    let copy = packages.join(name);
    std::fs::create_dir_all(&copy).unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "mjs") {
            std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
        }
    }
    copy.join("client.mjs")
}
