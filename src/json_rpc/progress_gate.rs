//! Which values of a request's progress its peer is told. Each value is greater than the value
//! before, as MCP requires. Values are not told more often than an interval allows. The latest
//! value is always told before the answer, by a call with `is_now`.
//!
//! A peer may give up on a request that it hears nothing of. So there are beats: values between the
//! last offered value and the total. A beat says that the work goes on, or that its message
//! changed, and not how far it is. Beats lead by at most a sixteenth of the way that is left, and
//! can rise for years.
//!
//! The gate keeps only numbers. The caller keeps the message and the total that belong to the
//! greatest offered value.

/// How far beats may lead, as a part of the way that is left.
const LEAD: f64 = 1.0 / 16.0;
/// The number of beats after which they lead by half of `LEAD`.
const HALF_LED_AT: f64 = 64.0;

/// The gate of one request's progress.
#[derive(Clone, Copy, Debug)]
pub struct ProgressGate {
    interval_ns: u64,
    /// The longest time after which a value is told in any case; 0 for no limit.
    heartbeat_ns: u64,
    /// The last value that was told; `None` if no value was told. `told_ns` is the time when that
    /// value was told, or else when the request began.
    told: Option<f64>,
    told_ns: u64,
    held: Option<f64>,
    /// The greatest value that was offered.
    greatest: Option<f64>,
    /// The value that beats start from, and how many were told since.
    beats: Beats,
    /// Whether the message changed since the last notification.
    has_news: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Beats {
    from: f64,
    count: f64,
}

impl Beats {
    /// The value of the next beat, and the beats after it was told. A total that is reached does
    /// not limit the beat.
    fn next(self, total: Option<f64>) -> (f64, Self) {
        let left = match total {
            Some(total) if total > self.from => total - self.from,
            _ => (self.from.abs() / HALF_LED_AT).max(1.0),
        };
        let count = self.count + 1.0;
        (self.from + left * LEAD * count / (count + HALF_LED_AT), Self { count, ..self })
    }
}

/// How an offered value compares with those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// The value is greater than all values before.
    Further,
    /// The value is equal to the greatest value before.
    AsFar,
    /// The value is not a finite number, or is less than the greatest value before.
    Less,
}

/// A value that is to be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Due {
    /// A value that was offered.
    Offered(f64),
    /// A beat, which says that the work goes on.
    Beat(f64),
}

impl ProgressGate {
    /// The gate of a request that begins at `now_ns`. Two values that are told when they are due
    /// lie at least `interval_ns` apart, and at most `heartbeat_ns` unless that is 0.
    pub const fn new(interval_ns: u64, heartbeat_ns: u64, now_ns: u64) -> Self {
        Self {
            interval_ns,
            heartbeat_ns,
            told: None,
            told_ns: now_ns,
            held: None,
            greatest: None,
            beats: Beats { from: 0.0, count: 0.0 },
            has_news: false,
        }
    }

    /// Offers a value, which counts if it is greater than all values before. It replaces an offered
    /// value that has not been told yet. If a beat has already told a greater value, the offered
    /// value is not told.
    pub fn offer(&mut self, value: f64) -> Offered {
        match self.greatest {
            _ if !value.is_finite() => return Offered::Less,
            Some(greatest) if value < greatest => return Offered::Less,
            Some(greatest) if value == greatest => return Offered::AsFar,
            _ => (),
        }
        self.greatest = Some(value);
        if self.told.is_none_or(|told| value > told) {
            self.held = Some(value);
        }
        Offered::Further
    }

    /// The greatest value that was offered.
    pub fn greatest(&self) -> Option<f64> {
        self.greatest
    }

    /// Notes that the message that goes with the value has changed.
    pub fn note_news(&mut self) {
        self.has_news = true;
    }

    /// The offered value that has not been told yet, or a beat if the message is new; `None` if
    /// there is neither. A beat stays below `total` until `total` is reached.
    pub fn untold(&self, total: Option<f64>) -> Option<Due> {
        let news = || self.has_news.then(|| self.beat(total)).flatten();
        self.held.map(Due::Offered).or_else(news)
    }

    fn beat(&self, total: Option<f64>) -> Option<Due> {
        let Some(told) = self.told else { return Some(Due::Beat(0.0)) };
        let value = self.beats.next(total).0;
        // The beats may be ahead under an earlier total that was larger, so they start again from
        // the last told value.
        let value =
            if value > told { value } else { Beats { from: told, count: 0.0 }.next(total).0 };
        (value.is_finite() && value > told).then_some(Due::Beat(value))
    }

    /// Whether the interval since the last notification is over, or there was none.
    pub fn is_open(&self, now_ns: u64) -> bool {
        self.told.is_none() || now_ns >= self.told_ns.saturating_add(self.interval_ns)
    }

    /// The value that is to be told now, as of [`Self::untold`]; if there is none and the heartbeat
    /// has passed, a beat. `None` before the interval is over. The value stays due until
    /// [`Self::tell`].
    pub fn due(&self, now_ns: u64, total: Option<f64>) -> Option<Due> {
        if !self.is_open(now_ns) {
            return None;
        }
        let silent_ns = now_ns.saturating_sub(self.told_ns);
        let is_silent = self.heartbeat_ns != 0 && silent_ns >= self.heartbeat_ns;
        self.untold(total).or_else(|| is_silent.then(|| self.beat(total)).flatten())
    }

    /// Notes that a value of [`Self::due`] or [`Self::untold`] has been told, at `time_ns`.
    pub fn tell(&mut self, due: Due, time_ns: u64, total: Option<f64>) {
        let value = match due {
            Due::Offered(value) => {
                self.held = None;
                self.beats = Beats { from: value, count: 0.0 };
                value
            }
            Due::Beat(value) => {
                let (next, beats) = self.beats.next(total);
                self.beats = if next == value { beats } else { Beats { from: value, count: 0.0 } };
                value
            }
        };
        (self.told, self.told_ns, self.has_news) = (Some(value), time_ns, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells the value that is due and returns it.
    fn told(gate: &mut ProgressGate, now_ns: u64, total: Option<f64>) -> Option<f64> {
        let due = gate.due(now_ns, total)?;
        gate.tell(due, now_ns, total);
        let (Due::Offered(value) | Due::Beat(value)) = due;
        Some(value)
    }

    #[test]
    fn values_are_told_an_interval_apart_and_the_latest_when_it_is_due() {
        let mut gate = ProgressGate::new(100, 0, 0);
        assert_eq!(gate.due(0, None), None);
        assert_eq!(gate.offer(0.0), Offered::Further);
        assert_eq!(gate.due(1000, None), Some(Due::Offered(0.0)));
        assert_eq!(told(&mut gate, 1000, None), Some(0.0), "until it was told");
        assert_eq!(gate.due(5000, None), None);
        gate.offer(1.0);
        gate.offer(2.0);
        assert_eq!(gate.due(1099, None), None);
        assert_eq!(gate.untold(None), Some(Due::Offered(2.0)));
        assert_eq!(told(&mut gate, 1100, None), Some(2.0));
        assert_eq!((gate.untold(None), gate.due(1500, None)), (None, None));
        gate.offer(3.0);
        assert_eq!(gate.due(1199, None), None);
        assert_eq!(gate.due(1200, None), Some(Due::Offered(3.0)));
    }

    #[test]
    fn no_value_counts_that_is_not_greater() {
        let mut gate = ProgressGate::new(100, 0, 0);
        assert_eq!(gate.offer(f64::NAN), Offered::Less);
        assert_eq!(gate.offer(f64::INFINITY), Offered::Less);
        assert_eq!(gate.offer(-1.0), Offered::Further);
        assert_eq!(told(&mut gate, 0, None), Some(-1.0));
        assert_eq!(gate.offer(-1.0), Offered::AsFar);
        assert_eq!(gate.offer(-2.0), Offered::Less);
        assert_eq!(gate.offer(5.0), Offered::Further);
        assert_eq!(gate.offer(5.0), Offered::AsFar);
        assert_eq!(gate.offer(4.0), Offered::Less);
        assert_eq!(gate.due(500, None), Some(Due::Offered(5.0)));
    }

    #[test]
    fn a_value_may_be_told_before_it_is_due() {
        let mut gate = ProgressGate::new(u64::MAX, 0, 0);
        gate.offer(1.0);
        assert_eq!(told(&mut gate, 1, None), Some(1.0));
        gate.offer(2.0);
        assert_eq!(gate.due(u64::MAX - 1, None), None);
        let due = gate.untold(None).unwrap();
        gate.tell(due, 2, None);
        assert_eq!(gate.untold(None), None);
        assert_eq!(gate.offer(2.0), Offered::AsFar);
    }

    #[test]
    fn what_is_silent_beats_and_never_reaches_the_total() {
        let (mut gate, total) = (ProgressGate::new(10, 100, 1000), Some(1.0));
        assert_eq!(gate.due(1099, total), None);
        assert_eq!(told(&mut gate, 1100, total), Some(0.0), "nothing was offered yet");
        let (mut now_ns, mut before) = (1100, 0.0);
        for beat in 0..3_000_000 {
            assert_eq!(gate.due(now_ns + 99, total), None);
            now_ns += 100;
            let value = told(&mut gate, now_ns, total).expect("a beat");
            assert!(before < value && value < 0.0625, "beat {beat}: {before} to {value}");
            before = value;
        }
        // An offered value below a told beat is not told itself; beats go on rising.
        assert_eq!(gate.offer(0.03), Offered::Further);
        assert_eq!(gate.untold(total), None);
        assert!(told(&mut gate, now_ns + 100, total).is_some_and(|value| value > before));
        gate.offer(0.5);
        assert_eq!(told(&mut gate, now_ns + 110, total), Some(0.5));
        let next = told(&mut gate, now_ns + 210, total).unwrap();
        assert!(next > 0.5 && next < 0.5 + 0.5 / 16.0, "{next}");
    }

    #[test]
    fn news_is_told_by_a_beat_an_interval_after_the_last_value() {
        let mut gate = ProgressGate::new(10, 0, 0);
        gate.offer(3.0);
        assert_eq!(told(&mut gate, 0, Some(9.0)), Some(3.0));
        gate.note_news();
        assert_eq!(gate.due(9, Some(9.0)), None);
        let value = told(&mut gate, 10, Some(9.0)).unwrap();
        assert!(value > 3.0 && value < 3.1, "{value}");
        assert_eq!(gate.due(1000, Some(9.0)), None, "told once");
        // Also if the total is reached, or is less than before.
        for total in [Some(9.0), None, Some(3.0), Some(0.5)] {
            gate.note_news();
            assert!(told(&mut gate, u64::MAX, total).is_some_and(|next| next > value), "{total:?}");
        }
    }

    #[test]
    fn beats_rise_at_any_size() {
        for from in [-1e300, -7.0, 0.0, 1e-9, 1.0, 1e15, 1e200] {
            let mut gate = ProgressGate::new(0, 1, 0);
            gate.offer(from);
            let mut before = told(&mut gate, 0, None).unwrap();
            for beat in 1..10_000 {
                let value = told(&mut gate, beat, None).unwrap();
                assert!(value > before, "{from}: {before} to {value}");
                before = value;
            }
        }
    }

    #[test]
    fn what_is_told_always_rises_and_ends_with_the_greatest() {
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..2_000 {
            let (interval_ns, heartbeat_ns) = (random(50), random(2) * random(200));
            let mut gate = ProgressGate::new(interval_ns, heartbeat_ns, 0);
            let (mut now_ns, mut greatest, mut all) = (0, None, Vec::new());
            for _ in 0..random(60) {
                now_ns += random(20);
                let value = random(40);
                let is_further = greatest.is_none_or(|most| value > most);
                assert_eq!(gate.offer(value as f64) == Offered::Further, is_further);
                greatest = greatest.max(Some(value));
                if random(8) == 0 {
                    gate.note_news();
                }
                all.extend(told(&mut gate, now_ns, Some(41.0)).map(|value| (value, now_ns)));
            }
            assert!(all.is_sorted_by(|a, b| a.0 < b.0 && b.1 - a.1 >= interval_ns), "{all:?}");
            let last = match gate.untold(Some(41.0)) {
                Some(Due::Offered(value) | Due::Beat(value)) => Some(value),
                None => all.last().map(|told| told.0),
            };
            let is_told = |most: u64| last.is_some_and(|last| last >= most as f64 && last < 41.0);
            assert!(greatest.is_none_or(is_told), "{last:?} of {greatest:?}");
        }
    }
}
