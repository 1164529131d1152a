//! Histograms of how long the cancels of the whole process take, with two significant digits.

use crate::sys::allocator::with_reserve;
use crate::sys::fallible::{Late, OutOfMemory};
use crate::sys::sync::{Mutex, constructor};
use hdrhistogram::Histogram;

/// One hour. Longer times are recorded as one hour.
const LONGEST_NS: u64 = 3_600_000_000_000;
/// Significant decimal digits that are kept of each time.
const DIGITS: u8 = 2;
/// Bytes of the counts of a histogram with this range and precision. The counts are its only
/// allocation.
const HISTOGRAM_BYTES: usize = 40 << 10;

/// A summary of a histogram, in nanoseconds; all 0 while there are no times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many times were recorded.
    pub count: u64,
    /// Half of the times are at most this.
    pub p50: u64,
    /// 95 of 100 times are at most this.
    pub p95: u64,
    /// 99 of 100 times are at most this.
    pub p99: u64,
    pub max: u64,
}

/// Recorded times. Their histogram is made when the first time is recorded.
#[derive(Debug, Default)]
pub struct Times(Late<Histogram<u64>>);

impl Times {
    pub const fn new() -> Self {
        Self(Late::new())
    }

    /// Adds a time. Without memory for the histogram the time is dropped.
    pub fn record(&mut self, nanoseconds: u64) {
        if let Ok(histogram) = self.0.get_or_make(make) {
            histogram.saturating_record(nanoseconds.clamp(1, LONGEST_NS));
        }
    }

    /// A summary of the times so far.
    pub fn summary(&self) -> Summary {
        self.0.get().map_or_else(Summary::default, |times| Summary {
            count: times.len(),
            p50: times.value_at_quantile(0.5),
            p95: times.value_at_quantile(0.95),
            p99: times.value_at_quantile(0.99),
            max: times.max(),
        })
    }
}

/// Times that any thread may add to.
#[derive(Debug)]
pub struct Latency(Mutex<Times>);

impl Latency {
    constructor! {
        pub fn new() -> Self {
            Self(Mutex::new(Times::new()))
        }
    }

    /// Adds a time. Without memory for the histogram the time is dropped.
    pub fn record(&self, nanoseconds: u64) {
        self.0.lock().record(nanoseconds);
    }

    /// A summary of the times so far.
    pub fn summary(&self) -> Summary {
        self.0.lock().summary()
    }
}

#[allow(clippy::disallowed_methods, reason = "called with what it needs")]
fn make() -> Result<Histogram<u64>, OutOfMemory> {
    // A histogram with bounds never grows, so a reserve of one block is enough.
    let made = || Histogram::new_with_bounds(1, LONGEST_NS, DIGITS);
    with_reserve([HISTOGRAM_BYTES], made)?.map_err(|_| OutOfMemory)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_two_digits() {
        let latency = Latency::new();
        assert_eq!(latency.summary(), Summary::default());
        (1..=1000_u64).for_each(|thousand| latency.record(thousand * 1000));
        let summary = latency.summary();
        assert_eq!(summary.count, 1000);
        let near = |value: u64, exact: u64| value.abs_diff(exact) * 100 <= exact;
        assert!(near(summary.p50, 500_000), "{summary:?}");
        assert!(near(summary.p95, 950_000), "{summary:?}");
        assert!(near(summary.p99, 990_000), "{summary:?}");
        assert!(near(summary.max, 1_000_000), "{summary:?}");
    }

    #[test]
    #[cfg(debug_assertions)]
    fn a_histogram_without_memory_is_refused_and_one_with_its_reserve_made() {
        use crate::sys::scarce_memory::{Limits, with_limits};
        let made = |left| with_limits(Limits { left, largest: usize::MAX }, make);
        assert_eq!(made(0).unwrap_err(), OutOfMemory);
        let mut histogram = made(1).unwrap();
        histogram.saturating_record(LONGEST_NS);
        assert_eq!(histogram.len(), 1);
    }

    #[test]
    fn an_absurd_time_counts_as_the_longest() {
        let latency = Latency::new();
        latency.record(u64::MAX);
        latency.record(0);
        assert_eq!(latency.summary().count, 2);
    }
}
