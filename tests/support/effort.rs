//! How much a stress test does: counts and never times, so that it does the same on a busy machine.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::Once;

/// So many in the core; `DCC_STRESS`, a number, times as many.
pub fn times(count: u64) -> u64 {
    static SAID: Once = Once::new();
    let given = std::env::var("DCC_STRESS").ok();
    let factor = given.map_or(1, |text| text.parse().expect("DCC_STRESS is a number"));
    SAID.call_once(|| println!("{factor} times what the core does"));
    count * factor
}
