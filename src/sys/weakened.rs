//! Which guard a process of models, or of the ABI's fuzzer, runs without. Read once, and nothing that loom sees: schedules are
//! those of the code that is left.

use std::sync::LazyLock;

static GUARD: LazyLock<String> =
    LazyLock::new(|| std::env::var("DCC_WEAKENED").unwrap_or_default());

/// Whether this guard is taken away.
pub fn is(guard: &str) -> bool {
    *GUARD == guard
}
