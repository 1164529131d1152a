//! The library's size has a limit here, so that it cannot grow unnoticed.

#[path = "../support/mod.rs"]
mod support;

/// The largest allowed size of the stripped file in bytes, a little above its present size.
/// docs/costs.md says what takes the room, and why it is more than the 600,000 that it should be.
const MOST: u64 = 1_200_000;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
#[ignore = "builds the release library"]
fn the_library_is_not_above_its_limit() {
    let size = std::fs::metadata(support::release_library()).unwrap().len();
    assert!(size <= MOST, "{size} bytes, instead of at most {MOST}");
}
