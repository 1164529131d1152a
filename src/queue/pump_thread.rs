//! Which thread pumps a queue, and what keeps it.

use crate::owner::wait_graph::Inside;
use crate::queue::posted::PostedId;
use crate::queue::queue::QueueCell;
use crate::queue::{HeldQueue, Queues};
use crate::sys::sync::Ordering;
use crate::sys::thread_identity;

/// Something keeps a dispatcher's thread. What kept it before does again when this goes.
#[derive(Debug)]
#[must_use]
pub struct Busy<'a> {
    cell: &'a QueueCell,
    before: (u64, u64),
}

impl Busy<'_> {
    /// Notes that it is another job since then, or 0.
    pub fn note(&self, job: u64, since_ns: u64) {
        self.cell.busy_with.store(job, Ordering::Relaxed);
        self.cell.busy_since_ns.store(since_ns, Ordering::Relaxed);
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let (job, since_ns) = self.before;
        self.note(job, since_ns);
    }
}

/// In a queue's word: its thread has ended. No thread has this number.
const ENDED: u64 = u64::MAX;

/// Which thread completes a posted job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItsThread {
    /// The dispatcher has none yet, or the job is over.
    None,
    /// This one.
    Is(u64),
    /// One that has ended: the job is never completed.
    HasEnded,
}

impl ItsThread {
    fn of(word: u64) -> Self {
        match word {
            0 => Self::None,
            ENDED => Self::HasEnded,
            thread => Self::Is(thread),
        }
    }

    /// As the wait graph has it: everything keeps it from coming to the queue that it waits for.
    pub fn inside(self) -> Option<Inside> {
        match self {
            Self::Is(thread) => Some(Inside { thread, waits_before: 0 }),
            Self::None | Self::HasEnded => None,
        }
    }
}

impl Queues {
    /// Notes that this thread is the dispatcher's.
    pub fn set_thread(&self, queue: HeldQueue<'_>) {
        let thread = &queue.cell.thread;
        let here = thread_identity::current();
        if thread.load(Ordering::Relaxed) != here {
            // Release: who reads it in `thread_of` sees that the queue's last use is over.
            thread.store(here, Ordering::Release);
        }
    }

    /// The dispatcher's thread has ended, as who waits finds out now: whoever pushes after this sees what
    /// was stored before it. Who asks `thread_of` sees it, too, or what he did before is seen after this.
    pub fn thread_ends(&self, queue: HeldQueue<'_>) {
        let cell = queue.cell;
        cell.thread.swap(ENDED, Ordering::AcqRel);
        cell.inbox.tell();
        if let Some(id) = self.runs_here(queue) {
            // It ends with the thread, inside the function.
            self.posted.listed(id.number()).notify();
        }
        let lists = self.drained(queue);
        let others = [&lists.elsewhere, &lists.running, &lists.ended, &lists.asleep, &lists.away];
        for list in lists.ready.iter().chain(&lists.next_tick).chain(others) {
            if !crate::weakened!("ending_thread_wakes") {
                list.iter(&self.posted).for_each(|number| self.posted.listed(number).notify());
            }
        }
    }

    /// The dispatcher's thread.
    pub fn thread(&self, queue: HeldQueue<'_>) -> Option<Inside> {
        ItsThread::of(queue.cell.thread.load(Ordering::Relaxed)).inside()
    }

    /// Which thread completes a posted job. Any id may come.
    pub fn thread_of(&self, posted: PostedId) -> ItsThread {
        let queue = self.queue_of(posted).filter(|_| posted != PostedId::NONE);
        let cell = queue.and_then(|queue| self.cells.get(queue.number()));
        let Some(cell) = cell else { return ItsThread::None };
        // By a read-modify-write: `thread_ends` comes before it, or sees what this thread did before.
        let word = cell.thread.fetch_or(0, Ordering::AcqRel);
        // A queue lives as long as what is posted to it: so the word was this queue's.
        match self.queue_of(posted) {
            Some(_) => ItsThread::of(word),
            None => ItsThread::None,
        }
    }

    /// Notes what keeps the dispatcher's thread until the result is dropped: a job, 0 for none.
    pub fn hold_thread<'a>(&'a self, queue: HeldQueue<'a>, job: u64, since_ns: u64) -> Busy<'a> {
        let before = self.busy(queue);
        let busy = Busy { cell: queue.cell, before };
        busy.note(job, since_ns);
        busy
    }

    /// Which job keeps the dispatcher's thread, and since when; a time without a job: something else of
    /// the host.
    pub fn busy(&self, queue: HeldQueue<'_>) -> (u64, u64) {
        let cell = queue.cell;
        (cell.busy_with.load(Ordering::Relaxed), cell.busy_since_ns.load(Ordering::Relaxed))
    }
}
