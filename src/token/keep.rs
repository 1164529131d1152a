//! Registrations that keep their token alive: how many there are, and whether they hold it. They
//! only hold a token that something other than its owner can cancel. Such sources of a cancel are
//! in `source`.
//!
//! Invariants, under the token's lock:
//! 1. `Keepers` counts the keeping registrations in the token's list of callbacks.
//! 2. HELD says that all of them together have one internal reference of the token. It is set when
//!    there is a keeping registration and a source, and the token is not cancelled. It is cleared
//!    when the last of them leaves the list, or when the last source ends. The thread that clears
//!    it gives the internal reference up, and has the token pinned meanwhile.
//!
//! So if a token's sources have ended, or it never had one, it dies with its last owner as if
//! nothing kept it, and its waits end as gone. A cancelled token is let go of when its last keeping
//! callback has been taken off the list.

use crate::sys::sync::{AtomicU32, Ordering};

const HELD: u32 = 1 << 31;

/// How a registration is tied to its caller and to its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// The caller has no handle of the registration, which ends by itself.
    Detached,
    /// The caller has a handle of the registration, and has to unregister it.
    Named,
    /// As `Named`, and the registration keeps its token alive.
    Keeping,
}

impl Tie {
    /// Whether the caller has a handle of the registration.
    pub fn is_named(self) -> bool {
        self != Self::Detached
    }
}

/// The number of registrations that keep a token, and whether they hold it.
#[derive(Debug, Default)]
pub struct Keepers(AtomicU32);

impl Keepers {
    /// Counts a registration that was listed. `has_source`: whether the token has a source of a
    /// cancel. True: the keepers now hold the token, and take over an internal reference of the
    /// caller's.
    pub fn add(&self, has_source: impl FnOnce() -> bool) -> bool {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.look_for_source(has_source)
    }

    /// Looks again after a registration was listed or a source was added. True: as for `add`.
    pub fn look_for_source(&self, has_source: impl FnOnce() -> bool) -> bool {
        let now = self.0.load(Ordering::Relaxed);
        if now == 0 || now & HELD != 0 || !has_source() || crate::weakened!("keeping_holds") {
            return false;
        }
        self.0.store(now | HELD, Ordering::Relaxed);
        true
    }

    /// Counts a registration that has left the list. Returns the number of the token's internal
    /// references, 0 or 1, that the caller has to give up.
    #[must_use]
    pub fn remove(&self) -> u64 {
        let left = self.0.load(Ordering::Relaxed) - 1;
        let let_go = left == HELD;
        self.0.store(if let_go { 0 } else { left }, Ordering::Relaxed);
        u64::from(let_go)
    }

    /// Looks again after a source has ended. Returns the number of the token's internal references,
    /// 0 or 1, that the caller has to give up.
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
