//! What a thing knows its owner by: the number of its cell with the owner, in a word of the thing.
//!
//! A cell is used again once the thing has given it up, so the number is good for who keeps the thing from
//! doing that: who runs its function, or holds the lock under which its functions are forgotten. To give it
//! up takes a `Parting`, which the word gives once.

use crate::memory::pool::NIL;
use crate::sys::sync::{AtomicU32, Ordering};

/// A thing's cell with its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedId(u32);

impl OwnedId {
    /// Of a thing without an owner.
    pub const NONE: Self = Self(NIL);

    /// Whether the thing has no owner, or none any more.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// The right to part a thing from its owner.
#[derive(Debug)]
#[must_use = "the owner waits for it"]
pub struct Parting(OwnedId);

impl Parting {
    /// The cell to be given up.
    pub fn id(&self) -> OwnedId {
        self.0
    }
}

/// The word of a thing.
#[derive(Debug, Default)]
pub struct Owned(AtomicU32);

impl Owned {
    /// What the thing knows its owner by.
    #[inline]
    pub fn get(&self) -> OwnedId {
        OwnedId(self.0.load(Ordering::Relaxed))
    }

    /// Parts the thing from its owner. Of all who do, one gets what was there; the others nothing.
    #[inline]
    pub fn take(&self) -> Parting {
        // Most have no owner, and who has none gets none.
        let number = match self.0.load(Ordering::Relaxed) {
            NIL => NIL,
            _ => self.0.swap(NIL, Ordering::AcqRel),
        };
        Parting(OwnedId(number))
    }

    /// Of a new thing, which nobody else knows.
    pub fn clear(&self) {
        self.0.store(NIL, Ordering::Relaxed);
    }

    /// Under the owner's lock.
    pub(crate) fn set(&self, number: u32) {
        self.0.store(number, Ordering::Relaxed);
    }
}
