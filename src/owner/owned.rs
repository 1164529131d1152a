//! A thing's reference to its owner: the number of its cell with the owner, in a word of the thing.
//!
//! A cell is used again once the thing has given it up. So the number may be used only by a thread
//! that keeps the thing from giving it up: the thread that runs the thing's function, or the thread
//! that holds the lock under which the thing's functions are forgotten. Giving the cell up needs a
//! `Parting`, which the word returns once only.

use crate::memory::pool::NIL;
use crate::sys::sync::{AtomicU32, Ordering};

/// Number of a thing's cell with its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedId(u32);

impl OwnedId {
    /// The number of a thing without an owner.
    pub const NONE: Self = Self(NIL);

    /// Whether the thing has no owner, or has given its cell up.
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
    /// The cell to give up.
    pub fn id(&self) -> OwnedId {
        self.0
    }
}

/// The word of a thing that contains its cell's number.
#[derive(Debug, Default)]
pub struct Owned(AtomicU32);

impl Owned {
    /// The number of the thing's cell with its owner; `OwnedId::NONE` if it has none.
    #[inline]
    pub fn get(&self) -> OwnedId {
        OwnedId(self.0.load(Ordering::Relaxed))
    }

    /// Parts the thing from its owner. If several threads do so, one gets the cell and the others
    /// get none.
    #[inline]
    pub fn take(&self) -> Parting {
        // Most things have no owner, and a load is cheaper than a swap.
        let number = match self.0.load(Ordering::Relaxed) {
            NIL => NIL,
            _ => self.0.swap(NIL, Ordering::AcqRel),
        };
        Parting(OwnedId(number))
    }

    /// Empties the word of a new thing that no other thread knows: it has no owner yet.
    pub fn clear(&self) {
        self.0.store(NIL, Ordering::Relaxed);
    }

    /// Writes the cell's number, under the owner's lock.
    pub(crate) fn set(&self, number: u32) {
        self.0.store(number, Ordering::Relaxed);
    }
}
