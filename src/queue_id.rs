//! Which queue is meant, and whether that is sure.
//!
//! A queue's cell is used again for another dispatcher. So a number alone says nothing, once the pin is
//! given back under which it was read. There are two forms:
//! - `QueueId` names one use of a cell. It may be kept, and be out of date: what takes one compares it
//!   with the cell's present use.
//! - `queue::HeldQueue` is of a dispatcher that cannot go while it is borrowed. What needs a live queue
//!   takes it.

use crate::handle::INDEX_BITS;

/// The last of a cell's uses that an id has room for; then they begin again.
const LAST_GENERATION: u64 = (1 << (64 - INDEX_BITS)) - 1;

/// One use of a queue's cell: its number and generation. Any may come, also of a queue that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueId(u64);

impl QueueId {
    /// No queue; 0, since no cell has the number 0.
    pub const NONE: Self = Self(0);

    /// The use of a cell that has this generation.
    pub fn new(number: u32, generation: u64) -> Self {
        Self(generation << INDEX_BITS | u64::from(number))
    }

    /// As `bits` gave it.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// For an atomic word.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The cell's number.
    pub fn number(self) -> u32 {
        self.0 as u32 & ((1 << INDEX_BITS) - 1)
    }

    /// Which of the cell's uses it is.
    pub fn generation(self) -> u64 {
        self.0 >> INDEX_BITS
    }

    /// What the cell's next use is called.
    pub fn next_generation(self) -> u64 {
        (self.generation() + 1) & LAST_GENERATION
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_one_use_of_one_cell() {
        let last_number = (1 << INDEX_BITS) - 1;
        for (number, generation) in [(1, 0), (1, 1), (2, 1), (last_number, LAST_GENERATION)] {
            let id = QueueId::new(number, generation);
            assert_eq!((id.number(), id.generation()), (number, generation));
            assert_eq!(QueueId::from_bits(id.bits()), id);
            assert_ne!(id, QueueId::NONE);
            assert_ne!(QueueId::new(number, id.next_generation()), id);
        }
    }
}
