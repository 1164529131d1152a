//! Which values of a request's progress its peer is told: each greater than the one before, as MCP
//! wants, not more often than an interval, and the last one always, before the answer. After the
//! answer none.
//!
//! The gate keeps numbers only. Whoever is told to hold a value keeps what goes with it.

/// What to do with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Tell it now. What was held before is obsolete.
    Tell,
    /// Keep it: [`ProgressGate::due`] or [`ProgressGate::end`] gives it back, unless a greater one
    /// takes its place.
    Hold,
    /// Leave it: it is no number, not greater than the one before, or too late.
    Leave,
}

/// The progress of one request.
#[derive(Clone, Copy, Debug)]
pub struct ProgressGate {
    interval_ns: u64,
    told: Option<Told>,
    held: Option<f64>,
    is_ended: bool,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    value: f64,
    time_ns: u64,
}

impl ProgressGate {
    /// Of a request that begins; at least `interval_ns` lie between two values, but for the last.
    pub const fn new(interval_ns: u64) -> Self {
        Self { interval_ns, told: None, held: None, is_ended: false }
    }

    /// A new value. The first one is told at once.
    pub fn offer(&mut self, now_ns: u64, value: f64) -> Offer {
        let last = self.held.or(self.told.map(|told| told.value));
        if self.is_ended || !value.is_finite() || last.is_some_and(|last| value <= last) {
            return Offer::Leave;
        }
        if self.opens_ns().is_some_and(|opens_ns| now_ns < opens_ns) {
            self.held = Some(value);
            return Offer::Hold;
        }
        self.tell(now_ns, value);
        Offer::Tell
    }

    /// When the value that is held is due; `None` while none is.
    pub fn due_ns(&self) -> Option<u64> {
        self.held.and_then(|_| self.opens_ns())
    }

    /// The value that is held, to be told now, if it is due.
    pub fn due(&mut self, now_ns: u64) -> Option<f64> {
        let value = self.held.filter(|_| self.opens_ns().is_none_or(|opens_ns| now_ns >= opens_ns));
        if let Some(value) = value {
            self.tell(now_ns, value);
        }
        value
    }

    /// The request is about to be answered: the value that is held, to be told before that, due or
    /// not. Whoever does not answer leaves it. From here on all values are left.
    pub fn end(&mut self) -> Option<f64> {
        self.is_ended = true;
        self.held.take()
    }

    fn tell(&mut self, time_ns: u64, value: f64) {
        self.told = Some(Told { value, time_ns });
        self.held = None;
    }

    /// When the next value may be told; `None`: now.
    fn opens_ns(&self) -> Option<u64> {
        self.told.map(|told| told.time_ns.saturating_add(self.interval_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_an_interval_apart_and_the_latest_when_it_is_due() {
        let mut gate = ProgressGate::new(100);
        assert_eq!(gate.due_ns(), None);
        assert_eq!(gate.offer(1000, 0.0), Offer::Tell);
        assert_eq!(gate.offer(1001, 1.0), Offer::Hold);
        assert_eq!(gate.offer(1002, 2.0), Offer::Hold);
        assert_eq!(gate.due_ns(), Some(1100));
        assert_eq!(gate.due(1099), None);
        assert_eq!(gate.due(1100), Some(2.0));
        assert_eq!(gate.due(1500), None);
        assert_eq!(gate.offer(1199, 3.0), Offer::Hold);
        assert_eq!(gate.offer(1200, 4.0), Offer::Tell);
        assert_eq!(gate.due(1300), None);
    }

    #[test]
    fn no_value_is_told_that_is_not_greater() {
        let mut gate = ProgressGate::new(100);
        assert_eq!(gate.offer(0, f64::NAN), Offer::Leave);
        assert_eq!(gate.offer(0, f64::INFINITY), Offer::Leave);
        assert_eq!(gate.offer(0, -1.0), Offer::Tell);
        assert_eq!(gate.offer(500, -1.0), Offer::Leave);
        assert_eq!(gate.offer(500, -2.0), Offer::Leave);
        assert_eq!(gate.offer(50, 5.0), Offer::Hold);
        assert_eq!(gate.offer(51, 5.0), Offer::Leave);
        assert_eq!(gate.offer(500, 4.0), Offer::Leave);
        assert_eq!(gate.due(500), Some(5.0));
        assert_eq!(gate.offer(5000, 5.0), Offer::Leave);
    }

    #[test]
    fn the_last_value_is_told_before_the_end_and_none_after_it() {
        let mut gate = ProgressGate::new(u64::MAX);
        assert_eq!(gate.offer(1, 1.0), Offer::Tell);
        assert_eq!(gate.offer(2, 2.0), Offer::Hold);
        assert_eq!(gate.end(), Some(2.0));
        assert_eq!(gate.end(), None);
        assert_eq!(gate.due_ns(), None);
        assert_eq!(gate.due(u64::MAX), None);
        assert_eq!(gate.offer(u64::MAX, 3.0), Offer::Leave);

        let mut told = ProgressGate::new(100);
        assert_eq!(told.offer(1, 1.0), Offer::Tell);
        assert_eq!(told.end(), None);
    }

    #[test]
    fn without_an_interval_every_greater_value_is_told() {
        let mut gate = ProgressGate::new(0);
        for value in 0..100 {
            assert_eq!(gate.offer(7, value.into()), Offer::Tell);
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
            let mut gate = ProgressGate::new(random(50));
            let (mut now_ns, mut greatest, mut told) = (0, None, Vec::new());
            for _ in 0..random(60) {
                now_ns += random(20);
                let value = random(40) as f64;
                greatest = greatest.max(Some(value as u64));
                match gate.offer(now_ns, value) {
                    Offer::Tell => told.push(value),
                    Offer::Hold | Offer::Leave => told.extend(gate.due(now_ns + random(10))),
                }
            }
            told.extend(gate.end());
            assert!(told.is_sorted_by(|before, after| before < after), "{told:?}");
            assert_eq!(told.last().map(|value| *value as u64), greatest);
        }
    }
}
