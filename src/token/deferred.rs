//! What the callback thread has to do: callbacks of tokens that another thread must not run, and
//! burials whose destroy-notifies it must not run.
//!
//! Invariants: tokens with callbacks are chained by `next_cancelled`, each pinned by the queue;
//! dead tokens by `next_dead`; jobs, each pinned by the queue, by a word of theirs, of which it knows
//! nothing else. So it needs no memory and takes everything.
//!
//! The lock is a leaf.

use crate::memory::arena::Arena;
use crate::memory::pool::NIL;
use crate::sys::sync::{AtomicU32, Condvar, Mutex, Ordering, constructor};
use crate::token::{TokenCold, TokenLive};

type Slots = Arena<TokenCold, TokenLive>;

/// Tokens chained by `next_cancelled`, each pinned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "the tokens are pinned"]
pub struct Chain {
    first: u32,
    last: u32,
}

impl Chain {
    /// Nothing.
    pub const EMPTY: Self = Self { first: NIL, last: NIL };

    /// Appends a pinned token that is in no chain.
    pub fn append(&mut self, slots: &Slots, token: u32) {
        let next = |index: u32| &slots.slot(index).live().next_cancelled;
        next(token).store(NIL, Ordering::Relaxed);
        if self.first == NIL {
            self.first = token;
        } else {
            next(self.last).store(token, Ordering::Relaxed);
        }
        self.last = token;
    }

    /// Appends all of another.
    pub fn join(&mut self, slots: &Slots, other: Self) {
        if other.first == NIL {
            return;
        }
        if self.first == NIL {
            *self = other;
        } else {
            slots.slot(self.last).live().next_cancelled.store(other.first, Ordering::Relaxed);
            self.last = other.last;
        }
    }

    /// Takes the first token off.
    pub fn pop(&mut self, slots: &Slots) -> Option<u32> {
        let token = self.first;
        if token == NIL {
            return None;
        }
        self.first = slots.slot(token).live().next_cancelled.load(Ordering::Relaxed);
        Some(token)
    }

    /// The tokens, first to last.
    pub fn iter<'a>(&self, slots: &'a Slots) -> impl Iterator<Item = u32> + use<'a> {
        let number = |number: u32| (number != NIL).then_some(number);
        std::iter::successors(number(self.first), move |now: &u32| {
            number(slots.slot(*now).live().next_cancelled.load(Ordering::Relaxed))
        })
    }
}

/// Dead tokens that nobody has buried yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "somebody has to bury them"]
pub struct Dead {
    first: u32,
}

impl Dead {
    /// Nobody.
    pub const NOBODY: Self = Self { first: NIL };

    /// Adds one.
    pub fn add(&mut self, slots: &Slots, token: u32) {
        slots.slot(token).next_dead().store(self.first, Ordering::Relaxed);
        self.first = token;
    }

    /// Takes one off.
    pub fn pop(&mut self, slots: &Slots) -> Option<u32> {
        let token = self.first;
        if token == NIL {
            return None;
        }
        self.first = slots.slot(token).next_dead().load(Ordering::Relaxed);
        Some(token)
    }
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Run the callbacks of this token, then unpin it.
    Callbacks(u32),
    /// Bury this token.
    Burial(u32),
    /// Unpin this job and those that its word leads to.
    Jobs(u32),
}

#[derive(Debug, Default)]
struct Queue {
    chain: Chain,
    dead: Dead,
    /// The first job that is left to be unpinned.
    jobs: u32,
    stopped: bool,
}

/// The queue.
#[derive(Debug)]
pub struct Deferred {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Deferred {
    constructor! {
        /// Nothing to do.
        pub fn new() -> Self {
            let queue = Queue { chain: Chain::EMPTY, dead: Dead::NOBODY, jobs: NIL, stopped: false };
            Self { queue: Mutex::new(queue), changed: Condvar::new() }
        }
    }

    /// Adds work. Once stopped it is refused and comes back: there is no thread for it any more.
    pub fn push(&self, slots: &Slots, chain: Chain, mut dead: Dead) -> Result<(), (Chain, Dead)> {
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
    pub fn take(&self, slots: &Slots) -> Option<Work> {
        Self::take_from(&mut self.queue.lock(), slots)
    }

    fn take_from(queue: &mut Queue, slots: &Slots) -> Option<Work> {
        let callbacks = queue.chain.pop(slots).map(Work::Callbacks);
        callbacks.or_else(|| queue.dead.pop(slots).map(Work::Burial)).or_else(|| {
            let jobs = std::mem::replace(&mut queue.jobs, NIL);
            (jobs != NIL).then_some(Work::Jobs(jobs))
        })
    }

    /// Waits for something to do; `None` once there is nothing and the queue was stopped.
    pub fn wait(&self, slots: &Slots) -> Option<Work> {
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
