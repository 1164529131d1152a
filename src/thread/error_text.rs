//! What went wrong, in words, with room that is there beforehand: the last error of a thread, why a job
//! failed.

use std::fmt;

/// Bytes of a text; what goes beyond is cut.
const ROOM: usize = 256;

/// A text of fixed room: writing an error down must not need memory.
#[derive(Clone, Copy)]
pub struct ErrorText {
    length: usize,
    bytes: [u8; ROOM],
}

impl ErrorText {
    /// No text.
    pub const EMPTY: Self = Self { length: 0, bytes: [0; ROOM] };

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl fmt::Debug for ErrorText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(out)
    }
}

impl fmt::Write for ErrorText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - self.length;
        let text = &text[..text.floor_char_boundary(room)];
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn a_long_error_is_cut_on_a_character_boundary() {
        let mut text = ErrorText::EMPTY;
        for _ in 0..100 {
            text.write_str("größe ").unwrap();
        }
        assert!(text.as_str().len() > 250);
        assert!(text.as_str().starts_with("größe "));
    }
}
