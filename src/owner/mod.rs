//! Plugins that may be unloaded while the library still knows their functions, and waits of threads
//! for each other.
//!
//! - [`owner`](mod@owner): owners, the things that belong to them, when a close may begin, and when
//!   it may return. The loop of a close is in `token/owner_close.rs`. An owner's things are ended
//!   there, in `job/job.rs` and in `dispatcher/owner_close.rs`.
//! - [`owned`]: a thing's reference to its owner.
//! - [`wait_graph`]: threads that wait for each other.

pub mod owned;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod owner;
pub mod wait_graph;

pub use self::owner::*;
