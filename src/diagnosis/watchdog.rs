//! The watchdog: cancels that nobody has seen yet, each to be looked at once, when it is slow.
//!
//! The lock is a leaf.

use crate::handle::Handle;
use crate::sys::fallible::Late;
use crate::sys::sync::{AtomicU64, Mutex, Ordering, constructor};
use std::collections::VecDeque;

/// A cancel counts as slow after this unless the host says otherwise.
pub const DEFAULT_THRESHOLD_NS: u64 = 1_000_000_000;

#[derive(Clone, Copy, Debug)]
struct Unseen {
    token: Handle,
    time_ns: u64,
}

/// All cancels to be looked at, oldest first.
#[derive(Debug)]
pub struct Watchdog {
    cancels: Mutex<Late<VecDeque<Unseen>>>,
    /// 0 stands for the default.
    threshold_ns: AtomicU64,
}

impl Watchdog {
    constructor! {
        /// None.
        pub fn new() -> Self {
            Self { cancels: Mutex::new(Late::new()), threshold_ns: AtomicU64::new(0) }
        }
    }

    /// Says after which time a cancel counts as slow.
    pub fn set_threshold(&self, nanoseconds: u64) {
        self.threshold_ns.store(nanoseconds.max(1), Ordering::Relaxed);
    }

    /// After which time a cancel counts as slow.
    pub fn threshold(&self) -> u64 {
        match self.threshold_ns.load(Ordering::Relaxed) {
            0 => DEFAULT_THRESHOLD_NS,
            threshold => threshold,
        }
    }

    /// Notes a cancel to look at later. One for which there is no memory is not looked at.
    pub fn add(&self, token: Handle, time_ns: u64) {
        let mut lock = self.cancels.lock();
        let Ok(cancels) = lock.get_or_make(|| Ok(VecDeque::new())) else { return };
        if cancels.try_reserve(1).is_ok() {
            cancels.push_back(Unseen { token, time_ns });
        }
    }

    /// When the next cancel is to be looked at.
    pub fn next_due(&self) -> Option<u64> {
        let first = self.cancels.lock().get()?.front()?.time_ns;
        Some(first.saturating_add(self.threshold()))
    }

    /// Takes out a cancel that is to be looked at: its token and its time.
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
