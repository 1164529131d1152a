//! Which thread pumps a queue, and what keeps that thread busy.

use crate::owner::wait_graph::Inside;
use crate::queue::posted::PostedId;
use crate::queue::queue::QueueCell;
use crate::queue::{HeldQueue, Queues};
use crate::sys::sync::Ordering;
use crate::sys::thread_identity;

/// A note of what keeps a dispatcher's thread busy. Its drop restores the note that it replaced.
#[derive(Debug)]
#[must_use]
pub struct Busy<'a> {
    cell: &'a QueueCell,
    before: (u64, u64),
}

impl Busy<'_> {
    /// Changes the note: the job with the id `job`, or no job if that is 0, has kept the thread
    /// busy since `since_ns`.
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

/// In a queue's word `thread`: its thread has ended. No thread has this number.
const ENDED: u64 = u64::MAX;

/// The thread that completes a posted job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItsThread {
    /// No thread: the dispatcher has no thread yet, or the job is over.
    None,
    /// The thread with this number.
    Is(u64),
    /// A thread that has ended, so the job is never completed.
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

    /// The thread as the wait graph sees it. Whatever the thread does keeps it from pumping its
    /// queue, so it counts as inside since before any wait began. `None`: there is no such thread
    /// to wait for.
    pub fn inside(self) -> Option<Inside> {
        match self {
            Self::Is(thread) => Some(Inside { thread, waits_before: 0 }),
            Self::None | Self::HasEnded => None,
        }
    }
}

impl Queues {
    /// Notes that this thread is the thread of the queue's dispatcher.
    pub fn set_thread(&self, queue: HeldQueue<'_>) {
        let thread = &queue.cell.thread;
        let here = thread_identity::current();
        if thread.load(Ordering::Relaxed) != here {
            // Release: a thread that reads this in `thread_of` sees that the cell's last use is
            // over.
            thread.store(here, Ordering::Release);
        }
    }

    /// Notes that the dispatcher has no thread again.
    pub fn forget_thread(&self, queue: HeldQueue<'_>) {
        queue.cell.thread.store(0, Ordering::Release);
    }

    /// Notes that the dispatcher's thread has ended, and wakes the threads that wait for jobs of
    /// its queue. A push after this call sees everything that this thread stored before the call.
    /// For `thread_of` there are two cases: it returns the end, or this call sees everything that
    /// the caller of `thread_of` did before.
    pub fn thread_ends(&self, queue: HeldQueue<'_>) {
        let cell = queue.cell;
        cell.thread.swap(ENDED, Ordering::AcqRel);
        cell.inbox.tell();
        if let Some(id) = self.runs_here(queue) {
            // The thread has ended inside the job's function, which never returns. Threads that
            // wait for the job have to look again.
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

    /// The dispatcher's thread, for the wait graph. `None`: the dispatcher has no thread, or that
    /// thread has ended.
    pub fn thread(&self, queue: HeldQueue<'_>) -> Option<Inside> {
        ItsThread::of(queue.cell.thread.load(Ordering::Relaxed)).inside()
    }

    /// The thread that completes a posted job. Any id may come.
    pub fn thread_of(&self, posted: PostedId) -> ItsThread {
        let queue = self.queue_of(posted).filter(|_| posted != PostedId::NONE);
        let cell = queue.and_then(|queue| self.cells.get(queue.number()));
        let Some(cell) = cell else { return ItsThread::None };
        // A read-modify-write puts the two threads in an order: either `thread_ends` came before
        // and we see it, or it comes later and sees what this thread did before.
        let word = cell.thread.fetch_or(0, Ordering::AcqRel);
        // A queue lives as long as a job that is posted to it. So if the job is still there, the
        // word was that of the job's queue.
        match self.queue_of(posted) {
            Some(_) => ItsThread::of(word),
            None => ItsThread::None,
        }
    }

    /// Notes until the result is dropped that the job with the id `job`, or no job if that is 0,
    /// has kept the dispatcher's thread busy since `since_ns`.
    pub fn hold_thread<'a>(&'a self, queue: HeldQueue<'a>, job: u64, since_ns: u64) -> Busy<'a> {
        let before = self.busy(queue);
        let busy = Busy { cell: queue.cell, before };
        busy.note(job, since_ns);
        busy
    }

    /// The id of the job that keeps the dispatcher's thread busy, and since when. Id 0 with a time:
    /// the thread is in a pump or a function of the host, and in no job. Time 0: nothing is noted.
    pub fn busy(&self, queue: HeldQueue<'_>) -> (u64, u64) {
        let cell = queue.cell;
        (cell.busy_with.load(Ordering::Relaxed), cell.busy_since_ns.load(Ordering::Relaxed))
    }
}
