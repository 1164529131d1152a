//! How full a queue is, for who looks at it.

use crate::queue::admission::DEPTH;
use crate::queue::lists::{Lists, total};
use crate::queue::posted::{PostedId, Stage};
use crate::queue::{HeldQueue, Queues};
use crate::queue_id::QueueId;
use crate::sys::sync::{AtomicU64, Ordering};

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Wait for their turn, on whatever thread.
    pub queued: u32,
    /// Wait for their next slice, on whatever thread, or to be woken for it.
    pub between_slices: u32,
    /// Run, on whatever thread.
    pub running: u32,
    /// Are over but for their completion.
    pub awaiting_completion: u32,
}

/// What is left when a pump ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// What could go on at once.
    pub now: u32,
    /// Steps for the next tick.
    pub next_tick: u32,
    /// Whether other threads have something to do.
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

/// What a queue is at, for who has no hold of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// How many wait.
    pub waiting: u32,
    /// Which job the dispatcher's thread is inside, and since when.
    pub busy: (u64, u64),
}

impl Queues {
    /// How many there are of each.
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

    /// What the pump runs.
    pub(super) fn runs_here(&self, queue: HeldQueue<'_>) -> Option<PostedId> {
        let id = PostedId(queue.cell.runs_here.load(Ordering::Relaxed));
        (id != PostedId::NONE).then_some(id)
    }

    /// When the job that has waited longest was posted.
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

    /// What a queue is at. Any id may come; `None`: it is gone.
    pub fn glance(&self, queue: QueueId) -> Option<Glance> {
        let cell = self.cells.get(queue.number())?;
        let read = |word: &AtomicU64| word.load(Ordering::Acquire);
        let waiting = (read(&cell.admission) & DEPTH) as u32;
        let busy = (read(&cell.busy_with), read(&cell.busy_since_ns));
        // After them. One that goes at this very moment may still be shown with its successor's figures.
        (cell.generation() == queue.generation()).then_some(Glance { waiting, busy })
    }
}
