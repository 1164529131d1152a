//! Plugins that go while the library still knows their functions, and who waits for whom.
//!
//! - [`owner`](mod@owner): owners, what belongs to them, their close.
//! - [`owned`]: what a thing knows its owner by.
//! - [`wait_graph`]: threads that wait for each other.

pub mod owned;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod owner;
pub mod wait_graph;

pub use self::owner::*;
