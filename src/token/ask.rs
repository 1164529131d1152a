//! The question of a poll: go on, or stop? The fast path is a load and a compare. The slow path
//! finds out why a state word differs from its handle, and asks a host's own check.

use crate::error::Error;
use crate::handle::{CANCELLED, FLAGS, FOREIGN, Handle, NULL};
use crate::memory::pool::NIL;
use crate::sys::clock;
use crate::sys::sync::{AtomicU64, Ordering};
use crate::token::{Cause, TokenPin, Tokens};

/// Answer of one look at a token or at the token of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on: the token is not cancelled.
    Quiet,
    /// Stop: the token was cancelled.
    Cancelled,
    /// Stop: the object in question does not exist any more.
    Gone,
}

impl Tokens {
    /// The fast path, one load and one compare. True: the token lives and no flag of its state word
    /// is set, so it is not cancelled, not traced and has no foreign check. For NULL the answer is
    /// true as soon as any token was made. False decides nothing: the caller has to take the slow
    /// path.
    ///
    /// The handle's own flag bits are checked as well: the state word of a cancelled token equals
    /// its handle with the CANCELLED bit set.
    #[inline(always)]
    pub fn is_quiet(&self, token: Handle) -> bool {
        token & FLAGS == 0
            && self
                .arena
                .peek(token)
                .is_some_and(|slot| slot.state().load(Ordering::Relaxed) == token)
    }

    /// The word that polls of a token read, whether or not the token lives. `None` if the handle
    /// has flag bits: no token has such a handle, and comparing it with a state word could give a
    /// wrong "equal".
    pub fn word(&self, token: Handle) -> Option<&AtomicU64> {
        if token & FLAGS != 0 {
            return None;
        }
        Some(self.arena.peek(token)?.state())
    }

    /// Finds out why a token's state word differs from its handle. The second value is true if the
    /// token is not cancelled, but has a foreign check that could say stop. If there was a cancel,
    /// this synchronises with it. Takes no lock.
    pub fn look(&self, token: Handle) -> (Answer, bool) {
        if token == NULL {
            return (Answer::Quiet, false);
        }
        let Some(slot) = self.arena.peek(token) else { return (Answer::Gone, false) };
        let state = slot.state().load(Ordering::Acquire);
        if state & !FLAGS != token {
            (Answer::Gone, false)
        } else if state & CANCELLED != 0 {
            (Answer::Cancelled, false)
        } else {
            (Answer::Quiet, state & FOREIGN != 0)
        }
    }

    /// As `look`, and asks the token's foreign check if it is due. If the check says stop, this
    /// cancels the token and runs its callbacks. `thread` returns the number of the calling thread.
    pub fn answer(&self, token: Handle, thread: impl FnOnce() -> u64) -> Answer {
        match self.look(token) {
            (Answer::Quiet, true) => self.ask_foreign(token, thread()),
            (answer, _) => answer,
        }
    }

    /// The number of a token's foreign check; NIL if it has none. May be called unpinned: for a
    /// dead token this may be the number of another token's check.
    pub(super) fn check_of(&self, token: Handle) -> u32 {
        self.arena.peek(token).map_or(NIL, |slot| slot.cold.foreign.load(Ordering::Relaxed))
    }

    pub(super) fn ask_foreign(&self, token: Handle, thread: u64) -> Answer {
        let number = self.check_of(token);
        if number != NIL && !self.foreigns.is_due(number, thread, clock::now_ns) {
            // A second look: if the slot was used again in between, the number was another token's.
            return self.look(token).0;
        }
        if crate::weakened!("asker_finds_room") {
            match self.arena.hold(token) {
                Ok((index, slot)) => drop(TokenPin::take_over_slot(self, index, slot)),
                Err(_) => return Answer::Gone,
            }
        }
        let pin = match TokenPin::new(self, token) {
            Ok(pin) => pin,
            // Too many threads ask at this moment. This thread answers with what is known.
            Err(Error::Resources(_)) => return self.look(token).0,
            Err(_) => return Answer::Gone,
        };
        let number = pin.slot().cold.foreign.load(Ordering::Relaxed);
        if number != NIL {
            let (now_ns, threshold_ns) = (clock::now_ns(), self.diagnosis.watchdog.threshold());
            let asked = self.foreigns.ask(&self.owners, number, thread, now_ns, threshold_ns);
            if let Some(told) = asked.silence {
                self.note_silence(told, now_ns);
            }
            if asked.cancelled {
                self.cancel(&pin, Cause::Foreign, "cancelled in the host");
            }
        }
        if pin.slot().state().load(Ordering::Acquire) & CANCELLED != 0 {
            Answer::Cancelled
        } else {
            Answer::Quiet
        }
    }
}
