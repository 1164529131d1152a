//! The library's one clock: monotonic nanoseconds since some moment before the process used it.

/// Nanoseconds on the library's clock. Never 0, so that 0 can mean "never".
#[inline]
pub fn now_ns() -> u64 {
    if cfg!(loom) {
        // No time passes in a model; otherwise no two runs of it would be alike.
        return 1;
    }
    system::now_ns().max(1)
}

#[cfg(unix)]
mod system {
    /// Reads the same clock as `Instant`, but without its arithmetic, because jobs are timed by the
    /// million.
    #[inline]
    pub fn now_ns() -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the result is writable, and every system has this clock.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }
}

#[cfg(windows)]
mod system {
    use std::sync::OnceLock;
    use std::time::Instant;

    pub fn now_ns() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX - 1) + 1
    }
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
