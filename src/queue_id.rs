//! Names of queues, and how far a name can be trusted.
//!
//! The cell of a queue is used again for another dispatcher. So after the pin is given back under
//! which a cell's number was read, the number alone says nothing. There are two forms instead:
//! - `QueueId` names one use of a cell. It may be kept, and may be out of date. A function that
//!   takes one compares it with the cell's present use.
//! - `queue::HeldQueue` belongs to a dispatcher that cannot die while this value is borrowed. A
//!   function that needs a live queue takes it.

use crate::handle::INDEX_BITS;

/// The last generation of a cell that an id has room for. After it the generations begin again at
/// 0.
const LAST_GENERATION: u64 = (1 << (64 - INDEX_BITS)) - 1;

/// One use of a queue's cell: the cell's number and generation. The queue that an id names may be
/// gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueId(u64);

impl QueueId {
    /// The id of no queue. It is 0, and no cell has the number 0.
    pub const NONE: Self = Self(0);

    /// The id of one use of a cell, from the cell's number and the generation of that use.
    pub fn new(number: u32, generation: u64) -> Self {
        Self(generation << INDEX_BITS | u64::from(number))
    }

    /// The id that `bits` has turned into a number.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The id as a number, for an atomic word.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The number of the cell.
    pub fn number(self) -> u32 {
        self.0 as u32 & ((1 << INDEX_BITS) - 1)
    }

    /// The generation: which use of the cell this is.
    pub fn generation(self) -> u64 {
        self.0 >> INDEX_BITS
    }

    /// The generation of the cell's next use.
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
