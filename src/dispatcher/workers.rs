//! The jobs that wait for the library's worker threads.
//!
//! Only the ids of posted jobs wait here. Whether a job was cancelled meanwhile is found out when
//! its turn comes, and the id of a job that is over names nothing. So a cancel need not look here.
//!
//! The lock of the `Workers` is a leaf.

use crate::error::Error;
use crate::queue::lane::{LANES, Lane, Turns};
use crate::queue::posted::PostedId;
use crate::sys::fallible::{Late, OutOfMemory};
use crate::sys::sync::{AtomicU64, Condvar, Mutex, Ordering, constructor, each};
use std::collections::VecDeque;

#[derive(Debug)]
struct Waiting {
    lanes: [Late<VecDeque<PostedId>>; LANES],
    turns: Turns,
    /// How many workers sleep in `wait`.
    idle: u32,
    stopped: bool,
}

/// The greatest number of worker threads.
pub const MOST_WORKERS: usize = 4;

/// The queue of the worker threads.
#[derive(Debug)]
pub struct Workers {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// The workers' identities; 0 in places that no thread has taken yet.
    threads: [AtomicU64; MOST_WORKERS],
}

impl Waiting {
    const fn new() -> Self {
        let lanes = [const { Late::new() }; LANES];
        Self { lanes, turns: Turns::NONE, idle: 0, stopped: false }
    }

    fn length(&self) -> usize {
        self.lanes.iter().filter_map(Late::get).map(VecDeque::len).sum()
    }

    fn take(&mut self) -> Option<PostedId> {
        let has_work = self.lanes.each_ref().map(|lane| lane.get().is_some_and(|l| !l.is_empty()));
        let lane = self.turns.choose(has_work)?;
        self.lanes[lane as usize].get_mut()?.pop_front()
    }
}

impl Workers {
    constructor! {
        /// An empty queue, and no worker.
        pub fn new() -> Self {
            let threads = each![AtomicU64::new(0); MOST_WORKERS];
            Self { waiting: Mutex::new(Waiting::new()), changed: Condvar::new(), threads }
        }
    }

    /// Notes that the thread with this identity is a worker of the library.
    pub fn join(&self, thread: u64) {
        for place in &self.threads {
            if place.compare_exchange(0, thread, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return;
            }
        }
    }

    /// Whether a thread is a worker. The answer is right only if a thread asks about itself.
    pub fn has(&self, thread: u64) -> bool {
        self.threads.iter().any(|place| place.load(Ordering::Relaxed) == thread)
    }

    /// Whether there are workers and `is_so` holds for each.
    pub fn are_all(&self, is_so: impl Fn(u64) -> bool) -> bool {
        let threads = || self.threads.iter().map(|place| place.load(Ordering::Relaxed));
        let mut joined = threads().filter(|thread| *thread != 0).peekable();
        joined.peek().is_some() && joined.all(is_so)
    }

    /// Lets a posted job wait for a worker. `ShutDown`: the workers were stopped.
    pub fn push(&self, id: PostedId, lane: Lane) -> Result<(), Error> {
        let mut waiting = self.waiting.lock();
        if waiting.stopped {
            return Err(Error::ShutDown);
        }
        let queue = waiting.lanes[lane as usize].get_or_make(|| Ok(VecDeque::new()))?;
        queue.try_reserve(1).map_err(|_| OutOfMemory)?;
        queue.push_back(id);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Whether one more job would find no idle worker.
    pub fn is_short_of_threads(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.length() >= waiting.idle as usize
    }

    /// Waits until there is a job to run, and takes it. `None`: the workers were stopped.
    pub fn wait(&self) -> Option<PostedId> {
        let mut waiting = self.waiting.lock();
        loop {
            if waiting.stopped {
                return None;
            }
            if let Some(id) = waiting.take() {
                return Some(id);
            }
            waiting.idle += 1;
            self.changed.wait(&mut waiting);
            waiting.idle -= 1;
        }
    }

    /// Takes a job to run if one waits; does not wait for one.
    pub fn take(&self) -> Option<PostedId> {
        self.waiting.lock().take()
    }

    /// Refuses further jobs and ends every `wait`. Jobs that still wait are left for `take`.
    pub fn stop(&self) {
        self.waiting.lock().stopped = true;
        self.changed.notify_all();
    }
}
