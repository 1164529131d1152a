//! What a session knows of each id: a live request, or what is remembered of an id without one.
//!
//! The table is not the standard library's hash map, because a peer chooses its contents. The
//! standard map moves all of its entries from time to time, and finding the oldest entry takes a
//! walk over all of them. In this table each step costs the same however much is remembered, and a
//! lack of memory is an error that the caller gets.
//!
//! Invariants, under the lock of the session:
//! 1. An id has at most one cell. A cell is either free or in the chain of its id's bucket.
//! 2. There are at least as many buckets as cells were ever in use at the same time, unless memory
//!    for a bucket was out; so chains are short. When more cells are in use than there are buckets,
//!    one bucket is added, and the cells that belong there move from one other chain. So the table
//!    never moves as a whole (linear hashing).
//! 3. The hash has a secret key (`id_hash`), so a peer cannot choose ids that meet in one bucket.

use crate::json_rpc::id_key::IdKey;
use crate::json_rpc::request_id::{IdRef, RequestId};
use crate::memory::chunked::Chunked;
use crate::peer::id_hash::IdHash;
use crate::peer::kept::{Entry, Kept};
use crate::sys::fallible::OutOfMemory;

/// The number of a cell, counted from 1.
pub type CellNumber = u32;

/// Stands for no cell.
pub const NOWHERE: CellNumber = 0;

/// The place in the table where an id that has no cell yet belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vacant {
    hash: u32,
    /// The bucket of the id. It is valid until an id is added, which may add a bucket.
    bucket: usize,
}

/// Buckets of an empty table.
const FEW: usize = 16;

#[derive(Debug)]
pub(super) struct IdCell {
    id: RequestId,
    /// What the id stands for; `None` if the cell is free.
    pub(super) entry: Option<Entry>,
    /// The hash of the id.
    hash: u32,
    /// The next cell of the bucket's chain or, for a free cell, of the chain of free cells.
    next: CellNumber,
    pub(super) older: CellNumber,
    pub(super) newer: CellNumber,
}

/// A queue of cells in the order in which they were added.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ByAge {
    pub(super) oldest: CellNumber,
    pub(super) newest: CellNumber,
    pub(super) length: u32,
}

/// The entries of a session, by id.
#[derive(Debug)]
pub struct IdTable {
    hash: IdHash,
    buckets: Chunked<CellNumber>,
    /// One less than the power of two above the number of buckets.
    mask: usize,
    cells: Chunked<IdCell>,
    /// The first of the free cells.
    free: CellNumber,
    /// How many cells are in use.
    used: usize,
    pub(super) kept: ByAge,
    pub(super) completed: ByAge,
    #[cfg(test)]
    looked_at: std::cell::Cell<u64>,
}

impl IdTable {
    /// An empty table.
    pub fn new() -> Result<Self, OutOfMemory> {
        let mut buckets = Chunked::new();
        for _ in 0..FEW {
            buckets.push(NOWHERE)?;
        }
        Ok(Self {
            hash: IdHash::new(),
            buckets,
            mask: 2 * FEW - 1,
            cells: Chunked::new(),
            free: NOWHERE,
            used: 0,
            kept: ByAge::default(),
            completed: ByAge::default(),
            #[cfg(test)]
            looked_at: std::cell::Cell::new(0),
        })
    }

    #[inline(always)]
    pub(super) fn cell(&self, place: CellNumber) -> &IdCell {
        #[cfg(test)]
        self.looked_at.set(self.looked_at.get() + 1);
        self.cells.get(place as usize - 1)
    }

    #[inline(always)]
    pub(super) fn cell_mut(&mut self, place: CellNumber) -> &mut IdCell {
        #[cfg(test)]
        self.looked_at.set(self.looked_at.get() + 1);
        self.cells.get_mut(place as usize - 1)
    }

    /// The bucket of a hash. If the bucket for all bits of `mask` does not exist yet, its entries
    /// are still in the bucket for all but the highest of these bits.
    #[inline]
    fn bucket(&self, hash: u32) -> usize {
        let bucket = hash as usize & self.mask;
        if bucket < self.buckets.length() { bucket } else { bucket & self.mask >> 1 }
    }

    /// Adds a free cell when there is none.
    #[cold]
    fn add_cell(&mut self) -> Result<(), OutOfMemory> {
        let (id, next) = (RequestId::integer(0), NOWHERE);
        let free = IdCell { id, entry: None, hash: 0, next, older: NOWHERE, newer: NOWHERE };
        self.cells.push(free)?;
        self.free = self.cells.length() as CellNumber;
        Ok(())
    }

    /// Adds a bucket and moves the entries that belong to it there. If there is no memory, the
    /// chains get longer instead.
    #[inline(never)]
    fn split(&mut self) {
        let from = self.buckets.length() & self.mask >> 1;
        if self.buckets.push(NOWHERE).is_err() {
            return;
        }
        if self.buckets.length() > self.mask {
            self.mask = 2 * self.mask + 1;
        }
        let mut place = std::mem::replace(self.buckets.get_mut(from), NOWHERE);
        while place != NOWHERE {
            let next = self.cell(place).next;
            let bucket = self.bucket(self.cell(place).hash);
            let first = std::mem::replace(self.buckets.get_mut(bucket), place);
            self.cell_mut(place).next = first;
            place = next;
        }
    }

    /// The cell of an id. An error: the id has no cell, and belongs at the returned place.
    #[inline(always)]
    pub fn look(&self, id: &IdKey<'_>) -> Result<CellNumber, Vacant> {
        let hash = self.hash.of(id);
        let bucket = self.bucket(hash);
        let mut place = *self.buckets.get(bucket);
        while place != NOWHERE {
            let cell = self.cell(place);
            if cell.hash == hash && cell.id.is(id) {
                return Ok(place);
            }
            place = cell.next;
        }
        Err(Vacant { hash, bucket })
    }

    /// The cell of an id; `None` if it has none.
    #[inline(never)]
    pub fn find(&self, id: IdRef<'_>) -> Option<CellNumber> {
        self.look(&IdKey::of(id)).ok()
    }

    /// What the id of a cell stands for; `None` if the cell is free.
    pub fn entry(&self, place: CellNumber) -> Option<&Entry> {
        self.cell(place).entry.as_ref()
    }

    /// Adds the live request with the slot index `request`, whose id has no cell. `id` is moved
    /// into the cell; if there is no memory for a cell, `id` stays.
    #[inline(always)]
    pub fn add_live(
        &mut self,
        vacant: Vacant,
        id: &mut RequestId,
        request: u32,
    ) -> Result<CellNumber, OutOfMemory> {
        self.add(vacant, id, Entry::Live(request))
    }

    /// Adds what is remembered of an id that has no cell.
    #[inline(never)]
    pub fn add_kept(
        &mut self,
        vacant: Vacant,
        mut id: RequestId,
        kept: Kept,
    ) -> Result<CellNumber, OutOfMemory> {
        let why = kept.why;
        let place = self.add(vacant, &mut id, Entry::Kept(kept))?;
        self.enqueue(place, why);
        Ok(place)
    }

    #[inline(always)]
    fn add(
        &mut self,
        vacant: Vacant,
        id: &mut RequestId,
        entry: Entry,
    ) -> Result<CellNumber, OutOfMemory> {
        let Vacant { hash, bucket } = vacant;
        if self.free == NOWHERE {
            self.add_cell()?;
        }
        let place = self.free;
        let first = self.buckets.get_mut(bucket);
        let cell = self.cells.get_mut(place as usize - 1);
        self.free = std::mem::replace(&mut cell.next, std::mem::replace(first, place));
        (cell.id, cell.hash, cell.entry) = (id.take(), hash, Some(entry));
        self.used += 1;
        if self.used > self.buckets.length() {
            self.split();
        }
        Ok(place)
    }

    /// Replaces what is remembered of an id by the live request with the slot index `request`, and
    /// returns what was remembered.
    pub fn replace(&mut self, place: CellNumber, request: u32) -> Option<Entry> {
        self.dequeue(place);
        self.cell_mut(place).entry.replace(Entry::Live(request))
    }

    /// Replaces a live request that is over by what is remembered of it. Needs no memory.
    pub fn keep(&mut self, place: CellNumber, kept: Kept) {
        let why = kept.why;
        self.cell_mut(place).entry = Some(Entry::Kept(kept));
        self.enqueue(place, why);
    }

    /// Removes an id without a live request and returns what it stood for.
    #[inline(never)]
    pub fn remove(&mut self, place: CellNumber) -> Option<Entry> {
        self.dequeue(place);
        self.take_out(place)
    }

    /// Removes the id of a live request, which is in no queue.
    #[inline(always)]
    pub fn remove_live(&mut self, place: CellNumber) {
        self.take_out(place);
    }

    #[inline(always)]
    fn take_out(&mut self, place: CellNumber) -> Option<Entry> {
        let free = std::mem::replace(&mut self.free, place);
        let cell = self.cell_mut(place);
        let next = std::mem::replace(&mut cell.next, free);
        let (entry, hash) = (cell.entry.take(), cell.hash);
        cell.id.forget();
        let bucket = self.bucket(hash);
        let first = self.buckets.get_mut(bucket);
        if *first == place {
            *first = next;
        } else {
            let mut before = *first;
            while self.cell(before).next != place {
                before = self.cell(before).next;
            }
            self.cell_mut(before).next = next;
        }
        self.used -= 1;
        entry
    }

    /// Removes an id without a live request, and returns the place where the id belongs.
    pub fn vacate(&mut self, place: CellNumber) -> Vacant {
        let hash = self.cell(place).hash;
        self.remove(place);
        Vacant { hash, bucket: self.bucket(hash) }
    }

    /// The slot indices of all live requests, which the caller may change.
    pub fn live(&mut self) -> impl Iterator<Item = &mut u32> {
        self.cells.iter_mut().filter_map(|cell| match &mut cell.entry {
            Some(Entry::Live(index)) => Some(index),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::kept::KeptFor;
    use std::collections::{HashMap, VecDeque};

    fn kept(why: KeptFor, since_ns: u64) -> Kept {
        Kept { why, ..Kept::completed(since_ns) }
    }

    fn add_kept(table: &mut IdTable, id: i64, kept: Kept) -> CellNumber {
        let vacant = table.look(&IdKey::of(IdRef::Integer(id))).expect_err("it is new");
        table.add_kept(vacant, id.into(), kept).unwrap()
    }

    fn add_live(table: &mut IdTable, id: i64) -> CellNumber {
        let vacant = table.look(&IdKey::of(IdRef::Integer(id))).expect_err("it is new");
        table.add_live(vacant, &mut id.into(), id as u32).unwrap()
    }

    fn steps(table: &IdTable) -> u64 {
        table.looked_at.get()
    }

    /// Maximum number of cells that one round of calls may look at. A round looks at about 32;
    /// chains that are long enough for four times as many do not come about by chance.
    const MOST_STEPS: u64 = 128;

    #[test]
    fn a_step_costs_the_same_however_much_is_remembered() {
        for quota in [256, 65_536_u32] {
            let mut table = IdTable::new().unwrap();
            let mut longest_add = 0;
            for id in 0..i64::from(quota) {
                let start = steps(&table);
                add_kept(&mut table, id, kept(KeptFor::Early, id as u64));
                add_kept(&mut table, -1 - id, kept(KeptFor::Completed, 0));
                longest_add = longest_add.max(steps(&table) - start);
            }
            assert!(longest_add <= MOST_STEPS, "{quota}: {longest_add} as it grows");
            let (mut longest, before) = (0, steps(&table));
            const CALLS: i64 = 20_000;
            for call in 0..CALLS {
                let (id, start) = (i64::from(quota) + call, steps(&table));
                let oldest = table.expired(call as u64 + 1, 0).expect("the oldest");
                table.remove(oldest);
                add_kept(&mut table, id, kept(KeptFor::Early, id as u64));
                table.forget_completed();
                let place = add_live(&mut table, -1 - id);
                table.keep(place, kept(KeptFor::Completed, 0));
                longest = longest.max(steps(&table) - start);
            }
            assert_eq!((table.kept(), table.completed()), (quota, quota));
            assert!(table.buckets.length() <= 2 * quota as usize, "no more than are in use");
            assert!(table.cells.length() <= 2 * quota as usize, "cells are used again");
            let mean = (steps(&table) - before) as f64 / CALLS as f64;
            assert!(longest <= MOST_STEPS && mean < 40.0, "{quota}: {longest}, {mean} on average");
            println!("{quota} kept: {mean:.1} cells a round, at most {longest}");
        }
    }

    #[test]
    fn it_does_what_a_plain_model_does() {
        let mut table = IdTable::new().unwrap();
        let mut model: HashMap<i64, (CellNumber, Option<KeptFor>)> = HashMap::new();
        let mut queues: [VecDeque<i64>; 2] = [VecDeque::new(), VecDeque::new()];
        let mut random = 1_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) % below
        };
        let queue_of = |why: KeptFor| usize::from(why == KeptFor::Completed);
        for round in 0..200_000 {
            let id = next(40) as i64;
            let why = [KeptFor::Early, KeptFor::Ended, KeptFor::Orphan, KeptFor::Completed]
                [next(4) as usize];
            let found = table.find(IdRef::Integer(id));
            assert_eq!(found, model.get(&id).map(|(place, _)| *place), "round {round}");
            match (model.get(&id).copied(), next(3)) {
                (None, 0) => {
                    model.insert(id, (add_live(&mut table, id), None));
                }
                (None, _) => {
                    let place = add_kept(&mut table, id, kept(why, round));
                    model.insert(id, (place, Some(why)));
                    queues[queue_of(why)].push_back(id);
                }
                (Some((place, None)), 0) => {
                    assert!(
                        matches!(table.remove(place), Some(Entry::Live(index)) if index == id as u32)
                    );
                    model.remove(&id);
                }
                (Some((place, None)), _) => {
                    table.keep(place, kept(why, round));
                    model.insert(id, (place, Some(why)));
                    queues[queue_of(why)].push_back(id);
                }
                (Some((place, Some(why))), choice) => {
                    queues[queue_of(why)].retain(|other| *other != id);
                    if choice == 0 {
                        assert!(matches!(table.remove(place), Some(Entry::Kept(_))));
                        model.remove(&id);
                    } else {
                        assert!(matches!(table.replace(place, id as u32), Some(Entry::Kept(_))));
                        model.insert(id, (place, None));
                    }
                }
            }
            if round % 7 == 0
                && let Some(oldest) = queues[1].pop_front()
            {
                table.forget_completed();
                model.remove(&oldest);
            }
            if round % 11 == 0
                && let Some(oldest) = queues[0].pop_front()
            {
                let place = table.expired(u64::MAX, 0).unwrap();
                assert_eq!(Some(place), table.find(IdRef::Integer(oldest)));
                table.remove(place);
                model.remove(&oldest);
            }
            let lengths = [table.kept(), table.completed()];
            assert_eq!(lengths.map(|length| length as usize), [queues[0].len(), queues[1].len()]);
        }
        let mut live: Vec<u32> = table.live().map(|index| *index).collect();
        let mut expected: Vec<u32> =
            model.iter().filter(|(_, (_, why))| why.is_none()).map(|(id, _)| *id as u32).collect();
        live.sort_unstable();
        expected.sort_unstable();
        assert_eq!(live, expected);
        assert!(table.expired(0, 0).is_none(), "nothing is older than its time");
    }
}
