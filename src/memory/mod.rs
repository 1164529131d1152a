//! Counted objects behind handles, and the cells that they lie in. Cells are never given back to
//! the system.
//!
//! - [`arena`]: objects behind handles. [`slot`]: the two words of each object, and the limits of
//!   its references. [`slot_lock`]: an object's lock, which is a bit of its control word. [`pin`]:
//!   references of the library itself.
//! - [`pool`]: the cells, with a free list. [`magazine`]: free cells that one thread keeps ready.
//! - [`list`]: lists of cells. [`text`]: shared texts. [`cut_text`]: texts of limited length.
//! - [`few`]: a list whose first entries need no memory.
//! - [`chunked`]: vectors that grow without moving their entries.

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
