//! Type-stable memory: numbered cells that are used again but never given back to the system.
//!
//! Cells lie in chunks, which are made on first use and found by one acquire load. The free list is
//! a Treiber stack of cell numbers. Its head carries a tag that each pop changes. So a pop fails
//! if, in between, the same cell was popped and pushed again. Threads keep some free cells ready,
//! see `magazine`.
//!
//! Invariants:
//! 1. A cell is either free (in the list, on a thread's shelf, or above `used`) or taken. Only the
//!    thread that took a cell may `free` it.
//! 2. `Link::next` belongs to the list while the cell is free, and to the cell's taker otherwise. A
//!    pop that has lost the race may still read it. The tag makes that pop discard the value.
//! 3. Cell 0 is never handed out: the number 0 ends lists.

use crate::sys::fallible::try_boxed_array;
use crate::sys::sync::{AtomicU32, AtomicU64, OnceBox, Ordering, constructor, each};
use crate::sys::thread_rack::{self, ShelfPlace};

/// End of a list of cells.
pub const NIL: u32 = 0;

#[cfg(not(loom))]
const CHUNK_BITS: u32 = 9;
#[cfg(loom)]
const CHUNK_BITS: u32 = 1;
const CHUNK: usize = 1 << CHUNK_BITS;

#[cfg(not(loom))]
const CHUNKS: usize = 1 << (crate::handle::INDEX_BITS - CHUNK_BITS);
#[cfg(loom)]
const CHUNKS: usize = 4;

/// The part of a cell that chains it into a list.
pub trait Link {
    /// The number of the next cell in the list.
    fn next(&self) -> &AtomicU32;
}

/// Error: no cell is left, or there is no memory for a new chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

/// A word with a cache line of its own. Not so in a model, whose stack has no room for that.
#[derive(Debug)]
#[cfg_attr(not(loom), repr(align(64)))]
pub(super) struct OwnLine<T>(pub(super) T);

/// Numbered cells of one type.
#[derive(Debug)]
pub struct Pool<T> {
    chunks: [OnceBox<[T; CHUNK]>; CHUNKS],
    /// Tag in the high half, number of the first free cell in the low half.
    free: OwnLine<AtomicU64>,
    /// The highest number ever handed out. An empty pool is all zero bits, so it takes no room in
    /// the file.
    used: OwnLine<AtomicU32>,
    /// The place of this pool's shelf in each thread's rack. Written before any thread has a rack.
    pub(super) place: OwnLine<AtomicU32>,
}

impl<T: Default + Link> Pool<T> {
    constructor! {
        pub fn new() -> Self {
            Self {
                chunks: each![OnceBox::new(); CHUNKS],
                free: OwnLine(AtomicU64::new(0)),
                used: OwnLine(AtomicU32::new(0)),
                place: OwnLine(AtomicU32::new(ShelfPlace::NONE.bits())),
            }
        }
    }

    /// The cell with a number; `None` if there is no chunk for it. The number may be any.
    #[inline(always)]
    pub fn get(&self, number: u32) -> Option<&T> {
        let chunk = self.chunks.get((number >> CHUNK_BITS) as usize)?.get()?;
        Some(&chunk[number as usize & (CHUNK - 1)])
    }

    /// The cell with a number that was handed out.
    #[inline]
    pub fn cell(&self, number: u32) -> &T {
        self.get(number).expect("a number that was handed out has a cell")
    }

    /// The place of this pool's shelf in each thread's rack.
    #[inline(always)]
    pub(super) fn place(&self) -> ShelfPlace {
        ShelfPlace::from_bits(self.place.0.load(Ordering::Relaxed))
    }

    /// Takes a free cell, from the thread's shelf if it has one. Returns the cell's number and the
    /// cell.
    #[inline]
    pub fn take(&self) -> Result<(u32, &T), Exhausted> {
        match thread_rack::with_shelf(self.place(), |shelf| self.take_ready(shelf)) {
            Some(Some(taken)) => Ok(taken),
            _ => self.take_slowly(),
        }
    }

    #[inline(never)]
    fn take_slowly(&self) -> Result<(u32, &T), Exhausted> {
        let place = self.place();
        if let Some(taken) = thread_rack::with_new_shelf(place, |shelf| self.take_by(shelf)) {
            return taken;
        }
        let number = match self.take_chain(1) {
            Some((number, ..)) => number,
            None => self.take_unused(1)?.0,
        };
        Ok((number, self.cell(number)))
    }

    /// Takes up to `most` cells off the free list, chained by `next`. Returns the numbers of the
    /// first and the last, and their count. `None`: the list is empty.
    pub(super) fn take_chain(&self, most: u32) -> Option<(u32, u32, u32)> {
        let mut head = self.free.0.load(Ordering::Acquire);
        'looking: while head as u32 != NIL {
            let (mut last, mut count) = (head as u32, 1);
            let after = loop {
                // Another thread may have taken the cell before this one meanwhile, and written
                // anything into its `next`.
                let Some(cell) = self.get(last) else {
                    head = self.free.0.load(Ordering::Acquire);
                    continue 'looking;
                };
                let after = cell.next().load(Ordering::Relaxed);
                if after == NIL || count == most {
                    break after;
                }
                (last, count) = (after, count + 1);
            };
            let turn = u64::from(!crate::weakened!("tag_covers_walk"));
            let tag = (head >> 32).wrapping_add(turn);
            let new = tag << 32 | u64::from(after);
            // Acquire pairs with the Release of `free_chain`: everything that the last users of the
            // cells wrote is visible.
            match self.free.0.compare_exchange_weak(head, new, Ordering::Acquire, Ordering::Acquire)
            {
                Ok(_) => return Some((head as u32, last, count)),
                Err(now) => head = now,
            }
        }
        None
    }

    /// Takes up to `most` cells with successive numbers that were never used. Returns the first
    /// number and the count.
    #[cold]
    pub(super) fn take_unused(&self, most: u32) -> Result<(u32, u32), Exhausted> {
        let mut last = self.used.0.load(Ordering::Relaxed);
        loop {
            let number = last + 1;
            let slot = self.chunks.get((number >> CHUNK_BITS) as usize).ok_or(Exhausted)?;
            if slot.get().is_none() {
                let chunk = try_boxed_array().map_err(|_| Exhausted)?;
                // If another thread was first, this chunk is dropped. No other thread has seen it.
                let _ = slot.set(chunk);
            }
            let count = most.min(CHUNK as u32 - number % CHUNK as u32);
            let new = last + count;
            let used = &self.used.0;
            match used.compare_exchange_weak(last, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok((number, count)),
                Err(now) => last = now,
            }
        }
    }

    /// Gives a cell back. The caller took it, and does not touch it any more.
    #[inline]
    pub fn free(&self, number: u32) {
        self.free_cell(number, self.cell(number));
    }

    /// As `free`, for a caller that has the cell.
    #[inline]
    pub fn free_cell(&self, number: u32, cell: &T) {
        let is_free =
            thread_rack::with_shelf(self.place(), |shelf| self.free_ready(shelf, number, cell));
        if is_free != Some(true) {
            self.free_slowly(number, cell);
        }
    }

    #[inline(never)]
    fn free_slowly(&self, number: u32, cell: &T) {
        let place = self.place();
        let by_shelf = |shelf: &_| self.free_by(shelf, number, cell);
        if thread_rack::with_new_shelf(place, by_shelf).is_none() {
            self.free_chain(number, number);
        }
    }

    /// Puts free cells, chained from `first` to `last`, in front of the free list.
    pub(super) fn free_chain(&self, first: u32, last: u32) {
        let last = self.cell(last);
        let mut head = self.free.0.load(Ordering::Relaxed);
        loop {
            last.next().store(head as u32, Ordering::Relaxed);
            let new = head & !u64::from(u32::MAX) | u64::from(first);
            match self.free.0.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// The highest number that was ever handed out; 0 if there was none.
    pub fn used(&self) -> u32 {
        self.used.0.load(Ordering::Acquire)
    }

    /// All cells that were ever handed out, including free ones.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (1..=self.used()).filter_map(|number| Some((number, self.get(number)?)))
    }
}

#[cfg(all(test, not(loom)))]
pub(super) mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Mutex;

    /// A cell that knows whether it is taken.
    #[derive(Debug, Default)]
    pub(in crate::memory) struct Cell {
        next: AtomicU32,
        pub(in crate::memory) taken: AtomicU32,
    }

    impl Link for Cell {
        fn next(&self) -> &AtomicU32 {
            &self.next
        }
    }

    static POOL: Pool<Cell> = Pool::new();

    #[test]
    fn numbers_start_at_one_and_come_back_last_in_first_out() {
        static POOL: Pool<Cell> = Pool::new();
        let numbers: Vec<u32> = (0..1500).map(|_| POOL.take().unwrap().0).collect();
        assert_eq!(numbers, (1..=1500).collect::<Vec<_>>());
        POOL.free(7);
        POOL.free(1400);
        assert_eq!(POOL.take().unwrap().0, 1400);
        assert_eq!(POOL.take().unwrap().0, 7);
        assert_eq!(POOL.take().unwrap().0, 1501);
    }

    #[test]
    fn no_cell_is_handed_out_twice_at_a_time() {
        let seen = Mutex::new(HashSet::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut mine = HashSet::new();
                    for round in 0..20_000_u32 {
                        let numbers = [POOL.take().unwrap().0, POOL.take().unwrap().0];
                        for number in numbers {
                            let before = POOL.cell(number).taken.swap(1, Ordering::Relaxed);
                            assert_eq!(before, 0, "cell {number} was taken twice, round {round}");
                            mine.insert(number);
                        }
                        for number in numbers {
                            POOL.cell(number).taken.store(0, Ordering::Relaxed);
                            POOL.free(number);
                        }
                    }
                    seen.lock().unwrap().extend(mine);
                });
            }
        });
        let used = seen.lock().unwrap().len();
        assert!(used <= 8, "4 threads with 2 cells each never need more than 8, used {used}");
    }
}
