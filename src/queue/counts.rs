//! How full a queue is, for threads that only look at it.

use crate::queue::admission::DEPTH;
use crate::queue::lists::{Lists, total};
use crate::queue::posted::{PostedId, Stage};
use crate::queue::{HeldQueue, Queues};
use crate::queue_id::QueueId;
use crate::sys::sync::{AtomicU64, Ordering};

/// The numbers of jobs in a queue, by what they wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that wait for their first turn, on any thread.
    pub queued: u32,
    /// Jobs that wait for their next slice on any thread, or to be woken for it.
    pub between_slices: u32,
    /// Jobs that run, on any thread.
    pub running: u32,
    /// Jobs that run no more and wait for their completion.
    pub awaiting_completion: u32,
}

/// What is left to do in a queue when a pump ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Jobs that could go on at once, and jobs to be completed.
    pub now: u32,
    /// Jobs that wait for the next tick, which may give them their next slice.
    pub next_tick: u32,
    /// Whether threads other than the dispatcher's run jobs of the queue, or jobs wait for such
    /// threads.
    pub elsewhere: bool,
}

impl Left {
    pub(super) fn of(lists: &Lists) -> Self {
        Self {
            now: total(&lists.ready) + lists.ended.length(),
            next_tick: total(&lists.next_tick),
            elsewhere: lists.running.length() + lists.elsewhere.length() > 0,
        }
    }
}

/// A look at a queue by a thread that has no hold of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// How many jobs wait for their first turn.
    pub waiting: u32,
    /// As `Queues::busy`: the id of the job that keeps the dispatcher's thread busy, and since
    /// when.
    pub busy: (u64, u64),
}

impl Queues {
    /// The numbers of jobs in a queue.
    pub fn counts(&self, queue: HeldQueue<'_>) -> Counts {
        let lists = self.drained(queue);
        let next_tick = total(&lists.next_tick);
        let parked = lists.elsewhere.iter(&self.posted);
        let parked = parked.filter(|number| self.posted.listed(*number).stage() == Stage::Parked);
        Counts {
            queued: self.depth(queue),
            between_slices: next_tick
                + parked.count() as u32
                + lists.asleep.length()
                + lists.away.length(),
            running: lists.running.length() + u32::from(self.runs_here(queue).is_some()),
            awaiting_completion: lists.ended.length(),
        }
    }

    /// The id of the post of the job whose function the pump calls at this moment. `None`: it calls
    /// none.
    pub(super) fn runs_here(&self, queue: HeldQueue<'_>) -> Option<PostedId> {
        let id = PostedId(queue.cell.runs_here.load(Ordering::Relaxed));
        (id != PostedId::NONE).then_some(id)
    }

    /// When the job that has waited longest for its first turn was posted. `None`: no job waits for
    /// its first turn.
    pub fn oldest_ns(&self, queue: HeldQueue<'_>) -> Option<u64> {
        let lists = self.drained(queue);
        let all = lists.ready.iter().chain([&lists.elsewhere]);
        let oldest = all.filter_map(|list| {
            let mut queued = list
                .iter(&self.posted)
                .map(|number| self.posted.listed(number))
                .filter(|posted| posted.stage() == Stage::Queued);
            queued.next().map(|posted| posted.posted_ns.load(Ordering::Relaxed))
        });
        oldest.min()
    }

    /// How full a queue is and what keeps its thread. Any id may come. `None`: the queue is gone.
    pub fn glance(&self, queue: QueueId) -> Option<Glance> {
        let cell = self.cells.get(queue.number())?;
        let read = |word: &AtomicU64| word.load(Ordering::Acquire);
        let waiting = (read(&cell.admission) & DEPTH) as u32;
        let busy = (read(&cell.busy_with), read(&cell.busy_since_ns));
        // The generation is compared after the reads. A queue that goes at this very moment may
        // still be shown with figures of the next queue in its cell.
        (cell.generation() == queue.generation()).then_some(Glance { waiting, busy })
    }
}
