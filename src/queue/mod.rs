//! Who waits in a dispatcher. Below the tokens, because a cancel takes a job out of its queue.
//!
//! - [`queue`](mod@queue): the queues, their inboxes and lists; who decides what becomes of a posted job.
//! - [`posted`]: what is known of each posted job. [`lane`]: whose turn it is. [`hosted`]: the host's
//!   functions.

pub mod hosted;
pub mod lane;
pub mod posted;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod queue;

pub use self::queue::*;
