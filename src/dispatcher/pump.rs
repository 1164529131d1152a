//! A tick: the dispatcher's thread runs the jobs that wait, within its bounds.
//!
//! - The bounds are looked at between jobs and between slices. The first job of a tick runs
//!   whatever the clock says, unless the budget is 0, or a slow machine would never get anywhere.
//! - A job gets at most one slice in a tick. Jobs that are over are completed first.
//! - The jobs that wait share the time that is left. The slice of a job ends after the job's part
//!   of that time. Code that asks whether its slice is over is told so.

use crate::diagnosis::events::EventText;
use crate::diagnosis::moment::{Moment, MomentKind};
use crate::dispatcher::run::Slice;
use crate::dispatcher::stats::{Samples, USUAL_TICK_NS};
use crate::dispatcher::{DispatcherPin, Dispatchers};
use crate::error::Error;
use crate::job::JobState;
use crate::queue::HeldQueue;
use crate::queue::counts::Left;
use crate::queue::pump_thread::Busy;
use crate::queue::stages::Next;
use crate::sys::clock;
use crate::sys::sync::{AtomicU32, Ordering};
use crate::thread::context::ThisThread;
use crate::thread::slice_clock;

/// In `Bounds`: the bound is not set. In `Tick::next_ns`: there is no such time.
pub const NO_LIMIT: u64 = u64::MAX;

/// The interval that is suggested until the next tick when only other threads have jobs: 30 ticks a
/// second.
const LOOK_NS: u64 = 33_333_333;

/// How much a tick may do.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long the tick may take; `NO_LIMIT`: as long as there is something to do.
    pub budget_ns: u64,
    /// The greatest number of calls of jobs' functions; `NO_LIMIT`: any number.
    pub most: u64,
}

/// What a tick did, and what it left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// How many calls of jobs' functions the tick made.
    pub executed: u64,
    /// How many jobs ended, including those that never ran.
    pub completed: u64,
    /// How many of the jobs in `completed` ended as cancelled.
    pub cancelled: u64,
    /// How many jobs, steps and completions could go on at once or in the next tick.
    pub remaining: u64,
    /// How long the tick took.
    pub elapsed_ns: u64,
    /// How much longer than its budget the tick took.
    pub overrun_ns: u64,
    /// After how long the next tick makes sense. `NO_LIMIT`: not before something is posted.
    pub next_ns: u64,
    /// Whether the tick ended because the host said "not now".
    pub vetoed: bool,
}

/// Marks a pump as under way; its drop takes the mark away, also in a panic.
struct Pumping<'a>(&'a AtomicU32);

impl<'a> Pumping<'a> {
    fn begin(word: &'a AtomicU32) -> Result<Self, Error> {
        // Only the dispatcher's thread writes this word.
        if word.load(Ordering::Relaxed) != 0 {
            return Err(Error::Reentrant);
        }
        word.store(1, Ordering::Relaxed);
        Ok(Self(word))
    }
}

impl Drop for Pumping<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The jobs of a tick that are over and not counted out yet. The begin of the next Queued job
/// counts them out in the same step. Otherwise they are counted out before the host's veto or
/// another job's completion is called, and at the latest when this is dropped. A further slice of a
/// Parked job does not count them out.
struct Uncounted<'d, 'a> {
    dispatchers: Dispatchers<'a>,
    dispatcher: &'d DispatcherPin<'a>,
    queue: HeldQueue<'d>,
    count: u64,
}

impl Uncounted<'_, '_> {
    /// Counts out the jobs that are over and not counted out yet, if there are any.
    #[inline]
    fn count_out(&mut self) {
        let count = std::mem::take(&mut self.count);
        if count > 0 {
            self.dispatchers.count_out(self.dispatcher, self.queue, count);
        }
    }
}

impl Drop for Uncounted<'_, '_> {
    fn drop(&mut self) {
        if !crate::weakened!("tick_counts_out") {
            self.count_out();
        }
    }
}

/// The time from this tick to the next that is suggested to the host. `NO_LIMIT`: no tick is needed
/// before something is posted.
fn next_tick(tick: &Tick, left: Left) -> u64 {
    if left.now > 0 && !tick.vetoed {
        // The host gets as much time until the next tick as the jobs had in this one.
        tick.elapsed_ns.min(USUAL_TICK_NS)
    } else if tick.remaining > 0 {
        USUAL_TICK_NS.saturating_sub(tick.elapsed_ns)
    } else if left.elsewhere {
        LOOK_NS
    } else {
        NO_LIMIT
    }
}

/// The time at which a slice ends, if its job shares the rest of the budget with `waiting` others.
fn slice_end(now_ns: u64, left_ns: u64, waiting: u32) -> u64 {
    if left_ns == NO_LIMIT {
        return slice_clock::NEVER;
    }
    now_ns.saturating_add(left_ns / (u64::from(waiting) + 1))
}

impl<'a> Dispatchers<'a> {
    /// Runs a tick. Only for the dispatcher's thread; if the dispatcher has none yet, this thread
    /// becomes it. `Reentrant`: this thread is already inside a pump of the dispatcher, or inside a
    /// host's own check.
    pub fn pump(
        self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'a>,
        bounds: Bounds,
    ) -> Result<Tick, Error> {
        Self::bind(dispatcher, thread.record.number())?;
        thread.record.let_stray();
        let live = dispatcher.slot().live();
        if self.tokens().is_asking_here() {
            // A poll asks the host's check, which runs its event loop, which pumps: the job that
            // polled is in the middle of its work.
            return Err(Error::Reentrant);
        }
        let _pumping = Pumping::begin(&live.pumping)?;
        let (queue, statistics) = (dispatcher.queue(), live.statistics());
        let (ends, cancels) = (statistics.ends(), statistics.ends_of(JobState::Cancelled));
        let began_ns = clock::now_ns();
        self.queues().set_thread(queue);
        // Each job or slice notes its time. So many short ones do not count as a thread that is
        // stuck.
        let busy = self.queues().hold_thread(queue, 0, began_ns);
        statistics.begin_tick(began_ns);
        self.queues().host_comes(queue);
        let mut tick = Tick::default();
        let (left, now_ns) =
            self.run_in_bounds(thread, dispatcher, bounds, &busy, began_ns, &mut tick);
        let now_ns = if live.progress_interval_ns().is_some() {
            self.show_progress_of_others(dispatcher);
            clock::now_ns()
        } else {
            now_ns
        };
        tick.elapsed_ns = now_ns.saturating_sub(began_ns);
        tick.overrun_ns = tick.elapsed_ns.saturating_sub(bounds.budget_ns);
        tick.remaining = u64::from(left.now) + u64::from(left.next_tick);
        let Tick { executed, remaining, .. } = tick;
        self.timeline().note(|| {
            let kind = MomentKind::Tick { executed, remaining };
            Moment::since(began_ns, kind, 0, EventText::default())
        });
        statistics.end_tick(tick.elapsed_ns, tick.overrun_ns > 0);
        tick.completed = statistics.ends() - ends;
        tick.cancelled = statistics.ends_of(JobState::Cancelled) - cancels;
        tick.next_ns = next_tick(&tick, left);
        if tick.remaining > 0 && !tick.vetoed {
            self.queues().wake(self.owners(), queue);
        }
        Ok(tick)
    }

    /// Runs and completes the jobs that wait until no job waits, a bound is reached, the host says
    /// "not now" or the dispatcher is closed. Returns what is left then, and the time.
    fn run_in_bounds(
        self,
        thread: ThisThread<'_, 'a>,
        dispatcher: &DispatcherPin<'a>,
        bounds: Bounds,
        busy: &Busy<'_>,
        began_ns: u64,
        tick: &mut Tick,
    ) -> (Left, u64) {
        let queue = dispatcher.queue();
        let mut samples = Samples::new(dispatcher.slot().live().statistics());
        let mut now_ns = began_ns;
        let mut is_first = true;
        let mut last = None;
        let mut over = Uncounted { dispatchers: self, dispatcher, queue, count: 0 };
        loop {
            if self.queues().is_closed(queue) {
                over.count_out();
                self.complete_all(dispatcher, busy);
                now_ns = clock::now_ns();
                last = None;
                break;
            }
            let elapsed_ns = now_ns.saturating_sub(began_ns);
            let is_spent = elapsed_ns >= bounds.budget_ns && !(is_first && bounds.budget_ns > 0);
            if is_spent || tick.executed >= bounds.most {
                break;
            }
            if self.queues().has_veto(queue) {
                over.count_out();
                let is_vetoed = self.queues().is_vetoed(self.owners(), queue);
                // The host may have taken a while to answer.
                now_ns = clock::now_ns();
                tick.vetoed = is_vetoed;
                if is_vetoed {
                    break;
                }
            }
            if last.is_some() && self.queues().has_no_news(queue) {
                break;
            }
            match self.queues().next(queue, is_first, &mut over.count) {
                Err(left) => return (left, now_ns),
                Ok(Next::Complete(ended)) => {
                    over.count_out();
                    self.finish(dispatcher, ended);
                    now_ns = clock::now_ns();
                    last = None;
                }
                Ok(Next::Run { job, first, waiting, last: beside }) => {
                    let left_ns = match bounds.budget_ns {
                        NO_LIMIT => NO_LIMIT,
                        budget_ns => budget_ns.saturating_sub(elapsed_ns),
                    };
                    let begun =
                        thread.record.slice.begin(now_ns, slice_end(now_ns, left_ns, waiting));
                    let (slice, time_ns) =
                        self.run_here(thread, dispatcher, job, first, now_ns, &mut samples);
                    drop(begun);
                    tick.executed += u64::from(slice != Slice::LeftOut);
                    over.count += u64::from(!slice.goes_on());
                    now_ns = time_ns;
                    last = beside.filter(|_| !slice.goes_on());
                }
            }
            is_first = false;
            busy.note(0, now_ns);
        }
        let left = last.filter(|_| self.queues().has_no_news(queue));
        (left.unwrap_or_else(|| self.queues().left(queue, is_first)), now_ns)
    }

    /// Completes every accepted job of a closed dispatcher, however long that takes. None of them
    /// runs any more.
    fn complete_all(self, dispatcher: &DispatcherPin<'a>, busy: &Busy<'_>) {
        while let Some(ended) = self.queues().next_ended(dispatcher.queue()) {
            busy.note(0, clock::now_ns());
            self.finish(dispatcher, ended);
        }
    }

    /// Shows the host the progress of the jobs that run on other threads.
    fn show_progress_of_others(self, dispatcher: &DispatcherPin<'_>) {
        let now_ns = clock::now_ns();
        let mut after = None;
        while let Some(held) = self.queues().next_running(dispatcher.queue(), after.as_ref()) {
            if let Some(job) = self.job_of(&held) {
                self.show_progress(dispatcher, &job, &held, now_ns);
            }
            after = Some(held);
        }
    }
}
