//! Posting a job and waiting for it, with a bound on the time.
//!
//! 1. When the time is over and the job still waits, the poster takes it back, and it never runs.
//!    If the job has started, the poster asks it to stop. Exactly one of the two happens, because
//!    both are decided under the lock of the queue's lists.
//! 2. The poster waits for the dispatcher's thread, which has to run the job or its completion. If
//!    another thread runs the job, the poster waits for that thread, too.
//! 3. The wait begins in the wait graph before the job is posted. A wait that would wait for itself
//!    is refused before the post takes anything from the caller. The graph cannot know of a thread
//!    that waits for another in its own way; such a ring is broken by the wedge threshold.
//! 4. No poster waits for a dispatcher's thread that has ended. A poster that pushed before the end
//!    is woken; one that pushes later sees the end before it sleeps.
//! 5. The poster asks hosts' own checks while it waits, without holding the lock: those of the
//!    job's parent and of the tokens that are current on its thread.
//! 6. A poster whose thread is one of those that run the jobs for any thread runs its job itself
//!    instead of waiting for it. If all such threads waited, none would be left to run the jobs
//!    that they wait for.
//! 7. A poster on any other thread runs its job for any thread itself when all workers wait,
//!    because a worker may be waiting for the poster.

use crate::dispatcher::post::{Accepted, Post, Start};
use crate::dispatcher::run::{RunBy, Slice};
use crate::dispatcher::{DispatcherPin, Dispatchers};
use crate::error::Error;
use crate::handle::Handle;
use crate::job::{JobPin, JobState, id_of};
use crate::owner::wait_graph::{Blocker, Wait};
use crate::queue::HeldQueue;
use crate::queue::posted::{HeldPosted, PostedId, Stage};
use crate::sys::sync::Ordering;
use crate::sys::work::Work;
use crate::sys::{clock, thread_identity};
use crate::thread::context::ThisThread;
use crate::thread::slice_clock;
use crate::token::Cause;

/// How a poster's wait for its job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The job is over, and so are its completion and its destroy-notify. For a job that never ran
    /// or that ended between two slices, those two may still be to come.
    Over,
    /// The poster's time was over before the job started. The job never runs.
    TimedOut,
    /// The wait was hopeless, and the job never runs: the dispatcher's thread is stuck in something
    /// else or has ended, or the wait would wait for itself.
    Wedged,
    /// The poster's time was over after the job started. Either the job was asked to stop, or it
    /// has run and its completion is still to come, perhaps because the thread for that is stuck.
    Started,
}

/// How long a poster waits.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// The poster waits until this time on the library's clock; `None`: for ever.
    until_ns: Option<u64>,
    /// Whether a wait for the thread that runs the job would close a ring of waits.
    is_hopeless: bool,
    /// Whether the job runs on another thread than the dispatcher's.
    is_elsewhere: bool,
    /// Whether the poster runs the job itself when all workers wait.
    helps_workers: bool,
}

/// The interval at which a poster looks whether all workers wait.
const LOOK_NS: u64 = 50_000_000;

/// A time limit that is at least this far away, an hour, counts as no limit.
const NO_LIMIT_NS: u64 = 3_600_000_000_000;

/// An accepted job, with the poster's hold of its cell.
#[derive(Debug)]
struct Awaited<'a> {
    job: Handle,
    parent: Handle,
    id: PostedId,
    held: HeldPosted<'a>,
}

/// The outcome of a job that was waited for.
#[derive(Clone, Copy, Debug)]
pub struct WaitedJob {
    /// The job, with a reference for the poster.
    pub job: Handle,
    pub end: WaitEnd,
    /// The job's state when the wait ended.
    pub state: JobState,
}

impl<'a> Dispatchers<'a> {
    /// Posts a job and waits until it is over, at most until `until_ns` on the library's clock;
    /// `None`: without a limit. On an error nothing was posted and the work comes back. On the
    /// dispatcher's own thread the job runs at once, with all its slices. A job that may run on any
    /// thread runs on the threads for such jobs.
    pub fn post_and_wait(
        self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'a>,
        post: &Post<'_>,
        work: Work,
        until_ns: Option<u64>,
    ) -> Result<WaitedJob, (Error, Work)> {
        let here = thread.record.number();
        let is_here = Self::is_on_its_thread(dispatcher, here);
        let inline = is_here && !post.elsewhere;
        let by_poster = post.elsewhere && !is_here && self.is_where_they_run(dispatcher.queue());
        let helps_workers = post.elsewhere && self.helps_workers(dispatcher.queue(), until_ns);
        let start = match (inline, by_poster) {
            (true, _) => Start::AtOnce,
            (false, true) => Start::ByPoster,
            (false, false) => Start::InTurn,
        };
        let wait = match self.begin_wait(thread, dispatcher, inline, is_here) {
            Ok(wait) => wait,
            Err(error) => return Err((error, work)),
        };
        let accepted = self.submit(dispatcher, post, work, start, true, here);
        let waited = accepted.map(|Accepted { job, id, held }| {
            let held = held.expect("the poster waits for it");
            let accepted = Awaited { job, parent: post.parent, id, held };
            if inline {
                self.run_inline(thread, dispatcher, &accepted.held);
            }
            if by_poster {
                let has_time = || until_ns.is_none_or(|time| clock::now_ns() < time);
                while has_time() && self.run_slice_elsewhere(thread, accepted.id, false) {}
            }
            let is_hopeless = wait.as_ref().is_some_and(|wait| {
                post.elsewhere
                    && !by_poster
                    && self.also_wait_for(wait, &accepted) == Err(Error::WouldDeadlock)
            });
            let is_elsewhere = post.elsewhere;
            let patience = Patience { until_ns, is_hopeless, is_elsewhere, helps_workers };
            let end = self.wait_for(thread, dispatcher, &accepted, patience);
            WaitedJob { job: accepted.job, end, state: self.state_of(&accepted) }
        });
        if let Some(wait) = wait {
            self.owners().waits().end(wait);
        }
        waited
    }

    /// Whether a poster of a job for any thread runs the job when all workers wait. It does not do
    /// so in place of a host's pool, nor when it has a time limit, because the job might overrun
    /// that.
    fn helps_workers(self, queue: HeldQueue<'_>, until_ns: Option<u64>) -> bool {
        let is_limited = until_ns.is_some_and(|time| time < clock::now_ns() + NO_LIMIT_NS);
        !is_limited && !self.has_hosts_pool(queue)
    }

    fn begin_wait(
        self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'_>,
        inline: bool,
        is_here: bool,
    ) -> Result<Option<Wait>, Error> {
        if inline {
            return Ok(None);
        }
        let queue = dispatcher.queue();
        let its_thread = !is_here && !crate::weakened!("wait_for_its_thread");
        let blocker = if its_thread { Blocker::Dispatcher(queue.id()) } else { Blocker::Unknown };
        let calls = self.tokens().calls();
        let (here, current) = (thread_identity::current(), thread.slots.jobs());
        self.owners().waits().begin_within(&calls, here, blocker, current).map(Some)
    }

    /// Notes in the wait graph that the poster also waits for the thread that runs its job.
    /// `WouldDeadlock`: that would close a ring of waits.
    fn also_wait_for(self, wait: &Wait, accepted: &Awaited<'_>) -> Result<(), Error> {
        let blocker = Blocker::Posted(accepted.held.number());
        self.owners().waits().also(&self.tokens().calls(), wait, blocker)
    }

    /// The state of the job. The job may be gone before its poster looks, if its functions released
    /// the poster's reference. The cell, which the poster holds, then knows how the job ended.
    fn state_of(self, accepted: &Awaited<'_>) -> JobState {
        let ended = match accepted.held.cell().ended() {
            Some(_) if crate::weakened!("cell_knows_the_end") => None,
            ended => ended,
        };
        let present = || JobPin::new(self.jobs(), accepted.job).map(|job| self.jobs().state(&job));
        ended.or_else(|| present().ok()).unwrap_or(JobState::Interrupted)
    }

    fn run_inline(
        self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'a>,
        held: &HeldPosted<'_>,
    ) {
        let live = dispatcher.slot().live();
        let in_hand = self.in_hand(held.cell());
        if self.queues().is_closed(dispatcher.queue()) {
            // A shutdown may have looked for running jobs before this one was among them.
            self.stop_running(dispatcher.queue());
        }
        if let Some(job) = self.job_of(held) {
            let queue = dispatcher.queue();
            let busy = self.queues().hold_thread(queue, self.jobs().id(&job), clock::now_ns());
            // Meanwhile this thread must neither run nor complete another job of the dispatcher,
            // whether this is inside a pump's job or not.
            let outer = live.pumping.swap(1, Ordering::Relaxed);
            let mut first = true;
            // The slice has no end, even inside a job whose own slice has one.
            let begun = thread.record.slice.begin(clock::now_ns(), slice_clock::NEVER);
            while self.run_slice(thread, dispatcher, &job, held, first, RunBy::Poster)
                == Slice::Again
            {
                first = false;
            }
            drop(begun);
            self.queues().ran(queue, held, false);
            self.look_again(&job, held, thread.record.number());
            self.owners().leave(in_hand);
            drop(job);
            // This takes over the hold of the queue, which ends here.
            self.finish(dispatcher, HeldPosted::take_over(self.queues().posted(), held.number()));
            live.pumping.store(outer, Ordering::Relaxed);
            drop(busy);
        } else {
            self.owners().leave(in_hand);
        }
    }

    /// The id of the job that keeps a dispatcher's thread busy, and since when. Id 0 with a time:
    /// the thread is in something else that the library knows of, such as a wait. Time 0: nothing
    /// that the library knows of keeps the thread.
    pub fn kept(self, queue: HeldQueue<'_>) -> (u64, u64) {
        let (job, since_ns) = self.queues().busy(queue);
        if since_ns != 0 {
            return (job, since_ns);
        }
        let thread = self.queues().thread(queue);
        (0, thread.map_or(0, |inside| self.owners().waits().since_ns(inside.thread)))
    }

    fn wait_for(
        self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'_>,
        accepted: &Awaited<'_>,
        patience: Patience,
    ) -> WaitEnd {
        let Patience { until_ns, is_hopeless, is_elsewhere, helps_workers } = patience;
        let here = thread.record.number();
        let cell = accepted.held.cell();
        let asker = thread.slots.asker(self.tokens());
        loop {
            // A host's check of the parent that says "stop" cancels the parent, and that cancel
            // takes the job out of its queue. Otherwise the job has to see the stop itself.
            let ask_at = self.tokens().ask_while_waiting(asker, &[accepted.parent]);
            let mut lock = cell.lock();
            let stage = cell.stage();
            // On the thread that has to run the completion we must not wait for the completion.
            if cell.is_over() || stage == Stage::Ran && Self::is_on_its_thread(dispatcher, here) {
                return WaitEnd::Over;
            }
            if matches!(stage, Stage::Cancelled | Stage::ShutDown | Stage::OwnerClosed) {
                drop(lock);
                self.end_early(accepted, stage);
                return WaitEnd::Over;
            }
            let now_ns = clock::now_ns();
            // Whether the job needs the dispatcher's thread now.
            let needs_it = stage == Stage::Ran || stage == Stage::Queued && !is_elsewhere;
            let stuck_at = needs_it.then(|| self.stuck_at(dispatcher, accepted, now_ns)).flatten();
            let is_orphaned =
                (!is_elsewhere || stage == Stage::Ran) && Self::is_orphaned(dispatcher);
            let is_hopeless = is_hopeless || is_orphaned;
            let is_stuck = stuck_at.is_some_and(|time| time <= now_ns);
            if is_hopeless || is_stuck || until_ns.is_some_and(|time| time <= now_ns) {
                drop(lock);
                match self.give_up_waiting(dispatcher, accepted, is_hopeless, is_stuck) {
                    Some(end) => return end,
                    None => continue,
                }
            }
            let helps = helps_workers && matches!(stage, Stage::Queued | Stage::Parked);
            if helps && self.do_all_workers_wait() && !crate::weakened!("posters_help") {
                drop(lock);
                self.run_slice_elsewhere(thread, accepted.id, true);
                continue;
            }
            let look_at = helps.then(|| now_ns.saturating_add(LOOK_NS));
            cell.wait(&mut lock, [until_ns, stuck_at, look_at, ask_at].into_iter().flatten().min());
        }
    }

    /// The time at which the dispatcher's thread counts as stuck for this wait. `None`: it never
    /// does.
    fn stuck_at(
        self,
        dispatcher: &DispatcherPin<'_>,
        accepted: &Awaited<'_>,
        now_ns: u64,
    ) -> Option<u64> {
        let wedge_ns = dispatcher.slot().live().wedge_ns()?;
        let (job, since_ns) = self.kept(dispatcher.queue());
        let is_kept = since_ns != 0 && job != id_of(accepted.job);
        Some(if is_kept { since_ns } else { now_ns }.saturating_add(wedge_ns))
    }

    /// Takes the awaited job back, or asks it to stop if it has begun. Called when the poster's
    /// time is over, the thread is stuck or the wait is hopeless. Returns how the wait ends.
    /// `None`: the wait goes on, because the job has just begun and so the thread is not stuck.
    fn give_up_waiting(
        self,
        dispatcher: &DispatcherPin<'_>,
        accepted: &Awaited<'_>,
        is_hopeless: bool,
        is_stuck: bool,
    ) -> Option<WaitEnd> {
        let cell = accepted.held.cell();
        if self.queues().claim(accepted.id, Stage::Cancelled, false).is_some() {
            self.end_early(accepted, Stage::Cancelled);
            self.ask_to_stop(accepted);
            self.queues().wake(self.owners(), dispatcher.queue());
            let is_wedged = is_hopeless || is_stuck;
            return Some(if is_wedged { WaitEnd::Wedged } else { WaitEnd::TimedOut });
        }
        let is_over = {
            let _lock = cell.lock();
            cell.is_over()
        };
        if is_over {
            return Some(WaitEnd::Over);
        }
        if cell.stage() == Stage::Ran {
            return Some(WaitEnd::Started);
        }
        if is_stuck && !is_hopeless {
            return None;
        }
        self.ask_to_stop(accepted);
        Some(WaitEnd::Started)
    }

    /// Ends a job that runs no more, as `stage` says. Its completion is still to come.
    fn end_early(self, accepted: &Awaited<'_>, stage: Stage) {
        if let Ok(job) = JobPin::new(self.jobs(), accepted.job) {
            self.settle(&job, stage);
        }
    }

    fn ask_to_stop(self, accepted: &Awaited<'_>) {
        let Ok(job) = JobPin::new(self.jobs(), accepted.job) else { return };
        let token = self.jobs().token_held_by(&job);
        self.tokens().cancel(&token, Cause::Deadline, "its poster's time was over");
    }
}
