//! Tokens' way into and out of the callback thread's queue: what is left to it, what is done with one thing
//! out of it. The queue is in `deferred`, the thread's loop in `thread::main_loops`.

use crate::memory::pin::Keeper;
use crate::sys::sync::AtomicU32;
use crate::token::chain::{Chain, Dead};
use crate::token::deferred::Duty;
use crate::token::{TokenPin, Tokens};

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
    pub fn do_deferred(&self, work: Duty) -> Option<u32> {
        match work {
            Duty::Callbacks(token) => self.run_callbacks_of(token),
            Duty::Burial(token) => self.bury(token),
            Duty::Jobs(first) => return Some(first),
        }
        None
    }

    /// Leaves the pin of a job to the callback thread; its word gets the next one. False: that thread has
    /// ended.
    pub(crate) fn defer_job(&self, job: u32, next: &AtomicU32) -> bool {
        self.deferred.push_job(job, next)
    }

    /// Waits for what the callback thread has to do; `None` once that is stopped and all is done.
    pub fn wait_deferred(&self) -> Option<Duty> {
        self.deferred.wait(&self.arena)
    }

    /// What the callback thread has to do, without waiting.
    pub fn take_deferred(&self) -> Option<Duty> {
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
