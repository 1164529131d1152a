//! How jobs get into a queue, how they are counted, and how they are kept out once it is closed.
//!
//! 1. `depth` counts the jobs that are Queued, and those on their way in. A thread that moves a job
//!    out of Queued lowers `depth` at once.
//! 2. `unfinished` counts all jobs that are accepted and not over. Jobs of a tick that are over may
//!    still be counted until the tick begins the next Queued job. Then both counts change in one
//!    step.
//! 3. A close sets the bit CLOSED under the lock, then closes and empties the inbox. So a job that
//!    was let in is either found in the inbox by the close, or is refused by the inbox and taken
//!    back by its poster.

use crate::memory::pool::{Link, NIL};
use crate::queue::lists::{ELSEWHERE, ENDED, Lists, READY};
use crate::queue::posted::{HeldPosted, Stage};
use crate::queue::{HeldQueue, Queues};
use crate::sys::sync::{MutexGuard, Ordering};

/// The number of jobs beyond the capacity that may be accepted and not over: running, or waiting
/// for their completion. So a thread that never pumps costs a bounded amount of memory.
pub const MOST_BEYOND_DEPTH: u64 = 16_384;

pub(super) const CLOSED: u64 = 1 << 63;

pub(super) const UNFINISHED: u64 = 1 << 32;

pub(super) const DEPTH: u64 = UNFINISHED - 1;

/// Why a queue did not let a job in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The dispatcher is closed.
    Closed,
    /// As many jobs as may wait already wait, or too many accepted jobs are not over.
    Full,
}

impl Queues {
    /// The greatest number of jobs that may be Queued at a time.
    pub fn capacity(&self, queue: HeldQueue<'_>) -> u32 {
        queue.cell.capacity.load(Ordering::Relaxed)
    }

    /// How many jobs are Queued or on their way in. Jobs between two slices do not count.
    pub fn depth(&self, queue: HeldQueue<'_>) -> u32 {
        (queue.cell.admission.load(Ordering::Relaxed) & DEPTH) as u32
    }

    /// How many jobs are accepted and not over.
    pub fn unfinished(&self, queue: HeldQueue<'_>) -> u64 {
        (queue.cell.admission.load(Ordering::Acquire) & !CLOSED) / UNFINISHED
    }

    /// Whether the queue is closed.
    pub fn is_closed(&self, queue: HeldQueue<'_>) -> bool {
        queue.cell.admission.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Counts a job in, before the job is made. `waits`: the job is to wait for its turn; otherwise
    /// it runs at once, and a full queue lets it in, too.
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

    /// Counts out a job that was counted in and did not get in. True: the queue is closed and this
    /// was its last job, so the caller has to give back the queue's reference to the dispatcher.
    #[must_use]
    pub fn dismiss(&self, queue: HeldQueue<'_>, waits: bool) -> bool {
        let counted = UNFINISHED + u64::from(waits);
        let before = queue.cell.admission.fetch_sub(counted, Ordering::AcqRel);
        before & !DEPTH == CLOSED | UNFINISHED
    }

    /// Counts out `count` jobs that are over, at least one. True: the queue is closed and they were
    /// its last jobs, so the caller has to give back the queue's reference to the dispatcher.
    #[must_use]
    pub fn finished(&self, queue: HeldQueue<'_>, count: u64) -> bool {
        let counted = count * UNFINISHED;
        let before = queue.cell.admission.fetch_sub(counted, Ordering::AcqRel);
        before & !DEPTH == CLOSED | counted
    }

    /// Lets a published job wait for its turn on the dispatcher's thread. False: the queue is
    /// closed, and the job did not get in.
    #[inline]
    pub fn push(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) -> bool {
        queue.cell.inbox.push(job.number(), job.cell().next()).is_ok()
    }

    /// Lets a published job wait for a thread other than the dispatcher's. `None`: the queue is
    /// closed, and the job did not get in. False: the job was claimed before, and waits for its
    /// completion instead.
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

    /// Lets a job that was claimed before it was pushed wait for its completion, even in a closed
    /// queue.
    pub fn push_ended(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) {
        queue.cell.lists.lock().put(&self.posted, job.number(), ENDED);
    }

    /// Puts the jobs that were taken out of the inbox into their lists, oldest first. `newest` is
    /// the newest one, whose link leads to the others.
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

    /// Locks the lists, and sorts everything in the inbox into them.
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

    /// Closes the queue to new jobs. True: every job that was let in is over, and the queue was
    /// open until now. So the caller has to give back the queue's reference to the dispatcher.
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
