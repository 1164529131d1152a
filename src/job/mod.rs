//! Units of a host's work: a token with an id, a label, progress and an end.
//!
//! - [`job`](mod@job): what a job is made of, how it comes to be and dies. [`life`]: how it begins and ends.
//!   [`texts`]: what it tells of itself. [`ends`]: how many ended in which way.
//! - [`report`]: the listing of those that live. [`pages`]: page by page.

pub mod ends;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod job;
pub mod life;
pub mod pages;
pub mod report;
pub mod texts;

pub use self::job::*;
