//! What a dispatcher has done so far.

use crate::diagnosis::count::Count;
use crate::diagnosis::events::EventText;
use crate::diagnosis::latency::{Summary, Times};
use crate::job_state::JobState;
use crate::sys::sync::Mutex;

/// A tick's length is assumed to be this before two were seen: 60 Hz.
pub const USUAL_TICK_NS: u64 = 16_666_667;
/// The shortest and the longest time after which to try again that is ever suggested.
const HINTS_NS: (u64, u64) = (1_000_000, 1_000_000_000);

/// The longest slice of a job on the dispatcher's thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Longest {
    /// How long.
    pub nanoseconds: u64,
    /// The job's id.
    pub job_id: u64,
    /// The job's label, cut.
    pub label: EventText,
}

#[derive(Debug, Default)]
struct Runs {
    /// From the post to the begin.
    wait: Times,
    /// Slices on the dispatcher's thread.
    run: Times,
    longest: Longest,
}

#[derive(Debug, Default)]
struct Ticks {
    last_began_ns: u64,
    /// A moving average, 0 before two ticks were seen.
    interval_ns: u64,
    longest_ns: u64,
}

/// Counts and times of one dispatcher.
#[derive(Debug)]
pub struct Statistics {
    /// Jobs that were accepted.
    pub posted: Count,
    /// Posts that were refused because a bound was reached.
    pub rejected: Count,
    /// Jobs whose function was called.
    pub executed: Count,
    ends: [Count; JobState::ENDS.len()],
    /// Completions that could not be run, because their owner was closed on another thread.
    pub completions_dropped: Count,
    /// Pumps.
    pub ticks: Count,
    /// Pumps that took longer than their budget.
    pub overruns: Count,
    runs: Mutex<Runs>,
    tick_times: Mutex<Ticks>,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            posted: Count::default(),
            rejected: Count::default(),
            executed: Count::default(),
            ends: std::array::from_fn(|_| Count::default()),
            completions_dropped: Count::default(),
            ticks: Count::default(),
            overruns: Count::default(),
            runs: Mutex::new(Runs::default()),
            tick_times: Mutex::new(Ticks::default()),
        }
    }
}

impl Statistics {
    /// Forgets everything.
    pub fn reset(&self) {
        let counts = [
            &self.posted,
            &self.rejected,
            &self.executed,
            &self.completions_dropped,
            &self.ticks,
            &self.overruns,
        ];
        counts.into_iter().chain(&self.ends).for_each(Count::reset);
        *self.runs.lock() = Runs::default();
        *self.tick_times.lock() = Ticks::default();
    }

    /// Notes how long a job waited that another thread runs.
    pub fn note_wait(&self, nanoseconds: u64) {
        self.runs.lock().wait.record(nanoseconds);
    }

    /// Notes a slice, and how long its job waited if it is the first. True: it is the longest so
    /// far, to be described by `note_longest`.
    pub fn note_slice(&self, waited_ns: Option<u64>, ran_ns: u64) -> bool {
        let mut runs = self.runs.lock();
        if let Some(waited_ns) = waited_ns {
            runs.wait.record(waited_ns);
        }
        runs.run.record(ran_ns);
        ran_ns > runs.longest.nanoseconds
    }

    /// Notes whose slice the longest was.
    pub fn note_longest(&self, longest: Longest) {
        let mut runs = self.runs.lock();
        if longest.nanoseconds > runs.longest.nanoseconds {
            runs.longest = longest;
        }
    }

    /// Notes how a job ended.
    pub fn ended(&self, state: JobState) {
        if let Some(end) = state.end() {
            self.ends[end].one();
        }
    }

    /// How many jobs ended so.
    pub fn ends_of(&self, state: JobState) -> u64 {
        state.end().map_or(0, |end| self.ends[end].read())
    }

    /// How many jobs ended.
    pub fn ends(&self) -> u64 {
        self.ends.iter().map(Count::read).sum()
    }

    /// The longest slice.
    pub fn longest(&self) -> Longest {
        self.runs.lock().longest
    }

    /// Notes that a tick began.
    pub fn begin_tick(&self, now_ns: u64) {
        self.ticks.one();
        let mut ticks = self.tick_times.lock();
        if ticks.last_began_ns != 0 {
            let interval = now_ns.saturating_sub(ticks.last_began_ns);
            ticks.interval_ns = match ticks.interval_ns {
                0 => interval,
                average => average - average / 8 + interval / 8,
            };
        }
        ticks.last_began_ns = now_ns;
    }

    /// Notes that a tick ended.
    pub fn end_tick(&self, elapsed_ns: u64, overran: bool) {
        if overran {
            self.overruns.one();
        }
        let mut ticks = self.tick_times.lock();
        ticks.longest_ns = ticks.longest_ns.max(elapsed_ns);
    }

    /// When the last tick began; 0 before the first.
    pub fn last_tick_ns(&self) -> u64 {
        self.tick_times.lock().last_began_ns
    }

    /// The longest tick.
    pub fn longest_tick_ns(&self) -> u64 {
        self.tick_times.lock().longest_ns
    }

    /// After how long a refused post has a chance: the time from one tick to the next.
    pub fn retry_after_ns(&self) -> u64 {
        match self.tick_times.lock().interval_ns {
            0 => USUAL_TICK_NS,
            interval => interval.clamp(HINTS_NS.0, HINTS_NS.1),
        }
    }

    /// From the post to the begin, and each slice.
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
    fn only_the_longest_slice_is_described() {
        let statistics = Statistics::default();
        let longest = |nanoseconds, job_id| {
            let label = EventText::new("bake");
            statistics.note_longest(Longest { nanoseconds, job_id, label });
        };
        assert!(statistics.note_slice(Some(1), 5));
        longest(5, 1);
        assert!(statistics.note_slice(None, 9));
        // Another thread's was noted meanwhile.
        longest(12, 3);
        longest(9, 2);
        assert!(!statistics.note_slice(None, 12), "no longer than before");
        assert_eq!(statistics.longest().job_id, 3);
        let (wait, run) = statistics.summaries();
        assert_eq!((wait.count, run.count), (1, 3));
    }
}
