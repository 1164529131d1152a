//! The programs of tests/cpp that Linux and Windows run alike.

/// The programs that show what the wrapper does.
pub const PROGRAMS: &[&str] = &[
    "wrapper",
    "values",
    "allocations",
    "threads",
    "condition",
    "ends",
    "callback",
    "callback_races",
    "owner",
    "wait",
    "stop_token",
    "exit",
    "shutdown",
    "dispatcher",
    "dispatcher_exceptions",
    "dispatcher_host",
    "dispatcher_results",
    "session",
    "control",
];
