//! Guards that tests take away one by one: `.ci/models` for models, `.ci/fuzz-abi` for the
//! ABI's fuzzer. Each test has to fail without the guard.

#[cfg(any(loom, dcc_weakened))]
use std::sync::LazyLock;

/// The guard that this process runs without. Read once, by nothing that loom sees, so that the
/// schedules are those of the remaining code.
#[cfg(any(loom, dcc_weakened))]
static GUARD: LazyLock<String> =
    LazyLock::new(|| std::env::var("DCC_WEAKENED").unwrap_or_default());

/// Whether this process runs without the guard.
#[cfg(any(loom, dcc_weakened))]
pub fn is(guard: &str) -> bool {
    *GUARD == guard
}

/// Whether this process runs without the guard.
#[cfg(any(loom, dcc_weakened))]
#[macro_export]
#[doc(hidden)]
macro_rules! weakened {
    ($guard:literal) => {
        $crate::sys::weakened::is($guard)
    };
}

/// Always false: only models and the fuzzer can take guards away.
#[cfg(not(any(loom, dcc_weakened)))]
#[macro_export]
#[doc(hidden)]
macro_rules! weakened {
    ($guard:literal) => {
        false
    };
}
