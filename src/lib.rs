//! Cooperative cancellation for native plugins of DCC hosts.
//!
//! The product is the C ABI of `include/dcc_cancel.h`; this crate is its implementation. The rooms,
//! from top to bottom. A room uses only rooms below it, and `tests/project/map.rs` checks that:
//!
//! - [`ffi`]: the C boundary, cut by subject. It has the one static [`library::Library`].
//! - [`control`]: the answers to clients outside the process.
//! - [`library`]: all parts of the library side by side, and which object holds which.
//! - [`peer`]: peers, their requests, and how they cancel them.
//! - [`dispatcher`]: queues of jobs that a tick loop pumps.
//! - [`thread`]: what is current on a thread.
//! - [`job`]: jobs, their progress and ends.
//! - [`token`]: tokens and what follows a cancel.
//! - [`queue`]: the jobs that wait in a dispatcher.
//! - [`progress`]: how far a job is, as arithmetic.
//! - [`owner`]: plugins that can be unloaded, and the graph of threads that wait for each other.
//! - [`json_rpc`]: the messages of peers.
//! - [`diagnosis`]: what is recorded of polls, cancels and jobs.
//! - [`json`]: JSON, piece by piece.
//! - [`memory`]: counted objects behind handles.
//! - Used by all rooms: [`error`] (what can go wrong), [`handle`] and [`queue_id`] (which object is
//!   meant), [`job_state`], [`printable`] (which text is safe to show in a terminal).
//! - [`sys`]: the system below.

#![deny(unsafe_code)]
// A full memory is answered with an error. So functions that abort in that case are denied.
#![cfg_attr(not(any(test, loom)), deny(clippy::disallowed_methods, clippy::disallowed_macros))]
// The constructors are const, for the one static `Library`. A `Default` beside each would have no
// caller.
#![allow(clippy::new_without_default)]

pub mod control;
pub mod diagnosis;
pub mod dispatcher;
pub mod error;
pub mod handle;
pub mod job;
pub mod job_state;
pub mod json;
pub mod json_rpc;
pub mod library;
pub mod memory;
pub mod owner;
pub mod peer;
pub mod printable;
pub mod progress;
pub mod queue;
pub mod queue_id;
#[allow(unsafe_code)]
pub mod sys;
pub mod thread;
pub mod token;

// The comments of `ffi` become the C header, which users read. So each public item there needs one.
// Elsewhere a comment is written only if it explains something.
#[cfg(not(loom))]
#[allow(unsafe_code)]
#[warn(missing_docs)]
pub mod ffi;
