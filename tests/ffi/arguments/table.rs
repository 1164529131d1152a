//! What the header's types do not say: bounds of numbers and texts, what may be NULL, good values.

use crate::c_layout::Layout;
use crate::call::Argument;
use crate::world::{self, World};

/// Functions whose good call changes no count: they only read, wait, or hand out a reference.
/// Events that `dcc_events_drain` takes are counted at the end of the world.
pub const UNSEEN: &[&str] = &[
    "dcc_cancel_token_reason",
    "dcc_cancel_token_trace_parent",
    "dcc_cancel_token_cause",
    "dcc_cancel_token_time_since_cancelled",
    "dcc_cancel_token_caller_id",
    "dcc_cancel_token_deadline",
    "dcc_cancel_token_wait_any",
    "dcc_poll_read_current",
    "dcc_poll_read_current_at",
    "dcc_job_find",
    "dcc_job_read_progress",
    "dcc_job_progress_message",
    "dcc_job_label",
    "dcc_job_caller_id",
    "dcc_job_failure",
    "dcc_job_user_data",
    "dcc_job_wake_at_cancel",
    "dcc_library_call_ask",
    "dcc_poll_read_token",
    "dcc_progress_read_counter",
    "dcc_context_caller_id",
    "dcc_context_shield",
    "dcc_context_ask",
    "dcc_events_create",
    "dcc_events_drain",
    "dcc_events_next",
    "dcc_dispatcher_find",
    "dcc_dispatcher_read_stats",
    "dcc_dispatcher_longest_label",
    "dcc_job_state",
    "dcc_session_query",
    "dcc_session_reason",
    "dcc_session_read_stats",
    "dcc_request_write_cancelled",
    "dcc_job_poll_gap",
    "dcc_job_threads",
    "dcc_stats_live_jobs",
    "dcc_stats_jobs_page",
    "dcc_stats_read",
    "dcc_stats_polls_without_job",
    "dcc_stats_latency",
    "dcc_timeline_write",
    "dcc_control_address",
    "dcc_last_error",
];

const WRONG_STATE: i32 = -10;

/// Whether this status is a possible answer to good arguments. The world's job has begun and was
/// not posted.
pub fn is_good(function: &str, status: i32) -> bool {
    let is_refused = function == "dcc_job_begin" || function.starts_with("dcc_job_wake");
    status >= 0 || is_refused && status == WRONG_STATE
}

/// Parameters that may be NULL, apart from `out_length`.
pub const OPTIONAL: &[(&str, &str)] = &[
    ("dcc_cancel_token_register", "out_registration"),
    ("dcc_cancel_token_register", "destroy"),
    ("dcc_cancel_token_register_keeping", "destroy"),
    ("dcc_cancel_token_wait_any", "out_index"),
    ("dcc_context_bind", "destroy"),
    ("dcc_dispatcher_post", "out_job"),
    ("dcc_dispatcher_post", "out_admission"),
    ("dcc_dispatcher_post_and_wait", "out_job"),
    ("dcc_dispatcher_post_and_wait", "out_state"),
    ("dcc_dispatcher_pump", "out_tick"),
    ("dcc_session_sweep", "out_count"),
    ("dcc_session_handle_message", "out_info"),
    ("dcc_request_end", "out_owed"),
    ("dcc_control_open", "desc"),
];

pub fn is_optional(function: &str, parameter: &str) -> bool {
    OPTIONAL.contains(&(function, parameter))
}

/// Functions that a structure must have.
pub const REQUIRED_FUNCTIONS: &[(&str, &str)] = &[("dcc_post_desc", "function")];

/// The smallest size that the library accepts, as the sources say.
pub fn first_size(structure: &str) -> u64 {
    let sizes = include_str!("../../../src/ffi/first_sizes.rs");
    let line = format!("    {structure} = ");
    let size = sizes.lines().find_map(|at| at.strip_prefix(&line)?.strip_suffix(',')?.parse().ok());
    size.unwrap_or_else(|| panic!("the first size of {structure} is not known"))
}

/// The values that a number may have.
#[derive(Debug, Clone)]
pub enum Scalar {
    /// Any value; this one is passed.
    Any(u64),
    /// Flags; these bits are known.
    Flags(u32),
    /// One of these.
    Among(&'static [i32]),
    /// A value in this range, both ends included.
    Range(u64, u64),
    /// A reserved field.
    Zero,
    /// An event that is open, for a call that closes it.
    Event,
    /// A finite number.
    Finite,
    /// The id of a live job.
    JobId,
}

impl Scalar {
    pub fn good(&self, world: &World<'_>) -> u64 {
        match self {
            Self::Any(value) => *value,
            Self::Among(values) => values[0] as u64,
            Self::Range(least, _) => (*least).max(1),
            Self::Event => world.event,
            Self::JobId => world.job_id,
            Self::Flags(_) | Self::Zero | Self::Finite => 0,
        }
    }
}

/// The values of a parameter that is passed by value.
pub fn number(function: &str, parameter: &str) -> Scalar {
    match (function, parameter) {
        ("dcc_request_write_progress", "flags") => Scalar::Flags(1),
        ("dcc_stats_latency", "which") => Scalar::Among(&[1, 2]),
        ("dcc_stats_jobs_page", "from") => Scalar::Any(0),
        ("dcc_stats_jobs_page", "most") => Scalar::Range(0, 64),
        ("dcc_events_create", "capacity") => Scalar::Range(1, 65_536),
        ("dcc_timeline_begin", "max_entries") => Scalar::Range(1, 1 << 20),
        ("dcc_native_event_close", "native_event") => Scalar::Event,
        ("dcc_dispatcher_post_and_wait", "timeout_ns") => Scalar::Any(u64::MAX),
        (_, "timeout_ns" | "on" | "line" | "was_told" | "succeeded" | "was_aborted") => {
            Scalar::Any(0)
        }
        (_, "budget_ns" | "max_jobs" | "ttl_ns" | "threshold_ns" | "after_ns" | "at_ns") => {
            Scalar::Any(u64::MAX)
        }
        (_, "done") => Scalar::Any(3),
        (_, "total") => Scalar::Any(7),
        (_, "n") => Scalar::Any(1),
        ("dcc_job_find", "id") => Scalar::JobId,
        (_, "ticket" | "status") => Scalar::Any(0),
        ("dcc_poll_slow", "token" | "job") => Scalar::Any(0),
        _ => panic!("{function} has a number {parameter}, of which this table knows nothing"),
    }
}

/// The values of a field that is a number.
pub fn field(structure: &str, field: &str) -> Scalar {
    match (structure, field) {
        (_, "reserved") => Scalar::Zero,
        ("dcc_progress_desc", "weight" | "total") => Scalar::Any(1),
        ("dcc_control_desc", "flags") => Scalar::Flags(0),
        (
            "dcc_cancel_token_desc"
            | "dcc_dispatcher_desc"
            | "dcc_session_desc"
            | "dcc_request_desc",
            "flags",
        ) => Scalar::Flags(1),
        ("dcc_job_desc", "flags") => Scalar::Flags(3),
        ("dcc_post_desc", "flags") => Scalar::Flags(7),
        ("dcc_library_call", "told") => Scalar::Among(&[0, 1, 2, 3]),
        ("dcc_post_desc", "lane") => Scalar::Among(&[0, 1, 2, 3]),
        ("dcc_session_desc", "kind") => Scalar::Among(&[0, 1, 2]),
        ("dcc_session_desc", "replies") => Scalar::Among(&[0, 1, 2]),
        ("dcc_session_desc", "early") => Scalar::Among(&[0, 1, 2]),
        ("dcc_request_id", "type") => Scalar::Among(&[1, 2]),
        ("dcc_dispatcher_desc", "capacity") => Scalar::Range(0, 131_072),
        ("dcc_session_desc", "max_requests" | "max_kept") => Scalar::Range(0, 65_536),
        ("dcc_request_progress", "progress" | "total") => Scalar::Finite,
        ("dcc_request_id", "integer") => Scalar::Any(0),
        (_, time) if time.ends_with("_ns") => Scalar::Any(0),
        _ => panic!("{structure} has a number {field}, of which this table knows nothing"),
    }
}

/// The limit of a text's bytes, for a parameter of a function or a field of a structure.
pub fn text_limit(of: &str, name: &str) -> &'static str {
    match (of, name) {
        ("dcc_session_cancel" | "dcc_request_cancel", "reason") => "DCC_MAX_MESSAGE_LENGTH",
        ("dcc_request_desc", "meta") => "DCC_MAX_MESSAGE_LENGTH",
        ("dcc_request_id", "text") => "DCC_MAX_REQUEST_ID_LENGTH",
        (_, "caller_id") => "DCC_MAX_CALLER_ID_LENGTH",
        (_, "reason" | "message" | "label" | "name" | "path" | "words") => "DCC_MAX_TEXT_LENGTH",
        _ => panic!("{of} has a text {name}, of which this table knows nothing"),
    }
}

/// Whether a function's text comes from a peer, so that it may be any bytes.
pub fn is_message(function: &str) -> bool {
    function == "dcc_session_handle_message"
}

/// Whether a text is the path of a file, which must not contain NUL.
pub fn is_path(name: &str) -> bool {
    name == "path"
}

/// A good text for a parameter.
pub fn text(function: &str, parameter: &str) -> String {
    match (function, parameter) {
        (_, "path") => world::timeline_path().display().to_string(),
        ("dcc_dispatcher_find", "caller_id") => world::WAITING_ID.to_owned(),
        ("dcc_session_handle_message", "message") => {
            let id = world::REQUEST_ID;
            let method = "notifications/cancelled";
            format!(r#"{{"method": "{method}", "params": {{"requestId": "{id}"}}}}"#)
        }
        _ => "text".to_owned(),
    }
}

/// The function that is passed for this parameter.
pub fn function_named(parameter: &str) -> u64 {
    match parameter {
        "function" => world::cancelled as *const () as u64,
        "destroy" => world::destroy as *const () as u64,
        _ => panic!("a function {parameter}, of which this table knows nothing"),
    }
}

/// The user data that is passed.
pub fn user_data() -> u64 {
    0x1234
}

/// Fills in a structure that the call reads.
pub fn fill(function: &str, argument: &mut Argument, layout: &Layout, world: &World<'_>) {
    if layout.fields[0].field.name == "struct_size" {
        argument.put(0, 4, layout.size as u64);
    }
    let mut put = |field: &str, value: u64| {
        let place = layout.place(field);
        argument.put(place.offset, place.size, value);
    };
    match layout.name.as_str() {
        "dcc_post_desc" => {
            put("function", world::work as *const () as u64);
            put("completion", world::complete as *const () as u64);
            put("destroy", world::destroy as *const () as u64);
            put("user_data", user_data());
            put("parent", world.parent);
        }
        "dcc_job_desc" | "dcc_dispatcher_desc" => {
            put("destroy", world::destroy as *const () as u64);
            put("user_data", user_data());
        }
        "dcc_cancel_token_desc" => {
            put("parents", world.parents());
            put("parent_count", 2);
        }
        "dcc_request_id" => {
            let id = match function {
                "dcc_session_clear" => world::EARLY_ID,
                _ => world::REQUEST_ID,
            };
            put("type", 2);
            put("text", id.as_ptr() as u64);
            put("text_length", id.len() as u64);
        }
        "dcc_request_desc" => {
            put_integer(argument, layout.place("id").offset, 77);
            put_integer(argument, layout.place("progress_token").offset, 78);
        }
        "dcc_request_progress" => put("progress", 2.5_f64.to_bits()),
        "dcc_library_call" => put("job", world.handle(function, "dcc_job")),
        "dcc_progress_desc" => {
            put("parent", world.handle(function, "dcc_progress"));
            put("weight", 1);
        }
        "dcc_session_desc" | "dcc_control_desc" => (),
        other => panic!("the structure {other}, of which this table knows nothing"),
    }
}

fn put_integer(argument: &mut Argument, id: usize, integer: u64) {
    argument.put(id, 4, 1);
    argument.put(id + 8, 8, integer);
}
