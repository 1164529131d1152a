//! The queues of dispatchers: the jobs that wait, run or are to be completed. This room is below
//! the tokens, because a cancel takes a job out of its queue.
//!
//! - [`queue`](mod@queue): what a queue is made of. `lists`: its lists.
//! - [`admission`]: how jobs get in. `inbox`: the stack that they get in by. [`stages`]: what
//!   becomes of them in the queue. [`counts`]: how many jobs are in which stage.
//! - [`posted`]: what is known of each posted job. [`lane`]: which lane has the next turn.
//! - [`hosted`]: the host's functions. `host_calls`: the calls of them.
//! - [`pump_thread`]: which thread pumps, and what keeps it from that.

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
