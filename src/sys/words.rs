//! Words as bytes.

/// The bytes of some words, in the order in which they lie in memory.
#[inline]
pub fn bytes_of<const N: usize>(words: &[u64; N]) -> &[u8] {
    // SAFETY: the array is borrowed and has that many bytes, all initialised; bytes need no
    // alignment.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_words() {
        let words = [u64::from_ne_bytes(*b"abcdefgh"), u64::from_ne_bytes(*b"ijklmnop")];
        assert_eq!(bytes_of(&words), b"abcdefghijklmnop");
    }
}
