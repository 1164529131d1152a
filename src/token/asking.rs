//! Asking hosts' own checks while a thread waits in the library. The thread asks the checks that a
//! poll would ask: those of the tokens it waits for, and those of the tokens that are current on
//! it. So a thread that is the only one that may ask hears Esc while it waits, as it would while
//! polling.
//!
//! All waits work alike. The thread asks, looks whether the wait is over, and sleeps no longer than
//! until the next question is due. It asks without a lock and without a pin of the tokens it waits
//! for: a check may take long, may use the library, and may release those tokens. If the answer is
//! "stop", the token that has the check is cancelled. A wait ends by that only if its own token is
//! that token or below it.
//!
//! A check that is being asked on another thread, or further up on this one, cannot be asked now.
//! It is asked again after its interval.

use crate::handle::{Handle, NULL};
use crate::sys::clock;
use crate::token::Tokens;
use crate::token::ask::Answer;

/// A thread that waits, and the tokens that are current on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asker {
    /// The thread's number, as checks know it; 0 before it has one.
    pub thread: u64,
    /// The thread's current token and the token of its current job; NULL for none.
    pub current: [Handle; 2],
    /// Tokens with a check that lie below those two on the thread's stack of current values,
    /// because hosts' jobs are nested; NULL for none.
    pub around: [Handle; 2],
}

impl Tokens {
    /// Asks the hosts' own checks that are due, of `tokens` and of the tokens in `asker`. Returns
    /// the time at which the next check is due. `None`: this thread may ask no check, or all tokens
    /// with a check are cancelled.
    #[inline]
    pub fn ask_while_waiting(&self, asker: Asker, tokens: &[Handle]) -> Option<u64> {
        if !self.foreigns.are_any() {
            return None;
        }
        let here = asker.current.iter().chain(&asker.around);
        tokens.iter().chain(here).filter_map(|token| self.ask_one(*token, asker.thread)).min()
    }

    /// Whether this thread is inside a host's own check, which the library called.
    #[inline]
    pub fn is_asking_here(&self) -> bool {
        self.foreigns.is_asking_here()
    }

    fn ask_one(&self, token: Handle, thread: u64) -> Option<u64> {
        if token == NULL || self.look(token) != (Answer::Quiet, true) {
            return None;
        }
        let number = self.check_of(token);
        let due_ns = self.foreigns.due_for(number, thread)?;
        if due_ns > clock::now_ns() {
            return Some(due_ns);
        }
        let goes_on = self.ask_foreign(token, thread) == Answer::Quiet;
        let asks_again = goes_on && !crate::weakened!("waiters_ask_again");
        asks_again.then(|| self.foreigns.due_again(number, clock::now_ns()))
    }
}
