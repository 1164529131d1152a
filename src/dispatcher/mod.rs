//! Queues of jobs that a thread pumps from its tick.
//!
//! - [`dispatcher`](mod@dispatcher): dispatchers, from making to shutdown.
//! - [`post`], [`post_wait`]: how jobs get in, and how one is waited for; `wait_end`: by another than its
//!   poster.
//! - [`pump`]: a tick. [`run`]: running one job. [`end`]: ending one. [`owner_close`]: the close of an
//!   owner. [`workers`]: what waits for the library's threads.
//! - [`stats`]: what a dispatcher has done.

#[allow(clippy::module_inception)] // Its main file has its name.
pub mod dispatcher;
pub mod end;
pub mod owner_close;
pub mod post;
pub mod post_wait;
pub mod pump;
pub mod run;
pub mod stats;
mod wait_end;
pub mod workers;

pub use self::dispatcher::*;
