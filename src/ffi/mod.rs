//! The C boundary: one file for each C object over the safe core.
//!
//! Doc comments of exported items become the comments of `include/dcc_cancel.h` and are written
//! for C readers. Every exported function goes through `guard::guard` or one of its siblings.

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
mod guard;
pub mod job;
pub mod job_life;
pub mod job_texts;
pub mod library;
pub mod library_threads;
pub mod owner;
pub mod poll;
pub mod post;
pub mod pump;
pub mod registration;
pub mod request;
pub mod request_id;
pub mod request_progress;
pub mod session;
pub mod session_ids;
pub mod session_message;
pub mod session_stats;
pub mod stats;
pub mod status;
mod thread;
pub mod timeline;
pub mod token;
pub mod trace;
pub mod wait;

use crate::library::Library;

/// The one instance in this process; what creates or installs something pins the module first.
static LIBRARY: Library = Library::new();

/// The one instance in this process.
#[inline(always)]
fn library() -> &'static Library {
    &LIBRARY
}
