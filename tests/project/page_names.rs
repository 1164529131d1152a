//! The names on the pages exist: functions, constants and settings of the library, and the tests
//! that `CONTRIBUTING.md` names for a forgotten step.

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where the library's names come from. Tests have settings of their own, which also begin with
/// `DCC_`.
const SOURCES: &[&str] = &[
    "include",
    "src",
    "python",
    "cmake",
    "CMakeLists.txt",
    "CMakePresets.json",
    "Cargo.toml",
    "build.rs",
    "examples",
    "packaging",
    "xtask/src",
];
const SETTINGS: &[&str] = &["tests", "benches", ".ci"];

/// Adds the files at a path, relative to the root.
fn files(path: &Path, found: &mut Vec<PathBuf>) {
    let full = support::root().join(path);
    if !full.is_dir() {
        found.push(path.to_owned());
        return;
    }
    for entry in std::fs::read_dir(full).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "target" && name != "__pycache__" && name != "node_modules" {
            files(&path.join(name), found);
        }
    }
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The words of a text that begin like names of the library.
fn names<'t>(text: &'t str, starts: &[&str]) -> BTreeSet<&'t str> {
    let words = text.split(|letter| !is_name(letter));
    words.filter(|word| starts.iter().any(|start| word.starts_with(start))).collect()
}

/// The names in all files at these paths.
fn names_at(paths: &[&str], starts: &[&str]) -> BTreeSet<String> {
    let mut found = Vec::new();
    paths.iter().for_each(|path| files(Path::new(path), &mut found));
    let mut all = BTreeSet::new();
    for file in found {
        let bytes = std::fs::read(support::root().join(&file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        all.extend(names(&text, starts).into_iter().map(str::to_owned));
        let file = file.to_string_lossy();
        all.extend(names(&file, starts).into_iter().map(str::to_owned));
    }
    all
}

/// The texts between backticks on a page, outside of its listings. The first column of the
/// changelog's tables is left out, because it names removed things.
fn quoted(page: &str, is_changelog: bool) -> Vec<String> {
    let mut text = String::new();
    for (at, part) in page.split("\n```").enumerate() {
        if at % 2 == 0 {
            text += part;
        }
    }
    let kept = text.lines().map(|line| match line.strip_prefix("| ") {
        Some(row) if is_changelog => row.split_once(" | ").map_or("", |(_, rest)| rest),
        _ => line,
    });
    let kept: Vec<&str> = kept.collect();
    kept.join("\n").split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn pages() -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(Path::new("docs"), &mut all);
    let of_root =
        ["README.md", "CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
    all.extend(of_root.map(PathBuf::from));
    all.push(".ci/README.md".into());
    all.retain(|path| path.extension().is_some_and(|end| end == "md"));
    all
}

#[test]
fn names_of_the_library_in_pages_are_there() {
    let mut there = names_at(SOURCES, &["dcc_", "DCC_"]);
    there.extend(names_at(SETTINGS, &["DCC_"]));
    assert!(there.len() > 500, "{}", there.len());
    let mut gone = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(support::root().join(&page)).unwrap();
        for quote in quoted(&text, page.ends_with("CHANGELOG.md")) {
            // Names such as `dcc_job_*` and `DCC_LATENCY_` stand for several names.
            let is_there = |name: &&str| {
                there.contains(*name)
                    || name.ends_with('_') && there.iter().any(|one| one.starts_with(*name))
            };
            let lost = names(&quote, &["dcc_", "DCC_"]).into_iter().filter(|name| !is_there(name));
            gone.extend(lost.map(|name| format!("{}: there is no {name}", page.display())));
        }
    }
    assert!(gone.is_empty(), "{}", gone.join("\n"));
}

/// The file of a test program, relative to the root.
fn program(manifest: &str, name: &str) -> Option<PathBuf> {
    let (_, entry) = manifest.split_once(&format!("[[test]]\nname = \"{name}\"\npath = \""))?;
    Some(PathBuf::from(entry.split('"').next()?))
}

/// Whether a file, or a file in the folder of the same name, has this test.
fn has_test(file: &Path, name: &str) -> bool {
    let mut files_of = vec![file.to_owned()];
    let folder = file.with_extension("");
    if support::root().join(&folder).is_dir() {
        files(&folder, &mut files_of);
    }
    let is_there = |file: PathBuf| {
        let text = std::fs::read_to_string(support::root().join(file)).unwrap_or_default();
        text.contains(&format!("fn {name}(")) || text.contains(&format!("fn {name}<"))
    };
    files_of.into_iter().any(is_there)
        // Test programs in Python are modules of the program `python`.
        || support::root().join(format!("tests/python/{name}.py")).exists()
}

#[test]
fn the_tests_that_contributing_names_are_there() {
    let root = support::root();
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let page = std::fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let named: Vec<String> = quoted(&page, false);
    let tests = named.iter().filter_map(|quote| {
        let (program, test) = quote.split_once("::")?;
        (program.chars().all(is_name) && test.chars().all(is_name)).then_some((program, test))
    });
    let tests: Vec<_> = tests.filter(|(program, _)| *program != "dcc").collect();
    assert!(tests.len() > 20, "{}", tests.len());
    let lost: Vec<_> = tests
        .iter()
        .filter(|(of, test)| !program(&manifest, of).is_some_and(|file| has_test(&file, test)))
        .collect();
    assert!(lost.is_empty(), "CONTRIBUTING.md names tests that are not there: {lost:?}");
}

#[test]
fn it_reads_what_stands_between_backticks() {
    let page = "`a` and\n```c\n`b`\n```\n| `c` | `d` |\n";
    assert_eq!(quoted(page, false), ["a", "c", "d"]);
    assert_eq!(quoted(page, true), ["a", "d"]);
    assert_eq!(
        Vec::from_iter(names("dcc_a(x); my_dcc_b DCC_C", &["dcc_", "DCC_"])),
        ["DCC_C", "dcc_a"]
    );
}
