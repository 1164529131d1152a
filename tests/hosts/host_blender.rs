//! The add-on of `examples/hosts/blender` in two real Blenders: as a module of Python without a
//! window (bpy 4.5), and with a window on a virtual screen (Debian's 3.4), where the test presses a
//! key. `tests/hosts/blender` has the checks.
//!
//! `DCC_UPDATE_PICTURE=1 cargo test --test host_blender -- --ignored` makes the picture in the
//! example's README again, by Pillow from PyPI.

#![cfg(target_os = "linux")]

#[path = "../support/blender.rs"]
mod blender;
#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/mcp_server.rs"]
#[allow(dead_code, reason = "its own server is not needed here")]
mod mcp_server;
#[path = "../support/python_venv.rs"]
mod python_venv;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/x_display.rs"]
#[allow(dead_code, reason = "Blender's own checks press the keys")]
mod x_display;

use blender::{Poll, assert_not_stopped, assert_passed, module, window};
use std::process::Command;

#[test]
#[ignore = "bpy from PyPI and a whole Blender"]
fn module_checks() {
    let Some(output) = module("blender_module", Poll::In, &[]) else { return };
    assert_passed(&output, &["deadline", "timer", "mcp-legacy", "mcp-2026-07-28"]);
}

#[test]
#[ignore = "bpy from PyPI and a whole Blender"]
fn module_checks_fail_without_the_poll() {
    let checks = ["a_deadline_cancels_the_operator", "an_mcp_client_of_2025_cancels"];
    let Some(output) = module("blender_module_without_poll", Poll::TakenOut, &checks) else {
        return;
    };
    assert_not_stopped(&output, &["deadline", "mcp-legacy"]);
}

#[test]
#[ignore = "bpy from PyPI and a whole Blender"]
fn window_checks() {
    let Some((output, picture)) = window("blender_window", Poll::In, &[]) else { return };
    assert_passed(&output, &["escape", "blender-timer", "mcp-window"]);
    let image = std::fs::read(&picture).unwrap();
    assert!(image.starts_with(b"\x89PNG\r\n\x1a\n"), "{} bytes", image.len());
    if std::env::var_os("DCC_UPDATE_PICTURE").is_some() {
        // With few colours, which makes the file a third as large.
        let program = "import sys; from PIL import Image; seen = Image.open(sys.argv[1]).convert('RGB'); \
                       seen.quantize(256, kmeans=1).save(sys.argv[2], optimize=True)";
        let python = python_venv::venv("pillow-13", &["pillow==13.0.0"]).join("bin/python");
        let shown = support::root().join("examples/hosts/blender/window.png");
        support::run(Command::new(python).args(["-c", program]).args([picture, shown]));
    }
}

#[test]
#[ignore = "bpy from PyPI and a whole Blender"]
fn window_checks_fail_without_the_poll() {
    let checks = ["escape_cancels_and_the_window_lives"];
    let Some((output, _)) = window("blender_window_without_poll", Poll::TakenOut, &checks) else {
        return;
    };
    assert_not_stopped(&output, &["escape"]);
}
