//! The library's one clock: monotonic nanoseconds since it was first asked in this process.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// Nanoseconds on the library's clock. Never 0, so that 0 can mean "never".
pub fn now_ns() -> u64 {
    if cfg!(loom) {
        // No time passes in a model, or no two of its runs would be alike.
        return 1;
    }
    u64::try_from(start().elapsed().as_nanos()).unwrap_or(u64::MAX - 1) + 1
}

/// A time on the library's clock as the system's waits want it; `None` if it is too far away.
pub fn instant_at(time_ns: u64) -> Option<Instant> {
    start().checked_add(Duration::from_nanos(time_ns.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_starts_above_zero_and_never_goes_back() {
        let mut last = now_ns();
        assert!(last > 0);
        for _ in 0..10_000 {
            let now = now_ns();
            assert!(now >= last, "{now} came after {last}");
            last = now;
        }
    }
}
