//! The code on a page of the documentation, for tests that do what the page says.

#![allow(dead_code, reason = "each test uses a part of it")]

use super::support;
use std::fs;
use std::path::Path;

/// The text of a page, by its path from the root.
pub fn page(path: &str) -> String {
    fs::read_to_string(support::root().join(path)).unwrap()
}

/// The blocks of code on a page: for each, the words behind its opening fence, and its lines.
pub fn blocks(page: &str) -> Vec<(&str, &str)> {
    let blocks = page.split("\n```").skip(1).step_by(2);
    blocks.map(|block| block.split_once('\n').unwrap()).collect()
}

/// The name of the file that a block becomes, if the words behind its fence name one, as `cpp
/// plugin.cpp` does.
pub fn file_of(kind: &str) -> Option<&str> {
    Some(kind.split_once(' ')?.1)
}

/// Writes the files whose code is on a page into a folder, and returns their number.
pub fn write_files_of(page: &str, folder: &Path) -> usize {
    let blocks = blocks(page);
    let named = blocks.iter().filter_map(|(kind, code)| Some((file_of(kind)?, code)));
    named.map(|(file, code)| fs::write(folder.join(file), format!("{code}\n")).unwrap()).count()
}

/// The commands of a page as one script, which stops at the first command that fails.
pub fn script_of(page: &str) -> String {
    let blocks = blocks(page);
    let commands = blocks.iter().filter(|(kind, _)| *kind == "sh").map(|(_, code)| *code);
    "set -eu\n".to_owned() + &commands.collect::<Vec<_>>().join("\n") + "\n"
}
