//! Watches: what is known of the polls of one job, thread by thread. Every job has one, and every
//! token that a server gave a job id.
//!
//! Invariant: the cell belongs to its token until the token is buried; whoever uses it has the token
//! pinned. The lock of a watch is a leaf.

use crate::diagnosis::place::Place;
use crate::memory::pool::{Exhausted, Link, Pool};
use crate::sys::sync::{AtomicU32, Mutex, constructor};

/// Most threads that are told apart for one job; further ones are left out.
pub const MOST_THREADS: usize = 64;

/// Time between two signs of life of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// How long.
    pub nanoseconds: u64,
    /// Where the thread was before.
    pub from: Place,
    /// Where it came out.
    pub to: Place,
}

/// What is known of one thread of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadReport {
    /// The system's number of the thread.
    pub thread: u64,
    /// From the cancel to the first poll that saw it; `None` while none has.
    pub cancel_to_seen_ns: Option<u64>,
    /// Traced polls.
    pub polls: u64,
    /// When the last traced poll was; 0 if none was.
    pub last_poll_ns: u64,
    /// Where the last sign of life was.
    pub last_place: Place,
    /// The longest time without a sign of life.
    pub longest_gap: Gap,
}

impl ThreadReport {
    /// Becomes the other one if that has the longer gap.
    pub fn keep_longer(&mut self, other: &Self) {
        if other.longest_gap.nanoseconds > self.longest_gap.nanoseconds {
            *self = *other;
        }
    }
}

#[derive(Debug, Default)]
struct Watch {
    job_id: u64,
    created_ns: u64,
    cancelled_ns: u64,
    ended_ns: u64,
    threads: Vec<ThreadReport>,
}

#[derive(Debug, Default)]
struct WatchCell {
    next_free: AtomicU32,
    watch: Mutex<Watch>,
}

impl Link for WatchCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

/// When the things of a job's life were; 0 for what has not been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    /// The job's id; 0 for a token without a job.
    pub job_id: u64,
    /// When it was made.
    pub created_ns: u64,
    /// When it was cancelled.
    pub cancelled_ns: u64,
    /// When it ended.
    pub ended_ns: u64,
    /// Whether any of its threads has seen the cancel.
    pub is_seen: bool,
}

/// All watches.
#[derive(Debug)]
pub struct Watches {
    cells: Pool<WatchCell>,
}

impl Watch {
    fn thread(&mut self, thread: u64) -> Option<&mut ThreadReport> {
        if let Some(known) = self.threads.iter().position(|known| known.thread == thread) {
            return self.threads.get_mut(known);
        }
        if self.threads.len() == MOST_THREADS || self.threads.try_reserve(1).is_err() {
            return None;
        }
        self.threads.push(ThreadReport { thread, ..ThreadReport::default() });
        self.threads.last_mut()
    }
}

impl Watches {
    constructor! {
        /// None.
        pub fn new() -> Self {
            Self { cells: Pool::new() }
        }
    }

    /// A new watch, of a token that is no job's yet.
    pub fn add(&self, now_ns: u64) -> Result<u32, Exhausted> {
        let (number, cell) = self.cells.take()?;
        *cell.watch.lock() = Watch { created_ns: now_ns, ..Watch::default() };
        Ok(number)
    }

    /// Forgets a watch.
    pub fn remove(&self, number: u32) {
        let old = std::mem::take(&mut *self.cells.cell(number).watch.lock());
        self.cells.free(number);
        drop(old);
    }

    /// Notes the job's id once it has one.
    pub fn set_job_id(&self, number: u32, job_id: u64) {
        self.cells.cell(number).watch.lock().job_id = job_id;
    }

    /// Notes the cancel. Returns the job's id if it has not ended.
    pub fn cancelled(&self, number: u32, time_ns: u64) -> Option<u64> {
        let mut watch = self.cells.cell(number).watch.lock();
        watch.cancelled_ns = time_ns;
        (watch.ended_ns == 0).then_some(watch.job_id)
    }

    /// Notes the end. Returns the time since the cancel if there was one.
    pub fn ended(&self, number: u32, time_ns: u64) -> Option<u64> {
        let mut watch = self.cells.cell(number).watch.lock();
        watch.ended_ns = time_ns;
        (watch.cancelled_ns != 0).then(|| time_ns.saturating_sub(watch.cancelled_ns))
    }

    /// Notes that a thread polled and learned of a cancel of that time. Returns the time since the
    /// cancel and the job's id if it is the thread's first such poll.
    pub fn seen(
        &self,
        number: u32,
        thread: u64,
        cancelled_ns: u64,
        now_ns: u64,
    ) -> Option<(u64, u64)> {
        let mut watch = self.cells.cell(number).watch.lock();
        let job_id = watch.job_id;
        let report = watch.thread(thread)?;
        if report.cancel_to_seen_ns.is_some() {
            return None;
        }
        let latency = now_ns.saturating_sub(cancelled_ns);
        report.cancel_to_seen_ns = Some(latency);
        Some((latency, job_id))
    }

    /// Forgets what an earlier trace saw: the time since then is no gap.
    pub fn begin_trace(&self, number: u32) {
        for report in &mut self.cells.cell(number).watch.lock().threads {
            let ThreadReport { thread, cancel_to_seen_ns, .. } = *report;
            *report = ThreadReport { thread, cancel_to_seen_ns, ..ThreadReport::default() };
        }
    }

    /// Notes a sign of life of a traced job.
    pub fn sign_of_life(&self, number: u32, thread: u64, place: Place, now_ns: u64) {
        let mut watch = self.cells.cell(number).watch.lock();
        let Some(report) = watch.thread(thread) else { return };
        if report.last_poll_ns != 0 {
            let nanoseconds = now_ns.saturating_sub(report.last_poll_ns);
            if nanoseconds > report.longest_gap.nanoseconds {
                report.longest_gap = Gap { nanoseconds, from: report.last_place, to: place };
            }
        }
        report.polls += u64::from(!matches!(place, Place::Begin | Place::End));
        report.last_poll_ns = now_ns;
        report.last_place = place;
    }

    /// When what was.
    pub fn times(&self, number: u32) -> Milestones {
        let watch = self.cells.cell(number).watch.lock();
        Milestones {
            job_id: watch.job_id,
            created_ns: watch.created_ns,
            cancelled_ns: watch.cancelled_ns,
            ended_ns: watch.ended_ns,
            is_seen: watch.threads.iter().any(|thread| thread.cancel_to_seen_ns.is_some()),
        }
    }

    /// Hands each thread's report to `each`.
    pub fn threads(&self, number: u32, each: impl FnMut(&ThreadReport)) {
        self.cells.cell(number).watch.lock().threads.iter().for_each(each);
    }
}
