//! Cancellation flags with a reason, their graph, and the consequences of a cancel.
//!
//! - [`token`](mod@token): the table of all tokens. [`cell`]: the words of one token. [`chain`]:
//!   chains of tokens that need no memory. [`create`]: how a token is made. [`death`]: how it is
//!   buried.
//! - [`cancel`]: cancelling. [`seal`]: tokens that can no longer be cancelled. [`link`]: the graph
//!   of parents and children. [`ancestors`]: the way up the graph, and which of two current tokens
//!   becomes the parent of a new token.
//! - [`ask`]: the questions of polls. [`asking`]: the questions of threads that wait.
//! - [`register`]: registering, unregistering and running callbacks. [`registration`]: the parts of
//!   one registration. [`keep`]: registrations that keep their token alive. `source`: for how long
//!   they may.
//! - [`wait`]: waits and native events. [`signal`]: the waiters they wake and the events they set.
//!   `signal_token`: tokens that stand for other things that can be waited for. `running`: which
//!   thread is inside which callback.
//! - [`all`]: tokens that are cancelled when all their parents have left. [`gathering`]: the count
//!   of parents that have not left. `locked`: a token that is locked and pinned in one step.
//! - [`owner_close`]: the close of an owner.
//! - [`deadline`]: the heap of deadlines. [`deferred`]: the queue of work that is left to the
//!   callback thread. [`callback_thread`]: how tokens get into that queue and out of it.
//! - [`foreign`]: hosts' own checks. [`diagnose`]: notes about cancels and polls. [`trace`]: the
//!   trace span that a token works for.

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
