//! Diagnosis: when a token was cancelled and by what, when a thread saw it, and which jobs do not
//! poll.
//!
//! Tracing all jobs: the switch is set by a read-modify-write. Then all tokens that have a job are
//! pinned and visited. A new job first writes its id into its token and then reads the switch, also
//! by a read-modify-write. One of the two comes first: either the visit finds the new job's token,
//! or the new job finds the switch set. Tokens without a job are not traced, because a trace is
//! reported for jobs.

use crate::diagnosis::events::{Event, EventKind, EventText};
use crate::diagnosis::moment::{Moment, MomentKind};
use crate::diagnosis::place::Place;
use crate::handle::{FOREIGN, Handle, NULL, TRACED};
use crate::job_state::JobState;
use crate::memory::pin::Keeper;
use crate::memory::pool::NIL;
use crate::sys::sync::Ordering;
use crate::sys::{clock, system_thread};
use crate::token::chain::{Chain, Dead};
use crate::token::foreign::SilentCheck;
use crate::token::{Record, TokenPin, Tokens};

/// Text of an event about a check that no thread could ask.
const NOT_ASKED: &str =
    "the host's check was not asked: its thread neither polls nor waits in the library";

/// How a cancel reached a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The token itself was cancelled.
    First,
    /// The cancel came down to the token from an ancestor.
    ByWalk,
    /// The token was made below a cancelled parent.
    AtBirth,
}

impl Tokens {
    /// Notes, for the timeline and the observers, that this thread has just set a token's CANCELLED
    /// flag. A token that was cancelled itself (`Reached::First`) is always noted, other tokens
    /// only if they are watched.
    pub(crate) fn note_cancelled(&self, index: u32, record: &Record, reached: Reached) {
        let slot = self.arena().slot(index);
        let cold = &slot.cold;
        let is_watched = cold.watched.is_on();
        if !is_watched && reached != Reached::First {
            return;
        }
        let diagnosis = self.diagnosis();
        let is_unfinished =
            is_watched && diagnosis.watches.cancelled(&cold.watched, record.time_ns);
        let job_id = if is_unfinished { slot.job_id() } else { 0 };
        diagnosis.timeline.note(|| {
            let inherited = reached != Reached::First;
            let kind = MomentKind::Cancel { cause: record.cause.name(), inherited };
            let text = self.show_text(record.reason, EventText::new);
            // A cancel inherited at birth gets the present time: a cancel must not appear before
            // its token.
            let is_new = reached == Reached::AtBirth;
            let time_ns = if is_new { clock::now_ns() } else { record.time_ns };
            Moment::since(time_ns, kind, job_id, text).of_trace(self.own_trace(index))
        });
        if !diagnosis.observers.any() {
            return;
        }
        let token = self.arena().handle_of(index);
        diagnosis.observers.emit(|| Event {
            kind: EventKind::TokenCancelled,
            time_ns: record.time_ns,
            job_id,
            token,
            thread: system_thread::current(),
            cause: record.cause as u32,
            text: self.show_text(record.reason, EventText::new),
            details: self.show_text(record.reason, |reason| self.details_of(index, reason)),
            ..Event::default()
        });
        if is_unfinished {
            diagnosis.watchdog.add(token, record.time_ns);
            self.deadlines().wake();
        }
    }

    /// Reports to observers each cancel that no poll has seen within the watchdog's threshold,
    /// unless its job or request has ended. Called by the timer thread.
    pub fn look_for_slow_cancels(&self, now_ns: u64) {
        let diagnosis = self.diagnosis();
        while let Some((token, cancelled_ns)) = diagnosis.watchdog.pop_due(now_ns) {
            let Ok(pin) = TokenPin::new(self, token) else { continue };
            let cold = &pin.slot().cold;
            let course = diagnosis.watches.course(&cold.watched);
            if !course.is_seen && !course.has_ended {
                diagnosis.observers.emit(|| Event {
                    kind: EventKind::SlowCancel,
                    time_ns: now_ns,
                    job_id: pin.slot().job_id(),
                    token,
                    duration_ns: now_ns.saturating_sub(cancelled_ns),
                    text: self.show_reason(&pin, EventText::new),
                    details: self.show_reason(&pin, |text| self.details_of(pin.index(), text)),
                    ..Event::default()
                });
            }
            self.let_go_deferred(pin);
        }
    }

    /// Reports, to the observers and the timeline, hosts' own checks of running jobs that no thread
    /// could ask for too long. Called by the timer thread, and before these reports are counted.
    pub fn look_for_silent_checks(&self, now_ns: u64) {
        let threshold_ns = self.diagnosis().watchdog.threshold();
        while let Some(told) = self.foreigns.next_silent(now_ns, threshold_ns) {
            self.note_silence(told, now_ns);
        }
    }

    /// The time at which `look_for_slow_cancels` or `look_for_silent_checks` will have something to
    /// report. `None`: nothing is expected.
    pub fn next_look_ns(&self) -> Option<u64> {
        let watchdog = &self.diagnosis().watchdog;
        let silence_ns = self.foreigns.next_silence_ns(watchdog.threshold());
        [watchdog.next_due(), silence_ns].into_iter().flatten().min()
    }

    /// How often, until now, the host's own check of a running job was not asked for too long.
    pub fn silence_count(&self, now_ns: u64) -> u64 {
        self.look_for_silent_checks(now_ns);
        self.foreigns.silence_count()
    }

    /// Reports a check that no thread could ask for too long, unless its job is cancelled.
    pub(super) fn note_silence(&self, told: SilentCheck, now_ns: u64) {
        let Ok(pin) = TokenPin::new(self, told.token) else { return };
        if !self.is_cancelled(&pin) {
            self.foreigns.count_silence();
            let job_id = pin.slot().job_id();
            let diagnosis = self.diagnosis();
            diagnosis.observers.emit(|| Event {
                kind: EventKind::CheckNotAsked,
                time_ns: now_ns,
                job_id,
                token: told.token,
                duration_ns: told.nanoseconds,
                text: EventText::new(NOT_ASKED),
                ..Event::default()
            });
            diagnosis.timeline.note(|| {
                let kind = MomentKind::CheckNotAsked { silence_ns: told.nanoseconds };
                Moment::since(now_ns, kind, job_id, EventText::new(NOT_ASKED))
            });
        }
        self.let_go_deferred(pin);
    }

    /// For how many nanoseconds the host's own check of a running job has not been asked. `None`:
    /// that is not too long, or the token has no check or is cancelled.
    pub fn silence_ns(&self, token: &TokenPin<'_>, now_ns: u64) -> Option<u64> {
        let cold = &token.slot().cold;
        let number = cold.foreign.load(Ordering::Relaxed);
        let threshold_ns = self.diagnosis().watchdog.threshold();
        if number == NIL || self.is_cancelled(token) {
            return None;
        }
        self.foreigns.silence_ns(number, threshold_ns, now_ns)
    }

    /// Notes for the host's own check of a token that the token's job runs, so that the check has
    /// to be asked, or has ended.
    #[cold]
    #[inline(never)]
    fn note_check(&self, token: &TokenPin<'_>, state: JobState, now_ns: u64) {
        let number = token.slot().cold.foreign.load(Ordering::Relaxed);
        if number == NIL {
            return;
        }
        if state == JobState::Running {
            self.foreigns.begin(number, token.handle(), now_ns);
            if self.diagnosis().observers.any() {
                self.deadlines().wake();
            }
        } else if state.is_terminal() {
            self.note_check_over(number, now_ns);
        }
    }

    /// Notes that a host's own check need not be asked any more, because its job has ended or is
    /// sealed. Reports the last time without a question, if it was too long.
    pub(super) fn note_check_over(&self, number: u32, now_ns: u64) {
        let threshold_ns = self.diagnosis().watchdog.threshold();
        if let Some(told) = self.foreigns.end(number, now_ns, threshold_ns) {
            self.note_silence(told, now_ns);
        }
    }

    /// Notes a poll that took the slow path. The poll looked at two layers, `token` and the token
    /// of a job, `job`; each may be NULL. `cancelled` is the layer that is cancelled, or NULL.
    pub fn note_poll(
        &self,
        token: Handle,
        job: Handle,
        cancelled: Handle,
        place: impl FnOnce() -> Place,
    ) {
        let watched = if job == NULL { token } else { job };
        let traced = self
            .arena()
            .peek(watched)
            .is_some_and(|slot| slot.state().load(Ordering::Relaxed) & TRACED != 0);
        if !traced && cancelled == NULL {
            return;
        }
        let Ok(pin) = TokenPin::new(self, watched) else { return };
        let cold = &pin.slot().cold;
        if !cold.watched.is_on() {
            return;
        }
        let (now_ns, thread) = (clock::now_ns(), system_thread::current());
        let diagnosis = self.diagnosis();
        if traced {
            diagnosis.watches.sign_of_life(&cold.watched, thread, place(), now_ns);
        }
        let Ok(by) = TokenPin::new(self, cancelled) else { return };
        let (cancelled_ns, cause) = self.record(&by);
        let first = diagnosis.watches.seen(&cold.watched, thread, cancelled_ns, now_ns);
        let Some(latency) = first else { return };
        let job_id = pin.slot().job_id();
        diagnosis.cancel_to_seen.record(latency);
        diagnosis.observers.emit(|| Event {
            kind: EventKind::CancelSeen,
            time_ns: now_ns,
            job_id,
            token: cancelled,
            thread,
            cause: cause as u32,
            duration_ns: latency,
            details: self.details_of(pin.index(), ""),
            ..Event::default()
        });
        diagnosis.timeline.note(|| {
            let kind = MomentKind::PollSeen { cause: cause.name(), latency_ns: latency };
            let text = self.show_reason(&by, EventText::new);
            Moment::since(now_ns, kind, job_id, text).of_trace(self.own_trace(pin.index()))
        });
    }

    /// Notes that the job of a token has entered another state. The job keeps the token alive.
    #[inline]
    pub(crate) fn note_state(
        &self,
        token: &TokenPin<'_>,
        job_id: u64,
        state: JobState,
        label: impl Fn() -> EventText,
    ) {
        let slot = token.slot();
        if state == JobState::Pending {
            slot.cold.job_id.store(job_id, Ordering::Relaxed);
            if self.is_new_traced() {
                self.set_trace_flag(token.index(), true);
            }
        }
        let flags = slot.state().load(Ordering::Relaxed);
        if flags & FOREIGN != 0 {
            self.note_check(token, state, clock::now_ns());
        }
        let traced = flags & TRACED != 0;
        let has_nothing_to_note = || !state.is_terminal() || slot.cold.watched.ends_unnoted();
        if traced || self.diagnosis().observers.any() || !has_nothing_to_note() {
            self.tell_state(token, job_id, state, traced, &label);
        }
    }

    /// As `note_state`, out of line: an observer listens, or the token has a watch.
    #[cold]
    #[inline(never)]
    fn tell_state(
        &self,
        token: &TokenPin<'_>,
        job_id: u64,
        state: JobState,
        traced: bool,
        label: &dyn Fn() -> EventText,
    ) {
        let diagnosis = self.diagnosis();
        let watched = &token.slot().cold.watched;
        let now_ns = clock::now_ns();
        let mut duration_ns = 0;
        if watched.is_on() {
            let place = match state {
                JobState::Running => Some(Place::Begin),
                state if state.is_terminal() => Some(Place::End),
                _ => None,
            };
            if let (true, Some(place)) = (traced, place) {
                diagnosis.watches.sign_of_life(watched, system_thread::current(), place, now_ns);
            }
            if state.is_terminal()
                && let Some(latency) = diagnosis.watches.ended(watched, now_ns)
            {
                diagnosis.cancel_to_end.record(latency);
                duration_ns = latency;
            }
        }
        diagnosis.observers.emit(|| Event {
            kind: EventKind::JobState,
            time_ns: now_ns,
            job_id,
            token: token.handle(),
            thread: system_thread::current(),
            state: state as u32,
            duration_ns,
            text: label(),
            details: self.details_of(token.index(), ""),
            ..Event::default()
        });
    }

    /// Switches the trace of a pinned token's polls on or off. False: the token is not watched, so
    /// nothing was switched.
    pub fn set_traced(&self, token: &TokenPin<'_>, is_traced: bool) -> bool {
        if !token.slot().cold.watched.is_on() {
            return false;
        }
        self.set_trace_flag(token.index(), is_traced);
        true
    }

    fn set_trace_flag(&self, index: u32, is_traced: bool) {
        let slot = self.arena().slot(index);
        let state = slot.state();
        let _lock = (!crate::weakened!("trace_flag_under_lock")).then(|| slot.lock());
        if is_traced {
            // The trace begins before the flag is set, so a poll that sees the flag belongs to the
            // new trace.
            if state.load(Ordering::Relaxed) & TRACED == 0 {
                self.diagnosis().watches.begin_trace(&slot.cold.watched);
            }
            state.fetch_or(TRACED, Ordering::Relaxed);
        } else {
            state.fetch_and(!TRACED, Ordering::Relaxed);
        }
    }

    /// Switches the trace of all jobs on or off, also of jobs that are made from now on.
    pub fn trace_all(&self, is_traced: bool) {
        self.bury_all(self.trace_each(is_traced));
    }

    /// As `trace_all`, but leaves the burials of tokens, which run destroy-notifies, to the
    /// callback thread.
    pub fn trace_all_deferred(&self, is_traced: bool) {
        self.defer(Chain::EMPTY, self.trace_each(is_traced));
    }

    /// Sets or clears the trace flag of all jobs' tokens. Returns the tokens that died when this
    /// let go of them, for the caller to bury.
    fn trace_each(&self, is_traced: bool) -> Dead {
        let mut dead = Dead::NOBODY;
        self.diagnosis().trace_all.swap(u32::from(is_traced), Ordering::AcqRel);
        for (index, slot) in self.arena().slots() {
            if !self.arena().pin_index(index) {
                continue;
            }
            if slot.job_id() != 0 {
                self.set_trace_flag(index, is_traced);
            }
            if self.arena().unpin(index) {
                dead.add(self.arena(), index);
            }
        }
        dead
    }

    /// Whether a new job is to be traced. Asked after the job's id was written into its token.
    fn is_new_traced(&self) -> bool {
        let switch = &self.diagnosis().trace_all;
        let newest = || switch.fetch_or(0, Ordering::AcqRel);
        let any = || switch.load(Ordering::Relaxed);
        (if crate::weakened!("trace_reads_after_publish") { any() } else { newest() }) != 0
    }
}
