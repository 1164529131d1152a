//! The epoch: when counters of shares have to report what they have.
//!
//! Units are counted first in a counter in the caller's memory. A reader raises the epoch; a
//! counter then sees another number, and flushes. So the figures that a reader is shown are about
//! as old as its previous look.

use crate::sys::sync::{AtomicU64, Ordering, constructor};

/// The least time between two raises of the epoch.
const LEAST_EPOCH_NS: u64 = 10_000_000;

/// The word that all counters compare with the number that they saw last, and when it was raised
/// last.
#[derive(Debug)]
pub struct Epoch {
    /// The epoch's number. It changes when a reader has looked.
    word: AtomicU64,
    raised_ns: AtomicU64,
}

impl Epoch {
    constructor! {
        /// No reader has looked.
        pub fn new() -> Self {
            Self { word: AtomicU64::new(0), raised_ns: AtomicU64::new(0) }
        }
    }

    /// The word whose change tells the counters of shares to report.
    pub fn word(&self) -> &AtomicU64 {
        &self.word
    }

    /// Notes that a reader looks at `now_ns`. Raises the epoch, unless that was done less than
    /// `LEAST_EPOCH_NS` ago.
    pub(super) fn raise(&self, now_ns: u64) {
        let raised_ns = self.raised_ns.load(Ordering::Relaxed);
        let is_due = raised_ns == 0 || now_ns.saturating_sub(raised_ns) >= LEAST_EPOCH_NS;
        let swap = |from| {
            let (taken, left) = (Ordering::Relaxed, Ordering::Relaxed);
            self.raised_ns.compare_exchange(from, now_ns.max(1), taken, left)
        };
        if is_due && swap(raised_ns).is_ok() {
            self.word.fetch_add(1, Ordering::Relaxed);
        }
    }
}
