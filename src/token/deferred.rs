//! The callback thread's queue: callbacks, and burials with destroy-notifies, that the thread which
//! caused them must not run. How tokens get in and out is in `callback_thread`, the thread's loop
//! in `thread::main_loops`.
//!
//! The queue needs no memory, so it never refuses work for lack of it. Its entries are chained by
//! words of their own. Tokens with callbacks are chained by `next_cancelled`, and the queue has
//! each of them pinned. Dead tokens are chained by `next_dead`. Jobs are chained by a word that the
//! job lends, and the queue has each of them pinned; it knows nothing else of a job.
//!
//! No other lock is taken under the queue's lock.

use crate::memory::pool::NIL;
use crate::sys::sync::{AtomicU32, Condvar, Mutex, Ordering, constructor};
use crate::token::cell::TokenSlots;
use crate::token::chain::{Chain, Dead};

/// One duty of the callback thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Run the callbacks of this token, then unpin it.
    Callbacks(u32),
    /// Bury this token.
    Burial(u32),
    /// Unpin this job and the jobs chained behind it.
    Jobs(u32),
}

#[derive(Debug, Default)]
struct Duties {
    chain: Chain,
    dead: Dead,
    /// The first of the jobs to unpin; NIL for none.
    jobs: u32,
    stopped: bool,
}

/// The callback thread's queue.
#[derive(Debug)]
pub struct Deferred {
    queue: Mutex<Duties>,
    changed: Condvar,
}

impl Deferred {
    constructor! {
        pub fn new() -> Self {
            let queue = Duties { chain: Chain::EMPTY, dead: Dead::NOBODY, jobs: NIL, stopped: false };
            Self { queue: Mutex::new(queue), changed: Condvar::new() }
        }
    }

    /// Adds tokens whose callbacks are to be run, and tokens that are to be buried. After `stop`
    /// both come back to the caller: there is no callback thread any more.
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

    /// Adds a job that the callback thread has to unpin; `next` is the job's word for the chain.
    /// False: there is no callback thread any more.
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

    /// Takes one duty; `None` if there is none.
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

    /// Waits for a duty. `None`: the queue was stopped and is empty.
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

    /// Lets `wait` return `None` once the queue is empty, and refuses further work.
    pub fn stop(&self) {
        self.queue.lock().stopped = true;
        self.changed.notify_all();
    }
}
