//! Posting a job and waiting for it, with a bound on the time.
//!
//! When the time is over the poster takes the job back, if it still waits: it never runs then. Else it
//! has started, and is asked to stop. Of the two exactly one is so, because both are decided under
//! the lock of the queue's lists.

use crate::context::ThisThread;
use crate::dispatcher::{DispatcherPin, Dispatchers};
use crate::error::Error;
use crate::handle::Handle;
use crate::job::{JobPin, JobState};
use crate::post::{Accepted, Post};
use crate::posted::Stage;
use crate::run::Slice;
use crate::sys::clock;
use crate::sys::sync::Ordering;
use crate::sys::work::Work;
use crate::token::{Cause, TokenPin};

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The job is over. So are its completion and its destroy-notify, unless it never ran or ended
    /// between two slices.
    Over,
    /// The time was over before it started; it never runs.
    TimedOut,
    /// The thread is stuck in another job; this one never runs.
    Wedged,
    /// The time was over after it started; it was asked to stop.
    Started,
}

/// What came of a job that was waited for.
#[derive(Clone, Copy, Debug)]
pub struct Waited {
    /// The job, with a reference for the poster.
    pub job: Handle,
    /// Why the wait ended.
    pub end: WaitEnd,
    /// Where the job stands.
    pub state: JobState,
}

impl Dispatchers {
    /// Posts a job and waits until it is over, at most until a time on the library's clock. On the
    /// dispatcher's own thread it runs at once, all its slices.
    pub fn post_and_wait<'a>(
        &'a self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'a>,
        post: &Post<'_>,
        work: Work,
        until_ns: Option<u64>,
    ) -> Result<Waited, (Error, Work)> {
        let here = thread.record.number();
        let inline = Self::is_on_its_thread(dispatcher, here) && !post.elsewhere;
        let stage = if inline { Stage::Running } else { Stage::Queued };
        let accepted = self.submit(dispatcher, post, work, stage, here)?;
        if inline {
            self.run_inline(thread, dispatcher, accepted.number);
        }
        // A stuck thread holds up only what it has to run itself.
        let wedge_ns = dispatcher.slot().live().wedge_ns().filter(|_| !post.elsewhere);
        let end = self.wait_for(dispatcher, accepted, until_ns, wedge_ns, here);
        let waited = Waited { job: accepted.job, end, state: self.state_of(accepted) };
        self.queues().posted().drop_hold(accepted.number);
        Ok(waited)
    }

    fn state_of(&self, accepted: Accepted) -> JobState {
        let job = JobPin::new(self.jobs(), accepted.job);
        job.map_or(JobState::Interrupted, |job| self.jobs().state(&job))
    }

    fn run_inline<'a>(
        &'a self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'a>,
        number: u32,
    ) {
        let live = dispatcher.slot().live();
        if self.queues().is_closed(dispatcher.queue()) {
            // The shutdown may have looked for running jobs before this one was among them.
            self.stop_running(dispatcher.queue());
        }
        let Some(job) = self.job_of(number) else { return };
        let outer_job =
            self.queues().set_busy(dispatcher.queue(), self.jobs().id(&job), clock::now_ns());
        // Inside a pump's job as well as outside, nothing else of the dispatcher runs meanwhile.
        let outer = live.pumping.swap(1, Ordering::Relaxed);
        let mut first = true;
        while self.run_slice(thread, dispatcher, &job, number, first) == Slice::Again {
            first = false;
        }
        drop(job);
        self.queues().set_busy(dispatcher.queue(), outer_job.0, outer_job.1);
        self.queues().ran(dispatcher.queue(), number, false);
        self.finish(dispatcher, number);
        live.pumping.store(outer, Ordering::Relaxed);
    }

    fn wait_for(
        &self,
        dispatcher: &DispatcherPin<'_>,
        accepted: Accepted,
        until_ns: Option<u64>,
        wedge_ns: Option<u64>,
        here: u64,
    ) -> WaitEnd {
        let cell = self.queues().posted().cell(accepted.number);
        loop {
            let mut body = cell.body();
            let stage = cell.stage();
            // The thread that would complete it must not wait for that.
            if body.is_over || stage == Stage::Ran && Self::is_on_its_thread(dispatcher, here) {
                return WaitEnd::Over;
            }
            if matches!(stage, Stage::Cancelled | Stage::ShutDown | Stage::OwnerClosed) {
                drop(body);
                self.end_early(accepted, stage);
                return WaitEnd::Over;
            }
            let now_ns = clock::now_ns();
            let stuck_at = wedge_ns.map(|wedge_ns| {
                let (_, since_ns) = self.queues().busy(dispatcher.queue());
                let since_ns = if since_ns == 0 { now_ns } else { since_ns };
                since_ns.saturating_add(wedge_ns)
            });
            let stuck_at = stuck_at.filter(|_| stage == Stage::Queued);
            let is_stuck = stuck_at.is_some_and(|time| time <= now_ns);
            if is_stuck || until_ns.is_some_and(|time| time <= now_ns) {
                drop(body);
                if self.queues().claim(accepted.id, Stage::Cancelled, false).is_some() {
                    self.end_early(accepted, Stage::Cancelled);
                    self.ask_to_stop(accepted);
                    self.queues().wake(self.owners(), dispatcher.queue());
                    return if is_stuck { WaitEnd::Wedged } else { WaitEnd::TimedOut };
                }
                if cell.body().is_over {
                    return WaitEnd::Over;
                }
                if !is_stuck {
                    self.ask_to_stop(accepted);
                    return WaitEnd::Started;
                }
                // It has just begun.
                continue;
            }
            cell.wait(&mut body, until_ns.into_iter().chain(stuck_at).min());
        }
    }

    /// Ends a job that never runs before its completion does, which is still to come.
    fn end_early(&self, accepted: Accepted, stage: Stage) {
        if let Ok(job) = JobPin::new(self.jobs(), accepted.job) {
            self.settle(&job, stage);
        }
    }

    fn ask_to_stop(&self, accepted: Accepted) {
        let Ok(job) = JobPin::new(self.jobs(), accepted.job) else { return };
        if let Ok(token) = TokenPin::new(self.tokens(), self.jobs().token(&job)) {
            self.tokens().cancel(&token, Cause::Deadline, "its poster's time was over");
        }
    }
}
