//! How jobs get into a queue, are counted, and are kept out once it is closed.
//!
//! - `depth` counts the jobs whose stage is Queued, and those on their way in; who moves a job out of
//!   Queued lowers it at once. `unfinished` counts all that are accepted and not over.
//!   Of a tick's jobs the one before may be counted still when the next one begins, which then counts both in
//!   one step.
//! - Closed: the bit is set under the lock, then the inbox is closed and emptied. So who was let in either
//!   has his job found there, or is refused by the inbox, and takes the job back.

use crate::memory::pool::{Link, NIL};
use crate::queue::lists::{ELSEWHERE, ENDED, Lists, READY};
use crate::queue::posted::{HeldPosted, Stage};
use crate::queue::{HeldQueue, Queues};
use crate::sys::sync::{MutexGuard, Ordering};

/// Jobs that may be accepted and not over beyond the capacity: running, or waiting for their
/// completion. So a thread that never pumps costs a bounded amount of memory.
pub const MOST_BEYOND_DEPTH: u64 = 16_384;

pub(super) const CLOSED: u64 = 1 << 63;

pub(super) const UNFINISHED: u64 = 1 << 32;

pub(super) const DEPTH: u64 = UNFINISHED - 1;

/// Why a job was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The dispatcher was closed.
    Closed,
    /// So many wait already.
    Full,
}

impl Queues {
    /// Most jobs that may wait.
    pub fn capacity(&self, queue: HeldQueue<'_>) -> u32 {
        queue.cell.capacity.load(Ordering::Relaxed)
    }

    /// How many wait.
    pub fn depth(&self, queue: HeldQueue<'_>) -> u32 {
        (queue.cell.admission.load(Ordering::Relaxed) & DEPTH) as u32
    }

    /// How many are accepted and not over.
    pub fn unfinished(&self, queue: HeldQueue<'_>) -> u64 {
        (queue.cell.admission.load(Ordering::Acquire) & !CLOSED) / UNFINISHED
    }

    /// Whether it was closed.
    pub fn is_closed(&self, queue: HeldQueue<'_>) -> bool {
        queue.cell.admission.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Counts a job in, as one that waits or as one that runs at once.
    pub fn admit(&self, queue: HeldQueue<'_>, waits: bool) -> Result<(), Refused> {
        let cell = queue.cell;
        let capacity = u64::from(cell.capacity.load(Ordering::Relaxed));
        let mut now = cell.admission.load(Ordering::Relaxed);
        loop {
            if now & CLOSED != 0 {
                return Err(Refused::Closed);
            }
            if waits
                && (now & DEPTH >= capacity || now / UNFINISHED >= capacity + MOST_BEYOND_DEPTH)
            {
                return Err(Refused::Full);
            }
            let new = now + UNFINISHED + u64::from(waits);
            let swap =
                cell.admission.compare_exchange_weak(now, new, Ordering::AcqRel, Ordering::Relaxed);
            match swap {
                Ok(_) => return Ok(()),
                Err(other) => now = other,
            }
        }
    }

    /// Counts out a job that was let in and did not come. True: as `finished`.
    #[must_use]
    pub fn dismiss(&self, queue: HeldQueue<'_>, waits: bool) -> bool {
        let counted = UNFINISHED + u64::from(waits);
        let before = queue.cell.admission.fetch_sub(counted, Ordering::AcqRel);
        before & !DEPTH == CLOSED | UNFINISHED
    }

    /// Counts out so many jobs that are over, at least one. True: they were the last of a closed queue.
    #[must_use]
    pub fn finished(&self, queue: HeldQueue<'_>, count: u64) -> bool {
        let counted = count * UNFINISHED;
        let before = queue.cell.admission.fetch_sub(counted, Ordering::AcqRel);
        before & !DEPTH == CLOSED | counted
    }

    /// Lets a published job wait for its turn on the dispatcher's thread. False: it is closed.
    #[inline]
    pub fn push(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) -> bool {
        queue.cell.inbox.push(job.number(), job.cell().next()).is_ok()
    }

    /// Lets a published job wait for another thread. `None`: it is closed. False: it was cancelled before,
    /// and waits for its completion.
    pub fn push_elsewhere(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) -> Option<bool> {
        let mut lists = queue.cell.lists.lock();
        if self.is_closed(queue) {
            return None;
        }
        queue.cell.has_news.store(1, Ordering::Relaxed);
        let waits = job.cell().stage() == Stage::Queued;
        lists.put(&self.posted, job.number(), if waits { ELSEWHERE } else { ENDED });
        Some(waits)
    }

    /// Lets a job that was claimed before it was pushed wait for its completion, also in a closed queue.
    pub fn push_ended(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) {
        queue.cell.lists.lock().put(&self.posted, job.number(), ENDED);
    }

    /// Puts what was taken out of the inbox where it belongs: the newest, and those behind it.
    fn sort_in(&self, queue: HeldQueue<'_>, lists: &mut Lists, newest: u32) {
        let mut left = newest;
        let mut oldest = NIL;
        while left != NIL {
            let link = self.posted.listed(left).next();
            let before = link.load(Ordering::Relaxed);
            link.store(oldest, Ordering::Relaxed);
            (oldest, left) = (left, before);
        }
        while oldest != NIL {
            let (number, posted) = (oldest, self.posted.listed(oldest));
            oldest = posted.next().load(Ordering::Relaxed);
            if posted.stage() == Stage::Queued && self.is_closed(queue) {
                self.decide(queue, posted, Stage::ShutDown);
                if !crate::weakened!("sorting_in_wakes") {
                    posted.notify();
                }
            }
            let waits = posted.stage() == Stage::Queued;
            let list = if waits { READY + posted.lane() as u32 } else { ENDED };
            lists.put_new(&self.posted, number, posted, list);
        }
    }

    /// The lists, with all that was in the inbox.
    #[inline]
    pub(super) fn drained<'q>(&self, queue: HeldQueue<'q>) -> MutexGuard<'q, Lists> {
        let cell = queue.cell;
        let mut lists = cell.lists.lock();
        let newest = cell.inbox.take();
        if newest != NIL {
            self.sort_in(queue, &mut lists, newest);
        }
        lists
    }

    /// Lets nobody in any more. True: it was open until now, and every job that was let in is over.
    #[must_use]
    pub fn close(&self, queue: HeldQueue<'_>) -> bool {
        let cell = queue.cell;
        let mut lists = cell.lists.lock();
        let before = cell.admission.fetch_or(CLOSED, Ordering::AcqRel);
        self.sort_in(queue, &mut lists, cell.inbox.close());
        drop(lists);
        before & !DEPTH == 0
            || before & CLOSED == 0 && crate::weakened!("queue_keeps_its_dispatcher")
    }
}
