//! An X display that nobody looks at, and keys that are pressed on it.

use super::support;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A display; ended with this.
pub struct Display {
    server: Child,
    name: String,
}

/// Whether there can be one; says so if not.
pub fn can_be(test: &str) -> bool {
    let exist = Command::new("Xvfb").arg("-help").output().is_ok() && support::exists("xdotool");
    if !exist {
        support::skip(test, "no xvfb and xdotool");
    }
    exist
}

impl Display {
    /// Starts one of this size, under a number that is free.
    pub fn start(size: &str) -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &format!("{size}x24"), "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.is_empty(), "Xvfb ended: {:?}", server.wait());
        Self { server, name: format!(":{}", number.trim()) }
    }

    /// What DISPLAY is to be.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Presses a key in the window whose title matches this regular expression; it is waited for.
    pub fn press(&self, key: &str, title: &str) {
        let tool = |arguments: &[&str]| {
            support::printed(support::limited("xdotool").args(arguments).env("DISPLAY", &self.name))
        };
        let windows = tool(&["search", "--sync", "--onlyvisible", "--name", title]);
        // Not let go of again: it may close the window.
        tool(&["keydown", "--window", windows.lines().next().unwrap(), key]);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
