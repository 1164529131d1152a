//! The C boundary: what C code sees, over the safe core. It is cut by subject, so a C object may
//! have several files.
//!
//! Doc comments of exported items become the comments of `include/dcc_cancel.h` and are written for
//! C readers. Every exported function goes through `guard::guard` or one of its siblings.
//!
//! - All calls: `argument` checks what comes in, [`limits`] says how long that may be, `out` writes
//!   results. `first_sizes` has the smallest sizes of structures. `guard` stops panics and turns
//!   errors into statuses, which [`status`] lists. `answer` turns the answer to a question whether
//!   to stop into a status.
//! - Tokens: [`token`]; [`token_all`] tokens that wait for all of their parents; [`deadline`]
//!   cancels at a time or on another thread; [`registration`] callbacks; [`wait`] waits and native
//!   events; [`owner`] plugins that are unloaded.
//! - Jobs: [`job`]; [`job_life`] begin and end; [`job_texts`] progress and texts; [`progress`]
//!   shares of the bar; [`progress_counter`] the inlined counter of a share; [`job_wait`] waits for
//!   the end; [`seal`] the point of no return of jobs and requests.
//! - Threads of the caller: [`current`] the slots of a thread, and the probe; [`poll`] polls in
//!   loops; [`context`] carrying the slots to another thread; [`library_call`] libraries that call
//!   a function of the caller now and then; `thread` where the slots are kept.
//! - Dispatchers: [`dispatcher`]; [`post`]; [`pump`]; [`mod@slice`] when a job gives the tick back;
//!   [`dispatcher_stats`].
//! - Peers: [`session`]; [`session_message`] messages of a peer; [`session_ids`] requests by their
//!   ids; [`session_stats`]; [`request`]; [`request_id`]; [`request_progress`].
//! - Diagnosis: [`events`]; [`trace`] polls, jobs' threads, the listing of live jobs; [`stats`]
//!   counts and latencies; [`timeline`].
//! - The library: [`library`](mod@library) version, texts, clock, and which copy this is;
//!   [`library_threads`] its threads, and shutdown; [`control`] the endpoint for other programs,
//!   `control_thread` the thread that serves it.

// C names, and comments for C readers, who do not know "Safety" headings.
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

/// The only `Library` in this process. A call that creates or installs something pins the module
/// first.
static LIBRARY: Library = Library::new();

/// The only `Library` in this process.
#[inline(always)]
fn library() -> &'static Library {
    &LIBRARY
}
