//! The way of posted jobs from any thread to the dispatcher's: a stack on which all push and which one takes
//! whole.
//!
//! The word has the number of the newest, and the link of each cell that of the one before it.
//!
//! Invariants:
//! - Only who holds the lock of the lists takes or closes. What was taken is in nobody else's hands.
//! - CLOSED stays. Who pushes finds it in the same step by which he would have pushed: what was pushed before
//!   is taken by who closes, what comes later is refused, and nobody has to look again.
//! - All changes are read-modify-writes: who pushes sees what was stored before any earlier one of them.

use crate::memory::pool::NIL;
use crate::sys::sync::{AtomicU32, Ordering};

/// Nobody gets in any more. No cell has this number.
const CLOSED: u32 = u32::MAX;

/// It is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed;

/// The stack.
#[derive(Debug, Default)]
pub(super) struct Inbox(AtomicU32);

impl Inbox {
    /// Opens one that nobody else knows.
    pub(super) fn open(&self) {
        self.0.store(NIL, Ordering::Relaxed);
    }

    /// Pushes a cell, by its number and its link.
    #[inline]
    pub(super) fn push(&self, number: u32, link: &AtomicU32) -> Result<(), Closed> {
        let mut newest = self.0.load(Ordering::Relaxed);
        loop {
            if newest == CLOSED {
                return Err(Closed);
            }
            link.store(newest, Ordering::Relaxed);
            match self.0.compare_exchange_weak(newest, number, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(other) => newest = other,
            }
        }
    }

    /// Whether nothing was pushed since it was taken.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == NIL
    }

    /// Takes all, under the lock of the lists: the newest; NIL if there is none.
    #[inline]
    pub(super) fn take(&self) -> u32 {
        match self.0.load(Ordering::Relaxed) {
            NIL | CLOSED => NIL,
            _ => self.0.swap(NIL, Ordering::AcqRel),
        }
    }

    /// Refuses more, under the lock of the lists, and takes all: the newest; NIL if there is none.
    pub(super) fn close(&self) -> u32 {
        let closed = if crate::weakened!("closed_stays_in_the_inbox") { NIL } else { CLOSED };
        match self.0.swap(closed, Ordering::AcqRel) {
            CLOSED => NIL,
            newest => newest,
        }
    }

    /// Lets whoever pushes from now on see what this thread has stored.
    pub(super) fn tell(&self) {
        if !crate::weakened!("ending_thread_is_seen") {
            self.0.fetch_add(0, Ordering::AcqRel);
        }
    }
}
