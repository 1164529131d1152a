//! Cancellation flags with a reason, their graph, and what follows a cancel.
//!
//! - [`token`](mod@token): the tokens. [`cancel`]: cancelling. [`link`]: parents and children.
//! - [`listen`]: callbacks, waits and events; [`registration`] callbacks behind handles, [`signal`] waiters and
//!   native events.
//! - [`deadline`]: the heap of deadlines. [`deferred`]: what is left to the callback thread.
//! - [`foreign`]: hosts' own checks. [`diagnose`]: what is noted of cancels and polls.

pub mod cancel;
pub mod deadline;
pub mod deferred;
pub mod diagnose;
pub mod foreign;
pub mod link;
pub mod listen;
pub mod registration;
pub mod signal;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod token;

pub use self::token::*;
