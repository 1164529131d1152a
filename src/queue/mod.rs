//! Who waits in a dispatcher. Below the tokens, because a cancel takes a job out of its queue.
//!
//! - [`queue`](mod@queue): what a queue is made of; `lists` its lists.
//! - [`admission`]: how jobs get in, `inbox`: the way. [`stages`]: what becomes of them there.
//!   [`counts`]: how many are where.
//! - [`posted`]: what is known of each posted job. [`lane`]: whose turn it is.
//! - [`hosted`]: the host's functions, `host_calls` the calls of them.
//! - [`pump_thread`]: which thread pumps, and what keeps it.

pub mod admission;
pub mod counts;
mod host_calls;
pub mod hosted;
mod inbox;
pub mod lane;
mod lists;
pub mod posted;
pub mod pump_thread;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod queue;
pub mod stages;

pub use self::queue::*;
