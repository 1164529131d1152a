//! Units of a host's work: a token with an id, a label, progress and an end.
//!
//! - [`job`](mod@job): the jobs. [`report`]: the listing of those that live. [`pages`]: page by page.

#[allow(clippy::module_inception)] // Its main file has its name.
pub mod job;
pub mod pages;
pub mod report;

pub use self::job::*;
