//! Running one posted job, or one slice of it, on the dispatcher's thread or on another.
//!
//! - The job and its parent token are in the thread's slots while the job's function runs. The
//!   slots are restored afterwards, whatever the function did to them.
//! - The function's answer, or its panic, ends the job, unless the job has ended already.
//! - A job that runs counts as in the hands of its thread until that thread has looked whether a
//!   close of the owner left the job's end to it.

use crate::diagnosis::events::EventText;
use crate::diagnosis::moment::{Moment, MomentKind};
use crate::diagnosis::timeline::Timeline;
use crate::dispatcher::stats::{Longest, Samples};
use crate::dispatcher::{DispatcherPin, Dispatchers};
use crate::error::{Error, panic_text};
use crate::job::Progress;
use crate::job::life::Begun;
use crate::job::texts::JobText;
use crate::job::{JobPin, JobState, LentJob};
use crate::memory::pin::Keeper;
use crate::memory::pool::NIL;
use crate::owner::Call;
use crate::owner::wait_graph::Inside;
use crate::queue::HeldQueue;
use crate::queue::posted::{HeldPosted, PostedCell, PostedId, Stage};
use crate::queue::stages::Until;
use crate::sys::host::Host;
use crate::sys::sync::Ordering;
use crate::sys::{clock, thread_identity};
use crate::thread::context::ThisThread;
use crate::thread::slice_clock;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A job's function answers this to be called again: on the dispatcher's thread in the next tick,
/// on another thread after the others had their turn.
pub const RUN_AGAIN: i32 = 100;

/// A job's function answers this to be called again after the job was woken.
pub const RUN_WHEN_WOKEN: i32 = 101;

/// A job's function answers this to be called again after the job was woken. Until then not even a
/// cancel ends the job, because another thread uses the data that it works on.
pub const RUN_AWAY: i32 = 102;

/// The answers by which a job's function says that it stopped because it was asked to. They are
/// those of a probe.
pub const STOPPED: RangeInclusive<i32> = 1..=3;

/// What became of one slice of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    /// The function was not called, and the job is over.
    LeftOut,
    /// The function was called for the last time.
    Last,
    /// The function was called, and wants to be called again.
    Again,
    /// The function wants to be called again once the job was woken.
    WhenWoken,
    /// As `WhenWoken`, but a cancel does not end the wait.
    Away,
}

impl Slice {
    /// Whether another slice of the job follows this one.
    pub(crate) fn goes_on(self) -> bool {
        matches!(self, Self::Again | Self::WhenWoken | Self::Away)
    }
}

/// Which thread runs a slice, and in which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunBy {
    /// The dispatcher's thread, in a pump.
    Pump,
    /// The job's poster, on the dispatcher's thread.
    Poster,
    /// A thread other than the dispatcher's.
    Worker,
}

impl<'a> Dispatchers<'a> {
    /// The job that a cell holds, pinned. `None`: the job was taken out of the cell, because it is
    /// over.
    pub(crate) fn job_of(self, held: &HeldPosted<'_>) -> Option<JobPin<'a>> {
        let _lock = held.cell().lock_to_take();
        let job = held.cell().task().job;
        let is_there = job != NIL && self.jobs().arena().pin_index(job);
        is_there.then(|| JobPin::take_over(self.jobs(), job))
    }

    /// Calls a job's function once on this thread, and ends the job if no other slice follows.
    /// `first`: the function was never called before.
    pub(crate) fn run_slice(
        self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'_>,
        job: &JobPin<'_>,
        held: &HeldPosted<'_>,
        first: bool,
        by: RunBy,
    ) -> Slice {
        let cell = held.cell();
        let Some(function) = cell.function() else { return Slice::LeftOut };
        let parent = cell.task().parent;
        let Some(may_follow) = self.may_run(job, cell, first) else { return Slice::LeftOut };
        let ticket = match self.contexts().lend(thread, parent, job) {
            Ok(ticket) => ticket,
            Err(error) => {
                self.fail(job, format_args!("{error}"));
                return Slice::LeftOut;
            }
        };
        let call = self.owners().enter_here(cell.owned.get());
        if first && call.is_open {
            dispatcher.slot().live().statistics().executed.one(by != RunBy::Worker);
        }
        let answer =
            call.is_open.then(|| catch_unwind(AssertUnwindSafe(|| function.call(job.handle()))));
        self.owners().leave(call);
        // An error means that the function itself unwound to a ticket before this one, which has
        // restored the slots, too.
        let _ = self.contexts().unwind(thread.slots, ticket);
        match answer {
            None => {
                self.end_job(job, JobState::Interrupted, "its owner was closed");
                Slice::LeftOut
            }
            Some(Ok(answer)) => self.end_slice(job, answer, by, may_follow),
            Some(Err(panic)) => {
                self.end_job(job, JobState::Failed, panic_text(&*panic));
                Slice::Last
            }
        }
    }

    /// Begins the job if this is its first slice, and decides whether it runs. A cancelled job is
    /// ended, unless its function has begun and is to unwind. `None`: the job does not run.
    /// Otherwise the answer is whether another slice may follow if a cancel comes during this one.
    fn may_run(self, job: &JobPin<'_>, cell: &PostedCell, first: bool) -> Option<bool> {
        // An error of `begin`: the job has ended, or a thread that has its handle began it.
        let is_cancelled = match first.then(|| self.jobs().begin(job)) {
            Some(begun) => begun == Ok(Begun::Cancelled),
            None => self.jobs().is_cancelled(job),
        };
        let unwinds = cell.unwinds();
        if is_cancelled && (first || !unwinds) {
            self.end_job(job, JobState::Cancelled, "");
        }
        (!self.jobs().state(job).is_terminal()).then_some(unwinds && !is_cancelled)
    }

    /// Ends the job as its function answered, unless the function is to be called again. After a
    /// cancel it is called again only if `may_follow`.
    fn end_slice(self, job: &JobPin<'_>, answer: i32, by: RunBy, may_follow: bool) -> Slice {
        match answer {
            0 => self.end_job(job, JobState::Completed, ""),
            answer if STOPPED.contains(&answer) => self.end_job(job, JobState::Cancelled, ""),
            RUN_AGAIN | RUN_WHEN_WOKEN | RUN_AWAY if self.jobs().state(job).is_terminal() => (),
            RUN_AWAY if by == RunBy::Pump => return Slice::Away,
            RUN_AGAIN | RUN_WHEN_WOKEN if self.jobs().is_cancelled(job) => {
                if may_follow {
                    return Slice::Again;
                }
                self.end_job(job, JobState::Cancelled, "");
            }
            RUN_AGAIN => return Slice::Again,
            RUN_WHEN_WOKEN if by == RunBy::Pump => return Slice::WhenWoken,
            RUN_WHEN_WOKEN | RUN_AWAY => self.fail(
                job,
                format_args!(
                    "its function answered {}, which only a pump can do; post it without \
                     DCC_POST_ANY_THREAD, and do not wait for it on its own thread",
                    if answer == RUN_AWAY { "DCC_RUN_AWAY" } else { "DCC_RUN_WHEN_WOKEN" }
                ),
            ),
            answer => self.fail(job, format_args!("its function answered {answer}")),
        }
        Slice::Last
    }

    /// Runs a job, or its next slice, on the dispatcher's thread. `began_ns` is the time at which
    /// the thread turned to the job. Returns what became of the slice, and the time now. If the job
    /// is over now, the caller has to count it out.
    pub(crate) fn run_here(
        self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'a>,
        held: HeldPosted<'_>,
        first: bool,
        began_ns: u64,
        samples: &mut Samples<'_>,
    ) -> (Slice, u64) {
        let queue = dispatcher.queue();
        let cell = held.cell();
        // The cell's hold keeps the job until this thread takes it out of the cell.
        let job = LentJob::new(self.jobs(), cell.task().job);
        let in_hand = self.in_hand(cell);
        let job_id = self.jobs().id(&job);
        let busy = self.queues().hold_thread(queue, job_id, began_ns);
        let slice = self.run_slice(thread, dispatcher, &job, &held, first, RunBy::Pump);
        let now_ns = clock::now_ns();
        self.queues().stops_here(queue);
        busy.note(job_id, now_ns);
        self.note_slice(&job, began_ns, slice.goes_on());
        let waited_ns = first.then(|| {
            let posted_ns = cell.posted_ns.load(Ordering::Relaxed);
            began_ns.saturating_sub(posted_ns)
        });
        let nanoseconds = now_ns.saturating_sub(began_ns);
        if samples.note_slice(waited_ns, nanoseconds) {
            dispatcher.slot().live().statistics().note_longest(Longest {
                nanoseconds,
                job_id,
                label: self.label(&job),
            });
        }
        if slice.goes_on() {
            let until = match slice {
                Slice::Away => Until::WokenAlone,
                Slice::WhenWoken => Until::Woken,
                _ => Until::NextTick,
            };
            self.queues().park(queue, &held, until);
        } else {
            // No lock is needed: no list has a job that runs here.
            cell.set_stage(Stage::Ran);
        }
        self.look_again(&job, &held, thread.record.number());
        self.owners().leave(in_hand);
        let is_told = if slice.goes_on() {
            self.show_progress(dispatcher, &job, &held, now_ns);
            // The job is in the queue again, and only this thread completes it. So its hold goes
            // back to the queue.
            held.leave();
            dispatcher.slot().live().progress_interval_ns().is_some()
        } else {
            self.finish_noted(dispatcher, held, &job)
        };
        drop(busy);
        let now_ns = if is_told { clock::now_ns() } else { now_ns };
        (slice, now_ns)
    }

    /// Wakes a posted job. False: the job was not posted, or its poster runs it at once.
    pub fn wake_job(self, job: &JobPin<'_>) -> bool {
        let posted = self.posted_as(job);
        posted.map(|posted| self.tokens().wake_job(posted)).is_some()
    }

    /// The id of a job's post. `None`: the job was not posted, or its poster runs it at once.
    pub fn posted_as(self, job: &JobPin<'_>) -> Option<PostedId> {
        let posted = self.tokens().posted(self.jobs().token_held_by(job).index());
        (posted != PostedId::NONE).then_some(posted)
    }

    /// Marks a job that runs as in the hands of this thread, until the result is passed to
    /// `Owners::leave`. The close of the job's owner waits for that.
    #[inline]
    pub(crate) fn in_hand(self, cell: &PostedCell) -> Call {
        self.owners().enter_here(cell.owned.get())
    }

    /// Runs a job, or its next slice, on this thread, which is not the dispatcher's. Any id may
    /// come.
    pub fn run_elsewhere(self, thread: ThisThread<'_, 'a>, id: PostedId) {
        self.run_slice_elsewhere(thread, id, true);
    }

    /// As `run_elsewhere`. `hands_on`: this call finds a thread for the slice after this one;
    /// otherwise the caller has to call again. False: this call ran nothing, because the job runs
    /// no more or another thread runs it.
    pub(crate) fn run_slice_elsewhere(
        self,
        thread: ThisThread<'_, 'a>,
        id: PostedId,
        hands_on: bool,
    ) -> bool {
        let Some((held, first)) = self.queues().begin_elsewhere(id) else { return false };
        // While the job runs, no other thread can end it. The close of the job's owner could, but
        // waits for this thread.
        let cell = held.cell();
        let index = cell.task().dispatcher;
        let is_pinned = self.arena().pin_index(index);
        debug_assert!(is_pinned, "its job holds it");
        let dispatcher = DispatcherPin::take_over(self, index);
        let queue = dispatcher.queue();
        if let Some(job) = self.job_of(&held) {
            if first {
                let statistics = dispatcher.slot().live().statistics();
                let posted_ns = cell.posted_ns.load(Ordering::Relaxed);
                statistics.note_wait(clock::now_ns().saturating_sub(posted_ns));
            }
            let began_ns = clock::now_ns();
            let in_hand = self.in_hand(cell);
            let waits_before = self.owners().waits().begun();
            let inside = Inside { thread: thread_identity::current(), waits_before };
            cell.set_inside(Some(inside));
            // The slice has no end, even inside a job of this thread whose own slice has one.
            let begun = thread.record.slice.begin(began_ns, slice_clock::NEVER);
            let slice = self.run_slice(thread, &dispatcher, &job, &held, first, RunBy::Worker);
            drop(begun);
            cell.set_inside(None);
            self.note_slice(&job, began_ns, slice == Slice::Again);
            let is_parked = if slice == Slice::Again {
                self.queues().park(queue, &held, Until::Elsewhere)
            } else {
                self.queues().ran(queue, &held, true);
                false
            };
            let is_claimed = self.look_again(&job, &held, thread.record.number());
            self.owners().leave(in_hand);
            if slice != Slice::Again {
                cell.notify();
            }
            if is_claimed || !is_parked {
                self.queues().wake(self.owners(), queue);
            } else if hands_on && let Err(error) = self.hand_out(queue, id, cell.lane()) {
                // The job ends before the claim: after it, the completion may run.
                if matches!(error, Error::ShutDown) {
                    self.end_job(&job, JobState::Interrupted, "");
                } else {
                    self.fail(&job, format_args!("no thread for its next slice: {error}"));
                }
                self.queues().claim(id, Stage::Ran, true);
                self.queues().wake(self.owners(), queue);
            }
        }
        true
    }

    /// Whether this thread is one of those that run the dispatcher's jobs that may run on any
    /// thread: a worker of the library, or, if the host has its own pool, a thread that is inside
    /// such a job.
    pub(crate) fn is_where_they_run(self, queue: HeldQueue<'_>) -> bool {
        let here = thread_identity::current();
        if self.has_hosts_pool(queue) {
            self.queues().is_run_by(queue, here)
        } else {
            self.workers().has(here)
        }
    }

    /// Whether the host has a pool of its own for the queue's jobs that may run on any thread.
    /// False if the host's functions can no longer be called.
    pub(crate) fn has_hosts_pool(self, queue: HeldQueue<'_>) -> bool {
        self.queues().call_host(self.owners(), queue, Host::executes) == Some(true)
    }

    /// Whether the library has workers and each of them waits in a call of the library.
    pub(crate) fn do_all_workers_wait(self) -> bool {
        self.workers().are_all(|thread| self.owners().waits().since_ns(thread) != 0)
    }

    /// After a slice: a cancel or an owner's close that arrived while the job was running is ours
    /// to finish. True: the job was cancelled and waits for its completion, and the caller must
    /// wake the host. A close wakes the host itself.
    #[inline]
    pub(crate) fn look_again(self, job: &JobPin<'_>, held: &HeldPosted<'_>, here: u64) -> bool {
        let is_claimed = self.jobs().is_cancelled(job)
            && self.queues().claim(held.id(), Stage::Cancelled, true).is_some();
        if self.is_taken(held) && !crate::weakened!("runner_looks_for_close") {
            self.give_up(held, here);
        }
        is_claimed
    }

    pub(crate) fn timeline(self) -> &'a Timeline {
        &self.tokens().diagnosis().timeline
    }

    pub(crate) fn label(self, job: &JobPin<'_>) -> EventText {
        self.jobs().show_text(job, JobText::Label, EventText::new)
    }

    #[inline]
    fn note_slice(self, job: &JobPin<'_>, began_ns: u64, goes_on: bool) {
        self.timeline().note(|| {
            let kind = MomentKind::Job { goes_on };
            let trace = self.tokens().own_trace(crate::handle::index(self.jobs().token(job)));
            Moment::since(began_ns, kind, self.jobs().id(job), self.label(job)).of_trace(trace)
        });
    }

    /// Shows the host how far a job is, if that has changed and the last report is long enough ago.
    pub(crate) fn show_progress(
        self,
        dispatcher: &DispatcherPin<'_>,
        job: &JobPin<'_>,
        held: &HeldPosted<'_>,
        now_ns: u64,
    ) {
        let live = dispatcher.slot().live();
        let Some(interval_ns) = live.progress_interval_ns() else { return };
        let Progress { done, total } = self.jobs().progress(job);
        let (shown, shown_ns) = held.cell().shown();
        if done == shown || now_ns.saturating_sub(shown_ns) < interval_ns {
            return;
        }
        held.cell().set_shown(done, now_ns);
        let job = job.handle();
        self.queues().call_host(self.owners(), dispatcher.queue(), |host| {
            host.show_progress(job, done, total);
        });
    }
}
