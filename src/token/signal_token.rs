//! Signals: tokens that only the library knows. They stand for an event other than a cancel that
//! can be waited for. So everything that can wait for a token, and native events, can wait for that
//! event too.
//!
//! A signal is published hidden and never revealed, so its handle is never accepted. Its maker
//! keeps its only internal reference. Raising it is not noted as a cancel.

use crate::error::Error;
use crate::memory::list::List;
use crate::memory::slot::Holder;
use crate::queue::posted::PostedId;
use crate::token::cancel::{Flagged, Spread};
use crate::token::chain::Chain;
use crate::token::registration::Purpose;
use crate::token::{Record, TokenPin, Tokens};

impl Tokens {
    /// Makes a signal that is not raised. The caller gets its internal reference, and gives it up
    /// by `drop_signal`.
    pub(crate) fn new_signal(&self) -> Result<u32, Error> {
        let (index, slot) = self.arena.take()?;
        self.arena.publish_hidden(index, slot, 0, Holder::Internal);
        Ok(index)
    }

    /// Raises a signal that the caller keeps: ends the waits for it, sets its native event, and
    /// wakes the jobs that sleep until then, together with their hosts. If it is raised already
    /// this does nothing.
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

    /// Wakes a posted job once, when a pinned signal is raised or given up. If the signal is raised
    /// already, wakes the job now. The request for this has no handle: the list of a hidden token
    /// cannot be reached from outside, so nothing could take the request off it.
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
        // If the signal is raised after the look, the job is woken then. If it was raised during
        // the look, the job was woken then, which is as good.
        if is_asked_for {
            return Ok(());
        }
        self.register_signal(Some(signal), purpose, false).map(drop)
    }

    /// Gives up the maker's internal reference of a signal. If the signal dies by this, threads
    /// that wait for it learn that it is gone.
    pub(crate) fn drop_signal(&self, index: u32) {
        drop(TokenPin::take_over(self, index));
    }
}
