//! How long ids have been remembered: two queues through the cells of a table of ids.
//!
//! Invariant, under the lock of the session: each id without a live request is in one of two
//! queues, both oldest first. Completed requests are in one, all others in the other. A live
//! request is in neither.

use crate::peer::id_table::{ByAge, CellNumber, IdCell, IdTable, NOWHERE};
use crate::peer::kept::{Entry, Kept, KeptFor};

impl IdTable {
    fn queue_of(&self, place: CellNumber) -> Option<KeptFor> {
        match self.entry(place) {
            Some(Entry::Kept(kept)) => Some(kept.why),
            _ => None,
        }
    }

    fn queue(&mut self, why: KeptFor) -> &mut ByAge {
        if why == KeptFor::Completed { &mut self.completed } else { &mut self.kept }
    }

    pub(super) fn enqueue(&mut self, place: CellNumber, why: KeptFor) {
        let queue = self.queue(why);
        let before = std::mem::replace(&mut queue.newest, place);
        queue.length += 1;
        if before == NOWHERE {
            queue.oldest = place;
        } else {
            self.cell_mut(before).newer = place;
        }
        let cell = self.cell_mut(place);
        (cell.older, cell.newer) = (before, NOWHERE);
    }

    pub(super) fn dequeue(&mut self, place: CellNumber) {
        let Some(why) = self.queue_of(place) else { return };
        let IdCell { older, newer, .. } = *self.cell(place);
        if older == NOWHERE {
            self.queue(why).oldest = newer;
        } else {
            self.cell_mut(older).newer = newer;
        }
        if newer == NOWHERE {
            self.queue(why).newest = older;
        } else {
            self.cell_mut(newer).older = older;
        }
        self.queue(why).length -= 1;
    }

    /// How many ids without a live request are remembered, not counting completed requests.
    pub fn kept(&self) -> u32 {
        self.kept.length
    }

    /// How many ids of completed requests are remembered.
    pub fn completed(&self) -> u32 {
        self.completed.length
    }

    /// Forgets the oldest of the completed requests.
    pub fn forget_completed(&mut self) {
        if self.completed.oldest != NOWHERE {
            self.remove(self.completed.oldest);
        }
    }

    /// The cell of the id that has been remembered longest, completed requests apart, if that is
    /// longer than `ttl_ns`; otherwise `None`.
    pub fn expired(&self, now_ns: u64, ttl_ns: u64) -> Option<CellNumber> {
        let oldest = self.kept.oldest;
        if oldest == NOWHERE {
            return None;
        }
        match self.entry(oldest) {
            Some(Entry::Kept(kept)) if !kept.is_fresh(now_ns, ttl_ns) => Some(oldest),
            _ => None,
        }
    }

    /// Forgets all of an ended request except that it is over. Needs no memory.
    pub fn keep_as_completed(&mut self, place: CellNumber) {
        self.dequeue(place);
        if let Some(Entry::Kept(Kept { since_ns, .. })) = self.cell_mut(place).entry.take() {
            self.keep(place, Kept::completed(since_ns));
        }
    }
}
