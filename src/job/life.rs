//! How a job begins and ends: once each, whoever tries.
//!
//! The life of a job is decided by one compare-and-swap on `life`, made under the body lock only where a text
//! has to become visible with it. The outcome is never derived from the token's flag.

use crate::diagnosis::events::EventText;
use crate::error::Error;
use crate::handle;
use crate::job::texts::JobText;
use crate::job::{JobLive, JobPin, Jobs};
use crate::job_state::JobState;
use crate::memory::slot::Slot;
use crate::sys::fallible::try_string;
use crate::sys::sync::Ordering;
use crate::token::Cause;

/// What a `begin` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It runs now.
    Running,
    /// It was cancelled before; it stays pending and should be acknowledged.
    Cancelled,
}

/// Whether an ending call was the one that ended the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Yes.
    ByThisCall,
    /// It had ended before.
    Before(JobState),
}

impl<'a> Jobs<'a> {
    /// Where it stands.
    pub fn state(self, job: &JobPin<'_>) -> JobState {
        job.slot().live().state()
    }

    /// Whether the job that a slot has, or had last, is over. Without a pin: for a count.
    pub(crate) fn has_ended(slot: &Slot<(), JobLive>) -> bool {
        slot.live().state().is_terminal()
    }

    /// Asks it to stop. `Some(state)`: it had ended, nothing was done. Else whether this call was
    /// the first to ask.
    pub fn cancel(self, job: &JobPin<'_>, reason: &str) -> Result<bool, JobState> {
        let state = self.state(job);
        if state.is_terminal() {
            return Err(state);
        }
        Ok(self.tokens.cancel(&self.token_held_by(job), Cause::Request, reason))
    }

    /// Whether its token is cancelled; asks no foreign check.
    pub(crate) fn is_cancelled(self, job: &JobPin<'_>) -> bool {
        self.tokens
            .word(self.token(job))
            .is_some_and(|word| word.load(Ordering::Acquire) & handle::CANCELLED != 0)
    }

    /// Pending to running, unless it is cancelled already.
    pub fn begin(self, job: &JobPin<'_>) -> Result<Begun, Error> {
        let live = job.slot().live();
        let wrong = |state: JobState| Error::WrongState { verb: "begin", state: state.name() };
        let state = live.state();
        if state != JobState::Pending {
            return Err(wrong(state));
        }
        if self.is_cancelled(job) {
            return Ok(Begun::Cancelled);
        }
        live.life
            .compare_exchange(
                JobState::Pending as u32,
                JobState::Running as u32,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .map_err(|now| wrong(JobState::from_number(now)))?;
        self.note_state(job, JobState::Running);
        Ok(Begun::Running)
    }

    /// Tells the diagnosis of a state that a job has got into.
    fn note_state(self, job: &JobPin<'_>, state: JobState) {
        let label = || self.show_text(job, JobText::Label, EventText::new);
        self.tokens.note_state(handle::index(self.token(job)), self.id(job), state, label);
    }

    /// Ends a job. Completing takes a running one; the other ends also take a pending one.
    pub fn end(self, job: &JobPin<'_>, end: JobState, text: &str) -> Result<Ended, Error> {
        let live = job.slot().live();
        let text = try_string(text)?;
        // The lock makes the text visible together with the state; the swap decides.
        let mut now = live.state();
        let mut body = live.body.lock();
        loop {
            if now.is_terminal() {
                return Ok(Ended::Before(now));
            }
            if now == JobState::Pending && end == JobState::Completed {
                return Err(Error::WrongState { verb: "complete", state: now.name() });
            }
            let seen = || live.life.load(Ordering::Acquire);
            let expected = if crate::weakened!("end_by_swap") { seen() } else { now as u32 };
            let swap = live.life.compare_exchange(
                expected,
                end as u32,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match swap {
                Ok(_) => break,
                Err(other) => now = JobState::from_number(other),
            }
        }
        let old = std::mem::replace(&mut body.failure, text);
        drop(body);
        drop(old);
        self.table.ends.count(end);
        self.note_state(job, end);
        Ok(Ended::ByThisCall)
    }
}
