//! Counts of what happened.

use crate::sys::sync::{AtomicU64, Ordering};

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// One more, of a count that one thread alone raises, or who holds one lock.
    #[inline]
    pub fn one_alone(&self) {
        self.0.store(self.read() + 1, Ordering::Relaxed);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many.
    #[inline]
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A count to which one thread adds nearly all, and others the rest.
#[derive(Debug, Default)]
pub struct SplitCount {
    own: Count,
    others: Count,
}

impl SplitCount {
    /// One more; `is_own`: of that one thread.
    #[inline]
    pub fn one(&self, is_own: bool) {
        if is_own { self.own.one_alone() } else { self.others.one() }
    }

    /// How many.
    #[inline]
    pub fn read(&self) -> u64 {
        self.own.read() + self.others.read()
    }

    pub(crate) fn reset(&self) {
        self.own.reset();
        self.others.reset();
    }
}
