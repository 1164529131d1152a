//! Cancellation flags with a reason, their graph, and what follows a cancel.
//!
//! - [`token`](mod@token): all tokens; [`cell`] what one is made of, [`chain`] chains through them.
//!   [`create`]: how one comes to be, [`death`] how it dies.
//! - [`cancel`]: cancelling; [`seal`] what cannot be cancelled any more. [`link`]: parents and children;
//!   [`ancestors`]: the way up, and which of two current tokens is the parent of what is made.
//! - [`ask`]: what polls ask, [`asking`] those who wait.
//! - [`register`]: register, unregister, the running of callbacks. [`registration`]: what a registration is,
//!   [`keep`] who keeps its token, and `source` until when.
//! - [`wait`]: waits and native events, [`signal`] what they wake and set;
//!   `signal_token`: what else is waited for like a token. `running`: who is inside what.
//! - [`owner_close`]: the close of an owner.
//! - [`deadline`]: the heap of deadlines. [`deferred`]: the queue of what is left to the callback
//!   thread, [`callback_thread`] tokens' way into and out of it.
//! - [`foreign`]: hosts' own checks. [`diagnose`]: what is noted of cancels and polls; [`trace`]
//!   which span of a trace they are for.

pub mod all;
pub mod ancestors;
pub mod ask;
pub mod asking;
pub mod callback_thread;
pub mod cancel;
pub mod cell;
pub mod chain;
pub mod create;
pub mod deadline;
pub mod death;
pub mod deferred;
pub mod diagnose;
pub mod foreign;
pub mod gathering;
pub mod keep;
pub mod link;
mod locked;
pub mod owner_close;
pub mod register;
pub mod registration;
mod running;
pub mod seal;
pub mod signal;
mod signal_token;
mod source;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod token;
pub mod trace;
pub mod wait;

pub use self::token::*;
