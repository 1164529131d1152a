//! Cooperative cancellation for native plugins of DCC hosts.
//!
//! The product is the C ABI of `include/dcc_cancel.h`; this crate is its implementation. The rooms, top
//! to bottom; every arrow points down, and `tests/project/map.rs` says so:
//!
//! - [`ffi`]: the C boundary, cut by subject. It has the one static [`library::Library`].
//! - [`control`]: what is answered to who asks from outside the process.
//! - [`library`]: all that it keeps, side by side, and who holds whom.
//! - [`peer`]: peers, what they ask for, and how they cancel it.
//! - [`dispatcher`]: queues of jobs that a tick loop pumps.
//! - [`thread`]: what is current on a thread.
//! - [`job`]: jobs, their progress and ends.
//! - [`token`]: tokens and what follows a cancel.
//! - [`queue`]: who waits in a dispatcher.
//! - [`progress`]: how far a job is, as arithmetic.
//! - [`owner`]: plugins that go, and who waits for whom.
//! - [`json_rpc`]: messages of peers.
//! - [`diagnosis`]: what is kept of what happened.
//! - [`json`]: JSON, piece by piece.
//! - [`memory`]: counted objects behind handles.
//! - Words that all use: [`error`] what can go wrong, [`handle`] and [`queue_id`] what is meant,
//!   [`job_state`], [`printable`] what a terminal may be shown.
//! - [`sys`]: the ground.

#![deny(unsafe_code)]
// A full memory is an answer.
#![cfg_attr(not(any(test, loom)), deny(clippy::disallowed_methods, clippy::disallowed_macros))]
// Const constructors for the one static `Library`; a `Default` beside each would have no caller.
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

#[cfg(not(loom))]
#[allow(unsafe_code)]
pub mod ffi;
