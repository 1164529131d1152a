//! Which values of a request's progress its peer is told: each greater than the one before, as MCP
//! wants, not more often than an interval, the latest one always, before the answer.
//!
//! The gate keeps numbers only. Whoever offers a value that counts keeps what goes with it.

/// The progress of one request.
#[derive(Clone, Copy, Debug)]
pub struct ProgressGate {
    interval_ns: u64,
    told: Option<Told>,
    held: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    value: f64,
    time_ns: u64,
}

impl ProgressGate {
    /// Of a request that begins; at least `interval_ns` lie between two values that are told when they
    /// are due.
    pub const fn new(interval_ns: u64) -> Self {
        Self { interval_ns, told: None, held: None }
    }

    /// A new value. Whether it counts: it is a number, and greater than all before. It takes the place
    /// of the one that was held.
    pub fn offer(&mut self, value: f64) -> bool {
        let last = self.held.or(self.told.map(|told| told.value));
        let counts = value.is_finite() && last.is_none_or(|last| value > last);
        if counts {
            self.held = Some(value);
        }
        counts
    }

    /// The value that has not been told.
    pub fn held(&self) -> Option<f64> {
        self.held
    }

    /// The value that is to be told now. It is held until [`ProgressGate::tell`].
    pub fn due(&self, now_ns: u64) -> Option<f64> {
        let opens_ns = self.told.map(|told| told.time_ns.saturating_add(self.interval_ns));
        self.held.filter(|_| opens_ns.is_none_or(|opens_ns| now_ns >= opens_ns))
    }

    /// What was held has been told.
    pub fn tell(&mut self, time_ns: u64) {
        if let Some(value) = self.held.take() {
            self.told = Some(Told { value, time_ns });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_an_interval_apart_and_the_latest_when_it_is_due() {
        let mut gate = ProgressGate::new(100);
        assert_eq!(gate.due(0), None);
        assert!(gate.offer(0.0));
        assert_eq!(gate.due(1000), Some(0.0));
        assert_eq!(gate.due(1000), Some(0.0), "until it was told");
        gate.tell(1000);
        assert_eq!(gate.due(5000), None);
        assert!(gate.offer(1.0) && gate.offer(2.0));
        assert_eq!(gate.due(1099), None);
        assert_eq!(gate.held(), Some(2.0));
        assert_eq!(gate.due(1100), Some(2.0));
        gate.tell(1100);
        assert_eq!((gate.held(), gate.due(1500)), (None, None));
        assert!(gate.offer(3.0));
        assert_eq!(gate.due(1199), None);
        assert_eq!(gate.due(1200), Some(3.0));
    }

    #[test]
    fn no_value_counts_that_is_not_greater() {
        let mut gate = ProgressGate::new(100);
        assert!(!gate.offer(f64::NAN));
        assert!(!gate.offer(f64::INFINITY));
        assert!(gate.offer(-1.0));
        gate.tell(0);
        assert!(!gate.offer(-1.0));
        assert!(!gate.offer(-2.0));
        assert!(gate.offer(5.0));
        assert!(!gate.offer(5.0));
        assert!(!gate.offer(4.0));
        assert_eq!(gate.due(500), Some(5.0));
    }

    #[test]
    fn a_value_may_be_told_before_it_is_due() {
        let mut gate = ProgressGate::new(u64::MAX);
        assert!(gate.offer(1.0));
        gate.tell(1);
        assert!(gate.offer(2.0));
        assert_eq!(gate.due(u64::MAX - 1), None);
        assert_eq!(gate.held(), Some(2.0));
        gate.tell(2);
        assert_eq!(gate.held(), None);
        assert!(!gate.offer(2.0));
    }

    #[test]
    fn what_is_told_always_rises_and_ends_with_the_greatest() {
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..2_000 {
            let interval_ns = random(50);
            let mut gate = ProgressGate::new(interval_ns);
            let (mut now_ns, mut greatest, mut told) = (0, None, Vec::new());
            for _ in 0..random(60) {
                now_ns += random(20);
                let value = random(40);
                assert_eq!(gate.offer(value as f64), greatest.is_none_or(|most| value > most));
                greatest = greatest.max(Some(value));
                if let Some(due) = gate.due(now_ns) {
                    told.push((due, now_ns));
                    gate.tell(now_ns);
                }
            }
            assert!(told.is_sorted_by(|a, b| a.0 < b.0 && b.1 - a.1 >= interval_ns), "{told:?}");
            let last = gate.held().or(told.last().map(|told| told.0));
            assert_eq!(last.map(|value| value as u64), greatest);
        }
    }
}
