//! How much of its room in the bar a share has filled by its units.
//!
//! All values are integers: a sum of rounded fractions would end above or below one. A bar is
//! `WHOLE` parts long.
//!
//! Invariants:
//! 1. The position grows with the units, and no change of the total makes it fall: the room that is
//!    left is spread over the units that are left.
//! 2. While the total is unknown, the position rises with the logarithm of the units and never
//!    arrives at the end of the room.
//! 3. Some room is always left to rise into: a total that is reached ends a little before the end
//!    of the room. A total that changes after it was reached was not a true total. From then on the
//!    room that is left is filled as if the total were unknown.

/// The parts of a whole bar.
pub const WHOLE: u64 = 1 << 62;

/// Fraction bits of a logarithm.
const LOG_BITS: u32 = 32;
/// While the total is unknown, half of the room is filled after this number of doublings of the
/// units.
const HALF_FILLED_AT: u128 = 4;

/// A total that is reached leaves this fraction of the room free: the room shifted right by this
/// number of bits.
const SPARE_BITS: u32 = 10;

/// How many units of a share are done, and how much of its room they fill.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// The share's room, in parts of the bar.
    room: u64,
    /// Units that are done, or handed to shares below.
    units: u64,
    /// Units in all; 0 while unknown.
    total: u64,
    /// Units at the last change of the total, and the parts that they stood for then, calculated as
    /// if a reached total filled all of the room.
    from_units: u64,
    from: u64,
    /// The total was changed after it had been reached, so totals no longer tell how far the share
    /// is. From then on `from` does not change, and is a position.
    is_open: bool,
    /// While `is_open`: units counted since it was set, but before `from_units`.
    units_before: u64,
}

impl Span {
    /// A span of `room` parts for `total` units.
    pub fn new(room: u64, total: u64) -> Self {
        Self { room, total, ..Self::default() }
    }

    /// The share's room, in parts of the bar.
    pub fn room(&self) -> u64 {
        self.room
    }

    /// Units that are done, or handed to shares below.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// Units in all; 0 while unknown.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether it is unknown how many units are still to come.
    pub fn is_unknown(&self) -> bool {
        self.is_open || self.total == 0 && self.units != 0
    }

    /// Parts of the room that a reached total leaves free.
    fn spare(&self) -> u64 {
        self.room >> SPARE_BITS
    }

    /// The position from which on the span rises half as fast.
    fn bend(&self) -> u64 {
        self.room - 2 * self.spare()
    }

    /// The parts that the units stand for, calculated as if a reached total filled all of the room.
    fn straight(&self) -> u64 {
        let left = self.room - self.from;
        let past = u128::from(self.units - self.from_units) + u128::from(self.units_before);
        let (part, whole) = match self.total {
            total if total == 0 || self.is_open => {
                let doublings = log2(past + 1);
                (doublings, doublings + (HALF_FILLED_AT << LOG_BITS))
            }
            total if self.units >= total => (1, 1),
            total => (past, (total - self.from_units).into()),
        };
        // The product is at most 2^62 * 2^64, and the quotient is not more than `left`.
        self.from + (u128::from(left) * part / whole) as u64
    }

    /// The parts of the room that the units stand for. They never become fewer, except by
    /// `take_back`.
    pub fn position(&self) -> u64 {
        let (straight, bend) = (self.straight(), self.bend());
        if self.is_open || straight <= bend { straight } else { bend + (straight - bend) / 2 }
    }

    /// Spreads the remaining room over the units that are still to come.
    fn spread(&mut self) {
        let straight = self.straight();
        if self.is_open {
            self.units_before = self.units_before.saturating_add(self.units - self.from_units);
        } else if straight > self.bend() {
            (self.from, self.is_open) = (self.position(), true);
        } else {
            self.from = straight;
        }
        self.from_units = self.units;
    }

    /// Hands all the room that is left to one share below. If the room was handed over before, that
    /// share gets a piece of the room that the earlier share has given back.
    pub fn hand_over(&mut self) {
        if self.is_open {
            self.units_before = self.units_before.saturating_add(1);
        } else {
            (self.from, self.is_open) = (self.room, true);
        }
    }

    /// Notes that the share below that had all the room has ended. Takes a few of its `unfilled`
    /// parts back for the next share; all of them if it has counted nothing. Returns the number of
    /// parts taken back.
    pub fn take_back(&mut self, unfilled: u64, has_counted: bool) -> u64 {
        if !self.is_open || self.from != self.room {
            return 0;
        }
        let parts = if has_counted { self.spare().min(unfilled) } else { unfilled };
        self.is_open = has_counted;
        self.from -= parts;
        parts
    }

    /// Counts units up to the total. Returns the number of units beyond it, which are not counted.
    #[must_use]
    pub fn add(&mut self, units: u64) -> u64 {
        let most = if self.total == 0 { u64::MAX } else { self.total.max(self.units) };
        let fitting = units.min(most - self.units);
        self.units += fitting;
        units - fitting
    }

    /// Changes the total. The remaining room is spread over those units of the new total that are
    /// still to come.
    pub fn set_total(&mut self, total: u64) {
        if total != self.total {
            self.spread();
            self.total = total;
        }
    }

    /// Begins to count from 0 again. The remaining room is spread over this total.
    pub fn begin_anew(&mut self, total: u64) {
        self.spread();
        (self.from_units, self.units, self.total) = (0, 0, total);
    }
}

/// Logarithm to the base 2, with `LOG_BITS` fraction bits. Between two powers of two it is a
/// straight line, so it grows with its argument.
fn log2(number: u128) -> u128 {
    let power = number.ilog2();
    // The number has at most 65 bits, and is shifted by 32.
    let fraction = ((number << LOG_BITS) >> power) - (1 << LOG_BITS);
    (u128::from(power) << LOG_BITS) + fraction
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// The position of a total that is reached.
    const REACHED: u64 = WHOLE - (WHOLE >> SPARE_BITS);

    /// Adds one unit at a time. The position must rise with each.
    fn rise(span: &mut Span, units: u64) {
        for _ in 0..units {
            let before = span.position();
            assert_eq!(span.add(1), 0);
            assert!(span.position() > before, "it stands still");
            assert!(span.position() < span.room(), "it has arrived");
        }
    }

    #[test]
    fn any_split_of_the_units_fills_exactly_as_much() {
        for (room, total) in [(WHOLE, 7), (WHOLE / 3, 13), (5, 49), (WHOLE, u64::MAX), (0, 4)] {
            let reached = room - (room >> SPARE_BITS);
            let mut span = Span::new(room, total);
            let mut before = 0;
            while span.units() < total {
                let over = span.add((total / 7).max(1));
                assert!(over == 0 || span.units() == total);
                assert!(span.position() >= before);
                before = span.position();
            }
            assert_eq!(span.position(), reached);
            assert_eq!(span.add(3), 3, "beyond the total");
            assert_eq!(span.position(), reached);
        }
    }

    #[test]
    fn it_is_straight_but_for_its_last_steps_and_those_rise_too() {
        let mut span = Span::new(WHOLE, 1 << 20);
        assert_eq!(span.add(1 << 18), 0);
        assert_eq!(span.position(), WHOLE / 4);
        assert_eq!(span.add((1 << 20) - (1 << 18) - 4096), 0);
        rise(&mut span, 4096);
        assert_eq!(span.position(), REACHED);
    }

    #[test]
    fn a_total_that_changes_moves_nothing_and_spreads_what_is_left() {
        let mut span = Span::new(WHOLE, 100);
        assert_eq!(span.add(90), 0);
        let at_90 = span.position();
        span.set_total(10_000);
        assert_eq!(span.position(), at_90);
        rise(&mut span, 9910);
        assert_eq!(span.position(), REACHED);
    }

    #[test]
    fn a_total_that_grows_once_it_was_reached_never_stands_still() {
        let mut span = Span::new(WHOLE, 10);
        rise(&mut span, 10);
        span.set_total(20);
        assert_eq!(span.position(), REACHED, "nothing moves");
        assert!(span.is_unknown());
        rise(&mut span, 10);
        for total in 21..2000 {
            span.set_total(total);
            rise(&mut span, 1);
        }
        for _ in 0..2000 {
            let before = span.position();
            span.begin_anew(40);
            assert_eq!(span.position(), before, "nothing moves");
            rise(&mut span, 40);
        }
    }

    #[test]
    fn a_total_that_creeps_ahead_of_the_units_never_stands_still() {
        let mut span = Span::new(WHOLE, 100);
        for units in 0..100_000 {
            span.set_total(units + 100);
            rise(&mut span, 1);
        }
    }

    #[test]
    fn who_hands_it_over_again_and_again_leaves_something_each_time() {
        let mut span = Span::new(WHOLE, 0);
        span.hand_over();
        assert_eq!(span.position(), WHOLE);
        assert_eq!(span.take_back(WHOLE, false), WHOLE, "who has counted nothing had nothing");
        assert_eq!((span.position(), span.is_unknown()), (0, false));
        span.hand_over();
        assert_eq!(span.take_back(WHOLE / 2, true), WHOLE - REACHED);
        assert_eq!(span.position(), REACHED);
        assert_eq!(span.take_back(WHOLE / 2, true), 0, "it was given back");
        for _ in 0..10_000 {
            let before = span.position();
            span.hand_over();
            assert!(before < span.position() && span.position() < WHOLE);
        }
    }

    #[test]
    fn an_unknown_total_rises_for_ever_and_never_arrives() {
        let mut span = Span::new(WHOLE, 0);
        assert_eq!(span.position(), 0);
        let mut before = 0;
        for shift in 0..60 {
            assert_eq!(span.add(1 << shift), 0);
            let position = span.position();
            assert!(position > before && position < WHOLE, "{shift}");
            before = position;
        }
        span.set_total(span.units() * 2);
        assert_eq!(span.position(), before);
        let _ = span.add(u64::MAX);
        assert_eq!(span.position(), REACHED);
        let mut endless = Span::new(WHOLE, 0);
        assert_eq!(endless.add(u64::MAX), 0);
        assert_eq!(endless.add(5), 5);
        assert!(endless.position() < WHOLE);
    }

    #[test]
    fn a_total_below_what_is_done_is_reached() {
        let mut span = Span::new(WHOLE, 100);
        assert_eq!(span.add(60), 0);
        span.set_total(50);
        assert_eq!(span.position(), REACHED);
        assert_eq!(span.add(1), 1);
        span.set_total(80);
        assert_eq!(span.position(), REACHED, "it never falls");
        rise(&mut span, 20);
    }

    #[test]
    fn units_that_begin_anew_share_what_is_left() {
        let mut span = Span::new(WHOLE, 100);
        assert_eq!(span.add(50), 0);
        span.begin_anew(10);
        assert_eq!(span.position(), WHOLE / 2);
        assert_eq!(span.add(5), 0);
        assert_eq!(span.position(), WHOLE / 4 * 3);
        assert_eq!(span.add(5), 0);
        assert_eq!(span.position(), REACHED);
    }
}
