//! Counters of what happened.

use crate::sys::sync::{AtomicU64, Ordering};

/// A counter that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn one(&self) {
        self.add(1);
    }

    /// Adds one without a read-modify-write. Call it only for a counter that one thread alone
    /// raises, or that is raised only under one lock.
    #[inline]
    pub fn one_alone(&self) {
        self.0.store(self.read() + 1, Ordering::Relaxed);
    }

    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    #[inline]
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A counter with a fast path for one thread, which does most of the counting: that thread adds
/// without a read-modify-write. Other threads may add, too.
#[derive(Debug, Default)]
pub struct SplitCount {
    own: Count,
    others: Count,
}

impl SplitCount {
    /// Adds one; `is_own` says whether the caller is the thread that has the fast path.
    #[inline]
    pub fn one(&self, is_own: bool) {
        if is_own { self.own.one_alone() } else { self.others.one() }
    }

    #[inline]
    pub fn read(&self) -> u64 {
        self.own.read() + self.others.read()
    }

    pub(crate) fn reset(&self) {
        self.own.reset();
        self.others.reset();
    }
}
