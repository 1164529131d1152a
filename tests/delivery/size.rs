//! The library's size has a limit here, so that it cannot grow unnoticed.

#[path = "../support/mod.rs"]
mod support;

/// Bytes of the stripped file: a little above what it takes. docs/costs.md says what is in it, and why it is
/// more than the 600,000 that it should be.
const MOST: u64 = 1_200_000;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
#[ignore = "builds the release library"]
fn the_library_is_not_above_its_limit() {
    let size = std::fs::metadata(support::release_library()).unwrap().len();
    assert!(size <= MOST, "{size} bytes, instead of at most {MOST}");
}
