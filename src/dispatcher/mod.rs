//! Queues of jobs. One thread, the dispatcher's, pumps a queue from its tick.
//!
//! - [`dispatcher`](mod@dispatcher): dispatchers, from their creation to their shutdown.
//! - [`post`] lets jobs in. [`post_wait`] waits for a job that the same call posts, `wait_end` for
//!   any job.
//! - [`pump`] runs a tick, [`run`] runs one job, [`end`] ends one. [`owner_close`] ends what a
//!   closed owner has here. [`workers`] keeps the jobs that wait for the library's worker threads.
//! - [`stats`] counts and times what a dispatcher has done.

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
