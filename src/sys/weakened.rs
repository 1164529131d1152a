//! Guards against races that test runs take away one by one, to show that a test fails without the
//! guard. `.ci/models` does that with the models, `.ci/fuzz-abi` with the fuzzer of the ABI.

#[cfg(any(loom, dcc_weakened))]
use std::sync::LazyLock;

/// The name of the guard that this process runs without. It is read once, and loom does not see the
/// read, so the schedules of a model stay those of the remaining code.
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
