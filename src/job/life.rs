//! How a job begins and ends: once each, whoever tries.
//!
//! The life of a job is decided by one compare-and-swap on `life`. The outcome is never derived from the
//! token's flag.
//!
//! - WRITTEN, beside the state, says that something was written in the body. It is set before anybody else
//!   knows the job, or under the body lock, where the state is looked at by the same step; and it stays.
//! - Who finds WRITTEN locks the body to read it. So what a writer of a running job writes is there for all
//!   who see its end, though the end takes no lock; and a text that comes with an end, which holds the lock
//!   over its swap, is seen by all who see the state.

use crate::diagnosis::events::EventText;
use crate::error::Error;
use crate::handle;
use crate::job::texts::JobText;
use crate::job::{JobLive, JobPin, Jobs, WRITTEN, state_of};
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

    /// Whether a poll of any thread that has its context has said stop.
    pub fn was_told(self, job: &JobPin<'_>) -> bool {
        let token = self.token_held_by(job);
        self.tokens.diagnosis().watches.course(&token.slot().cold.watched).is_seen
    }

    /// Pending to running, unless it is cancelled already.
    pub fn begin(self, job: &JobPin<'_>) -> Result<Begun, Error> {
        let live = job.slot().live();
        let mut now = live.life.load(Ordering::Acquire);
        loop {
            let state = state_of(now);
            if state != JobState::Pending {
                return Err(Error::WrongState { verb: "begin", state: state.name() });
            }
            if self.is_cancelled(job) {
                return Ok(Begun::Cancelled);
            }
            let new = JobState::Running as u32 | now & WRITTEN;
            match live.life.compare_exchange(now, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(other) => now = other,
            }
        }
        self.note_state(job, JobState::Running);
        Ok(Begun::Running)
    }

    /// Tells the diagnosis of a state that a job has got into.
    fn note_state(self, job: &JobPin<'_>, state: JobState) {
        let label = || self.show_text(job, JobText::Label, EventText::new);
        self.tokens.note_state(handle::index(self.token(job)), || self.id(job), state, label);
    }

    /// Ends a job. Completing takes a running one; the other ends also take a pending one.
    pub fn end(self, job: &JobPin<'_>, end: JobState, text: &str) -> Result<Ended, Error> {
        let live = job.slot().live();
        let text = try_string(text)?;
        let body = (!text.is_empty()).then(|| live.body.lock());
        let written = if body.is_some() { WRITTEN } else { 0 };
        let mut now = live.life.load(Ordering::Acquire);
        loop {
            let state = state_of(now);
            if state.is_terminal() {
                return Ok(Ended::Before(state));
            }
            if state == JobState::Pending && end == JobState::Completed {
                return Err(Error::WrongState { verb: "complete", state: state.name() });
            }
            let seen = || live.life.load(Ordering::Acquire);
            let expected = if crate::weakened!("end_by_swap") { seen() } else { now };
            let new = end as u32 | now & WRITTEN | written;
            match live.life.compare_exchange(expected, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(other) => now = other,
            }
        }
        if let Some(mut body) = body {
            let old = std::mem::replace(&mut body.failure, text);
            drop(body);
            drop(old);
        }
        self.table.ends.count(end);
        self.note_state(job, end);
        Ok(Ended::ByThisCall)
    }
}
