//! Reads `cmake/dcc_cancel.map`, which lists the version of the ABI that brought each function.

#![allow(dead_code, reason = "each test uses a part of it")]

use super::support;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

pub fn text() -> String {
    std::fs::read_to_string(support::root().join("cmake/dcc_cancel.map")).unwrap()
}

/// The versions, oldest first, each with its functions.
pub fn nodes() -> Vec<(String, Vec<String>)> {
    let text = text();
    let (_, list) = text.split_once("*/").unwrap();
    let mut nodes: Vec<(String, Vec<String>)> = Vec::new();
    for line in list.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" {") {
            nodes.push((name.to_owned(), Vec::new()));
        } else if let Some(name) = line.strip_suffix(';').filter(|name| name.starts_with("dcc_")) {
            nodes.last_mut().unwrap().1.push(name.to_owned());
        }
    }
    nodes
}

/// The symbols that a library for Linux should export, as nm prints them.
pub fn expected() -> BTreeSet<String> {
    let name = |(version, functions): (String, Vec<String>)| {
        functions.into_iter().map(move |function| format!("{function}@@{version}"))
    };
    nodes().into_iter().flat_map(name).collect()
}

/// The symbols that it exports. Some linkers make symbols of the versions' names, too.
pub fn shown(library: &Path) -> BTreeSet<String> {
    let listed = support::printed(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
    let functions = listed.lines().filter(|line| !line.contains(" A "));
    functions.map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
}
