//! Counted objects behind handles, and what they are made of: cells that are never given back to the system.
//!
//! - [`arena`]: objects with a generation and two counts; pins.
//! - [`pool`]: the cells, with a free list.
//! - [`list`]: lists through the cells. [`text`]: shared texts. [`few`]: a few things without an allocation.
//! - [`chunked`]: vectors that grow without moving what is in them.

pub mod arena;
pub mod chunked;
pub mod few;
pub mod list;
pub mod pool;
pub mod text;
