//! Counts on two threads without synchronisation.

use std::sync::atomic::{AtomicU32, Ordering};

static mut COUNT: u64 = 0;
static READY: AtomicU32 = AtomicU32::new(0);

fn count() {
    // Spawning a thread synchronises once. Both threads wait here until that lies behind them;
    // relaxed operations add no synchronisation.
    READY.fetch_add(1, Ordering::Relaxed);
    while READY.load(Ordering::Relaxed) != 2 {
        std::thread::yield_now();
    }
    for _ in 0..10 {
        // SAFETY: none; this is the bug.
        unsafe { *(&raw mut COUNT) += 1 };
    }
}

fn main() {
    let other = std::thread::spawn(count);
    count();
    other.join().unwrap();
}
