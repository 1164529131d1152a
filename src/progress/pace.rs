//! Estimates how much time is left, from how fast a bar has filled as a whole, and recently.
//!
//! The further the bar is, the more the recent pace counts. An estimate is only as good as the
//! weights of the shares, so while there is little to go by the time is unknown. All times are
//! times of a sample.

use crate::progress::span::WHOLE;

/// A job younger than this has an unknown time left.
const LEAST_AGE_NS: u64 = 3_000_000_000;
/// A bar filled less than this has an unknown time left.
const LEAST_PART: f64 = 0.1;
/// A sample that comes sooner than this after the last one that counted does not count.
const LEAST_STEP_NS: u64 = 50_000_000;
/// Time over which the recent pace is averaged: older samples have little weight.
const RECENT_NS: f64 = 15e9;
/// A move of the bar, or a growth of a total, counts as recent if it was seen less than
/// `LEAST_AGE_NS` ago, or less than the job's age divided by this.
const LATELY: u64 = 8;

/// How fast a bar fills.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    begun_ns: u64,
    /// Time of the last sample that counted.
    looked_ns: u64,
    /// Parts of the bar that were filled at that sample.
    looked: u64,
    /// The recent pace, in parts of the bar per nanosecond.
    recent: f64,
    /// Time at which a sample last found that the bar had moved.
    moved_ns: u64,
    /// Time at which a sample last found that a total had grown.
    grew_ns: u64,
    /// How often totals had grown by that sample.
    growths: u64,
}

impl Pace {
    /// The pace of a bar that begins now.
    pub fn new(now_ns: u64) -> Self {
        Self { begun_ns: now_ns, looked_ns: now_ns, moved_ns: now_ns, ..Self::default() }
    }

    /// Notes that `filled` parts of the bar are filled now, and that totals have grown `growths`
    /// times so far.
    pub fn sample(&mut self, now_ns: u64, filled: u64, growths: u64) {
        if growths != self.growths {
            (self.growths, self.grew_ns) = (growths, now_ns);
        }
        let past_ns = now_ns.saturating_sub(self.looked_ns);
        if past_ns < LEAST_STEP_NS {
            return;
        }
        let gained = filled - self.looked;
        if gained > 0 {
            self.moved_ns = now_ns;
        }
        let pace = gained as f64 / past_ns as f64;
        let weight = 1.0 - (-(past_ns as f64) / RECENT_NS).exp();
        let is_first = self.looked_ns == self.begun_ns;
        self.recent = if is_first { pace } else { self.recent + weight * (pace - self.recent) };
        (self.looked_ns, self.looked) = (now_ns, filled);
    }

    /// The time until the bar is full, in nanoseconds, as estimated from the samples. `None`: it is
    /// unknown.
    pub fn time_left_ns(&self, now_ns: u64) -> Option<u64> {
        let age_ns = now_ns.saturating_sub(self.begun_ns);
        let part = self.looked as f64 / WHOLE as f64;
        let lately_ns = LEAST_AGE_NS.max(age_ns / LATELY);
        let is_lately = |time_ns: u64| now_ns.saturating_sub(time_ns) < lately_ns;
        let has_grown = self.grew_ns != 0 && is_lately(self.grew_ns);
        let is_known = age_ns >= LEAST_AGE_NS && part >= LEAST_PART && self.recent > 0.0;
        if !is_known || has_grown || !is_lately(self.moved_ns) {
            return None;
        }
        let by_whole = age_ns as f64 * (1.0 - part) / part;
        let by_recent = (WHOLE - self.looked) as f64 / self.recent;
        Some((by_whole.powf(1.0 - part) * by_recent.powf(part)) as u64)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const PERCENT: u64 = WHOLE / 100;

    /// Samples once a second a bar that fills by `percent` percent a second. Returns the last
    /// estimate, in seconds.
    fn after(pace: &mut Pace, from: u64, to: u64, percent: u64, start: u64) -> Option<u64> {
        let mut left = None;
        for second in from..to {
            let filled = PERCENT * (start + (second - from + 1) * percent);
            pace.sample(second * SECOND, filled, 0);
            left = pace.time_left_ns(second * SECOND).map(|ns| ns.div_ceil(SECOND));
        }
        left
    }

    #[test]
    fn an_even_pace_is_known_by_a_tenth_and_three_seconds() {
        let mut pace = Pace::new(SECOND);
        assert_eq!(after(&mut pace, 2, 11, 1, 0), None, "9 percent");
        assert_eq!(after(&mut pace, 11, 12, 1, 9), Some(90));
        let mut fast = Pace::new(SECOND);
        assert_eq!(after(&mut fast, 2, 4, 30, 0), None, "2 seconds");
        assert_eq!(after(&mut fast, 4, 5, 30, 60), Some(1), "a tenth, at 30 percent a second");
    }

    #[test]
    fn what_stands_still_or_has_just_grown_is_unknown() {
        let mut pace = Pace::new(SECOND);
        assert!(after(&mut pace, 2, 22, 2, 0).is_some());
        assert!(after(&mut pace, 22, 24, 0, 40).is_some());
        assert_eq!(after(&mut pace, 24, 26, 0, 40), None, "it stands still");
        assert!(after(&mut pace, 26, 28, 2, 40).is_some());
        pace.sample(28 * SECOND, PERCENT * 46, 1);
        assert_eq!(pace.time_left_ns(28 * SECOND), None, "a total grew");
    }

    #[test]
    fn near_the_end_the_recent_pace_decides() {
        let mut pace = Pace::new(SECOND);
        after(&mut pace, 2, 42, 2, 0);
        // The last fifth takes ten times as long.
        let mut left = None;
        for step in 1..=90 {
            pace.sample((41 + step) * SECOND, PERCENT * 80 + PERCENT / 5 * step, 0);
            left = pace.time_left_ns((41 + step) * SECOND);
        }
        let left = left.unwrap() / SECOND;
        assert!((8..=11).contains(&left), "{left} s, of 10");
    }
}
