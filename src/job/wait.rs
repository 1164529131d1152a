//! Waiting for the end of a job, and native events of it.
//!
//! The end of a job is out when its state is a terminal one and, of a posted job, its completion and its
//! destroy-notify have run, or were left out at its owner's close: OWED is cleared then.
//!
//! Lost wake-ups: who waits keeps a signal in `end` and sets AWAITED, by one step of `life` that shows
//! whether the end is out. Who lets it out does that by one step of `life` as well, which shows AWAITED.
//! One of the two sees the other. A posted job that nobody else has when its completion has run needs no
//! such step: it is buried, and its burial looks for the signal, which whoever waits made before his pin
//! was given back.
//!
//! A wait keeps the slot of the signal, not the job. So a job that is dropped unfinished takes its signal
//! with it, and the wait ends as gone; one whose end is out has raised it before.
//!
//! A posted job is never completed once its dispatcher's thread has ended. Who ends that thread notes it,
//! then looks for AWAITED in all jobs of the dispatcher; who waits sets AWAITED, then asks for the thread.
//! A signal that was raised for that stays raised, and who finds it so looks whether the end is out.

use crate::error::Error;
use crate::handle::{self, Handle};
use crate::job::{AWAITED, JobLive, JobPin, Jobs, OWED, state_of};
use crate::memory::pin::Keeper;
use crate::memory::pool::NIL;
use crate::owner::wait_graph::Blocker;
use crate::queue::posted::PostedId;
use crate::queue::pump_thread::ItsThread;
use crate::queue_id::QueueId;
use crate::sys::native_event::Raw;
use crate::sys::sleepers::Woken;
use crate::sys::sync::Ordering;
use crate::sys::{clock, thread_identity};
use crate::token::TokenPin;
use crate::token::asking::Asker;

/// What ended a wait for the end of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndWaited {
    /// It has ended, and its completion has run.
    Ended,
    /// The time was over.
    TimedOut,
    /// Its last reference went while it was unfinished.
    Gone,
    /// It is never completed: its dispatcher's thread has ended.
    Never,
}

/// A thread that waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiter<Jobs> {
    /// The jobs that are current on it.
    pub jobs: Jobs,
    /// What it asks hosts' checks as; the job's is asked, too.
    pub asker: Asker,
}

fn is_out(life: u32) -> bool {
    state_of(life).is_terminal() && life & OWED == 0
}

impl<'a> Jobs<'a> {
    /// Whether a job has ended, and its completion has run.
    pub fn is_over(self, job: &JobPin<'_>) -> bool {
        is_out(job.slot().live().life.load(Ordering::Acquire))
    }

    /// Waits until a job's end is out, until a time on the library's clock or for ever; a time that is past
    /// only looks. `waiter` is the thread. What the thread can do for the end of a
    /// posted job it does in `meanwhile`. `WouldDeadlock`: the end needs this thread.
    pub fn wait_for_end(
        self,
        job: Handle,
        until_ns: Option<u64>,
        waiter: Waiter<impl IntoIterator<Item = Handle>>,
        meanwhile: impl FnOnce(PostedId),
    ) -> Result<EndWaited, Error> {
        let pin = JobPin::new(self, job)?;
        if self.is_over(&pin) {
            return Ok(EndWaited::Ended);
        }
        let posted = self.posted(&pin);
        if until_ns.is_some_and(|time| time <= clock::now_ns()) {
            let is_never = self.tokens.queues().thread_of(posted) == ItsThread::HasEnded;
            return Ok(if is_never { EndWaited::Never } else { EndWaited::TimedOut });
        }
        let waits = self.tokens.owners().waits();
        let blocker = Blocker::Job { job, posted: posted.0 };
        let calls = self.tokens.calls();
        let wait = waits.begin_within(&calls, thread_identity::current(), blocker, waiter.jobs)?;
        if posted != PostedId::NONE {
            meanwhile(posted);
        }
        let waited = self.sleep(pin, until_ns, waiter.asker);
        waits.end(wait);
        waited
    }

    fn sleep(
        self,
        job: JobPin<'_>,
        until_ns: Option<u64>,
        asker: Asker,
    ) -> Result<EndWaited, Error> {
        let Some(signal) = self.end_signal(&job)? else { return Ok(EndWaited::Ended) };
        let (handle, token) = (job.handle(), self.token(&job));
        let sleeper = self.tokens.get_in(signal);
        // From here on the job may go.
        drop(job);
        let woken = match sleeper {
            Ok(sleeper) => sleeper.sleep(until_ns, asker, token),
            Err(woken) => Some(woken),
        };
        Ok(match woken {
            None => EndWaited::TimedOut,
            Some(Woken::Gone) => EndWaited::Gone,
            // Nobody seals what only the library knows.
            Some(Woken::Cancelled | Woken::Never) => match JobPin::new(self, handle) {
                Ok(job) if !self.is_over(&job) => EndWaited::Never,
                _ => EndWaited::Ended,
            },
        })
    }

    /// Wakes a posted job once when a wait for the end of `job` would end; at once if it is out. That is
    /// noted once, however often it is asked for, and not taken back: an id that is over wakes nobody.
    pub fn wake_at_end(self, job: &JobPin<'_>, sleeper: PostedId) -> Result<(), Error> {
        match self.end_signal(job)? {
            Some(signal) => self.tokens.wake_job_at_signal(&signal, sleeper),
            None => {
                self.tokens.wake_job(sleeper);
                Ok(())
            }
        }
    }

    /// A duplicate of an event that is set when a wait for the end would end, and at once for no job.
    pub fn end_event(self, job: Option<&JobPin<'_>>) -> Result<Raw, Error> {
        let signal = job.map_or(Ok(None), |job| self.end_signal(job))?;
        match signal {
            Some(signal) => self.tokens.event(Some(&signal)),
            None => self.tokens.signals.already_set(),
        }
    }

    /// What is posted to a dispatcher under a job's token.
    fn posted(self, job: &JobPin<'_>) -> PostedId {
        self.tokens.posted(handle::index(self.token(job)))
    }

    /// The signal of a job's end, made by whoever first wants it; `None`: the end is out.
    fn end_signal(self, job: &JobPin<'_>) -> Result<Option<TokenPin<'a>>, Error> {
        let live = job.slot().live();
        let mut signal = live.end.load(Ordering::Acquire);
        if signal == NIL {
            let new = self.tokens.new_signal()?;
            let swap = live.end.compare_exchange(NIL, new, Ordering::AcqRel, Ordering::Acquire);
            signal = swap.map_or_else(|other| other, |_| new);
            if signal != new {
                self.tokens.drop_signal(new);
            }
        }
        let before = live.life.load(Ordering::Relaxed);
        let marked = live.life.fetch_or(AWAITED, Ordering::AcqRel);
        if is_out(if crate::weakened!("waiter_marks_then_looks") { before } else { marked }) {
            return Ok(None);
        }
        if self.tokens.queues().thread_of(self.posted(job)) == ItsThread::HasEnded {
            self.tokens.raise_signal(signal);
        }
        let is_pinned = self.tokens.arena().pin_index(signal);
        debug_assert!(is_pinned, "its job keeps it");
        Ok(Some(TokenPin::take_over(self.tokens, signal)))
    }

    /// Tells those who wait that the end is out.
    pub(super) fn raise_end(self, live: &JobLive) {
        let signal = live.end.load(Ordering::Acquire);
        if signal != NIL {
            self.tokens.raise_signal(signal);
        }
    }

    /// The completion of a posted job has run, or was left out: its end is out.
    pub(crate) fn completed(self, job: &JobPin<'_>) {
        let live = job.slot().live();
        let before = live.life.load(Ordering::Relaxed);
        let at_its_step = live.life.fetch_and(!OWED, Ordering::AcqRel);
        let weakened = crate::weakened!("completion_looks_at_its_step");
        if (if weakened { before } else { at_its_step }) & AWAITED != 0 {
            self.raise_end(live);
        }
    }

    /// As `completed`, and gives back the pin of its dispatcher.
    #[inline]
    pub(crate) fn let_go_completed(self, job: JobPin<'_>) {
        if job.slot().unpin_if_alone() {
            let slot = job.slot();
            self.bury_slot(job.pass_on(), slot);
        } else {
            self.completed(&job);
        }
    }

    /// Takes the signal of a dead job.
    pub(super) fn take_end(self, live: &JobLive) -> Option<u32> {
        let signal = live.end.load(Ordering::Relaxed);
        if signal == NIL {
            return None;
        }
        live.end.store(NIL, Ordering::Relaxed);
        Some(signal)
    }

    /// Ends the waits for a buried job, which had ended or was dropped unfinished.
    pub(super) fn drop_end(self, signal: u32, has_ended: bool) {
        if has_ended && !crate::weakened!("burial_raises_the_end") {
            self.tokens.raise_signal(signal);
        }
        self.tokens.drop_signal(signal);
    }

    /// The thread of a queue has ended: ends the waits for what it has to complete.
    pub(crate) fn give_up_waits(self, queue: QueueId) {
        for (index, slot) in self.arena().slots() {
            if !self.arena().pin_index(index) {
                continue;
            }
            let job = JobPin::take_over(self, index);
            let life = slot.live().life.load(Ordering::Acquire);
            if life & (AWAITED | OWED) == AWAITED | OWED
                && self.tokens.queues().queue_of(self.posted(&job)) == Some(queue)
                && !crate::weakened!("ending_thread_ends_waits")
            {
                self.raise_end(slot.live());
            }
        }
    }
}
