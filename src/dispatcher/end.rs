//! Ending one posted job, for whatever reason it ends.
//!
//! 1. The thread that ends a job takes the work out of the cell first, so only one thread ends it.
//!    That is the dispatcher's thread, or the close of the owner of the job's functions. The close
//!    must not wait for the dispatcher's thread. If the close was first, the dispatcher's thread
//!    finds no work and does nothing.
//! 2. A job whose work was taken out is in the hands of the thread that took it, as a running job
//!    is. Between the run and that moment any close can end the job, even while its progress is
//!    shown for the last time.

use crate::diagnosis::moment::{Moment, MomentKind};
use crate::dispatcher::{DispatcherPin, Dispatchers};
use crate::handle::{self, Handle, NULL};
use crate::job::texts::JobText;
use crate::job::{JobPin, JobState, LentJob};
use crate::memory::pin::Keeper;
use crate::owner::wait_graph::Inside;
use crate::queue::HeldQueue;
use crate::queue::posted::{HeldPosted, PostedCell, Stage};
use crate::sys::sync::Ordering;
use crate::sys::work::Work;
use crate::sys::{clock, thread_identity};
use crate::thread::current::ErrorText;
use crate::token::TokenPin;
use std::fmt::{Arguments, Write};

/// Whether the completion is called when a job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Completion {
    /// The completion is called, unless the job's owner is being closed.
    UnlessClosing,
    /// The completion is called: the job's owner is being closed on the dispatcher's own thread.
    Always,
    /// The completion is not called: the job's owner is being closed on another thread.
    Never,
}

impl<'a> Dispatchers<'a> {
    /// Whether the owner of a job's functions is being closed, and the close has left the job's end
    /// to the thread that runs it.
    #[inline]
    pub(crate) fn is_taken(self, held: &HeldPosted<'_>) -> bool {
        let cell = held.cell();
        !cell.owned.get().is_none() && self.is_taken_from(cell)
    }

    #[inline(never)]
    fn is_taken_from(self, cell: &PostedCell) -> bool {
        let _lock = cell.lock_to_take();
        // `has_work` under the lock makes the answer right: a thread that takes the work parts the
        // job from its owner only afterwards.
        cell.has_work() && self.owners().was_taken(cell.owned.get())
    }

    /// Ends a posted job whose owner is being closed: strips it, and calls its completion if this
    /// is the dispatcher's thread. A job that runs is left to the thread that runs it.
    pub(crate) fn give_up(self, held: &HeldPosted<'_>, here: u64) {
        let (cell, id) = (held.cell(), held.id());
        while self.queues().claim(id, Stage::OwnerClosed, true).is_none() {
            match cell.stage() {
                // The job's poster, or the thread that runs it, looks for the close afterwards.
                Stage::Free | Stage::Running => return,
                // A slice ended after our claim had failed, so we claim once more.
                Stage::Queued | Stage::Parked => (),
                _ => break,
            }
        }
        let taken = {
            let _lock = cell.lock_to_take();
            cell.take_work().map(|work| {
                let task = cell.task();
                let job = self.jobs().arena().pin_index(task.job);
                let dispatcher = self.arena().pin_index(task.dispatcher);
                debug_assert!(job && dispatcher, "held until its work is gone");
                (
                    work,
                    JobPin::take_over(self.jobs(), task.job),
                    DispatcherPin::take_over(self, task.dispatcher),
                )
            })
        };
        let Some((work, job, dispatcher)) = taken else { return };
        let is_here = Self::is_on_its_thread(&dispatcher, here);
        let how = if is_here { Completion::Always } else { Completion::Never };
        let live = dispatcher.slot().live();
        let busy = is_here.then(|| {
            self.queues().hold_thread(dispatcher.queue(), self.jobs().id(&job), clock::now_ns())
        });
        if !is_here {
            let waits_before = self.owners().waits().begun();
            cell.set_inside(Some(Inside { thread: thread_identity::current(), waits_before }));
        }
        self.complete(&dispatcher, &job, cell, work, how, is_here);
        if !is_here {
            cell.set_inside(None);
        }
        self.jobs().completed(&job);
        cell.end();
        drop(busy);
        // The rest is left to the pump: to drop what the cell holds and to count the job out.
        if !is_here || live.pumping.load(Ordering::Relaxed) == 0 {
            self.queues().wake(self.owners(), dispatcher.queue());
        }
    }

    /// Completes a job that runs no more: settles how it ended, calls its completion and its
    /// destroy-notify, and counts it out. Only for the dispatcher's thread.
    pub(crate) fn finish(self, dispatcher: &DispatcherPin<'_>, held: HeldPosted<'_>) {
        let queue = dispatcher.queue();
        // The cell's hold keeps the job until this thread takes it out of the cell.
        let job = LentJob::new(self.jobs(), held.cell().task().job);
        let job_id = self.jobs().id(&job);
        let (_, since_ns) = self.queues().busy(queue);
        let since_ns = if since_ns == 0 { clock::now_ns() } else { since_ns };
        let busy = self.queues().hold_thread(queue, job_id, since_ns);
        self.finish_noted(dispatcher, held, &job);
        self.count_out(dispatcher, queue, 1);
        drop(busy);
    }

    /// As `finish`, for a job that the thread is already noted to be busy with. `job` is that job,
    /// lent by its cell. The caller counts the job out. True: a function of the host or of the job
    /// may have run, so the caller has to read the clock again.
    #[inline]
    pub(crate) fn finish_noted(
        self,
        dispatcher: &DispatcherPin<'_>,
        held: HeldPosted<'_>,
        job: &LentJob<'a>,
    ) -> bool {
        let cell = held.cell();
        let live = dispatcher.slot().live();
        // Progress is shown before the work is taken, because the host may close the job's owner in
        // that call, and a close can end the job only while its work is in the cell.
        let shows_progress = live.progress_interval_ns().is_some();
        if shows_progress
            && cell.has_work()
            && let Some(job) = self.job_of(&held)
        {
            self.conclude(dispatcher, &job, cell);
            self.show_progress(dispatcher, &job, &held, u64::MAX);
        }
        let lock = cell.lock_to_take();
        let (work, task) = cell.take();
        drop(lock);
        let job = JobPin::take_over_slot(self.jobs(), task.job, job.slot());
        let is_told = shows_progress || work.as_ref().is_none_or(Work::is_told_its_end);
        if let Some(work) = work {
            self.complete(dispatcher, &job, cell, work, Completion::UnlessClosing, true);
            self.jobs().let_go_completed(job);
            cell.end();
        } else {
            // The close of the job's owner has taken the work and completes the job.
            drop(job);
        }
        self.let_parent_go(task.parent);
        is_told
    }

    /// Settles how a job that runs no more has ended, and frees its caller id.
    #[inline]
    fn conclude(self, dispatcher: &DispatcherPin<'_>, job: &JobPin<'_>, cell: &PostedCell) {
        self.settle(job, cell.stage());
        self.tokens().disarm(&self.jobs().token_held_by(job));
        // This comes before the completion, which may post the next job with the same id.
        self.delist_job(dispatcher, job, cell);
    }

    /// Calls the completion and the destroy-notify of work that was just taken out of the cell.
    /// Afterwards the caller calls `PostedCell::end`. `is_here`: this is the dispatcher's thread.
    #[inline(always)]
    fn complete(
        self,
        dispatcher: &DispatcherPin<'_>,
        job: &JobPin<'_>,
        cell: &PostedCell,
        work: Work,
        how: Completion,
        is_here: bool,
    ) {
        let call = self.owners().enter_last_here(cell.owned.take());
        self.conclude(dispatcher, job, cell);
        let state = self.jobs().state(job);
        debug_assert!(state.is_terminal(), "{state:?} is no end");
        cell.note_end(state);
        let statistics = dispatcher.slot().live().statistics();
        statistics.ended(state, is_here);
        if how == Completion::Always || how == Completion::UnlessClosing && call.is_open {
            let timeline = self.timeline();
            let began_ns = timeline.is_on().then(clock::now_ns);
            work.complete(job.handle(), state as i32);
            if let Some(began_ns) = began_ns.filter(|_| work.has_completion()) {
                let kind = MomentKind::Completion { state };
                let (id, label) = (self.jobs().id(job), self.label(job));
                timeline.note(|| Moment::since(began_ns, kind, id, label));
            }
        } else if work.has_completion() {
            statistics.completions_dropped.one();
        }
        work.into_payload().destroy();
        self.owners().leave(call);
    }

    /// Ends a job as its stage says. A job that ran has already ended by its own answer.
    #[inline(always)]
    pub(crate) fn settle(self, job: &JobPin<'_>, stage: Stage) {
        match stage {
            Stage::Cancelled => self.end_job(job, JobState::Cancelled, ""),
            Stage::ShutDown => {
                self.end_job(job, JobState::Interrupted, "its dispatcher was closed");
            }
            Stage::OwnerClosed | Stage::Withdrawn => {
                self.end_job(job, JobState::Interrupted, "its owner was closed");
            }
            _ => (),
        }
    }

    /// Ends a job. If it has ended before, that end stays.
    #[inline]
    pub(super) fn end_job(self, job: &JobPin<'_>, state: JobState, text: &str) {
        if self.jobs().end(job, state, text).is_err() {
            self.fail_untold(job);
        }
    }

    /// Ends a job as failed, without a text, after another end was refused: there was no memory for
    /// the text of that end, or the job has not begun, so it cannot end as completed.
    #[cold]
    fn fail_untold(self, job: &JobPin<'_>) {
        let _ = self.jobs().end(job, JobState::Failed, "");
    }

    #[cold]
    pub(super) fn fail(self, job: &JobPin<'_>, why: Arguments<'_>) {
        let mut text = ErrorText::EMPTY;
        let _ = text.write_fmt(why);
        self.end_job(job, JobState::Failed, text.as_str());
    }

    #[inline]
    pub(crate) fn delist_job(
        self,
        dispatcher: &DispatcherPin<'_>,
        job: &JobPin<'_>,
        cell: &PostedCell,
    ) {
        if cell.has_caller_id.load(Ordering::Relaxed) != 0 {
            self.delist_named(dispatcher, job, cell);
        }
    }

    #[inline(never)]
    fn delist_named(self, dispatcher: &DispatcherPin<'_>, job: &JobPin<'_>, cell: &PostedCell) {
        if cell.has_caller_id.swap(0, Ordering::Relaxed) != 0 {
            self.jobs().show_text(job, JobText::CallerId, |id| self.delist(dispatcher, id));
        }
    }

    /// Drops the pins of a job that was not accepted: the job's and its parent token's.
    #[inline]
    pub(crate) fn let_go(self, job: JobPin<'_>, parent: Handle) {
        drop(job);
        self.let_parent_go(parent);
    }

    #[inline]
    fn let_parent_go(self, parent: Handle) {
        if parent != NULL {
            drop(TokenPin::take_over(self.tokens(), handle::index(parent)));
        }
    }

    /// Counts out `count` jobs that are over. If they were the last ones of a closed queue, this
    /// gives back the reference to the dispatcher that the queue holds.
    pub(crate) fn count_out(
        self,
        dispatcher: &DispatcherPin<'_>,
        queue: HeldQueue<'_>,
        count: u64,
    ) {
        if self.queues().finished(queue, count) {
            dispatcher.end_with_queue();
        }
    }
}
