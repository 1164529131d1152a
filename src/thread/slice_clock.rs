//! When the slice of the job that a thread runs is over.
//!
//! A loop asks in each iteration, and reading the clock each time would cost more than most
//! iterations do. So only some questions look, and a look reads the processor's counter
//! (`sys::ticks`), which is cheaper. Only the clock decides; it is read when the counter says that
//! the time has come.
//!
//! Invariants:
//! 1. `until_look` counts the questions up to the next look; all before that one are answered "go
//!    on". After a look the next interval is as many questions as took less than `LOOK_NS` at the
//!    last pace, at most `MOST_UNLOOKED`, and at most `GROWTH` times the last interval. So a loop
//!    of short iterations that meets long ones overruns by a few of the long ones.
//! 2. The first question of a slice is answered "go on". So the work advances however short the
//!    slice is.
//! 3. A slice that is over stays over.
//! 4. If the counter stands still or goes back, the clock is read. It is also read after
//!    `TRUSTED_LOOKS` looks at the counter in any case.

use crate::sys::{clock, ticks};
use std::cell::Cell;

/// The end of a slice that has no end.
pub const NEVER: u64 = u64::MAX;

/// The greatest number of questions from one look to the next.
const MOST_UNLOOKED: u32 = 6;
/// The factor by which that number may grow from one look to the next.
const GROWTH: u32 = 4;
/// The time that may pass between two looks.
const LOOK_NS: u64 = 50_000;
/// The number of looks that may read the counter alone before the clock is read.
const TRUSTED_LOOKS: u32 = 32;
/// How long the counter is watched beside the clock before it is trusted.
const LEARN_NS: u64 = 1_000_000;

/// The two times that a slice reads. Tests use their own.
trait TimeSource {
    /// The clock, in nanoseconds.
    fn now_ns(&self) -> u64;
    /// The processor's counter; `None` if it has none.
    fn ticks(&self) -> Option<u64>;
}

struct SystemTimes;

impl TimeSource for SystemTimes {
    fn now_ns(&self) -> u64 {
        clock::now_ns()
    }

    fn ticks(&self) -> Option<u64> {
        ticks::now()
    }
}

/// Tells when the slice that a thread runs is over.
#[derive(Debug)]
pub struct SliceClock {
    /// The number of questions up to the next look. Without a slice it is any number: a look then
    /// finds that there is no slice.
    until_look: Cell<u32>,
    /// The number of questions from the last look to the next.
    unlooked: Cell<u32>,
    ends_ns: Cell<u64>,
    is_over: Cell<bool>,
    /// The time of the last look that read the clock, and the counter at the last look.
    looked_ns: Cell<u64>,
    looked_ticks: Cell<u64>,
    /// The counter's value at the end of the slice, and the counter's ticks in `LOOK_NS`.
    /// `look_ticks` is 0 while the counter's pace is not known.
    ends_ticks: Cell<u64>,
    look_ticks: Cell<u64>,
    /// How many looks may still read the counter alone.
    trusted: Cell<u32>,
    /// The clock and the counter at one moment long ago, from which the pace is worked out. A clock
    /// of 0: no such moment is known.
    learnt_from: Cell<(u64, u64)>,
}

/// A slice that runs. Its drop ends it, and goes back to the slice inside which it began.
#[derive(Debug)]
#[must_use = "the slice ends with it"]
pub struct RunningSlice<'t> {
    clock: &'t SliceClock,
    outer_ends_ns: u64,
    was_over: bool,
}

impl Drop for RunningSlice<'_> {
    fn drop(&mut self) {
        self.clock.begin_at(self.outer_ends_ns);
        self.clock.is_over.set(self.was_over);
    }
}

impl SliceClock {
    pub const fn new() -> Self {
        Self {
            until_look: Cell::new(0),
            unlooked: Cell::new(1),
            ends_ns: Cell::new(NEVER),
            is_over: Cell::new(false),
            looked_ns: Cell::new(0),
            looked_ticks: Cell::new(0),
            ends_ticks: Cell::new(0),
            look_ticks: Cell::new(0),
            trusted: Cell::new(0),
            learnt_from: Cell::new((0, 0)),
        }
    }

    /// Begins a slice that ends at `ends_ns`; `NEVER`: it has no end. The caller has read `now_ns`
    /// just now.
    pub fn begin(&self, now_ns: u64, ends_ns: u64) -> RunningSlice<'_> {
        self.begin_by(&SystemTimes, now_ns, ends_ns)
    }

    fn begin_by(&self, times: &impl TimeSource, now_ns: u64, ends_ns: u64) -> RunningSlice<'_> {
        let begun = RunningSlice {
            clock: self,
            outer_ends_ns: self.ends_ns.get(),
            was_over: self.is_over.get(),
        };
        self.begin_at(ends_ns);
        if ends_ns != NEVER {
            self.learn(times.ticks(), now_ns);
        }
        begun
    }

    fn begin_at(&self, ends_ns: u64) {
        self.ends_ns.set(ends_ns);
        self.is_over.set(false);
        // With 2, the first question does not look.
        self.until_look.set(2);
        self.unlooked.set(2);
        self.trusted.set(0);
    }

    /// When the slice ends, on the library's clock. `NEVER`: there is no slice, or it has no end.
    pub fn ends_ns(&self) -> u64 {
        self.ends_ns.get()
    }

    /// Counts a question whether the slice is over. True: this question has to be answered by
    /// `look`.
    #[inline(always)]
    pub fn has_to_look(&self) -> bool {
        let left = self.until_look.get().wrapping_sub(1);
        self.until_look.set(left);
        left == 0
    }

    /// Whether the question that was counted last has to be answered by `look`.
    pub fn is_look_due(&self) -> bool {
        self.until_look.get() == 0
    }

    /// Looks whether the slice is over, and plans after how many questions to look again.
    pub fn look(&self) -> bool {
        self.look_by(&SystemTimes)
    }

    fn look_by(&self, times: &impl TimeSource) -> bool {
        let ends_ns = self.ends_ns.get();
        if ends_ns == NEVER {
            return false;
        }
        if self.is_over.get() {
            // Each further question looks, and finds that the slice is over.
            self.until_look.set(1);
            return true;
        }
        let ticks = times.ticks();
        let was_ticks = self.looked_ticks.get();
        if let Some(ticks) = ticks
            && self.trusted.get() > 0
            && (was_ticks + 1..self.ends_ticks.get()).contains(&ticks)
        {
            self.trusted.set(self.trusted.get() - 1);
            self.looked_ticks.set(ticks);
            self.plan(ticks - was_ticks, self.look_ticks.get());
            return false;
        }
        let (was_ns, now_ns) = (self.looked_ns.get(), times.now_ns());
        self.learn(ticks, now_ns);
        if now_ns >= ends_ns {
            self.is_over.set(true);
            self.until_look.set(1);
            return true;
        }
        match (ticks, self.look_ticks.get()) {
            (Some(ticks), 1..) if ticks > was_ticks => {
                self.plan(ticks - was_ticks, self.look_ticks.get());
            }
            _ => self.plan(now_ns.saturating_sub(was_ns), LOOK_NS),
        }
        false
    }

    /// Plans the next look. `spent` passed since the last one, and `look` may pass; both are
    /// nanoseconds or both ticks.
    fn plan(&self, spent: u64, look: u64) {
        let unlooked = self.unlooked.get();
        let most = MOST_UNLOOKED.min(unlooked * GROWTH);
        let fitting = look.saturating_mul(unlooked.into());
        let next = if spent.saturating_mul(most.into()) <= fitting {
            most
        } else {
            (fitting / spent.max(1)).clamp(1, most.into()) as u32
        };
        self.unlooked.set(next);
        self.until_look.set(next);
    }

    /// Notes the clock and the counter at one moment, and works out the counter's value at the
    /// slice's end.
    fn learn(&self, ticks: Option<u64>, now_ns: u64) {
        self.looked_ns.set(now_ns);
        let Some(ticks) = ticks else { return };
        self.looked_ticks.set(ticks);
        let (first_ns, first_ticks) = self.learnt_from.get();
        let (past_ns, past_ticks) =
            (now_ns.saturating_sub(first_ns), ticks.saturating_sub(first_ticks));
        if first_ns == 0 || past_ns == 0 || past_ticks == 0 {
            self.learnt_from.set((now_ns, ticks));
        }
        let is_known = first_ns != 0 && past_ns >= LEARN_NS && past_ticks > 0;
        self.trusted.set(if is_known { TRUSTED_LOOKS } else { 0 });
        if !is_known {
            self.look_ticks.set(0);
            return;
        }
        let pace = past_ticks as f64 / past_ns as f64;
        let left_ns = self.ends_ns.get().saturating_sub(now_ns);
        self.ends_ticks.set(ticks.saturating_add((left_ns as f64 * pace) as u64));
        self.look_ticks.set((LOOK_NS as f64 * pace) as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times that pass as the test says.
    struct Model {
        ns: Cell<u64>,
        reads: Cell<u32>,
        ticks_a_ns: Cell<f64>,
        ticks: Cell<f64>,
        has_counter: bool,
    }

    impl Model {
        fn new(has_counter: bool) -> Self {
            Self {
                ns: Cell::new(1_000_000_000),
                reads: Cell::new(0),
                ticks_a_ns: Cell::new(2.7),
                ticks: Cell::new(5e9),
                has_counter,
            }
        }

        fn pass(&self, ns: u64) {
            self.ns.set(self.ns.get() + ns);
            self.ticks.set(self.ticks.get() + ns as f64 * self.ticks_a_ns.get());
        }
    }

    impl TimeSource for Model {
        fn now_ns(&self) -> u64 {
            self.reads.set(self.reads.get() + 1);
            self.ns.get()
        }

        fn ticks(&self) -> Option<u64> {
            self.has_counter.then(|| self.ticks.get() as u64)
        }
    }

    const SLICE_NS: u64 = 4_000_000;

    /// Runs a slice of iterations. Returns by how much it overran its end, and the number of
    /// iterations.
    fn run(slice: &SliceClock, times: &Model, mut iteration_ns: impl FnMut() -> u64) -> (u64, u32) {
        let ends_ns = times.ns.get() + SLICE_NS;
        let _begun = slice.begin_by(times, times.ns.get(), ends_ns);
        let mut iterations = 0;
        loop {
            if slice.has_to_look() && slice.look_by(times) {
                return (times.ns.get() - ends_ns, iterations);
            }
            iterations += 1;
            times.pass(iteration_ns());
        }
    }

    /// The overrun that one slice in a hundred exceeds.
    fn overrun_p99(has_counter: bool, mut iteration_ns: impl FnMut() -> u64) -> u64 {
        let (slice, times) = (SliceClock::new(), Model::new(has_counter));
        let mut overruns: Vec<u64> =
            (0..400).map(|_| run(&slice, &times, &mut iteration_ns).0).collect();
        overruns.sort_unstable();
        overruns[overruns.len() * 99 / 100]
    }

    #[test]
    fn iterations_of_one_length_are_stopped_in_time() {
        for has_counter in [false, true] {
            for ns in [10, 1_000, 20_000, 100_000, 400_000] {
                let overrun = overrun_p99(has_counter, || ns);
                assert!(overrun <= LOOK_NS.max(ns), "{overrun} ns late in iterations of {ns}");
            }
        }
    }

    #[test]
    fn a_loop_of_short_iterations_that_meets_long_ones_is_stopped_in_time() {
        for has_counter in [false, true] {
            let mut random = 7_u64;
            let mut long = 0;
            let overrun = overrun_p99(has_counter, || {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                if long == 0 && random.is_multiple_of(20_000) {
                    long = 50;
                }
                if long == 0 {
                    return 10;
                }
                long -= 1;
                100_000
            });
            assert!(overrun < 500_000, "{overrun} ns late");
        }
    }

    #[test]
    fn short_iterations_read_the_clock_seldom() {
        for (has_counter, most) in [(false, 1.0 / 5.0), (true, 1.0 / 150.0)] {
            let (slice, times) = (SliceClock::new(), Model::new(has_counter));
            run(&slice, &times, || 10);
            times.reads.set(0);
            let (_, iterations) = run(&slice, &times, || 10);
            let share = f64::from(times.reads.get()) / f64::from(iterations);
            assert!(share < most, "a read of the clock for {} iterations", 1.0 / share);
        }
    }

    #[test]
    fn a_counter_that_stops_jumps_or_changes_its_pace_ends_no_slice_late() {
        let (slice, times) = (SliceClock::new(), Model::new(true));
        run(&slice, &times, || 1_000);
        for pace in [0.0, 0.1, 2.7, 50.0, -3.0] {
            times.ticks_a_ns.set(pace);
            let (overrun, _) = run(&slice, &times, || 1_000);
            let most = u64::from(TRUSTED_LOOKS * MOST_UNLOOKED + 1) * 1_000;
            assert!(overrun <= most, "{overrun} ns late at {pace}");
        }
    }

    #[test]
    fn the_first_question_goes_on_and_what_is_over_stays_over() {
        let (slice, times) = (SliceClock::new(), Model::new(true));
        let now_ns = times.ns.get();
        let _begun = slice.begin_by(&times, now_ns, now_ns);
        assert!(!slice.has_to_look());
        for _ in 0..3 {
            assert!(slice.has_to_look() && slice.look_by(&times));
        }
    }

    #[test]
    fn a_slice_inside_another_leaves_that_as_it_was() {
        let (slice, times) = (SliceClock::new(), Model::new(true));
        let now_ns = times.ns.get();
        let outer = slice.begin_by(&times, now_ns, now_ns + 10);
        let inner = slice.begin_by(&times, now_ns, NEVER);
        times.pass(20);
        assert_eq!(slice.ends_ns(), NEVER);
        assert!(!slice.look_by(&times));
        drop(inner);
        assert_eq!(slice.ends_ns(), now_ns + 10);
        assert!(slice.look_by(&times));
        drop(outer);
        assert_eq!(slice.ends_ns(), NEVER);
        assert!(!slice.look_by(&times));
    }
}
