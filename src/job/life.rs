//! How a job begins and ends: once each, whoever tries.
//!
//! The life of a job is decided by one compare-and-swap on `life`. The outcome is never derived from the
//! token's flag.
//!
//! - SEALED, beside the state, is added to a running job's under the lock of its token, where it is decided
//!   that the job is not cancelled any more (`token::seal`); and it stays. So an end as cancelled and a seal
//!   exclude each other: the one that comes second sees the other in the word that it swaps.
//! - WRITTEN, beside the state, says that something was written in the body. It is set before anybody else
//!   knows the job, or under the body lock, where the state is looked at by the same step; and it stays.
//! - Who finds WRITTEN locks the body to read it. So what a writer of a running job writes is there for all
//!   who see its end, though the end takes no lock; and a text that comes with an end, which holds the lock
//!   over its swap, is seen by all who see the state.

use crate::diagnosis::events::EventText;
use crate::error::Error;
use crate::handle;
use crate::job::texts::JobText;
use crate::job::{AWAITED, BESIDE, JobLive, JobPin, Jobs, OWED, SEALED, WRITTEN, state_of};
use crate::job_state::JobState;
use crate::memory::pin::Keeper;
use crate::memory::slot::Slot;
use crate::sys::fallible::try_string;
use crate::sys::sync::Ordering;
use crate::token::seal::Sealing;
use crate::token::{Cause, TokenPin};

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
    /// Yes; as failed, because it is sealed and cannot end as cancelled.
    AsFailed,
    /// It had ended before.
    Before(JobState),
}

/// What became of an attempt to seal a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobSealed {
    /// It is sealed, by this call or before.
    Yes,
    /// It is cancelled.
    Cancelled,
    /// It has ended.
    Ended,
}

/// Why a sealed job failed whose code says that it stopped.
const STOPPED_SEALED: &str = "it stopped as if it were cancelled after it was sealed";

/// What became of turning a word of life to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turned {
    /// It was this before.
    From(u32),
    /// It had ended so.
    Before(JobState),
    /// It is sealed, and did not end as cancelled.
    Sealed,
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

    /// Whether any job runs, as far as a short look shows.
    pub fn is_any_running(self) -> bool {
        self.table.lookout.finds_one(self.arena().used(), |index| {
            // Without a pin: its next user, if it has one, is as good.
            let slot = self.arena().slot(index);
            slot.is_alive() && slot.live().state() == JobState::Running
        })
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

    /// Lets a running job pass its point of no return, unless it is cancelled: it cannot be from then on.
    pub fn seal(self, job: &JobPin<'_>) -> Result<JobSealed, Error> {
        let live = job.slot().live();
        let state = live.state();
        let token = self.token_held_by(job);
        if state == JobState::Pending {
            return if self.tokens.is_cancelled(&token) {
                Ok(JobSealed::Cancelled)
            } else {
                Err(Error::WrongState { verb: "seal", state: state.name() })
            };
        }
        if state.is_terminal() {
            return Ok(JobSealed::Ended);
        }
        // One that ends at the same moment has ended, or is sealed before it ends.
        let may_seal = || {
            let sealed = |life| (state_of(life) == JobState::Running).then_some(life | SEALED);
            live.life.fetch_update(Ordering::AcqRel, Ordering::Acquire, sealed).is_ok()
        };
        Ok(match self.tokens.seal(&token, may_seal) {
            Sealing::ByThisCall => {
                let label = || self.show_text(job, JobText::Label, EventText::new);
                self.tokens.note_sealed(&token, label);
                JobSealed::Yes
            }
            Sealing::Before => JobSealed::Yes,
            Sealing::Cancelled => JobSealed::Cancelled,
            Sealing::Refused => JobSealed::Ended,
            Sealing::TooManyAbove => {
                return Err(Error::Resources("room for the requests that the job works for"));
            }
        })
    }

    /// Whether it is sealed, also once it has ended.
    pub fn is_sealed(self, job: &JobPin<'_>) -> bool {
        job.slot().live().life.load(Ordering::Acquire) & SEALED != 0
    }

    /// Whether a poll of any thread that has its context has said stop.
    pub fn was_told(self, job: &JobPin<'_>) -> bool {
        let token = self.token_held_by(job);
        self.tokens.diagnosis().watches.course(&token.slot().cold.watched).is_seen
    }

    /// Pending to running, unless it is cancelled already.
    #[inline(always)]
    pub fn begin(self, job: &JobPin<'_>) -> Result<Begun, Error> {
        let live = job.slot().live();
        let token = self.token_held_by(job);
        let mut now = live.life.load(Ordering::Acquire);
        loop {
            let state = state_of(now);
            if state != JobState::Pending {
                return Err(Error::WrongState { verb: "begin", state: state.name() });
            }
            if self.tokens.is_cancelled(&token) {
                return Ok(Begun::Cancelled);
            }
            let new = JobState::Running as u32 | now & BESIDE;
            match live.life.compare_exchange(now, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(other) => now = other,
            }
        }
        self.table.lookout.note(job.index());
        self.note_state(job, &token, JobState::Running);
        Ok(Begun::Running)
    }

    /// Tells the diagnosis of a state that a job has got into.
    #[inline]
    fn note_state(self, job: &JobPin<'_>, token: &TokenPin<'_>, state: JobState) {
        let label = || self.show_text(job, JobText::Label, EventText::new);
        self.tokens.note_state(token, self.id(job), state, label);
    }

    /// Ends a job. Completing takes a running one; the other ends also take a pending one. A sealed one that
    /// would end as cancelled fails.
    #[inline]
    pub fn end(self, job: &JobPin<'_>, end: JobState, text: &str) -> Result<Ended, Error> {
        let live = job.slot().live();
        let turned = if text.is_empty() {
            Self::turn_to_end(live, end, 0)
        } else {
            Self::end_with_text(live, end, text)
        }?;
        Ok(match turned {
            Turned::Before(before) => Ended::Before(before),
            Turned::Sealed => return self.fail_sealed(job),
            Turned::From(life) => {
                self.table.ends.count(end);
                let token = self.token_held_by(job);
                self.note_state(job, &token, end);
                self.tokens.part_from_ended(&token);
                if life & (AWAITED | OWED) == AWAITED {
                    self.raise_end(live);
                }
                Ended::ByThisCall
            }
        })
    }

    /// Ends a sealed job whose code says that it stopped.
    #[cold]
    fn fail_sealed(self, job: &JobPin<'_>) -> Result<Ended, Error> {
        Ok(match self.end(job, JobState::Failed, STOPPED_SEALED)? {
            Ended::ByThisCall => Ended::AsFailed,
            other => other,
        })
    }

    #[cold]
    fn end_with_text(live: &JobLive, end: JobState, text: &str) -> Result<Turned, Error> {
        let text = try_string(text)?;
        let mut body = live.body.lock();
        let turned = Self::turn_to_end(live, end, WRITTEN)?;
        if matches!(turned, Turned::From(_)) {
            let old = std::mem::replace(&mut body.failure, text);
            drop(body);
            drop(old);
        }
        Ok(turned)
    }

    /// Turns the word of life to an end, with this bit beside the state, unless it has one already.
    #[inline]
    fn turn_to_end(live: &JobLive, end: JobState, written: u32) -> Result<Turned, Error> {
        let mut now = live.life.load(Ordering::Acquire);
        let first = now;
        loop {
            let state = state_of(now);
            if state.is_terminal() {
                return Ok(Turned::Before(state));
            }
            if now & SEALED != 0
                && end == JobState::Cancelled
                && !crate::weakened!("sealed_is_not_cancelled")
            {
                return Ok(Turned::Sealed);
            }
            if state == JobState::Pending && end == JobState::Completed {
                return Err(Error::WrongState { verb: "complete", state: state.name() });
            }
            let seen = || live.life.load(Ordering::Acquire);
            let expected = if crate::weakened!("end_by_swap") { seen() } else { now };
            let new = end as u32 | now & BESIDE | written;
            match live.life.compare_exchange(expected, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if crate::weakened!("end_looks_at_its_step") => {
                    return Ok(Turned::From(first));
                }
                Ok(_) => return Ok(Turned::From(now)),
                Err(other) => now = other,
            }
        }
    }
}
