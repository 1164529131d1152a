//! The figures of many rounds of one row.

use std::time::Instant;

/// A ratio, its spread, and how it was measured.
pub struct Figures {
    /// Median of the ratio over the rounds, and its quartiles.
    pub ratio: f64,
    pub quartiles: [f64; 2],
    pub rounds: usize,
    /// The number of calls in each round.
    pub times: u64,
    /// The median of the nanoseconds of one call.
    pub own: f64,
}

impl Figures {
    /// Reads the fields of a row, see figures.hpp.
    pub fn of(fields: &[&str]) -> Self {
        let number = |at: usize| -> f64 { fields[at].parse().expect("a number") };
        Self {
            ratio: number(0),
            quartiles: [number(1), number(2)],
            rounds: number(3) as usize,
            times: number(4) as u64,
            own: number(5),
        }
    }
}

/// The number of rounds: `full`, or `quick` if `DCC_BENCH_QUICK` only asks whether the benchmark
/// works.
pub fn rounds(full: usize, quick: usize) -> usize {
    if is_quick() { quick } else { full }
}

pub fn is_quick() -> bool {
    std::env::var_os("DCC_BENCH_QUICK").is_some_and(|asked| !asked.is_empty())
}

/// The nanoseconds that the body takes.
pub fn nanoseconds(body: impl FnOnce()) -> f64 {
    let start = Instant::now();
    body();
    start.elapsed().as_nanos() as f64
}

/// The value below which this part of the values lies.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    let place = ((values.len() - 1) as f64 * part).round() as usize;
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// Runs both in turns, after one run of each that does not count. Each returns its nanoseconds for
/// this many calls.
pub fn compared(
    rounds: usize,
    times: u64,
    own: impl Fn() -> f64,
    peer: impl Fn() -> f64,
) -> Figures {
    own();
    peer();
    let (mut own_times, mut ratios) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (first, second) = if round % 2 == 0 {
            let own = own();
            (own, peer())
        } else {
            let peer = peer();
            (own(), peer)
        };
        own_times.push(first / times as f64);
        ratios.push(first / second);
    }
    Figures {
        ratio: quantile(&mut ratios, 0.5),
        quartiles: [quantile(&mut ratios, 0.25), quantile(&mut ratios, 0.75)],
        rounds,
        times,
        own: quantile(&mut own_times, 0.5),
    }
}
