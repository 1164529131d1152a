//! Cooperative cancellation for native plugins of DCC hosts.
//!
//! The product is the C ABI of `include/dcc_cancel.h`; this crate is its implementation. The map,
//! top to bottom; every arrow points down:
//!
//! - `ffi`: the C boundary, one file for each object. Holds the one static [`request::Requests`].
//! - [`control`]: what is answered to who asks from outside the process.
//! - [`session`], [`request`]: peers and what they ask for; [`peer_cancel`] how they cancel it.
//! - [`dispatcher`]: queues of jobs that a tick loop pumps. Parts of the same room: [`post`] and
//!   [`post_wait`] let jobs in, [`pump`] runs a tick, [`run`] runs and ends one job, [`workers`] what
//!   waits for the library's threads, [`dispatcher_stats`] what was done.
//! - [`context`]: what is installed on threads and the references it holds; captured contexts.
//! - [`job`]: jobs, their progress and ends, [`job_state`]; [`report`] lists those that live.
//! - [`current`]: the two slots of a thread and the probe that reads them.
//! - [`token`]: tokens. Parts of the same room: [`cancel`] and what follows it, [`link`] their graph,
//!   [`listen`] callbacks, waits and events, [`deadline`]s, [`deferred`] work for the callback
//!   thread, [`diagnose`] what is noted of polls, [`foreign`] hosts' own checks.
//! - [`queue`]: who waits in a dispatcher, and leaves it when a token is cancelled; [`posted`] what is
//!   known of each, [`lane`] whose turn it is, [`hosted`] the host's functions.
//! - [`wire`]: which request a message of a peer cancels; [`reply`] what a session answers,
//!   [`request_progress`] how far a request is and [`progress_gate`] when that is told. They know no
//!   tokens. [`request_id`]: what a request is called; [`json_text`]: strings as JSON has them;
//!   [`json_members`] what is read of an object, [`json_object`] what is written of one.
//! - [`registration`], [`signal`]: what listens. [`owner`], [`wait_graph`]: plugins whose functions
//!   are called, and who waits for whom. [`events`], [`watch`], [`watchdog`], [`latency`],
//!   [`place`]: what diagnosis keeps. [`timeline`]: what happened when; [`recording`] its file.
//! - [`arena`]: counted objects behind [`handle`]s; [`text`] shared texts; [`list`]s; [`few`] things; [`pool`] the
//!   memory.
//! - [`sys`]: the ground. [`error`]: what can go wrong, for all of them.

#![deny(unsafe_code)]
// A full memory is an answer.
#![cfg_attr(not(any(test, loom)), deny(clippy::disallowed_methods, clippy::disallowed_macros))]
// Const constructors for the one static; a `Default` beside each would have no caller.
#![allow(clippy::new_without_default)]

/// Whether a model, or the fuzzer of the ABI, runs with this guard taken away, to see that it finds out:
/// `.ci/models`, `.ci/fuzz-abi`.
#[cfg(any(loom, dcc_weakened))]
#[macro_export]
#[doc(hidden)]
macro_rules! weakened {
    ($guard:literal) => {
        $crate::sys::weakened::is($guard)
    };
}

/// Nothing: guards are taken away there alone.
#[cfg(not(any(loom, dcc_weakened)))]
#[macro_export]
#[doc(hidden)]
macro_rules! weakened {
    ($guard:literal) => {
        false
    };
}

pub mod arena;
pub mod cancel;
pub mod chunked;
pub mod context;
pub mod control;
pub mod current;
pub mod deadline;
pub mod deferred;
pub mod diagnose;
pub mod dispatcher;
pub mod dispatcher_stats;
pub mod error;
pub mod events;
pub mod few;
pub mod foreign;
pub mod handle;
pub mod hosted;
pub mod id_table;
pub mod job;
pub mod job_pages;
pub mod job_state;
pub mod json_members;
pub mod json_object;
pub mod json_text;
pub mod lane;
pub mod latency;
pub mod link;
pub mod list;
pub mod listen;
pub mod owned;
pub mod owner;
pub mod peer_cancel;
pub mod place;
pub mod pool;
pub mod post;
pub mod post_wait;
pub mod posted;
pub mod printable;
pub mod progress_gate;
pub mod pump;
pub mod queue;
pub mod queue_id;
pub mod recording;
pub mod registration;
pub mod reply;
pub mod report;
pub mod request;
pub mod request_id;
pub mod request_progress;
pub mod run;
pub mod session;
pub mod signal;
#[allow(unsafe_code)]
pub mod sys;
pub mod text;
pub mod timeline;
pub mod token;
pub mod wait_graph;
pub mod watch;
pub mod watchdog;
pub mod wire;
pub mod workers;

#[cfg(not(loom))]
#[allow(unsafe_code)]
pub mod ffi;
