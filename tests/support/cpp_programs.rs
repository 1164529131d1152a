//! The programs of tests/cpp that Linux and Windows run alike.

/// The programs that show what the wrapper does.
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

/// Those that are C++20 alone.
pub const COROUTINE_PROGRAMS: &[&str] =
    &["tasks", "task_ends", "task_closes", "task_shutdown", "task_workers", "task_progress"];
