//! Counted objects behind handles, and what they are made of: cells that are never given back to the system.
//!
//! - [`arena`]: objects behind handles. [`slot`]: the two words of each, and how often it is held.
//!   [`slot_lock`]: its lock, a bit of one of them. [`pin`]: what holds it.
//! - [`pool`]: the cells, with a free list. [`magazine`]: some of them, at the hand of a thread.
//! - [`list`]: lists through the cells. [`text`]: shared texts. [`cut_text`]: texts in a fixed room.
//! - [`few`]: a few things without an allocation.
//! - [`chunked`]: vectors that grow without moving what is in them.

pub mod arena;
pub mod chunked;
pub mod cut_text;
pub mod few;
pub mod list;
pub mod magazine;
pub mod pin;
pub mod pool;
pub mod slot;
pub mod slot_lock;
pub mod text;
