//! The programs of tests/cpp that the tests run on Linux and on Windows.

/// The programs for every C++ standard that the wrapper supports.
pub const PROGRAMS: &[&str] = &[
    "wrapper",
    "values",
    "allocations",
    "threads",
    "condition",
    "asking",
    "ends",
    "progress",
    "commit",
    "below_current",
    "callback",
    "callback_races",
    "owner",
    "wait",
    "wait_end",
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

/// The programs that need C++20.
pub const COROUTINE_PROGRAMS: &[&str] =
    &["tasks", "task_ends", "task_closes", "task_shutdown", "task_workers", "task_progress"];
