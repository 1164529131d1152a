//! How many jobs ended in which way.

use crate::job_state::JobState;
use crate::sys::sync::{AtomicU64, Ordering, constructor, each};

/// One counter for each terminal state.
#[derive(Debug)]
pub struct EndCounts([AtomicU64; JobState::ENDS.len()]);

impl EndCounts {
    constructor! {
        pub fn new() -> Self {
            Self(each![AtomicU64::new(0); JobState::ENDS.len()])
        }
    }

    pub(super) fn count(&self, state: JobState) {
        if let Some(end) = state.end() {
            self.0[end].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many jobs ended in this state; 0 for a state that is not terminal.
    pub fn of(&self, state: JobState) -> u64 {
        state.end().map_or(0, |end| self.0[end].load(Ordering::Relaxed))
    }
}
