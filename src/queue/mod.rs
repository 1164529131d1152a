//! Who waits in a dispatcher. Below the tokens, because a cancel takes a job out of its queue.
//!
//! - [`queue`](mod@queue): what a queue is made of; `lists` its lists.
//! - [`admission`]: how jobs get in. [`stages`]: what becomes of them there. [`counts`]: how many are where.
//! - [`posted`]: what is known of each posted job. [`lane`]: whose turn it is.
//! - [`hosted`]: the host's functions, `wakes` the calls of them. [`pumping`]: the thread, and what keeps it.

pub mod admission;
pub mod counts;
pub mod hosted;
pub mod lane;
mod lists;
pub mod posted;
pub mod pumping;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod queue;
pub mod stages;
mod wakes;

pub use self::queue::*;
