//! Short texts that many objects share: the reason of a cancel that reached a million children is
//! stored once.
//!
//! Invariant: a `TextId` stands for one reference. The text is dropped with its last reference,
//! outside its lock.

use crate::error::Error;
use crate::memory::magazine::Shelved;
use crate::memory::pool::{Link, NIL, Pool};
use crate::sys::fallible::try_string;
use crate::sys::sync::{AtomicU32, Mutex, Ordering, constructor};

#[derive(Debug, Default)]
struct TextCell {
    next: AtomicU32,
    references: AtomicU32,
    text: Mutex<String>,
}

impl Link for TextCell {
    fn next(&self) -> &AtomicU32 {
        &self.next
    }
}

/// Number of a text. It stands for one reference to the text. `NONE` is the empty text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextId(pub u32);

impl TextId {
    pub const NONE: Self = Self(NIL);
}

/// The table of all shared texts.
#[derive(Debug)]
pub struct Texts {
    cells: Pool<TextCell>,
}

impl Texts {
    constructor! {
        pub fn new() -> Self {
            Self { cells: Pool::new() }
        }
    }

    /// Calls `each` with each pool of this table of which threads keep free cells ready (a
    /// magazine).
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(&self.cells);
    }

    /// Stores a copy of a text, with one reference for the caller. The empty text is not stored.
    pub fn store(&self, text: &str) -> Result<TextId, Error> {
        if text.is_empty() {
            return Ok(TextId::NONE);
        }
        let copy = try_string(text)?;
        let (number, cell) = self.cells.take().map_err(|_| Error::Resources("memory for texts"))?;
        *cell.text.lock() = copy;
        cell.references.store(1, Ordering::Relaxed);
        Ok(TextId(number))
    }

    /// Adds `count` references to a text of which the caller holds one.
    pub fn share(&self, id: TextId, count: u32) {
        if id != TextId::NONE {
            self.cells.cell(id.0).references.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Drops one reference of a text, and the text with the last one.
    pub fn release(&self, id: TextId) {
        self.release_some(id, 1);
    }

    /// Drops `count` references of a text, and the text with the last one.
    pub fn release_some(&self, id: TextId, count: u32) {
        if id == TextId::NONE || count == 0 {
            return;
        }
        let cell = self.cells.cell(id.0);
        if cell.references.fetch_sub(count, Ordering::AcqRel) == count {
            let text = std::mem::take(&mut *cell.text.lock());
            self.cells.free(id.0);
            drop(text);
        }
    }

    /// Calls `reader` with a text of which the caller holds a reference, under the text's lock.
    pub fn show<R>(&self, id: TextId, reader: impl FnOnce(&str) -> R) -> R {
        if id == TextId::NONE {
            return reader("");
        }
        reader(&self.cells.cell(id.0).text.lock())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_text_lives_as_long_as_its_last_reference() {
        static TEXTS: Texts = Texts::new();
        let first = TEXTS.store("Request cancelled by client").unwrap();
        TEXTS.share(first, 2);
        TEXTS.release(first);
        TEXTS.release(first);
        assert_eq!(TEXTS.show(first, str::len), 27);
        TEXTS.release(first);
        let next = TEXTS.store("again").unwrap();
        assert_eq!(next, first, "the cell is used again");
        assert_eq!(TEXTS.store("").unwrap(), TextId::NONE);
    }
}
