//! Two ways to do the same, timed in turns.

use std::time::Instant;

/// How long it takes.
pub fn nanoseconds(body: impl FnOnce()) -> f64 {
    let start = Instant::now();
    body();
    start.elapsed().as_nanos() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Median of the ratio over rounds that take turns in who is first, and of the first one's times.
pub fn ratio(rounds: usize, own: impl Fn() -> f64, peer: impl Fn() -> f64) -> (f64, f64) {
    let mut times = Vec::new();
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let (first, second) = if round % 2 == 0 {
            let own = own();
            (own, peer())
        } else {
            let peer = peer();
            (own(), peer)
        };
        times.push(first);
        ratios.push(first / second);
    }
    (median(ratios), median(times))
}
