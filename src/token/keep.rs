//! Registrations that keep their token: how many there are, and whether they hold it. What they need besides,
//! a source of cancels, is in `source`.
//!
//! Invariants, under the token's lock:
//! - `Keepers` counts the keeping registrations in the token's list of callbacks.
//! - HELD says that all of them together have one internal of the token. It is set when there is one and a
//!   source, and the token is not cancelled; and cleared when the last of them leaves the list, or the last
//!   source ends. Whoever clears it gives the internal up, and has the token pinned meanwhile.
//!
//! So a token whose sources have ended, or that had none, dies with its last owner as if nobody kept it, and
//! its waits end as gone. A cancelled one is let go of when the last callback has been taken off its list.

use crate::sys::sync::{AtomicU32, Ordering};

const HELD: u32 = 1 << 31;

/// What holds what, of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// It has no handle, and ends by itself.
    Detached,
    /// Its handle is the caller's to unregister.
    Named,
    /// As `Named`, and it keeps its token.
    Keeping,
}

impl Tie {
    /// Whether the caller has a handle.
    pub fn is_named(self) -> bool {
        self != Self::Detached
    }
}

/// How many registrations keep a token, and whether they hold it.
#[derive(Debug, Default)]
pub struct Keepers(AtomicU32);

impl Keepers {
    /// One was listed. True: they got hold of the token, by an internal of the caller's.
    pub fn add(&self, has_source: impl FnOnce() -> bool) -> bool {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.look_for_source(has_source)
    }

    /// One was listed, or a source was added. True: as `add`.
    pub fn look_for_source(&self, has_source: impl FnOnce() -> bool) -> bool {
        let now = self.0.load(Ordering::Relaxed);
        if now == 0 || now & HELD != 0 || !has_source() || crate::weakened!("keeping_holds") {
            return false;
        }
        self.0.store(now | HELD, Ordering::Relaxed);
        true
    }

    /// One has left the list. Comes back with the internals that are the caller's now.
    #[must_use]
    pub fn remove(&self) -> u64 {
        let left = self.0.load(Ordering::Relaxed) - 1;
        let let_go = left == HELD;
        self.0.store(if let_go { 0 } else { left }, Ordering::Relaxed);
        u64::from(let_go)
    }

    /// A source has ended. Comes back with the internals that are the caller's now.
    #[must_use]
    pub fn lose_source(&self, has_source: impl FnOnce() -> bool) -> u64 {
        let now = self.0.load(Ordering::Relaxed);
        if now & HELD == 0 || has_source() || crate::weakened!("keeping_ends_with_its_source") {
            return 0;
        }
        self.0.store(now & !HELD, Ordering::Relaxed);
        1
    }
}
