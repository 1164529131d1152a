//! Where to look for a job that runs, for a caller that asks now and then whether any does. The
//! only cost for a job is one store when it begins.
//!
//! 1. `latest` is the slot of a job that began, as a rule of the last one; 0 while none has begun.
//!    Code that was started by a job, in whatever way, comes after that store and sees it.
//! 2. If that job does not run, a bounded number of slots are looked at. The next look goes on
//!    where this one ended. So an answer "none" may be wrong if very many jobs live; an answer
//!    "one" is right at the time of the look.

use crate::sys::sync::{AtomicU32, Ordering, constructor};

/// The most slots that one look covers.
const MOST_SLOTS: u32 = 256;

/// Where to look for a job that runs.
#[derive(Debug)]
pub struct Lookout {
    latest: AtomicU32,
    next: AtomicU32,
}

impl Lookout {
    constructor! {
        pub fn new() -> Self {
            Self { latest: AtomicU32::new(0), next: AtomicU32::new(0) }
        }
    }

    /// Notes that the job in a slot runs.
    #[inline]
    pub fn note(&self, slot: u32) {
        self.latest.store(slot, Ordering::Relaxed);
    }

    /// Whether a short look finds a job that runs, in the slots from 1 to `used`.
    pub fn finds_one(&self, used: u32, runs: impl Fn(u32) -> bool) -> bool {
        let latest = self.latest.load(Ordering::Relaxed);
        if latest == 0 || runs(latest) {
            return latest != 0;
        }
        let (from, looks) = (self.next.load(Ordering::Relaxed), used.min(MOST_SLOTS));
        let found = (0..looks).map(|look| (from + look) % used + 1).find(|slot| runs(*slot));
        match found {
            Some(slot) => self.note(slot),
            None => self.next.store((from + looks) % used.max(1), Ordering::Relaxed),
        }
        found.is_some()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn nobody_looks_before_a_job_has_begun() {
        assert!(!Lookout::new().finds_one(7, |_| panic!("there is none")));
    }

    #[test]
    fn one_among_many_is_found_after_some_looks_and_at_once_from_then_on() {
        const USED: u32 = 10 * MOST_SLOTS;
        for running in [1, 5 * MOST_SLOTS, USED] {
            let lookout = Lookout::new();
            // It has ended.
            lookout.note(7);
            let seen = Cell::new(0);
            let look = |runs: u32| {
                lookout.finds_one(USED, |slot| {
                    seen.set(seen.get() + 1);
                    slot == runs
                })
            };
            assert!((0..10).any(|_| look(running)), "{running}");
            seen.set(0);
            assert!(look(running));
            assert_eq!(seen.get(), 1, "it is known from then on");
            assert!((0..20).all(|_| !look(0)));
            assert!(seen.get() <= 1 + 20 * (MOST_SLOTS + 1), "a look is short");
        }
    }
}
