//! The library's one clock: monotonic nanoseconds since it was first asked in this process.

use std::sync::OnceLock;
use std::time::Instant;

/// Nanoseconds on the library's clock. Never 0, so that 0 can mean "never".
pub fn now_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed().as_nanos();
    u64::try_from(elapsed).unwrap_or(u64::MAX - 1) + 1
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
