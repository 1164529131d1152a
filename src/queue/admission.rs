//! How jobs get into a queue, are counted, and are kept out once it is closed.
//!
//! - `depth` counts the jobs whose stage is Queued, and those on their way in; who moves a job out of
//!   Queued lowers it at once. `unfinished` counts all that are accepted and not over.
//! - Closed: the bit is set by a read-modify-write under the lock, then the inboxes are emptied. A
//!   poster pushes, then reads the bit by a read-modify-write. Of the two one comes first: the
//!   poster's job is found in the inbox, or the poster finds the bit and takes its job back, under
//!   the lock, unless it was found all the same.

use crate::queue::Queues;
use crate::queue::lists::{ELSEWHERE, ENDED, Lists, READY};
use crate::queue::posted::{HeldPosted, Stage};
use crate::queue_id::HeldQueue;
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
        self.cell(queue).capacity.load(Ordering::Relaxed)
    }

    /// How many wait.
    pub fn depth(&self, queue: HeldQueue<'_>) -> u32 {
        (self.cell(queue).admission.load(Ordering::Relaxed) & DEPTH) as u32
    }

    /// How many are accepted and not over.
    pub fn unfinished(&self, queue: HeldQueue<'_>) -> u64 {
        (self.cell(queue).admission.load(Ordering::Acquire) & !CLOSED) / UNFINISHED
    }

    /// Whether it was closed.
    pub fn is_closed(&self, queue: HeldQueue<'_>) -> bool {
        self.cell(queue).admission.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Counts a job in, as one that waits or as one that runs at once.
    pub fn admit(&self, queue: HeldQueue<'_>, waits: bool) -> Result<(), Refused> {
        let cell = self.cell(queue);
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
        let before = self.cell(queue).admission.fetch_sub(counted, Ordering::AcqRel);
        before & !DEPTH == CLOSED | UNFINISHED
    }

    /// Counts out a job that is over. True: it was the last of a closed queue.
    #[must_use]
    pub fn finished(&self, queue: HeldQueue<'_>) -> bool {
        let before = self.cell(queue).admission.fetch_sub(UNFINISHED, Ordering::AcqRel);
        before & !DEPTH == CLOSED | UNFINISHED
    }

    /// Lets a published job wait for its turn on the dispatcher's thread.
    pub fn push(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) {
        let cell = self.cell(queue);
        let lane = job.cell().lane();
        let inboxes = cell.inboxes.get().expect("made with the queue");
        if let Err(number) = inboxes.0[lane as usize].push(job.number()) {
            let mut lists = self.drained(queue);
            self.sort_in(queue, &mut lists, number);
        }
    }

    /// Lets a published job wait for another thread. False: it was cancelled before, and waits for its
    /// completion.
    pub fn push_elsewhere(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) -> bool {
        let mut lists = self.cell(queue).lists.lock();
        let waits = job.cell().stage() == Stage::Queued;
        lists.put(&self.posted, job.number(), if waits { ELSEWHERE } else { ENDED });
        waits
    }

    /// Puts a job that came out of an inbox where it belongs.
    pub(super) fn sort_in(&self, queue: HeldQueue<'_>, lists: &mut Lists, number: u32) {
        let posted = self.posted.listed(number);
        if posted.stage() == Stage::Queued && self.is_closed(queue) {
            self.decide(queue, number, Stage::ShutDown);
            if !crate::weakened!("sorting_in_wakes") {
                posted.notify();
            }
        }
        match posted.stage() {
            Stage::Queued => lists.put(&self.posted, number, READY + posted.lane() as u32),
            Stage::Withdrawn => self.posted.drop_hold(number),
            _ => lists.put(&self.posted, number, ENDED),
        }
    }

    /// The lists, with all that was in the inboxes.
    pub(super) fn drained(&self, queue: HeldQueue<'_>) -> MutexGuard<'_, Lists> {
        let cell = self.cell(queue);
        let mut lists = cell.lists.lock();
        for inbox in cell.inboxes.get().into_iter().flat_map(|inboxes| &inboxes.0) {
            // Cheaper than to find out by a pop, which has a fence.
            if inbox.is_empty() {
                continue;
            }
            while let Some(number) = inbox.pop() {
                self.sort_in(queue, &mut lists, number);
            }
        }
        lists
    }

    /// Lets nobody in any more. True: it was open until now, and every job that was let in is over.
    #[must_use]
    pub fn close(&self, queue: HeldQueue<'_>) -> bool {
        let cell = self.cell(queue);
        let lists = cell.lists.lock();
        let before = cell.admission.fetch_or(CLOSED, Ordering::AcqRel);
        drop(lists);
        before & !DEPTH == 0
            || before & CLOSED == 0 && crate::weakened!("queue_keeps_its_dispatcher")
    }

    /// Whether it is closed, asked after a push.
    pub fn is_closed_after_push(&self, queue: HeldQueue<'_>) -> bool {
        let admission = &self.cell(queue).admission;
        !crate::weakened!("post_looks_again")
            && admission.fetch_add(0, Ordering::AcqRel) & CLOSED != 0
    }
}
