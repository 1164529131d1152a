//! A job's progress, as a tree of shares of its bar. This is arithmetic, without threads, locks or
//! handles.
//!
//! - [`span`]: how much of its room in the bar a share has filled by its units. [`tree`]: the
//!   shares of a job. [`text`]: the job's message in words. [`pace`]: how much time is left.

pub mod pace;
pub mod span;
pub mod text;
pub mod tree;
