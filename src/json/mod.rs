//! Reading and writing JSON without building a tree of it in memory.
//!
//! - [`text`]: JSON strings.
//! - [`members`]: reading members of an object. [`object`]: writing objects and lists piece by
//!   piece.

pub mod members;
pub mod object;
pub mod text;
