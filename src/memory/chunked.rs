//! A vector that never moves its entries. Each push costs the same, and a push for which there is
//! no memory returns an error.
//!
//! The chunks double in size, so a few chunks hold many entries. The first two have 16 entries
//! each; each further chunk has as many as all chunks before it.

use crate::sys::fallible::OutOfMemory;

const FIRST_BITS: u32 = 4;
const FIRST: usize = 1 << FIRST_BITS;

/// A vector of chunks, each of which keeps its place in memory.
#[derive(Debug)]
pub struct Chunked<T> {
    chunks: Vec<Vec<T>>,
    length: usize,
}

/// The index of an entry's chunk, and the entry's place in that chunk.
#[inline(always)]
fn place(at: usize) -> (usize, usize) {
    // All entries of the first chunk are treated as entry 15. So `top` is 3 for them, and `before`,
    // with its low bits cleared, is 0.
    let top = (at | (FIRST - 1)).ilog2();
    let before = (1 << top) & !(FIRST - 1);
    ((top + 1 - FIRST_BITS) as usize, at - before)
}

/// Number of entries that the chunk with this index has room for.
fn size(chunk: usize) -> usize {
    FIRST << chunk.saturating_sub(1)
}

impl<T> Chunked<T> {
    pub const fn new() -> Self {
        Self { chunks: Vec::new(), length: 0 }
    }

    pub fn length(&self) -> usize {
        self.length
    }

    /// The entry at an index, which must exist.
    #[inline(always)]
    pub fn get(&self, at: usize) -> &T {
        let (chunk, place) = place(at);
        &self.chunks[chunk][place]
    }

    /// The entry at an index, which must exist.
    #[inline(always)]
    pub fn get_mut(&mut self, at: usize) -> &mut T {
        let (chunk, place) = place(at);
        &mut self.chunks[chunk][place]
    }

    /// Adds an entry behind all others.
    pub fn push(&mut self, entry: T) -> Result<(), OutOfMemory> {
        let (chunk, _) = place(self.length);
        if chunk == self.chunks.len() {
            let mut room = Vec::new();
            room.try_reserve_exact(size(chunk)).map_err(|_| OutOfMemory)?;
            self.chunks.try_reserve(1).map_err(|_| OutOfMemory)?;
            self.chunks.push(room);
        }
        // This does not allocate: the chunk's whole size was reserved.
        self.chunks[chunk].push(entry);
        self.length += 1;
        Ok(())
    }

    /// All entries, first to last.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.chunks.iter_mut().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_where_they_are_and_come_in_their_order() {
        let mut all = Chunked::new();
        let mut addresses: Vec<*const usize> = Vec::new();
        for number in 0..5000 {
            all.push(number).unwrap();
            addresses.push(all.get(number));
        }
        assert_eq!(all.length(), 5000);
        for (number, address) in addresses.iter().enumerate() {
            assert_eq!((*all.get(number), std::ptr::from_ref(all.get(number))), (number, *address));
            *all.get_mut(number) += 1;
        }
        assert!(all.iter_mut().map(|number| *number).eq(1..=5000));
        assert_eq!(all.chunks.len(), 10);
        for (number, chunk) in all.chunks.iter().enumerate() {
            assert_eq!(chunk.capacity(), size(number), "it never grew");
        }
    }
}
