//! The adapters of `include/dcc_cancel/adapters` for event loops and windows. Pictures of a progress
//! dialog are left in the target folder.
//!
//! `DCC_UPDATE_PICTURE=1 cargo test --test adapters_ui` makes the picture in docs/adapters.md
//! again.

#![cfg(target_os = "linux")]

#[path = "../support/adapters.rs"]
mod adapters;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/mod.rs"]
mod support;

use adapters::{Adapter, pkg_config};
use std::path::Path;

/// Runs the program of an adapter that needs these modules of Qt.
fn qt(name: &'static str, modules: &[&str]) {
    let flags =
        |what| modules.iter().flat_map(|module| pkg_config(what, module)).collect::<Vec<_>>();
    // Debian's Qt needs position-independent code.
    let compile = [vec!["-fPIC".to_owned()], flags("--cflags")].concat();
    Adapter {
        name,
        headers: &["QtCore/QObject"],
        package: "qt6-base-dev",
        compile,
        link: flags("--libs"),
    }
    .stops_by_a_cancel();
}

#[test]
fn qt_notifier() {
    qt("qt_notifier", &["Qt6Core"]);
}

#[test]
fn qt_pump() {
    qt("qt_pump", &["Qt6Core"]);
}

#[test]
fn qt_progress_dialog() {
    qt("qt_progress_dialog", &["Qt6Widgets", "Qt6Test"]);
    if std::env::var_os("DCC_UPDATE_PICTURE").is_some() {
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let cancelling = pictures.join("adapter_qt_progress_dialog_library/cancelling.png");
        std::fs::copy(cancelling, support::root().join("docs/qt_progress_dialog.png")).unwrap();
    }
}
