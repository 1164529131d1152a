//! Guards that a process of models, or of the ABI's fuzzer, runs without, to see that it finds out:
//! `.ci/models`, `.ci/fuzz-abi`.

#[cfg(any(loom, dcc_weakened))]
use std::sync::LazyLock;

/// Read once, and nothing that loom sees: schedules are those of the code that is left.
#[cfg(any(loom, dcc_weakened))]
static GUARD: LazyLock<String> =
    LazyLock::new(|| std::env::var("DCC_WEAKENED").unwrap_or_default());

/// Whether this guard is taken away.
#[cfg(any(loom, dcc_weakened))]
pub fn is(guard: &str) -> bool {
    *GUARD == guard
}

/// Whether this guard is taken away.
#[cfg(any(loom, dcc_weakened))]
#[macro_export]
#[doc(hidden)]
macro_rules! weakened {
    ($guard:literal) => {
        $crate::sys::weakened::is($guard)
    };
}

/// Nothing: guards are taken away there alone.
#[cfg(not(any(loom, dcc_weakened)))]
#[macro_export]
#[doc(hidden)]
macro_rules! weakened {
    ($guard:literal) => {
        false
    };
}
