//! How far a job is, as a tree of shares of its bar: arithmetic, without threads, locks or handles.
//!
//! - [`span`]: how much of its room in the bar a share has filled by so many units. [`tree`]: the shares of a
//!   job. [`text`]: what it is at, in words. [`pace`]: how much time is left.

pub mod pace;
pub mod span;
pub mod text;
pub mod tree;
