//! A virtual X display, and key presses on it.

use super::support;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running display; dropping this ends it.
pub struct Display {
    server: Child,
    name: String,
}

/// Whether a display can be started; if not, this notes the skip.
pub fn can_be(test: &str) -> bool {
    let exist = Command::new("Xvfb").arg("-help").output().is_ok() && support::exists("xdotool");
    if !exist {
        support::skip(test, "no xvfb and xdotool");
    }
    exist
}

impl Display {
    /// Starts a display of this size, under a free number.
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

    /// The value for the variable DISPLAY.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for the window whose title matches this regular expression, and presses a key in it.
    pub fn press(&self, key: &str, title: &str) {
        let tool = |arguments: &[&str]| {
            support::printed(support::limited("xdotool").args(arguments).env("DISPLAY", &self.name))
        };
        let windows = tool(&["search", "--sync", "--onlyvisible", "--name", title]);
        // The key is not released again, because the press may already have closed the window.
        tool(&["keydown", "--window", windows.lines().next().unwrap(), key]);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
