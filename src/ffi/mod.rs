//! The C boundary: what C code sees, over the safe core. It is cut by subject: a C object may have several
//! files.
//!
//! Doc comments of exported items become the comments of `include/dcc_cancel.h` and are written
//! for C readers. Every exported function goes through `guard::guard` or one of its siblings.
//!
//! - All calls: `argument` what comes in, [`limits`] how long it may be, `out` what goes out; `first_sizes`
//!   how large structures are at least; `guard` where
//!   panics stop and errors become statuses, [`status`] those; `answer` what a question whether to stop is
//!   answered.
//! - Tokens: [`token`]; [`token_all`] of all; [`deadline`] cancels at a time, and on another thread;
//!   [`registration`] callbacks; [`wait`] waits and native events; [`owner`] plugins that go.
//! - Jobs: [`job`]; [`job_life`] how one begins and ends; [`job_texts`] what it tells of itself;
//!   [`progress`] shares of its bar, [`progress_counter`] who counts in one; [`job_wait`] waits for its end;
//!   [`seal`] its point of no return, and a request's.
//! - Threads of the caller: [`current`] what is set on one, and the probe; [`poll`] polls in loops;
//!   [`context`] what is carried to another; [`library_call`] what a library asks that calls a function now
//!   and then; `thread` where a thread's slots are kept.
//! - Dispatchers: [`dispatcher`]; [`post`]; [`pump`]; [`mod@slice`] when a job gives the tick back;
//!   [`dispatcher_stats`].
//! - Peers: [`session`]; [`session_message`] what a peer sends; [`session_ids`] its requests by their ids;
//!   [`session_stats`]; [`request`]; [`request_id`]; [`request_progress`].
//! - Diagnosis: [`events`]; [`trace`] polls, jobs' threads, the listing of live jobs; [`stats`] counts and
//!   latencies; [`timeline`].
//! - The library: [`library`](mod@library) version, texts, clock, which copy it is; [`library_threads`] its
//!   threads, and shutdown; [`control`] the endpoint for other programs, `control_thread` the thread that
//!   serves it.

// C names, and comments for C readers, who know no "Safety" headings.
#![allow(non_camel_case_types, clippy::missing_safety_doc)]

mod answer;
mod argument;
pub mod context;
pub mod control;
mod control_thread;
pub mod current;
pub mod deadline;
pub mod dispatcher;
pub mod dispatcher_stats;
pub mod events;
pub mod events_next;
mod first_sizes;
mod guard;
pub mod job;
pub mod job_life;
pub mod job_texts;
pub mod job_wait;
pub mod library;
pub mod library_call;
pub mod library_threads;
pub mod limits;
mod out;
pub mod owner;
pub mod poll;
pub mod post;
pub mod progress;
pub mod progress_counter;
pub mod pump;
pub mod registration;
pub mod request;
pub mod request_id;
pub mod request_progress;
pub mod seal;
pub mod session;
pub mod session_ids;
pub mod session_message;
pub mod session_stats;
pub mod slice;
pub mod stats;
pub mod status;
mod thread;
pub mod timeline;
pub mod token;
pub mod token_all;
pub mod token_trace;
pub mod trace;
pub mod wait;

use crate::library::Library;

/// The one `Library` in this process; what creates or installs something pins the module first.
static LIBRARY: Library = Library::new();

/// The one `Library` in this process.
#[inline(always)]
fn library() -> &'static Library {
    &LIBRARY
}
