//! What is printed. Everything goes through here, and nothing through here can steer a terminal: names,
//! labels and reasons are escaped where they become text, and once more whatever is printed is.

#![allow(clippy::print_stderr, reason = "the one place where the tool complains")]

use dcc_cancel::printable::{Escaped, EscapedJson};
use std::fmt::Display;
use std::io::{self, Write};

/// Lines of what was asked for.
pub fn say(lines: &str) {
    for line in lines.split('\n') {
        print(&Escaped(line));
    }
}

/// A part of a document that was asked for.
pub fn say_json_part(part: &str) {
    write(&EscapedJson(part).to_string());
}

/// A line about what went wrong.
pub fn complain(line: &str) {
    eprintln!("{}", Escaped(line));
}

/// Whoever reads no more wants no more.
fn print(line: &dyn Display) {
    write(&format!("{line}\n"));
}

/// Writes as it is; whoever calls this has escaped it.
pub fn write(text: &str) {
    let mut stdout = io::stdout().lock();
    if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}
