//! When those who count are to tell what they have.
//!
//! Counts wait on the side of who counts, in an inlined counter. A reader raises the epoch; the counters see
//! another number, and flush. So what a reader is shown is as old as his look before.

use crate::sys::sync::{AtomicU64, Ordering, constructor};

/// The epoch is raised at most so often.
const LEAST_EPOCH_NS: u64 = 10_000_000;

/// When those who count are to tell what they have.
#[derive(Debug)]
pub struct Epoch {
    /// Another number: a reader has asked.
    word: AtomicU64,
    raised_ns: AtomicU64,
}

impl Epoch {
    constructor! {
        /// Nobody has asked.
        pub fn new() -> Self {
            Self { word: AtomicU64::new(0), raised_ns: AtomicU64::new(0) }
        }
    }

    /// The word that changes.
    pub fn word(&self) -> &AtomicU64 {
        &self.word
    }

    /// A reader asks.
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
