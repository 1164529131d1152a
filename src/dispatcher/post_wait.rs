//! Posting a job and waiting for it, with a bound on the time.
//!
//! When the time is over the poster takes the job back, if it still waits: it never runs then. Else it
//! has started, and is asked to stop. Of the two exactly one is so, because both are decided under
//! the lock of the queue's lists.
//!
//! The poster waits for the dispatcher's thread, which has to run the job or its completion; and for the
//! thread that runs the job, if that is another. Where all workers wait, it runs such a job itself: one of
//! them may wait for the poster. The wait begins in the wait graph before the job is posted: one that would
//! wait for itself is refused, and nothing was taken. What the graph cannot know, for instance a thread that
//! waits for another in its own way, is freed by the wedge threshold. Where the dispatcher's thread has ended
//! nobody waits for it: who pushed before that is woken, who pushes later sees it before it sleeps.
//!
//! Who waits asks hosts' own checks meanwhile, without the lock: those of the job's parent and of what is
//! current on its thread.
//!
//! A thread on which jobs run that may run on any runs the one that it would wait for itself: if all such
//! threads waited, none were left to run what they wait for.

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

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The job is over. So are its completion and its destroy-notify, unless it never ran or ended
    /// between two slices.
    Over,
    /// The time was over before it started; it never runs.
    TimedOut,
    /// The thread is stuck in something else; this one never runs.
    Wedged,
    /// The time was over after it started: it was asked to stop, or had run and waits for its completion,
    /// also because the thread for that is stuck.
    Started,
}

/// How long a poster waits.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Until this time on the library's clock; `None`: for ever.
    until_ns: Option<u64>,
    /// Whether it would wait for itself.
    is_hopeless: bool,
    /// Whether the job runs on another thread than the dispatcher's.
    is_elsewhere: bool,
    /// Whether it runs the job if all workers wait.
    helps_workers: bool,
}

/// How often a poster looks whether all workers wait.
const LOOK_NS: u64 = 50_000_000;

/// A limit beyond this is none: an hour.
const NO_LIMIT_NS: u64 = 3_600_000_000_000;

/// An accepted job, held for its poster.
#[derive(Debug)]
struct Awaited<'a> {
    job: Handle,
    parent: Handle,
    id: PostedId,
    held: HeldPosted<'a>,
}

/// What came of a job that was waited for.
#[derive(Clone, Copy, Debug)]
pub struct WaitedJob {
    /// The job, with a reference for the poster.
    pub job: Handle,
    /// Why the wait ended.
    pub end: WaitEnd,
    /// Where the job stands.
    pub state: JobState,
}

impl<'a> Dispatchers<'a> {
    /// Posts a job and waits until it is over, at most until a time on the library's clock. On the
    /// dispatcher's own thread it runs at once, all its slices; one that may run on any thread does so
    /// on those that run such jobs.
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

    /// Whether a poster of a job for any thread runs it where no worker is left: not in place of a host's
    /// pool, and not if a limit frees it, which the job might overrun.
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

    /// Notes that a poster waits for who runs its job, too.
    fn also_wait_for(self, wait: &Wait, accepted: &Awaited<'_>) -> Result<(), Error> {
        let blocker = Blocker::Posted(accepted.held.number());
        self.owners().waits().also(&self.tokens().calls(), wait, blocker)
    }

    /// Where the job stands. It is gone before its poster looks if its functions gave the poster's
    /// reference away; its cell, which the poster holds, knows how it ended.
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
            // The shutdown may have looked for running jobs before this one was among them.
            self.stop_running(dispatcher.queue());
        }
        if let Some(job) = self.job_of(held) {
            let queue = dispatcher.queue();
            let busy = self.queues().hold_thread(queue, self.jobs().id(&job), clock::now_ns());
            // Inside a pump's job as well as outside, nothing else of the dispatcher runs meanwhile.
            let outer = live.pumping.swap(1, Ordering::Relaxed);
            let mut first = true;
            // As long as it takes, also inside a job whose slice ends.
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
            // That of the queue, which ends with it.
            self.finish(dispatcher, HeldPosted::take_over(self.queues().posted(), held.number()));
            live.pumping.store(outer, Ordering::Relaxed);
            drop(busy);
        } else {
            self.owners().leave(in_hand);
        }
    }

    /// Which job keeps a dispatcher's thread, and since when; a time without a job: something else that the
    /// library knows of. 0: nothing.
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
            // "Stop" for the parent takes the job out of its queue, or it has to see that itself.
            let ask_at = self.tokens().ask_while_waiting(asker, &[accepted.parent]);
            let mut lock = cell.lock();
            let stage = cell.stage();
            // The thread that would complete it must not wait for that.
            if cell.is_over() || stage == Stage::Ran && Self::is_on_its_thread(dispatcher, here) {
                return WaitEnd::Over;
            }
            if matches!(stage, Stage::Cancelled | Stage::ShutDown | Stage::OwnerClosed) {
                drop(lock);
                self.end_early(accepted, stage);
                return WaitEnd::Over;
            }
            let now_ns = clock::now_ns();
            // What needs the dispatcher's thread now.
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

    /// From when on the dispatcher's thread counts as stuck; `None`: never.
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

    /// Takes the job back, or asks it to stop, once the time is over or nobody will run it. `None`: it has
    /// just begun, so the thread is not stuck.
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

    /// Ends a job that never runs before its completion does, which is still to come.
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
