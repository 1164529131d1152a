//! Magazines: free cells of a pool that one thread keeps ready, so that taking and freeing cells
//! touches no memory that threads share. Cells move between the thread's shelf and the pool's list
//! in batches. Each batch moves by one compare-and-swap.
//!
//! Invariants:
//! 1. A cell on a shelf is free, and only the shelf's thread knows it. `Link::next` chains the
//!    cells on a shelf as it chains those in the pool's list.
//! 2. To take a batch off the pool's list, a thread walks along the list and then swaps its head.
//!    Each such swap changes the head's tag. So if other threads took and freed cells during the
//!    walk, the swap fails, and the thread discards everything that it has read.
//! 3. A shelf never has more than two batches. Cells that were never used are on it as a range of
//!    numbers, so their memory is not touched before they are taken.
//! 4. A thread that ends gives its shelves back.

use crate::memory::pool::{Exhausted, Link, NIL, Pool};
use crate::sys::sync::Ordering;
use crate::sys::thread_rack::{BATCH, Rack, Shelf, ShelfPlace};

/// A pool for whose cells threads may have magazines. The trait hides the type of the cells.
pub trait Shelved {
    /// From now on threads may have magazines of this pool, on the shelf at this place in their
    /// racks. At most one living pool has the place.
    fn set_place(&self, place: ShelfPlace);
    /// Takes this pool's cells back from `rack`, the shelves of a thread that ends.
    fn take_back(&self, rack: &Rack);
}

impl<T: Default + Link> Shelved for Pool<T> {
    fn set_place(&self, place: ShelfPlace) {
        self.place.0.store(place.bits(), Ordering::Relaxed);
    }

    fn take_back(&self, rack: &Rack) {
        let place = self.place();
        if place != ShelfPlace::NONE {
            self.take_all(rack.shelf(place));
        }
    }
}

impl<T: Default + Link> Pool<T> {
    /// Takes a cell from the calling thread's shelf of this pool. If the shelf is empty, it is
    /// refilled from the pool first.
    #[inline]
    pub fn take_by(&self, shelf: &Shelf) -> Result<(u32, &T), Exhausted> {
        match self.take_ready(shelf) {
            Some(taken) => Ok(taken),
            None => self.take_by_refilling(shelf),
        }
    }

    /// Takes a cell off the chain of a shelf. `None`: the chain is empty.
    #[inline(always)]
    pub(super) fn take_ready(&self, shelf: &Shelf) -> Option<(u32, &T)> {
        let rest = shelf.count.get().checked_sub(1)?;
        let number = shelf.first.get();
        let cell = self.cell(number);
        shelf.first.set(cell.next().load(Ordering::Relaxed));
        shelf.count.set(rest);
        Some((number, cell))
    }

    /// Puts a cell back on the calling thread's shelf of this pool. If the shelf is full, a batch
    /// of its cells goes to the pool first.
    #[inline]
    pub fn free_by(&self, shelf: &Shelf, number: u32, cell: &T) {
        if !self.free_ready(shelf, number, cell) {
            self.make_room(shelf);
            self.free_ready(shelf, number, cell);
        }
    }

    /// Puts a cell on the chain of a shelf. False: the chain is as long as a batch, and the cell
    /// was not put there.
    #[inline(always)]
    pub(super) fn free_ready(&self, shelf: &Shelf, number: u32, cell: &T) -> bool {
        let count = shelf.count.get();
        if count == BATCH {
            return false;
        }
        if count == 0 {
            shelf.last.set(number);
        }
        cell.next().store(shelf.first.get(), Ordering::Relaxed);
        shelf.first.set(number);
        shelf.count.set(count + 1);
        true
    }

    #[cold]
    fn take_by_refilling(&self, shelf: &Shelf) -> Result<(u32, &T), Exhausted> {
        let spare = shelf.spare_first.replace(NIL);
        let chain = if spare != NIL {
            Some((spare, shelf.spare_last.get(), BATCH))
        } else if shelf.unused_count.get() == 0 {
            self.take_chain(BATCH)
        } else {
            None
        };
        if let Some((first, last, count)) = chain {
            shelf.first.set(first);
            shelf.last.set(last);
            shelf.count.set(count);
            return self.take_by(shelf);
        }
        if shelf.unused_count.get() == 0 {
            let (first, count) = self.take_unused(BATCH)?;
            shelf.unused.set(first);
            shelf.unused_count.set(count);
        }
        let number = shelf.unused.get();
        shelf.unused.set(number + 1);
        shelf.unused_count.set(shelf.unused_count.get() - 1);
        Ok((number, self.cell(number)))
    }

    /// Empties the chain of a shelf, which has the length of a batch: the chain becomes the shelf's
    /// spare batch, or goes to the pool.
    #[cold]
    fn make_room(&self, shelf: &Shelf) {
        let (first, last) = (shelf.first.get(), shelf.last.get());
        if shelf.unused_count.get() == 0 {
            // The older batch goes: cells used last are still in the processor's cache.
            let older = shelf.spare_first.replace(first);
            let older_last = shelf.spare_last.replace(last);
            if older != NIL {
                self.free_chain(older, older_last);
            }
        } else {
            self.free_chain(first, last);
        }
        shelf.count.set(0);
    }

    /// Gives all cells on a shelf back to the pool.
    pub fn take_all(&self, shelf: &Shelf) {
        if shelf.count.replace(0) != 0 {
            self.free_chain(shelf.first.get(), shelf.last.get());
        }
        let spare = shelf.spare_first.replace(NIL);
        if spare != NIL {
            self.free_chain(spare, shelf.spare_last.get());
        }
        let (first, count) = (shelf.unused.get(), shelf.unused_count.replace(0));
        for number in first..first + count {
            self.free_chain(number, number);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::memory::pool::tests::Cell;
    use std::collections::HashSet;

    fn take(pool: &Pool<Cell>, shelf: &Shelf) -> u32 {
        let (number, cell) = pool.take_by(shelf).unwrap();
        assert_eq!(cell.taken.swap(1, Ordering::Relaxed), 0, "cell {number} was taken twice");
        number
    }

    fn free(pool: &Pool<Cell>, shelf: &Shelf, number: u32) {
        pool.cell(number).taken.store(0, Ordering::Relaxed);
        pool.free_by(shelf, number, pool.cell(number));
    }

    /// Number of cells that a shelf keeps from other threads.
    fn on(shelf: &Shelf) -> u32 {
        let spare = if shelf.spare_first.get() == NIL { 0 } else { BATCH };
        shelf.count.get() + spare + shelf.unused_count.get()
    }

    #[test]
    fn the_last_cell_comes_first_and_a_shelf_keeps_two_batches_at_most() {
        static POOL: Pool<Cell> = Pool::new();
        let shelf = Shelf::default();
        let numbers: Vec<u32> = (0..100).map(|_| take(&POOL, &shelf)).collect();
        assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
        for &number in &numbers {
            free(&POOL, &shelf, number);
            assert!(on(&shelf) <= 2 * BATCH);
            assert_eq!(take(&POOL, &shelf), number);
            free(&POOL, &shelf, number);
        }
        POOL.take_all(&shelf);
        assert_eq!(on(&shelf), 0);
        // All cells that were handed out, or lay ready on the shelf, can be taken without a shelf.
        let used = POOL.used();
        let all: HashSet<u32> = (0..used).map(|_| POOL.take().unwrap().0).collect();
        assert_eq!(all, (1..=used).collect());
    }

    #[test]
    fn shelves_of_several_threads_hand_out_no_cell_twice_and_lose_none() {
        static POOL: Pool<Cell> = Pool::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    let shelf = Shelf::default();
                    let mut mine = Vec::new();
                    for round in 0..3000_u32 {
                        let wanted = (round * 7 + thread * 13) % 50;
                        while (mine.len() as u32) < wanted {
                            mine.push(take(&POOL, &shelf));
                        }
                        for number in mine.drain(wanted as usize..) {
                            free(&POOL, &shelf, number);
                        }
                        assert!(on(&shelf) <= 2 * BATCH);
                    }
                    for number in mine {
                        free(&POOL, &shelf, number);
                    }
                    POOL.take_all(&shelf);
                });
            }
        });
        let used = POOL.used();
        assert!(
            used <= 4 * (50 + 2 * BATCH),
            "4 threads with 50 cells each and two batches: {used}"
        );
        let all: HashSet<u32> = (0..used).map(|_| POOL.take().unwrap().0).collect();
        assert_eq!(all, (1..=used).collect());
    }
}
