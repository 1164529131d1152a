//! How much a stress test does. This is a count and never a time, so a test does the same on a busy
//! machine.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::Once;

/// Returns `count` in the core, and `count` times the number in `DCC_STRESS` if that is set.
pub fn times(count: u64) -> u64 {
    static SAID: Once = Once::new();
    let given = std::env::var("DCC_STRESS").ok();
    let factor = given.map_or(1, |text| text.parse().expect("DCC_STRESS is a number"));
    SAID.call_once(|| println!("{factor} times what the core does"));
    count * factor
}
