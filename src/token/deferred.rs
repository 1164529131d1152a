//! What the callback thread has to do: callbacks of tokens that another thread must not run, and
//! burials whose destroy-notifies it must not run.
//!
//! Invariants: tokens with callbacks are chained by `next_cancelled`, each pinned by the queue;
//! dead tokens by `next_dead`; jobs, each pinned by the queue, by a word of theirs, of which it knows
//! nothing else. So it needs no memory and takes everything.
//!
//! The lock is a leaf.

use crate::memory::arena::Arena;
use crate::memory::pin::Keeper;
use crate::memory::pool::NIL;
use crate::sys::sync::{AtomicU32, Condvar, Mutex, Ordering, constructor};
use crate::token::death::Dead;
use crate::token::{TokenCold, TokenLive, TokenPin, Tokens};

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

impl Tokens {
    /// Leaves foreign code to the callback thread; after its end somebody has to run it.
    pub(crate) fn defer(&self, chain: Chain, dead: Dead) {
        if let Err((chain, dead)) = self.deferred.push(&self.arena, chain, dead) {
            self.bury_all(dead);
            self.run_callbacks(chain);
        }
    }

    /// Does what a thread of the library left to the callback thread. Comes back with jobs to unpin:
    /// tokens know none.
    pub fn do_deferred(&self, work: Work) -> Option<u32> {
        match work {
            Work::Callbacks(token) => self.run_callbacks_of(token),
            Work::Burial(token) => self.bury(token),
            Work::Jobs(first) => return Some(first),
        }
        None
    }

    /// Leaves the pin of a job to the callback thread; its word gets the next one. False: that thread has
    /// ended.
    pub(crate) fn defer_job(&self, job: u32, next: &AtomicU32) -> bool {
        self.deferred.push_job(job, next)
    }

    /// Waits for what the callback thread has to do; `None` once that is stopped and all is done.
    pub fn wait_deferred(&self) -> Option<Work> {
        self.deferred.wait(&self.arena)
    }

    /// What the callback thread has to do, without waiting.
    pub fn take_deferred(&self) -> Option<Work> {
        self.deferred.take(&self.arena)
    }

    /// Lets `wait_deferred` end.
    pub fn stop_deferred(&self) {
        self.deferred.stop();
    }

    /// Unpins a token on a thread that must not run foreign code.
    pub(crate) fn let_go_deferred(&self, token: TokenPin<'_>) {
        let mut dead = Dead::NOBODY;
        self.let_go(token.pass_on(), &mut dead);
        self.defer(Chain::EMPTY, dead);
    }
}
