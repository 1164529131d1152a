//! The watchdog: a queue of cancels. When a cancel is old enough to count as slow, the timer thread
//! looks once whether any thread of the job has seen it.
//!
//! The lock is a leaf.

use crate::handle::Handle;
use crate::sys::fallible::Late;
use crate::sys::sync::{AtomicU64, Mutex, Ordering, constructor};
use std::collections::VecDeque;

/// The time after which a cancel counts as slow, if the host does not set another.
pub const DEFAULT_THRESHOLD_NS: u64 = 1_000_000_000;

#[derive(Clone, Copy, Debug)]
struct Unseen {
    token: Handle,
    time_ns: u64,
}

/// The cancels that are still to be looked at, oldest first.
#[derive(Debug)]
pub struct Watchdog {
    cancels: Mutex<Late<VecDeque<Unseen>>>,
    /// The threshold in nanoseconds; 0 stands for the default.
    threshold_ns: AtomicU64,
}

impl Watchdog {
    constructor! {
        /// No cancels, and the default threshold.
        pub fn new() -> Self {
            Self { cancels: Mutex::new(Late::new()), threshold_ns: AtomicU64::new(0) }
        }
    }

    /// Sets the time after which a cancel counts as slow.
    pub fn set_threshold(&self, nanoseconds: u64) {
        self.threshold_ns.store(nanoseconds.max(1), Ordering::Relaxed);
    }

    /// The time after which a cancel counts as slow.
    pub fn threshold(&self) -> u64 {
        match self.threshold_ns.load(Ordering::Relaxed) {
            0 => DEFAULT_THRESHOLD_NS,
            threshold => threshold,
        }
    }

    /// Notes a cancel to be looked at later; does nothing if there is no memory for it.
    pub fn add(&self, token: Handle, time_ns: u64) {
        let mut lock = self.cancels.lock();
        let Ok(cancels) = lock.get_or_make(|| Ok(VecDeque::new())) else { return };
        if cancels.try_reserve(1).is_ok() {
            cancels.push_back(Unseen { token, time_ns });
        }
    }

    /// When the next cancel is to be looked at, on the library's clock.
    pub fn next_due(&self) -> Option<u64> {
        let first = self.cancels.lock().get()?.front()?.time_ns;
        Some(first.saturating_add(self.threshold()))
    }

    /// Takes out the oldest cancel if it is to be looked at by now, and returns its token and its
    /// time. `None`: no cancel is due.
    pub fn pop_due(&self, now_ns: u64) -> Option<(Handle, u64)> {
        let threshold = self.threshold();
        let mut lock = self.cancels.lock();
        let cancels = lock.get_mut()?;
        let first = *cancels.front()?;
        if first.time_ns.saturating_add(threshold) > now_ns {
            return None;
        }
        cancels.pop_front();
        Some((first.token, first.time_ns))
    }
}
