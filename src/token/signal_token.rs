//! A token that only the library knows, for something else than a cancel that is to be waited for: what waits
//! for tokens, and native events of them, then do for that as well.
//!
//! It is published hidden and never revealed, so no handle of it is accepted. Its maker keeps the one
//! internal that it has. Raising it is noted by nobody: nothing was cancelled.

use crate::error::Error;
use crate::memory::list::List;
use crate::memory::slot::Holder;
use crate::queue::posted::PostedId;
use crate::token::cancel::{Flagged, Spread};
use crate::token::chain::Chain;
use crate::token::registration::Purpose;
use crate::token::{Record, TokenPin, Tokens};

impl Tokens {
    /// One that is not raised. The internal is the caller's.
    pub(crate) fn new_signal(&self) -> Result<u32, Error> {
        let (index, slot) = self.arena.take()?;
        self.arena.publish_hidden(index, slot, 0, Holder::Internal);
        Ok(index)
    }

    /// Ends the waits for one that the caller keeps, sets its native event and wakes the jobs that sleep
    /// until then, whose hosts are told. Done again it does nothing.
    pub(crate) fn raise_signal(&self, index: u32) {
        match self.flag_or_forget(index, Record::default()) {
            Flagged::Before | Flagged::Alone | Flagged::Sealed => (),
            Flagged::SleptFor => self.arena.slot(index).cold.sleepers.wake_cancelled(),
            Flagged::WithLists => {
                let pinned = self.arena.pin_index(index);
                debug_assert!(pinned, "the caller keeps it");
                let mut chain = Chain::EMPTY;
                chain.append(&self.arena, index);
                let left = self.signal(&chain);
                debug_assert!(left == Spread::NOTHING, "nothing joins what nobody knows");
                if crate::weakened!("raised_end_wakes_jobs") {
                    drop(TokenPin::take_over(self, index));
                } else {
                    self.run_callbacks_of(index);
                }
            }
        }
    }

    /// Wakes a posted job once when one that is pinned is raised or given up; at once if it is raised. What
    /// asks for that has no handle: nobody can take it off the list of a token that is hidden.
    pub(crate) fn wake_job_at_signal(
        &self,
        signal: &TokenPin<'_>,
        sleeper: PostedId,
    ) -> Result<(), Error> {
        let purpose = Purpose::WakeJob(sleeper);
        let is_asked_for = {
            let _lock = signal.slot().lock();
            let callbacks = &signal.slot().live().callbacks;
            let listed = List::new(&self.registrations, callbacks);
            let mut listed = listed.iter();
            listed.any(|index| self.registrations.purpose(index) == purpose)
        };
        // It is raised, and the job is woken, after this; or it was in between, and that is as good.
        if is_asked_for {
            return Ok(());
        }
        self.register_signal(Some(signal), purpose, false).map(drop)
    }

    /// Gives up the maker's internal. Who waits still learns that it is gone.
    pub(crate) fn drop_signal(&self, index: u32) {
        drop(TokenPin::take_over(self, index));
    }
}
