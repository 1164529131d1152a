//! How a loom model is run that has a whole library on its stack.

use loom::thread;
use std::sync::Arc;

/// Runs the interleavings with at most this many preemptions; all would take hours. The body has a thread
/// with more stack than loom gives by itself: a library alone takes half of that.
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
