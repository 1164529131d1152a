//! What a dispatcher has done so far.

use crate::events::EventText;
use crate::job_state::JobState;
use crate::latency::{Latency, Summary};
use crate::sys::sync::{AtomicU64, Mutex, Ordering};

/// A tick's length is assumed to be this before two were seen: 60 Hz.
pub const USUAL_TICK_NS: u64 = 16_666_667;
/// The shortest and the longest time after which to try again that is ever suggested.
const HINTS_NS: (u64, u64) = (1_000_000, 1_000_000_000);

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many.
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

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
    ends: [Count; 4],
    /// Completions that could not be run, because their owner was closed on another thread.
    pub completions_dropped: Count,
    /// Pumps.
    pub ticks: Count,
    /// Pumps that took longer than their budget.
    pub overruns: Count,
    /// From the post to the begin.
    pub wait: Latency,
    /// Slices on the dispatcher's thread.
    pub run: Latency,
    longest: Mutex<Longest>,
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
            wait: Latency::new(),
            run: Latency::new(),
            longest: Mutex::new(Longest::default()),
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
        self.wait.reset();
        self.run.reset();
        *self.longest.lock() = Longest::default();
        *self.tick_times.lock() = Ticks::default();
    }

    /// Notes a slice; its job is described if it is the longest so far.
    pub fn note_slice(&self, nanoseconds: u64, describe: impl FnOnce() -> (u64, EventText)) {
        self.run.record(nanoseconds);
        if nanoseconds <= self.longest.lock().nanoseconds {
            return;
        }
        let (job_id, label) = describe();
        let mut longest = self.longest.lock();
        if nanoseconds > longest.nanoseconds {
            *longest = Longest { nanoseconds, job_id, label };
        }
    }

    /// Notes how a job ended.
    pub fn ended(&self, state: JobState) {
        self.ends[(state as usize).clamp(3, 6) - 3].one();
    }

    /// How many jobs ended so.
    pub fn ends_of(&self, state: JobState) -> u64 {
        self.ends[(state as usize).clamp(3, 6) - 3].read()
    }

    /// The longest slice.
    pub fn longest(&self) -> Longest {
        *self.longest.lock()
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
        (self.wait.summary(), self.run.summary())
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
        statistics.note_slice(5, || (1, EventText::new("short")));
        statistics.note_slice(9, || (2, EventText::new("long")));
        statistics.note_slice(9, || unreachable!("no longer than before"));
        let longest = statistics.longest();
        assert_eq!((longest.nanoseconds, longest.job_id), (9, 2));
        assert_eq!(longest.label.as_str(), "long");
    }
}
