//! What polls ask of a token: whether to go on. The fast way is a load and a compare; the slow one finds out
//! what a word that differs means, and asks a host's own check.

use crate::error::Error;
use crate::handle::{CANCELLED, FLAGS, FOREIGN, Handle, NULL};
use crate::memory::pool::NIL;
use crate::sys::clock;
use crate::sys::sync::{AtomicU64, Ordering};
use crate::token::{Cause, TokenPin, Tokens};

/// What a look at a layer told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Quiet,
    /// Stop: cancelled.
    Cancelled,
    /// Stop: what was asked about is no more.
    Gone,
}

impl Tokens {
    /// One load and one compare: nothing is asked of this token. True for NULL once any token
    /// was made; false may mean anything.
    ///
    /// The flag bits are looked at because the state word of a cancelled token is equal to its
    /// handle with that bit set.
    #[inline(always)]
    pub fn is_quiet(&self, token: Handle) -> bool {
        token & FLAGS == 0
            && self
                .arena
                .peek(token)
                .is_some_and(|slot| slot.state().load(Ordering::Relaxed) == token)
    }

    /// What polls read for a token; whether it lives is not looked at. `None` for bits that no
    /// token can have, which must not be compared with a word either.
    pub fn word(&self, token: Handle) -> Option<&AtomicU64> {
        if token & FLAGS != 0 {
            return None;
        }
        Some(self.arena.peek(token)?.state())
    }

    /// Finds out what a differing state word means, and whether a foreign check could say more.
    /// Synchronises with the cancel if there was one. Takes no lock.
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

    /// As `look`, and asks a foreign check if it is due; `thread` tells the asking thread's number.
    pub fn answer(&self, token: Handle, thread: impl FnOnce() -> u64) -> Answer {
        match self.look(token) {
            (Answer::Quiet, true) => self.ask_foreign(token, thread()),
            (answer, _) => answer,
        }
    }

    /// The number of a token's check. Without a pin: that of a dead token may be another's.
    pub(super) fn check_of(&self, token: Handle) -> u32 {
        self.arena.peek(token).map_or(NIL, |slot| slot.cold.foreign.load(Ordering::Relaxed))
    }

    pub(super) fn ask_foreign(&self, token: Handle, thread: u64) -> Answer {
        let number = self.check_of(token);
        if number != NIL && !self.foreigns.is_due(number, thread, clock::now_ns) {
            // Again: this may have become another's slot in between.
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
            // So many ask already: this one is told what is known.
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
