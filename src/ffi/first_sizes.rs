//! The size that each structure that may grow had in the first release of this major version, 2.0.
//!
//! Invariant: within a major version no line changes. Callers that were built against its first
//! release pass these sizes, so the library may not demand more. For a structure that a later minor
//! version brings, the size here is that of its first release. A new major version rewrites all
//! lines.

use super::{
    argument::FirstSize,
    control::dcc_control_desc,
    dispatcher::dcc_dispatcher_desc,
    dispatcher_stats::dcc_dispatcher_stats,
    events::dcc_event,
    events_next::dcc_event_details,
    job::dcc_job_desc,
    job_texts::dcc_job_progress,
    library::DCC_ABI_MINOR,
    library_call::dcc_library_call,
    post::{dcc_admission, dcc_post_desc},
    progress::dcc_progress_desc,
    pump::dcc_tick,
    request::dcc_request_desc,
    request_progress::dcc_request_progress,
    session::dcc_session_desc,
    session_message::dcc_message_info,
    session_stats::dcc_session_stats,
    stats::{dcc_latency, dcc_stats},
    token::dcc_cancel_token_desc,
    trace::{dcc_job_thread, dcc_poll_gap},
};

macro_rules! first_sizes {
    ($($structure:ty = $size:literal,)*) => {$(
        impl FirstSize for $structure {
            const FIRST_SIZE: usize = $size;
        }

        const _: () = assert!(
            size_of::<$structure>() == $size
                || DCC_ABI_MINOR > 0 && size_of::<$structure>() > $size,
            concat!(stringify!($structure), " is not as large as it was first released"),
        );
    )*};
}

first_sizes! {
    dcc_admission = 24,
    dcc_cancel_token_desc = 40,
    dcc_control_desc = 24,
    dcc_dispatcher_desc = 96,
    dcc_dispatcher_stats = 224,
    dcc_event = 192,
    dcc_event_details = 4640,
    dcc_job_desc = 88,
    dcc_job_progress = 56,
    dcc_job_thread = 40,
    dcc_latency = 48,
    dcc_library_call = 32,
    dcc_message_info = 288,
    dcc_poll_gap = 552,
    dcc_post_desc = 104,
    dcc_progress_desc = 48,
    dcc_request_desc = 96,
    dcc_request_progress = 40,
    dcc_session_desc = 56,
    dcc_session_stats = 80,
    dcc_stats = 152,
    dcc_tick = 64,
}
