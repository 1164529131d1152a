//! The queue of what the callback thread has to do: callbacks of tokens that another thread must not run,
//! and burials whose destroy-notifies it must not run. Tokens' way into and out of it is in
//! `callback_thread`, the thread's loop in `thread::main_loops`.
//!
//! Invariants: tokens with callbacks are chained by `next_cancelled`, each pinned by the queue;
//! dead tokens by `next_dead`; jobs, each pinned by the queue, by a word of theirs, of which it knows
//! nothing else. So it needs no memory and takes everything.
//!
//! The lock is a leaf.

use crate::memory::pool::NIL;
use crate::sys::sync::{AtomicU32, Condvar, Mutex, Ordering, constructor};
use crate::token::cell::TokenSlots;
use crate::token::chain::{Chain, Dead};

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Run the callbacks of this token, then unpin it.
    Callbacks(u32),
    /// Bury this token.
    Burial(u32),
    /// Unpin this job and those that its word leads to.
    Jobs(u32),
}

#[derive(Debug, Default)]
struct Duties {
    chain: Chain,
    dead: Dead,
    /// The first job that is left to be unpinned.
    jobs: u32,
    stopped: bool,
}

/// The queue.
#[derive(Debug)]
pub struct Deferred {
    queue: Mutex<Duties>,
    changed: Condvar,
}

impl Deferred {
    constructor! {
        /// Nothing to do.
        pub fn new() -> Self {
            let queue = Duties { chain: Chain::EMPTY, dead: Dead::NOBODY, jobs: NIL, stopped: false };
            Self { queue: Mutex::new(queue), changed: Condvar::new() }
        }
    }

    /// Adds work. Once stopped it is refused and comes back: there is no thread for it any more.
    pub fn push(
        &self,
        slots: &TokenSlots,
        chain: Chain,
        mut dead: Dead,
    ) -> Result<(), (Chain, Dead)> {
        if chain == Chain::EMPTY && dead == Dead::NOBODY {
            return Ok(());
        }
        let mut queue = self.queue.lock();
        if queue.stopped {
            return Err((chain, dead));
        }
        queue.chain.join(slots, chain);
        while let Some(token) = dead.pop(slots) {
            queue.dead.add(slots, token);
        }
        drop(queue);
        self.changed.notify_one();
        Ok(())
    }

    /// Adds a pinned job, whose word gets the next one. False: there is no thread for it any more.
    pub fn push_job(&self, job: u32, next: &AtomicU32) -> bool {
        let mut queue = self.queue.lock();
        if queue.stopped {
            return false;
        }
        next.store(queue.jobs, Ordering::Relaxed);
        queue.jobs = job;
        drop(queue);
        self.changed.notify_one();
        true
    }

    /// Takes one thing to do; `None` if there is nothing.
    pub fn take(&self, slots: &TokenSlots) -> Option<Duty> {
        Self::take_from(&mut self.queue.lock(), slots)
    }

    fn take_from(queue: &mut Duties, slots: &TokenSlots) -> Option<Duty> {
        let callbacks = queue.chain.pop(slots).map(Duty::Callbacks);
        callbacks.or_else(|| queue.dead.pop(slots).map(Duty::Burial)).or_else(|| {
            let jobs = std::mem::replace(&mut queue.jobs, NIL);
            (jobs != NIL).then_some(Duty::Jobs(jobs))
        })
    }

    /// Waits for something to do; `None` once there is nothing and the queue was stopped.
    pub fn wait(&self, slots: &TokenSlots) -> Option<Duty> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(work) = Self::take_from(&mut queue, slots) {
                return Some(work);
            }
            if queue.stopped {
                return None;
            }
            self.changed.wait(&mut queue);
        }
    }

    /// Lets `wait` end once all is done.
    pub fn stop(&self) {
        self.queue.lock().stopped = true;
        self.changed.notify_all();
    }
}
