//! A token's native event in Qt's event loop; most hosts have such a loop.

#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

use std::process::Command;

/// Debian's Python: Debian packages Qt for this one.
const PYTHON: &str = "/usr/bin/python3";

#[test]
fn a_socket_notifier_wakes_with_the_cancel() {
    let found = Command::new(PYTHON).args(["-c", "import PyQt5.QtCore"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        return support::skip("a_socket_notifier_wakes_with_the_cancel", "no python3-pyqt5");
    }
    let folder = support::scratch("qt");
    let library = support::staged_library(&folder);
    let script = support::root().join("tests/consumers/qt_notifier.py");
    let told = support::printed(Command::new(PYTHON).arg(script).arg(library));
    assert_eq!(told, "woken by the cancel\n");
}
