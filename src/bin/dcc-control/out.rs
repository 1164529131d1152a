//! All printing. Nothing that is printed here can control a terminal: names, labels and reasons are
//! escaped when they become text, and everything printed is escaped once more.

#![allow(clippy::print_stderr, reason = "the one place where the tool complains")]

use dcc_cancel::printable::{Escaped, EscapedJson};
use std::fmt::Display;
use std::io::{self, Write};

/// Prints lines of the command's result, escaped.
pub fn say(lines: &str) {
    for line in lines.split('\n') {
        print(&Escaped(line));
    }
}

/// Prints a part of the command's result that is a JSON document. Characters that could control a
/// terminal are escaped in JSON's way.
pub fn say_json_part(part: &str) {
    write(&EscapedJson(part).to_string());
}

/// Prints a line about something that went wrong, to standard error.
pub fn complain(line: &str) {
    eprintln!("{}", Escaped(line));
}

fn print(line: &dyn Display) {
    write(&format!("{line}\n"));
}

/// Writes text as it is; the caller has escaped it. Ends the program if the output is closed.
pub fn write(text: &str) {
    let mut stdout = io::stdout().lock();
    if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}
