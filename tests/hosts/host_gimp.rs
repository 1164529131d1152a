//! `examples/hosts/gimp` in GIMP: it smooths correctly. After a cancel half-way the image is
//! unchanged, bit for bit, and the undo history has no new step.

#![cfg(target_os = "linux")]

#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/gimp.rs"]
mod gimp;
#[path = "../support/smooth_reference.rs"]
mod smooth_reference;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/x_display.rs"]
mod x_display;

use gimp::{AS_SHIPPED, Gimp, WITHOUT_POLL, WITHOUT_PROGRESS, figure, is_installed};
use smooth_reference::Image;
use std::time::Instant;
use x_display::Display;

/// A number of passes that takes a second or two on the image of `noise`.
const LONG_WORK: usize = 1_500;
/// A number of passes that takes longer than the time limit, even on a fast machine.
const LONGER_WORK: usize = 10_000;

fn noise() -> Image {
    Image::noise(640, 480)
}

fn send(signal: i32, process: u32) {
    // SAFETY: plain system call.
    assert_eq!(unsafe { libc::kill(process as libc::pid_t, signal) }, 0);
}

#[test]
#[ignore = "a whole GIMP"]
fn what_is_not_cancelled_is_smoothed() {
    if !is_installed("what_is_not_cancelled_is_smoothed") {
        return;
    }
    let gimp = Gimp::with_plug_in("gimp_smoothed", &AS_SHIPPED);
    let image = Image::noise(90, 80);
    image.write(&gimp.path("in.ppm"));
    let mut running = gimp.run(&[r#"
        (let* ((image (load "in.ppm")))
            (smooth RUN-NONINTERACTIVE image 3 60)
            (save image "whole.ppm")
            (gimp-image-delete image))
        (let* ((image (load "in.ppm")))
            (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 20 10 60 60)
            (smooth RUN-NONINTERACTIVE image 5 0)
            (save image "selected.ppm")
            (gimp-image-delete image))
        (let* ((image (load "in.ppm")))
            (smooth RUN-INTERACTIVE image 0 0)
            (save image "interactive.ppm")
            (gimp-image-delete image))
        (let* ((image (load "in.ppm")))
            (gimp-image-convert-grayscale image)
            (save-as-rgb image "gray_before.ppm")
            (smooth RUN-NONINTERACTIVE image 3 0)
            (save-as-rgb image "gray.ppm")
            (gimp-image-delete image))
        (let* ((image (load "in.ppm")))
            (gimp-image-convert-precision image PRECISION-FLOAT-LINEAR)
            (smooth RUN-NONINTERACTIVE image 3 0)
            (gimp-image-convert-precision image PRECISION-U8-GAMMA)
            (save image "float.ppm")
            (gimp-image-delete image))
        (let* ((image (load "in.ppm")))
            (gimp-context-set-background '(255 0 0))
            (gimp-drawable-fill (layer-of image) FILL-BACKGROUND)
            (gimp-layer-add-alpha (layer-of image))
            (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 30 20 30 50)
            (gimp-drawable-edit-clear (layer-of image))
            (gimp-selection-none image)
            (smooth RUN-NONINTERACTIVE image 3 0)
            (gimp-context-set-background '(255 255 255))
            (gimp-image-flatten image)
            (save image "hole.ppm")
            (gimp-image-delete image))"#]);
    for _ in 0..6 {
        running.says("completed");
        running.says("changed");
    }
    let (status, printed) = running.end();
    assert!(status.success(), "{status}\n{printed}");
    assert!(!printed.contains("Cancelled") && !printed.contains("CRITICAL"), "{printed}");

    let difference =
        |file: &str, expected: &Image| Image::read(&gimp.path(file)).difference(expected);
    assert!(image.difference(&image.smoothed(3)) > 50);
    assert!(difference("whole.ppm", &image.smoothed(3)) <= 1);
    assert!(difference("interactive.ppm", &image.smoothed(10)) <= 1);
    let mut selected = image.clone();
    let smoothed = image.smoothed(5);
    for y in 10..70 {
        let row = (y * image.width + 20) * 3..(y * image.width + 80) * 3;
        selected.bytes[row.clone()].copy_from_slice(&smoothed.bytes[row]);
    }
    assert!(difference("selected.ppm", &selected) <= 1);
    let gray = Image::read(&gimp.path("gray_before.ppm"));
    assert!(difference("gray.ppm", &gray.smoothed(3)) <= 1);
    assert!(difference("float.ppm", &image.smoothed(3)) <= 1);
    // The colour of transparent pixels does not shine through: red fades to white.
    let hole = Image::read(&gimp.path("hole.ppm"));
    assert!(hole.bytes.chunks(3).all(|pixel| pixel[0] == 255 && pixel[1] == pixel[2]));
    assert!(hole.bytes.chunks(3).any(|pixel| (64..192).contains(&pixel[1])));
}

#[test]
#[ignore = "a whole GIMP"]
fn a_signal_or_a_time_limit_leaves_the_image_as_it_was() {
    if !is_installed("a_signal_or_a_time_limit_leaves_the_image_as_it_was") {
        return;
    }
    let gimp = Gimp::with_plug_in("gimp_cancelled", &AS_SHIPPED);
    noise().write(&gimp.path("in.ppm"));
    let mut running = gimp.run(&[&format!(
        r#"(let* ((image (load "in.ppm")))
             (smooth RUN-NONINTERACTIVE image {LONG_WORK} 0)
             (save image "terminated.ppm")
             (smooth RUN-NONINTERACTIVE image {LONG_WORK} 0)
             (save image "interrupted.ppm")
             (smooth RUN-NONINTERACTIVE image {LONGER_WORK} 1.5)
             (save image "late.ppm")
             (smooth RUN-NONINTERACTIVE image 1 0)
             (save image "smoothed.ppm")
             (gimp-image-delete image))"#
    )]);
    for (signal, reason) in
        [(libc::SIGTERM, "signal 15, Terminated"), (libc::SIGINT, "signal 2, Interrupt")]
    {
        let plug_in = running.half_way();
        let sent = Instant::now();
        send(signal, plug_in);
        assert_eq!(running.until("ended as cancelled: "), reason);
        let told = running.until("Warning: Cancelled (");
        assert_eq!(told, format!("{reason}); the image is as it was."));
        running.says("not completed");
        let milliseconds = sent.elapsed().as_secs_f64() * 1e3;
        figure(&format!("gimp cancel to return, signal {signal}: {milliseconds:.1} ms"));
        running.says("unchanged");
    }
    running.until("begun");
    assert_eq!(running.until("ended as cancelled: "), "deadline exceeded");
    running.says("not completed");
    running.says("unchanged");
    // The plug-in can be called again.
    running.says("completed");
    running.says("changed");
    let (status, printed) = running.end();
    assert!(status.success(), "{status}\n{printed}");
    for trouble in ["CRITICAL", "crashed", "inconsistent", "leaked"] {
        assert!(!printed.contains(trouble), "{printed}");
    }
    for file in ["terminated.ppm", "interrupted.ppm", "late.ppm"] {
        assert_eq!(Image::read(&gimp.path(file)), noise(), "{file}");
    }
    assert!(Image::read(&gimp.path("smoothed.ppm")).difference(&noise().smoothed(1)) <= 1);
}

#[test]
#[ignore = "a whole GIMP"]
fn a_cancel_in_the_last_pass_leaves_the_image_as_it_was() {
    if !is_installed("a_cancel_in_the_last_pass_leaves_the_image_as_it_was") {
        return;
    }
    let gimp = Gimp::with_plug_in("gimp_last_pass", &AS_SHIPPED);
    noise().write(&gimp.path("in.ppm"));
    let mut running = gimp.run_and_wait_for_cancel(&[r#"
        (let* ((image (load "in.ppm")))
            (smooth RUN-NONINTERACTIVE image 1 0)
            (save image "terminated.ppm")
            (gimp-image-delete image))"#]);
    // The only pass writes into the layer's shadow, and has filled half of it.
    let plug_in = running.half_way();
    send(libc::SIGTERM, plug_in);
    running.says("not completed");
    running.says("unchanged");
    running.end();
    assert_eq!(Image::read(&gimp.path("terminated.ppm")), noise());
}

#[test]
#[ignore = "a whole GIMP"]
fn without_its_poll_a_cancel_stops_nothing() {
    if !is_installed("without_its_poll_a_cancel_stops_nothing") {
        return;
    }
    let gimp = Gimp::with_plug_in("gimp_without_poll", &WITHOUT_POLL);
    noise().write(&gimp.path("in.ppm"));
    let mut running = gimp.run(&[&format!(
        r#"(let* ((image (load "in.ppm")))
             (smooth RUN-NONINTERACTIVE image {LONG_WORK} 0)
             (save image "terminated.ppm")
             (gimp-image-delete image))"#
    )]);
    let plug_in = running.half_way();
    let sent = Instant::now();
    send(libc::SIGTERM, plug_in);
    running.says("completed");
    let milliseconds = sent.elapsed().as_secs_f64() * 1e3;
    figure(&format!("gimp cancel to return, without the poll: {milliseconds:.0} ms"));
    running.says("changed");
    let (_, printed) = running.end();
    assert!(!printed.contains("ended as cancelled"), "{printed}");
    assert_ne!(Image::read(&gimp.path("terminated.ppm")), noise());
}

#[test]
#[ignore = "a whole GIMP"]
fn the_job_ends_with_gimp() {
    if !is_installed("the_job_ends_with_gimp") {
        return;
    }
    let gimp = Gimp::with_plug_in("gimp_killed", &WITHOUT_PROGRESS);
    noise().write(&gimp.path("in.ppm"));
    let mut running =
        gimp.run(&[&format!(r#"(smooth RUN-NONINTERACTIVE (load "in.ppm") {LONG_WORK} 0)"#)]);
    running.half_way();
    send(libc::SIGKILL, running.process());
    assert_eq!(running.until("ended as cancelled: "), "cancelled in the host");
    running.end();
}

#[test]
#[ignore = "a whole GIMP"]
fn escape_in_its_progress_window_leaves_the_image_as_it_was() {
    let test = "escape_in_its_progress_window_leaves_the_image_as_it_was";
    if !is_installed(test) || !x_display::can_be(test) {
        return;
    }
    let display = Display::start("1024x768");
    let gimp = Gimp::with_plug_in("gimp_escape", &AS_SHIPPED);
    noise().write(&gimp.path("in.ppm"));
    let mut running = gimp.show(
        display.name(),
        &[&format!(
            r#"(let* ((image (load "in.ppm")))
                 (smooth RUN-NONINTERACTIVE image {LONGER_WORK} 0)
                 (save image "escaped.ppm")
                 (smooth RUN-NONINTERACTIVE image 1 0)
                 (gimp-image-delete image))"#
        )],
    );
    running.until("begun");
    let pressed = Instant::now();
    display.press("Escape", "^Progress$");
    running.says("not completed");
    let milliseconds = pressed.elapsed().as_secs_f64() * 1e3;
    figure(&format!("gimp cancel to return, Escape: {milliseconds:.1} ms"));
    running.says("unchanged");
    // The plug-in can be called again.
    running.says("completed");
    running.says("changed");
    let (status, printed) = running.end();
    assert!(status.success(), "{status}\n{printed}");
    for trouble in ["CRITICAL", "crashed", "inconsistent"] {
        assert!(!printed.contains(trouble), "{printed}");
    }
    assert_eq!(Image::read(&gimp.path("escaped.ppm")), noise());
}

#[test]
#[ignore = "a whole GIMP"]
fn what_is_wrong_is_named() {
    if !is_installed("what_is_wrong_is_named") {
        return;
    }
    let gimp = Gimp::with_plug_in("gimp_wrong", &AS_SHIPPED);
    Image::noise(8, 8).write(&gimp.path("in.ppm"));
    let wrong = [
        ("", "0 0", "on invalid input arguments: iterations is 0; give 1 to 10000"),
        ("", "1 -1", "time-limit is -1; give 0 for none, or up to 1e+06 seconds"),
        (
            "(gimp-item-set-lock-content (layer-of image) TRUE)",
            "1 0",
            "The result was not taken: Item 'Background'",
        ),
    ];
    let scripts = wrong.map(|(before, values, _)| {
        format!(
            r#"(let* ((image (load "in.ppm")))
                 {before}
                 (smooth RUN-NONINTERACTIVE image {values}))"#
        )
    });
    let mut running = gimp.run(&scripts.each_ref().map(String::as_str));
    for (_, _, text) in wrong {
        let told = running.until("Error: Procedure execution of plug-in-dcc-smooth failed");
        assert!(told.contains(text), "{told}");
    }
    let (_, printed) = running.end();
    assert!(!printed.contains("completed"), "{printed}");
}
