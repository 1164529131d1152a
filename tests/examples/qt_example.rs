//! The Qt example: built as its first lines say, and clicked by `tests/consumers/qt_driver`.
//!
//! `DCC_UPDATE_PICTURE=1 cargo test --test qt_example` makes the picture in docs/slices.md again,
//! and the animation in docs/pictures/ from what the window showed meanwhile, by Pillow from PyPI.

#![cfg(target_os = "linux")]

#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/python_venv.rs"]
mod python_venv;
#[path = "../support/mod.rs"]
mod support;

use build_tools::cmake;
use std::process::Command;
use support::{exists, root, scratch};

#[test]
fn a_click_cancels_one_of_three_jobs_in_a_window() {
    if !exists("qmake6") {
        return support::skip("a_click_cancels_one_of_three_jobs_in_a_window", "no qt6-base-dev");
    }
    let build = scratch("qt_example");
    let library = format!("-DDCC_CANCEL_LIBRARY={}", support::built_library().display());
    // Otherwise CMake would prefer an installed library.
    let own = "-DCMAKE_DISABLE_FIND_PACKAGE_dcc_cancel=ON".to_owned();
    cmake(&root().join("tests/consumers/qt_driver"), &build, &[library, own]);

    let picture = build.join("window.png");
    let film = build.join("film");
    std::fs::create_dir(&film).unwrap();
    let told = support::printed(
        Command::new(build.join("qt/qt_jobs"))
            .args(["-platform", "offscreen", "-style", "fusion"])
            .args([&picture, &film])
            .env("QT_SCALE_FACTOR", "2")
            .env("XDG_RUNTIME_DIR", &build),
    );
    // The endless job and the program ended together with the window.
    let (figures, end) = told.split_once('\n').unwrap_or_default();
    assert!(figures.starts_with("longest tick "), "{told}");
    assert_eq!(end, "closing\ninterrupted\n");

    let image = std::fs::read(&picture).unwrap();
    assert!(image.starts_with(b"\x89PNG\r\n\x1a\n"), "{} bytes", image.len());
    if std::env::var_os("DCC_UPDATE_PICTURE").is_some() {
        std::fs::create_dir_all(root().join("docs")).unwrap();
        std::fs::write(root().join("docs/qt_example.png"), image).unwrap();
        let python = python_venv::venv("pillow-13", &["pillow==13.0.0"]).join("bin/python");
        let program = root().join("tests/consumers/qt_driver/make_gif.py");
        let animation = root().join("docs/pictures/cancel.gif");
        support::run(Command::new(python).arg(program).args([film, animation]));
    }
}

#[test]
fn the_animation_fits_on_a_page() {
    let file = std::fs::read(root().join("docs/pictures/cancel.gif")).unwrap();
    assert!(file.starts_with(b"GIF89a"));
    let side = |at: usize| u16::from_le_bytes([file[at], file[at + 1]]);
    assert_eq!([side(6), side(8)], [640, 357], "width and height");
    assert!(file.len() <= 600_000, "a page should not wait for {} bytes", file.len());
    let count = |part: &[u8]| file.windows(part.len()).filter(|found| *found == part).count();
    assert_eq!(count(b"NETSCAPE2.0"), 1, "it begins again at its end");
    // The bytes before each picture of the animation.
    assert!(count(&[0x21, 0xf9, 0x04]) > 40, "pictures that move");
}
