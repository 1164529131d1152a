//! JSON, without a tree of it in memory.
//!
//! - [`text`]: strings as JSON has them.
//! - [`members`]: what is read of an object. [`object`]: what is written of one, piece by piece.

pub mod members;
pub mod object;
pub mod text;
