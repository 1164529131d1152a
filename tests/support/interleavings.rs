//! Runs a loom model that has a whole library on its stack.

use loom::thread;
use std::sync::Arc;

/// Runs the interleavings with at most this many preemptions; all interleavings would take hours.
/// The body gets a thread with a larger stack than loom's, because a library alone fills half of
/// loom's.
pub fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    let body = Arc::new(body);
    builder.check(move || {
        let body = body.clone();
        let thread = thread::Builder::new().stack_size(1 << 15).spawn(move || body());
        thread.unwrap().join().unwrap();
    });
}
