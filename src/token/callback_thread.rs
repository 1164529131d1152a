//! How tokens get into the callback thread's queue, and how one duty from it is done. The queue is
//! in `deferred`, the thread's loop in `thread::main_loops`.

use crate::memory::pin::Keeper;
use crate::sys::sync::AtomicU32;
use crate::token::chain::{Chain, Dead};
use crate::token::deferred::Duty;
use crate::token::{TokenPin, Tokens};

impl Tokens {
    /// Leaves to the callback thread the callbacks of the tokens in `chain` and the burials of the
    /// tokens in `dead`. If that thread has ended, does both on this thread.
    pub(crate) fn defer(&self, chain: Chain, dead: Dead) {
        if let Err((chain, dead)) = self.deferred.push(&self.arena, chain, dead) {
            self.bury_all(dead);
            self.run_callbacks(chain);
        }
    }

    /// Does one duty that was left to the callback thread. This room knows no jobs, so the first of
    /// a chain of jobs is returned for the caller to unpin. `None`: the duty is done.
    pub fn do_deferred(&self, work: Duty) -> Option<u32> {
        match work {
            Duty::Callbacks(token) => self.run_callbacks_of(token),
            Duty::Burial(token) => self.bury(token),
            Duty::Jobs(first) => return Some(first),
        }
        None
    }

    /// Leaves the pin of a job to the callback thread; `next` is the job's word for the chain.
    /// False: the callback thread has ended.
    pub(crate) fn defer_job(&self, job: u32, next: &AtomicU32) -> bool {
        self.deferred.push_job(job, next)
    }

    /// Waits for a duty. `None`: the queue was stopped and is empty.
    pub fn wait_deferred(&self) -> Option<Duty> {
        self.deferred.wait(&self.arena)
    }

    /// Takes a duty without waiting; `None` if there is none.
    pub fn take_deferred(&self) -> Option<Duty> {
        self.deferred.take(&self.arena)
    }

    /// Lets `wait_deferred` return `None` once the queue is empty.
    pub fn stop_deferred(&self) {
        self.deferred.stop();
    }

    /// Unpins a token on a thread that must not run foreign code. If the token dies by this, the
    /// callback thread buries it.
    pub(crate) fn let_go_deferred(&self, token: TokenPin<'_>) {
        let mut dead = Dead::NOBODY;
        self.let_go(token.pass_on(), &mut dead);
        self.defer(Chain::EMPTY, dead);
    }
}
