//! Hosts' own checks, asked while a thread waits in the library: those that a poll of what it waits for, and
//! of what is current on it, would ask there and then. So whoever waits on the one thread that may ask hears
//! Esc, as one who polls does.
//!
//! Every wait does the same: it asks, looks whether it is over, and sleeps no longer than until the next
//! question. It asks without a lock and without a pin of what it waits for: a check may take long, use the
//! library, and let go of that. "Stop" cancels the token whose check it is; a wait ends by that only if its
//! own token is that one or below it.
//!
//! A check that cannot be asked now, since that is being done on another thread or further up on this one, is
//! asked again after its interval.

use crate::handle::{Handle, NULL};
use crate::sys::clock;
use crate::token::Tokens;
use crate::token::ask::Answer;

/// A thread that waits, and what is current on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asker {
    /// Its number, as checks know it; 0 before it has one.
    pub thread: u64,
    /// The tokens of its two layers.
    pub current: [Handle; 2],
    /// Those under them that have a check, of hosts' jobs that lie one inside the other; NULL for none.
    pub around: [Handle; 2],
}

impl Tokens {
    /// Asks the checks that are due of some tokens and of what is current. When the next one is due; `None`:
    /// there is none for this thread, or all that have one are cancelled.
    #[inline]
    pub fn ask_while_waiting(&self, asker: Asker, tokens: &[Handle]) -> Option<u64> {
        if !self.foreigns.are_any() {
            return None;
        }
        let here = asker.current.iter().chain(&asker.around);
        tokens.iter().chain(here).filter_map(|token| self.ask_one(*token, asker.thread)).min()
    }

    /// Whether this thread is inside a check.
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
