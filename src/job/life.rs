//! How a job begins and ends: each happens once, whichever thread is first.
//!
//! The life of a job is decided by compare-and-swaps on the word `life`. The outcome is never
//! derived from the token's flag.
//!
//! 1. SEALED, beside the state, is added to a running job's word. That is done under the lock of
//!    the job's token, in the step that decides that the job is not cancelled any more
//!    (`token::seal`). The flag stays. So an end as cancelled and a seal exclude each other: the
//!    second of the two sees the first in the word that it swaps.
//! 2. WRITTEN, beside the state, says that something was written in the body. It is set before any
//!    other thread knows the job, or under the body lock by the same step that looks at the state.
//!    The flag stays.
//! 3. A thread that finds WRITTEN locks the body to read it. So everything that was written while
//!    the job ran is visible to all threads that see its end, although an end takes no lock. A text
//!    that comes with an end is written under the lock, which is held over the swap, so all threads
//!    that see the state see the text.

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

/// The outcome of a `begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    Running,
    /// The job was cancelled before. It stays pending; its code should end it as cancelled.
    Cancelled,
}

/// The outcome of a call that ends a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// This call ended the job.
    ByThisCall,
    /// This call ended the job, but as failed: the job is sealed and cannot end as cancelled.
    AsFailed,
    /// The job had ended before, in this state.
    Before(JobState),
}

/// The outcome of an attempt to seal a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobSealed {
    /// The job is sealed, by this call or by an earlier one.
    Yes,
    /// The job is cancelled, so it was not sealed.
    Cancelled,
    /// The job has ended, so nothing was done.
    Ended,
}

/// The failure of a sealed job whose code says that it stopped.
const STOPPED_SEALED: &str = "it stopped as if it were cancelled after it was sealed";

/// The outcome of turning a word of life to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turned {
    /// The word was turned to the end. This is the word before that.
    From(u32),
    /// The job had ended before, in this state.
    Before(JobState),
    /// The job is sealed and cannot end as cancelled. Nothing was changed.
    Sealed,
}

impl<'a> Jobs<'a> {
    /// The state of the job.
    pub fn state(self, job: &JobPin<'_>) -> JobState {
        job.slot().live().state()
    }

    /// Whether the job in a slot, or the last one that was there, is over. The caller needs no pin,
    /// because the answer only serves a count.
    pub(crate) fn has_ended(slot: &Slot<(), JobLive>) -> bool {
        slot.live().state().is_terminal()
    }

    /// Whether a short look finds a job that runs. True was right when it looked. False may be
    /// wrong: if very many jobs live, one look does not reach all.
    pub fn is_any_running(self) -> bool {
        self.table.lookout.finds_one(self.arena().used(), |index| {
            // This needs no pin: a later job in the same slot is as good an answer.
            let slot = self.arena().slot(index);
            slot.is_alive() && slot.live().state() == JobState::Running
        })
    }

    /// Asks the job to stop. True: this call was the first to ask. `Err(state)`: the job had ended
    /// in that state, and nothing was done.
    pub fn cancel(self, job: &JobPin<'_>, reason: &str) -> Result<bool, JobState> {
        let state = self.state(job);
        if state.is_terminal() {
            return Err(state);
        }
        Ok(self.tokens.cancel(&self.token_held_by(job), Cause::Request, reason))
    }

    /// Whether the job's token is cancelled. It asks no foreign check.
    pub(crate) fn is_cancelled(self, job: &JobPin<'_>) -> bool {
        self.tokens
            .word(self.token(job))
            .is_some_and(|word| word.load(Ordering::Acquire) & handle::CANCELLED != 0)
    }

    /// Seals a running job, unless it is cancelled. From then on no cancel reaches it.
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
        // If the job ends at the same moment, either it has ended, or it is sealed before it ends.
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

    /// Whether the job is sealed. The answer stays true after its end.
    pub fn is_sealed(self, job: &JobPin<'_>) -> bool {
        job.slot().live().life.load(Ordering::Acquire) & SEALED != 0
    }

    /// Whether a poll on any thread that carries the job's context has answered "stop".
    pub fn was_told(self, job: &JobPin<'_>) -> bool {
        let token = self.token_held_by(job);
        self.tokens.diagnosis().watches.course(&token.slot().cold.watched).is_seen
    }

    /// Moves a pending job to running, unless it is cancelled already. `WrongState`: the job is not
    /// pending.
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

    /// Tells the diagnosis that the job is in a new state.
    #[inline]
    fn note_state(self, job: &JobPin<'_>, token: &TokenPin<'_>, state: JobState) {
        let label = || self.show_text(job, JobText::Label, EventText::new);
        self.tokens.note_state(token, self.id(job), state, label);
    }

    /// Ends a job. `text` says why, or is empty. Only a running job can complete, otherwise the
    /// answer is `WrongState`; the other ends also take a pending job. A sealed job that would end
    /// as cancelled fails instead.
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

    /// Turns a job's word of life to an end and adds the flag `written` to it, unless the job has
    /// ended already.
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
