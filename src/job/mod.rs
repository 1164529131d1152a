//! Units of a host's work: a token with an id, a label, progress and an end.
//!
//! - [`job`](mod@job): what a job is made of, how it comes to be and dies. [`life`]: how it begins and ends.
//!   [`texts`]: what it tells of itself. [`progress`]: how far it is, [`share`]: in which shares, which are
//!   in `share_table`; [`epoch`]: when they are to tell. [`ends`]: how many ended in which way.
//! - [`wait`]: waits for its end.
//! - [`report`]: the listing of those that live. [`pages`]: page by page. [`running`]: where to
//!   look for one that runs.

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
