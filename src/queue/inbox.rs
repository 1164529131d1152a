//! The way of posted jobs from any thread to the dispatcher's: a stack onto which any thread pushes
//! and which one thread takes whole.
//!
//! The word has the number of the newest cell. The link of each cell has the number of the cell
//! that was pushed before it.
//!
//! Invariants:
//! 1. Only a thread that holds the lock of the lists takes the stack or closes it. No other thread
//!    can reach what was taken.
//! 2. CLOSED stays. A push finds it in the same step in which it would have pushed. So the close
//!    takes everything that was pushed before it, everything later is refused, and nothing has to
//!    be looked at again.
//! 3. All changes of the word are read-modify-writes. So a push sees everything that was stored
//!    before any earlier change.

use crate::memory::pool::NIL;
use crate::sys::sync::{AtomicU32, Ordering};

/// The inbox is closed: nothing gets in any more. No cell has this number.
const CLOSED: u32 = u32::MAX;

/// A push failed because the inbox is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed;

/// The stack: the number of the newest cell, NIL or `CLOSED`.
#[derive(Debug, Default)]
pub(super) struct Inbox(AtomicU32);

impl Inbox {
    /// Opens an inbox that no other thread knows yet.
    pub(super) fn open(&self) {
        self.0.store(NIL, Ordering::Relaxed);
    }

    /// Pushes a cell, whose number and link are given. An error: the inbox is closed.
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

    /// Whether nothing was pushed since the last take. False for a closed inbox.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == NIL
    }

    /// Takes all cells out of the inbox. The caller holds the lock of the lists. Returns the newest
    /// cell, or NIL if there is none.
    #[inline]
    pub(super) fn take(&self) -> u32 {
        match self.0.load(Ordering::Relaxed) {
            NIL | CLOSED => NIL,
            _ => self.0.swap(NIL, Ordering::AcqRel),
        }
    }

    /// Refuses further pushes and takes all cells out of the inbox. The caller holds the lock of
    /// the lists. Returns the newest cell, or NIL if there is none.
    pub(super) fn close(&self) -> u32 {
        let closed = if crate::weakened!("closed_stays_in_the_inbox") { NIL } else { CLOSED };
        match self.0.swap(closed, Ordering::AcqRel) {
            CLOSED => NIL,
            newest => newest,
        }
    }

    /// Makes everything that this thread has stored visible to each thread that pushes later. It is
    /// a read-modify-write that changes nothing.
    pub(super) fn tell(&self) {
        if !crate::weakened!("ending_thread_is_seen") {
            self.0.fetch_add(0, Ordering::AcqRel);
        }
    }
}
