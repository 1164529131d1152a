//! Texts of limited length, for code that must not allocate. A text that is too long is cut off
//! between two characters.

use std::fmt;

/// The longest head of a text that has at most `room` bytes and ends between two characters.
pub fn cut(text: &str, room: usize) -> &str {
    &text[..text.floor_char_boundary(room)]
}

/// A text of at most `ROOM` bytes.
#[derive(Clone, Copy)]
pub struct CutText<const ROOM: usize> {
    used: u16,
    is_cut: bool,
    bytes: [u8; ROOM],
}

impl<const ROOM: usize> CutText<ROOM> {
    pub const EMPTY: Self = {
        assert!(ROOM <= u16::MAX as usize);
        Self { used: 0, is_cut: false, bytes: [0; ROOM] }
    };

    /// A copy of as much of the beginning of `text` as there is room for.
    pub fn new(text: &str) -> Self {
        let mut copy = Self::EMPTY;
        copy.add(text);
        copy
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.used)]).unwrap_or_default()
    }

    fn add(&mut self, piece: &str) {
        // Nothing may follow a piece that was cut: a part in between would be missing.
        if self.is_cut {
            return;
        }
        let used = usize::from(self.used);
        let fitting = cut(piece, ROOM - used);
        self.bytes[used..][..fitting.len()].copy_from_slice(fitting.as_bytes());
        self.used += fitting.len() as u16;
        self.is_cut = fitting.len() < piece.len();
    }
}

impl<const ROOM: usize> Default for CutText<ROOM> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const ROOM: usize> fmt::Debug for CutText<ROOM> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(out)
    }
}

impl<const ROOM: usize> fmt::Write for CutText<ROOM> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.add(piece);
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::fmt::Write;

    const PIECES: [&str; 4] = ["aö", "€", "", "😀b"];

    fn is_the_head_of_all<const ROOM: usize>() {
        let whole = PIECES.concat();
        let expected = &whole[..whole.floor_char_boundary(ROOM)];
        assert_eq!(CutText::<ROOM>::new(&whole).as_str(), expected);
        let mut text = CutText::<ROOM>::EMPTY;
        PIECES.iter().for_each(|piece| text.write_str(piece).unwrap());
        assert_eq!(text.as_str(), expected, "in pieces, {ROOM}");
        assert_eq!(format!("{text:?}"), format!("{expected:?}"));
    }

    #[test]
    fn a_text_is_cut_between_characters_and_has_no_holes() {
        is_the_head_of_all::<0>();
        is_the_head_of_all::<1>();
        is_the_head_of_all::<2>();
        is_the_head_of_all::<3>();
        is_the_head_of_all::<4>();
        is_the_head_of_all::<5>();
        is_the_head_of_all::<6>();
        is_the_head_of_all::<7>();
        is_the_head_of_all::<9>();
        is_the_head_of_all::<10>();
        is_the_head_of_all::<11>();
        is_the_head_of_all::<12>();
        let mut text = CutText::<3>::EMPTY;
        for piece in ["ab", "ö", "c"] {
            text.write_str(piece).unwrap();
        }
        assert_eq!(text.as_str(), "ab", "c has room, but not behind b");
    }
}
