//! Waiting for the end of a job, and native events of that end.
//!
//! The end of a job is *out* when its state is a terminal one and OWED is cleared. OWED of a posted
//! job is cleared when its completion and its destroy-notify have run, or when a close of its owner
//! has left the completion out.
//!
//! 1. No wake-up is lost. A thread that waits puts a signal into `end` and sets AWAITED by one step
//!    of `life`, which shows whether the end is out. The thread that lets the end out does so by
//!    one step of `life`, too, which shows AWAITED. So one of the two sees the other.
//! 2. A posted job that nothing else holds when its completion has run needs no such step. It is
//!    buried, and the burial looks for the signal. A thread that waits made that signal before it
//!    gave its pin back.
//! 3. A wait holds the slot of the signal, not the job. So a job that is dropped unfinished takes
//!    its signal with it, and the wait ends as gone. A job whose end is out has raised the signal
//!    before.
//! 4. A posted job is never completed after its dispatcher's thread has ended. The end of that
//!    thread is noted first, and then all jobs of the dispatcher are searched for AWAITED. A thread
//!    that waits sets AWAITED first, and then asks for the dispatcher's thread. So one of the two
//!    sees the other.
//! 5. A signal that was raised for reason 4 stays raised. A thread that finds it raised looks
//!    whether the end is out.

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

/// How a wait for the end of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndWaited {
    /// The job has ended, and its completion has run.
    Ended,
    /// The time was over before the job had ended and its completion had run.
    TimedOut,
    /// The job's last reference went while the job was unfinished.
    Gone,
    /// The job is never completed, because its dispatcher's thread has ended.
    Never,
}

/// What a wait for the end of a job has to know of the thread that waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiter<Jobs> {
    /// The jobs that are current on that thread.
    pub jobs: Jobs,
    /// Which hosts' checks the thread may ask while it waits. The check of the job that it waits
    /// for is asked, too.
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

    /// Waits until a job's end is out, at most until `until_ns` on the library's clock; `None`:
    /// without a limit. With a time in the past this only looks and does not wait. `meanwhile` does
    /// what this thread can do for the end of a posted job. `WouldDeadlock`: the job cannot end
    /// before this thread goes on.
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
        // From here on the job may be buried.
        drop(job);
        let woken = match sleeper {
            Ok(sleeper) => sleeper.sleep(until_ns, asker, token),
            Err(woken) => Some(woken),
        };
        Ok(match woken {
            None => EndWaited::TimedOut,
            Some(Woken::Gone) => EndWaited::Gone,
            // `Never` comes only from a seal, and this signal is known to the library alone, so
            // nothing seals it.
            Some(Woken::Cancelled | Woken::Never) => match JobPin::new(self, handle) {
                Ok(job) if !self.is_over(&job) => EndWaited::Never,
                _ => EndWaited::Ended,
            },
        })
    }

    /// Wakes the posted job `sleeper` once when a wait for the end of `job` would end, and at once
    /// if the end is out. However often the same wake is asked for, it is noted once. The request
    /// cannot be taken back; the id of a job that is over wakes nothing.
    pub fn wake_at_end(self, job: &JobPin<'_>, sleeper: PostedId) -> Result<(), Error> {
        match self.end_signal(job)? {
            Some(signal) => self.tokens.wake_job_at_signal(&signal, sleeper),
            None => {
                self.tokens.wake_job(sleeper);
                Ok(())
            }
        }
    }

    /// A duplicate of a native event that is set when a wait for the end would end. Without a job
    /// (`None`) the event is set already.
    pub fn end_event(self, job: Option<&JobPin<'_>>) -> Result<Raw, Error> {
        let signal = job.map_or(Ok(None), |job| self.end_signal(job))?;
        match signal {
            Some(signal) => self.tokens.event(Some(&signal)),
            None => self.tokens.signals.already_set(),
        }
    }

    /// The posted id under which a dispatcher has the job; NONE if the job is not posted.
    fn posted(self, job: &JobPin<'_>) -> PostedId {
        self.tokens.posted(handle::index(self.token(job)))
    }

    /// The signal of a job's end. The first thread that wants the signal makes it. `None`: the job
    /// has ended and its completion has run.
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

    /// Wakes the threads that wait for the job's end.
    pub(super) fn raise_end(self, live: &JobLive) {
        let signal = live.end.load(Ordering::Acquire);
        if signal != NIL {
            self.tokens.raise_signal(signal);
        }
    }

    /// Lets the end of a posted job out, and wakes the threads that wait for it. The caller has run
    /// the job's completion, or left it out.
    pub(crate) fn completed(self, job: &JobPin<'_>) {
        let live = job.slot().live();
        let before = live.life.load(Ordering::Relaxed);
        let at_its_step = live.life.fetch_and(!OWED, Ordering::AcqRel);
        let weakened = crate::weakened!("completion_looks_at_its_step");
        if (if weakened { before } else { at_its_step }) & AWAITED != 0 {
            self.raise_end(live);
        }
    }

    /// As `completed`, and also gives back the dispatcher's pin of the job.
    #[inline]
    pub(crate) fn let_go_completed(self, job: JobPin<'_>) {
        if job.slot().unpin_if_alone() {
            let slot = job.slot();
            self.bury_slot(job.pass_on(), slot);
        } else {
            self.completed(&job);
        }
    }

    /// Takes the signal of its end out of a dead job. `None`: no thread has wanted one.
    pub(super) fn take_end(self, live: &JobLive) -> Option<u32> {
        let signal = live.end.load(Ordering::Relaxed);
        if signal == NIL {
            return None;
        }
        live.end.store(NIL, Ordering::Relaxed);
        Some(signal)
    }

    /// Ends the waits for a job that was buried, by dropping its signal. `has_ended`: the job had
    /// ended, so the waits end as ended; otherwise it was dropped unfinished, and they end as gone.
    pub(super) fn drop_end(self, signal: u32, has_ended: bool) {
        if has_ended && !crate::weakened!("burial_raises_the_end") {
            self.tokens.raise_signal(signal);
        }
        self.tokens.drop_signal(signal);
    }

    /// Ends the waits for jobs that the ended thread of a queue would have to complete.
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
