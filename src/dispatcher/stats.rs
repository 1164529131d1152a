//! Counts and times of what a dispatcher has done.
//!
//! Values that only the dispatcher's thread writes are stored without a locked instruction. The
//! times that its jobs waited and ran are gathered in `Samples` and noted in batches: at the end of
//! the tick at the latest, and at once after a slice that a user could notice.

use crate::diagnosis::count::{Count, SplitCount};
use crate::diagnosis::events::EventText;
use crate::diagnosis::latency::{Summary, Times};
use crate::job_state::JobState;
use crate::sys::sync::{AtomicU64, Mutex, Ordering};

/// The time from one tick to the next that is assumed until two ticks were seen: 60 Hz.
pub const USUAL_TICK_NS: u64 = 16_666_667;
/// The shortest and the longest time that is suggested to a refused poster before it tries again.
const HINTS_NS: (u64, u64) = (1_000_000, 1_000_000_000);

/// The longest slice of a job on the dispatcher's thread so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Longest {
    pub nanoseconds: u64,
    /// The id of the slice's job.
    pub job_id: u64,
    /// The label of the slice's job, cut to the room of an event.
    pub label: EventText,
}

#[derive(Debug, Default)]
struct Runs {
    /// Times from a job's post to its start.
    wait: Times,
    /// Lengths of slices on the dispatcher's thread.
    run: Times,
    longest: Longest,
}

/// Times of ticks. Only the dispatcher's thread writes them.
#[derive(Debug, Default)]
struct Ticks {
    last_began_ns: AtomicU64,
    /// When the last tick ended; 0 during a tick, and before the first one.
    last_ended_ns: AtomicU64,
    /// The time from the start of a tick to the start of the next, as a moving average. 0 until two
    /// ticks were seen.
    interval_ns: AtomicU64,
    longest_ns: AtomicU64,
}

/// Counts and times of one dispatcher.
#[derive(Debug)]
pub struct Statistics {
    pub posted: SplitCount,
    /// Posts that were refused because the queue was full or the host's pool refused the job.
    pub rejected: Count,
    /// Jobs whose function was called.
    pub executed: SplitCount,
    ends: [SplitCount; JobState::ENDS.len()],
    /// Completions that were not called, because their owner was closed on another thread.
    pub completions_dropped: Count,
    /// Pumps that were begun.
    pub ticks: Count,
    /// Pumps that took longer than their budget.
    pub overruns: Count,
    runs: Mutex<Runs>,
    /// The length of the longest slice, as in `runs.longest`, to be read without the lock of
    /// `runs`. Only the dispatcher's thread writes it.
    longest_ns: AtomicU64,
    tick_times: Ticks,
}

/// The number of slices after which a batch is noted.
const SAMPLES: usize = 16;

/// A slice of at least this length is noted at once.
const NOTICEABLE_NS: u64 = 1_000_000;

/// A batch of times on the dispatcher's thread: how long jobs waited, how long slices ran. What is
/// not in the statistics yet is added to them when this is dropped.
#[derive(Debug)]
pub struct Samples<'a> {
    statistics: &'a Statistics,
    /// For each slice the job's wait, if this was the job's first slice, and the slice's length.
    times: [(Option<u64>, u64); SAMPLES],
    count: usize,
}

impl<'a> Samples<'a> {
    pub fn new(statistics: &'a Statistics) -> Self {
        Self { statistics, times: [(None, 0); SAMPLES], count: 0 }
    }

    /// Adds a slice that took `ran_ns`. `waited_ns`: how long the job waited for it, if it was the
    /// job's first slice. True: this is the longest slice so far, and the caller has to pass it to
    /// `note_longest`.
    pub fn note_slice(&mut self, waited_ns: Option<u64>, ran_ns: u64) -> bool {
        self.times[self.count] = (waited_ns, ran_ns);
        self.count += 1;
        if self.count == SAMPLES || ran_ns >= NOTICEABLE_NS {
            self.flush();
        }
        ran_ns > self.statistics.longest_ns.load(Ordering::Relaxed)
    }

    fn flush(&mut self) {
        let count = std::mem::take(&mut self.count);
        if count == 0 {
            return;
        }
        let mut runs = self.statistics.runs.lock();
        for (waited_ns, ran_ns) in &self.times[..count] {
            if let Some(waited_ns) = waited_ns {
                runs.wait.record(*waited_ns);
            }
            runs.run.record(*ran_ns);
        }
    }
}

impl Drop for Samples<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            posted: SplitCount::default(),
            rejected: Count::default(),
            executed: SplitCount::default(),
            ends: std::array::from_fn(|_| SplitCount::default()),
            completions_dropped: Count::default(),
            ticks: Count::default(),
            overruns: Count::default(),
            runs: Mutex::new(Runs::default()),
            longest_ns: AtomicU64::new(0),
            tick_times: Ticks::default(),
        }
    }
}

impl Statistics {
    /// Sets all counts and times back to zero, for a new dispatcher in the same slot.
    pub fn reset(&self) {
        let counts = [&self.rejected, &self.completions_dropped, &self.ticks, &self.overruns];
        counts.into_iter().for_each(Count::reset);
        self.ends.iter().chain([&self.executed, &self.posted]).for_each(SplitCount::reset);
        *self.runs.lock() = Runs::default();
        let Ticks { last_began_ns, last_ended_ns, interval_ns, longest_ns } = &self.tick_times;
        for time in [last_began_ns, last_ended_ns, interval_ns, longest_ns, &self.longest_ns] {
            time.store(0, Ordering::Relaxed);
        }
    }

    /// Notes how long a job waited that a thread other than the dispatcher's begins.
    pub fn note_wait(&self, nanoseconds: u64) {
        self.runs.lock().wait.record(nanoseconds);
    }

    /// Notes the longest slice and its job. Only for the dispatcher's thread.
    pub fn note_longest(&self, longest: Longest) {
        self.longest_ns.store(longest.nanoseconds, Ordering::Relaxed);
        self.runs.lock().longest = longest;
    }

    /// Notes how a job ended. `is_here`: this is the dispatcher's thread.
    pub fn ended(&self, state: JobState, is_here: bool) {
        if let Some(end) = state.end() {
            self.ends[end].one(is_here);
        }
    }

    /// How many jobs ended in this state; 0 for a state that is not an end.
    pub fn ends_of(&self, state: JobState) -> u64 {
        state.end().map_or(0, |end| self.ends[end].read())
    }

    pub fn ends(&self) -> u64 {
        self.ends.iter().map(SplitCount::read).sum()
    }

    /// The longest slice of a job on the dispatcher's thread until now.
    pub fn longest(&self) -> Longest {
        self.runs.lock().longest
    }

    /// Notes that a tick began. Only for the dispatcher's thread.
    pub fn begin_tick(&self, now_ns: u64) {
        self.ticks.one_alone();
        let before_ns = self.last_tick_ns();
        if before_ns != 0 {
            let interval = now_ns.saturating_sub(before_ns);
            let interval = match self.tick_times.interval_ns.load(Ordering::Relaxed) {
                0 => interval,
                average => average - average / 8 + interval / 8,
            };
            self.tick_times.interval_ns.store(interval, Ordering::Relaxed);
        }
        self.tick_times.last_began_ns.store(now_ns, Ordering::Relaxed);
        self.tick_times.last_ended_ns.store(0, Ordering::Relaxed);
    }

    /// Notes that a tick ended. Only for the dispatcher's thread.
    pub fn end_tick(&self, elapsed_ns: u64, overran: bool) {
        if overran {
            self.overruns.one_alone();
        }
        if elapsed_ns > self.longest_tick_ns() {
            self.tick_times.longest_ns.store(elapsed_ns, Ordering::Relaxed);
        }
        let ended_ns = self.last_tick_ns().saturating_add(elapsed_ns);
        self.tick_times.last_ended_ns.store(ended_ns, Ordering::Relaxed);
    }

    /// How long ago the last tick ended; 0 during a tick. `None`: there was no tick yet.
    pub fn since_last_tick_ns(&self, now_ns: u64) -> Option<u64> {
        let ended_ns = self.tick_times.last_ended_ns.load(Ordering::Relaxed);
        let is_inside = ended_ns == 0;
        let was_any = !is_inside || self.last_tick_ns() != 0;
        was_any.then(|| if is_inside { 0 } else { now_ns.saturating_sub(ended_ns) })
    }

    /// When the last tick began; 0 before the first one.
    pub fn last_tick_ns(&self) -> u64 {
        self.tick_times.last_began_ns.load(Ordering::Relaxed)
    }

    /// The length of the longest tick.
    pub fn longest_tick_ns(&self) -> u64 {
        self.tick_times.longest_ns.load(Ordering::Relaxed)
    }

    /// The time after which a refused post may succeed: the usual time from one tick to the next.
    pub fn retry_after_ns(&self) -> u64 {
        match self.tick_times.interval_ns.load(Ordering::Relaxed) {
            0 => USUAL_TICK_NS,
            interval => interval.clamp(HINTS_NS.0, HINTS_NS.1),
        }
    }

    /// Summaries of the times from a job's post to its start, and of the lengths of slices on the
    /// dispatcher's thread.
    pub fn summaries(&self) -> (Summary, Summary) {
        let runs = self.runs.lock();
        (runs.wait.summary(), runs.run.summary())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_hint_follows_the_ticks_within_bounds() {
        let statistics = Statistics::default();
        assert_eq!(statistics.retry_after_ns(), USUAL_TICK_NS);
        for tick in 0..100 {
            statistics.begin_tick(1 + tick * 40_000_000);
        }
        let hint = statistics.retry_after_ns();
        assert!(hint.abs_diff(40_000_000) < 1_000_000, "{hint}");
        (0..200).for_each(|tick| statistics.begin_tick(4_000_000_000 + tick));
        assert_eq!(statistics.retry_after_ns(), HINTS_NS.0);
    }

    #[test]
    fn the_last_tick_was_so_long_ago_and_is_not_during_one() {
        let statistics = Statistics::default();
        assert_eq!(statistics.since_last_tick_ns(7), None);
        statistics.begin_tick(1_000);
        assert_eq!(statistics.since_last_tick_ns(9_000), Some(0), "it is inside one");
        statistics.end_tick(500, false);
        assert_eq!(statistics.since_last_tick_ns(1_800), Some(300));
        statistics.begin_tick(2_000);
        assert_eq!(statistics.since_last_tick_ns(9_000), Some(0));
        statistics.end_tick(0, false);
        statistics.reset();
        assert_eq!(statistics.since_last_tick_ns(9_000), None);
    }

    #[test]
    fn only_the_longest_slice_is_described() {
        let statistics = Statistics::default();
        let longest = |nanoseconds, job_id| {
            let label = EventText::new("bake");
            statistics.note_longest(Longest { nanoseconds, job_id, label });
        };
        let mut samples = Samples::new(&statistics);
        assert!(samples.note_slice(Some(1), 5));
        longest(5, 1);
        assert!(samples.note_slice(None, 9));
        longest(9, 3);
        assert!(!samples.note_slice(None, 9), "no longer than before");
        assert_eq!(statistics.longest().job_id, 3);
        drop(samples);
        let (wait, run) = statistics.summaries();
        assert_eq!((wait.count, run.count), (1, 3));
    }

    #[test]
    fn slices_are_noted_a_few_at_a_time_and_a_long_one_at_once() {
        let statistics = Statistics::default();
        let runs = || statistics.summaries().1.count;
        let mut samples = Samples::new(&statistics);
        for _ in 1..SAMPLES {
            let _ = samples.note_slice(None, 1);
        }
        assert_eq!(runs(), 0);
        samples.note_slice(None, 1);
        assert_eq!(runs(), SAMPLES as u64);
        samples.note_slice(None, NOTICEABLE_NS);
        assert_eq!(runs(), SAMPLES as u64 + 1);
        samples.note_slice(None, 1);
        drop(samples);
        assert_eq!(runs(), SAMPLES as u64 + 2);
    }
}
