//! Finds out from their sources which test programs can have a test of the name that was asked for.
//! Cargo would build the other programs in vain.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Arguments of a test program that say how it runs and are not followed by a value.
const PLAIN: &[&str] = &[
    "--exact",
    "--ignored",
    "--include-ignored",
    "--list",
    "--no-capture",
    "--nocapture",
    "--quiet",
    "-q",
    "--show-output",
];

/// Words of which a program's sources must contain one if the program has such a test: the last
/// part of each path that was asked for. `None`: any program may have such a test.
pub fn words<'a>(arguments: &'a [String]) -> Option<Vec<&'a str>> {
    let names: Vec<&'a String> =
        arguments.iter().filter(|argument| !PLAIN.contains(&argument.as_str())).collect();
    if names.is_empty() || names.iter().any(|name| name.starts_with('-')) {
        return None;
    }
    let last = |name: &'a String| name.trim_end_matches(':').rsplit("::").next();
    names.into_iter().map(|name| last(name).filter(|part| !part.is_empty())).collect()
}

/// Adds the sources of a program: `main` and all files that `mod` and `#[path]` lead to, whatever
/// `cfg` says.
pub fn sources(main: &Path, found: &mut BTreeSet<PathBuf>) {
    let Ok(text) = std::fs::read_to_string(main) else { return };
    if !found.insert(main.to_owned()) {
        return;
    }
    let folder = main.parent().expect("a file is in a folder");
    for line in text.lines().map(str::trim) {
        if let Some((_, rest)) = line.split_once("path = \"") {
            sources(&folder.join(rest.split('"').next().unwrap_or_default()), found);
        }
        let declared = line.strip_suffix(';').and_then(|line| line.rsplit_once("mod "));
        for beside in [folder.to_owned(), main.with_extension("")] {
            for (_, name) in declared.into_iter() {
                sources(&beside.join(format!("{name}.rs")), found);
                sources(&beside.join(name).join("mod.rs"), found);
            }
        }
    }
}

/// What cargo is told to build: `--test NAME` and the like for each target that has one of the
/// words in its sources. Empty if no target has one: then the name comes from somewhere else.
pub fn targets(root: &Path, words: &[&str]) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["metadata", "--no-deps", "--format-version=1", "--offline"]);
    let output = command.output().expect("cargo starts").stdout;
    let metadata: Value = serde_json::from_slice(&output).unwrap_or_default();
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let own = packages.find(|package| package["name"] == env!("CARGO_PKG_NAME"));
    let all = own.and_then(|own| own["targets"].as_array()).cloned().unwrap_or_default();
    let has_word = |target: &&Value| {
        let mut files = BTreeSet::new();
        sources(Path::new(target["src_path"].as_str().unwrap_or_default()), &mut files);
        files.iter().any(|file| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let module = file.file_stem().unwrap_or_default().to_string_lossy();
            words.iter().any(|word| text.contains(word) || module.contains(word))
        })
    };
    let options = |target: &Value| {
        let name = target["name"].as_str().unwrap_or_default().to_owned();
        match target["kind"][0].as_str().unwrap_or_default() {
            "test" => vec!["--test".to_owned(), name],
            "bin" => vec!["--bin".to_owned(), name],
            kind if kind.contains("lib") => vec!["--lib".to_owned()],
            _ => vec![],
        }
    };
    all.iter().filter(has_word).flat_map(options).collect()
}
