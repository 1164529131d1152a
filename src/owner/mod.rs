//! Plugins that go while the library still knows their functions, and who waits for whom.
//!
//! - [`owner`](mod@owner): owners, what belongs to them, when a close may begin and what it waits for. The
//!   loop of a close is in `token/owner_close.rs`; the ends of an owner's things are there, in `job/job.rs`
//!   and in `dispatcher/owner_close.rs`.
//! - [`owned`]: what a thing knows its owner by.
//! - [`wait_graph`]: threads that wait for each other.

pub mod owned;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod owner;
pub mod wait_graph;

pub use self::owner::*;
