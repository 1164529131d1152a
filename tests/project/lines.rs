//! No line of a source, a script or a document is wider than 110 columns, which fit into one of two
//! windows side by side. A tab counts as four. Rows of Markdown tables may be wider, and recorded
//! data is left as it is.

#[path = "../support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

const MOST: usize = 110;

/// Files that are not written by hand, and folders that do not belong to the project.
const LEFT_OUT: &[&str] = &[
    ".git",
    "target",
    "docs/costs",
    "benches/counts.txt",
    "__pycache__",
    "node_modules",
    "tests/data",
    "tests/fuzz/corpus",
    "Cargo.lock",
    "package-lock.json",
    "postman_collection.json",
];

fn is_left_out(path: &Path) -> bool {
    let name = path.file_name().expect("a name");
    let is_picture =
        path.extension().is_some_and(|end| ["png", "gif", "svg"].map(OsStr::new).contains(&end));
    LEFT_OUT.iter().any(|left| path == Path::new(left) || name == *left) || is_picture
}

/// Adds the files below a folder, relative to the root.
fn files(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let path = folder.join(entry.unwrap().file_name());
        match root.join(&path).is_dir() {
            _ if is_left_out(&path) => (),
            true => files(root, &path, found),
            false => found.push(path),
        }
    }
}

fn columns(line: &str) -> usize {
    line.chars().fold(0, |at, letter| if letter == '\t' { at / 4 * 4 + 4 } else { at + 1 })
}

/// Whether this line of the file is too wide.
fn is_wide(file: &Path, line: &str) -> bool {
    let is_table = file.extension().is_some_and(|end| end == "md") && line.starts_with('|');
    columns(line) > MOST && !is_table
}

#[test]
fn no_line_is_wider_than_110_columns() {
    let root = support::root();
    let mut all = Vec::new();
    files(&root, Path::new(""), &mut all);
    assert!(all.len() > 500, "{}", all.len());
    let mut wide = Vec::new();
    for file in all {
        let bytes = std::fs::read(root.join(&file)).unwrap();
        let Ok(text) = String::from_utf8(bytes) else {
            wide.push(format!("{}: no text, and not in the list of what is none", file.display()));
            continue;
        };
        let lines = text.lines().enumerate().filter(|(_, line)| is_wide(&file, line));
        wide.extend(lines.map(|(number, line)| {
            format!("{}:{}: {} columns", file.display(), number + 1, columns(line))
        }));
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

#[test]
fn it_sees_a_wide_line() {
    let wide = |file: &str, line: &str| is_wide(Path::new(file), line);
    let (fits, too_long) = ("ä".repeat(110), "ä".repeat(111));
    assert!(!wide("some.rs", &fits) && wide("some.rs", &too_long));
    assert!(!wide("some.md", &format!("| {too_long} |")) && wide("some.md", &too_long));
    assert!(wide("some.rs", &format!("| {too_long} |")));
    assert!(!wide("some.cpp", &format!("\t  \t{}", "x".repeat(102))));
    assert!(wide("some.cpp", &format!("\t  \t{}", "x".repeat(103))));
    assert!(is_left_out(Path::new("tests/fuzz/Cargo.lock")) && !is_left_out(Path::new("src/data")));
}
