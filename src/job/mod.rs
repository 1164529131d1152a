//! Jobs: units of a host's work. A job is a token with an id, a label, progress and an end.
//!
//! - [`job`](mod@job): what a job is made of, how it is made, found and buried. [`life`]: how it
//!   begins and ends. [`texts`]: its texts. [`progress`]: how far it is. [`share`]: the shares of
//!   its bar, which `share_table` stores. [`epoch`]: when counters of shares have to report.
//!   [`ends`]: how many jobs ended in which way.
//! - [`wait`]: waits for a job's end.
//! - [`report`]: the listing of live jobs, [`pages`] the same page by page. [`running`]: where to
//!   look for a job that runs.

pub mod ends;
pub mod epoch;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod job;
pub mod life;
pub mod pages;
pub mod progress;
pub mod report;
pub mod running;
pub mod share;
mod share_table;
pub mod texts;
pub mod wait;

pub use self::job::*;
