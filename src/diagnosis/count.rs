//! Counters of what happened.

use crate::sys::sync::{AtomicU64, Ordering};

/// A counter that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds one.
    pub fn one(&self) {
        self.add(1);
    }

    /// Adds one without a read-modify-write. For a counter that only one thread raises, or only
    /// under one lock.
    #[inline]
    pub fn one_alone(&self) {
        self.0.store(self.read() + 1, Ordering::Relaxed);
    }

    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The value so far.
    #[inline]
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A counter to which one thread adds nearly everything, without a read-modify-write, and other
/// threads the rest.
#[derive(Debug, Default)]
pub struct SplitCount {
    own: Count,
    others: Count,
}

impl SplitCount {
    /// Adds one; `is_own` says whether the caller is that one thread.
    #[inline]
    pub fn one(&self, is_own: bool) {
        if is_own { self.own.one_alone() } else { self.others.one() }
    }

    /// The value so far.
    #[inline]
    pub fn read(&self) -> u64 {
        self.own.read() + self.others.read()
    }

    pub(crate) fn reset(&self) {
        self.own.reset();
        self.others.reset();
    }
}
