//! Ids in the form in which they are compared and hashed: an integer, or a text of up to forty bytes, is a
//! few words, which need no memory of their own. Longer texts stay what they are.

/// An id that somebody else keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdRef<'a> {
    /// A JSON number.
    Integer(i64),
    /// A JSON string.
    Text(&'a str),
}

/// Texts of up to so many bytes are short.
pub const SHORT_BYTES: usize = 8 * SHORT_WORDS;

/// Words of a short id.
pub const SHORT_WORDS: usize = 5;

/// A short id. Two of them are one id if and only if all their bits are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortId {
    /// 0 for an integer, else one more than the length of a text.
    form: u8,
    /// The integer or the text, zeroes behind it.
    bytes: [u8; SHORT_BYTES],
}

impl ShortId {
    /// Of an integer.
    pub const fn integer(integer: i64) -> Self {
        let [a, b, c, d, e, f, g, h] = integer.to_le_bytes();
        let mut bytes = [0; SHORT_BYTES];
        [bytes[0], bytes[1], bytes[2], bytes[3]] = [a, b, c, d];
        [bytes[4], bytes[5], bytes[6], bytes[7]] = [e, f, g, h];
        Self { form: 0, bytes }
    }

    /// Of a text, unless it is long.
    pub fn text(text: &str) -> Option<Self> {
        let mut bytes = [0; SHORT_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { form: text.len() as u8 + 1, bytes })
    }

    /// What was taken apart by `form` and `words`.
    pub fn from_words(form: u32, words: impl IntoIterator<Item = u64>) -> Self {
        let mut bytes = [0; SHORT_BYTES];
        for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        Self { form: form as u8, bytes }
    }

    /// What kind it is, and how long.
    pub fn form(&self) -> u32 {
        self.form.into()
    }

    /// Itself, in words.
    pub fn words(&self) -> [u64; SHORT_WORDS] {
        std::array::from_fn(|at| u64::from_le_bytes(self.bytes.as_chunks().0[at]))
    }

    /// How many of its words can be other than 0.
    pub fn used_words(&self) -> usize {
        if self.form == 0 { 1 } else { (usize::from(self.form) - 1).div_ceil(8) }
    }

    /// To look at.
    pub fn borrowed(&self) -> IdRef<'_> {
        match self.form {
            0 => IdRef::Integer(i64::from_le_bytes(self.bytes.as_chunks().0[0])),
            form => {
                let text = self.bytes.get(..usize::from(form) - 1).unwrap_or_default();
                // It was made of a text.
                IdRef::Text(str::from_utf8(text).unwrap_or_default())
            }
        }
    }
}

/// An id that somebody else keeps, ready to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKey<'a> {
    /// An integer or a short text.
    Short(ShortId),
    /// A longer text.
    Long(&'a str),
}

impl<'a> IdKey<'a> {
    /// Of an id.
    #[inline]
    pub fn of(id: IdRef<'a>) -> Self {
        match id {
            IdRef::Integer(integer) => Self::Short(ShortId::integer(integer)),
            IdRef::Text(text) => ShortId::text(text).map_or(Self::Long(text), Self::Short),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_gives_back_what_it_is_of() {
        let longest = "ä".repeat(SHORT_BYTES / 2);
        let texts = ["", "\0", "7", "request-00000001", &longest];
        let integers = [0, 7, -1, i64::MIN, i64::MAX].map(IdRef::Integer);
        for id in texts.map(IdRef::Text).into_iter().chain(integers) {
            let IdKey::Short(short) = IdKey::of(id) else { panic!("{id:?} is short") };
            assert_eq!(short.borrowed(), id);
            let words = short.words();
            assert_eq!(ShortId::from_words(short.form(), words), short);
            assert!(words[short.used_words()..].iter().all(|word| *word == 0), "{id:?}");
        }
        let longer = format!("{longest}x");
        assert_eq!(IdKey::of(IdRef::Text(&longer)), IdKey::Long(&longer));
    }

    #[test]
    fn ids_that_differ_have_other_words() {
        let ids = [
            IdRef::Integer(0),
            IdRef::Integer(0x37),
            IdRef::Text(""),
            IdRef::Text("\0"),
            IdRef::Text("\0\0"),
            IdRef::Text("7"),
        ];
        for (at, one) in ids.iter().enumerate() {
            for (other_at, other) in ids.iter().enumerate() {
                assert_eq!(IdKey::of(*one) == IdKey::of(*other), at == other_at);
            }
        }
    }
}
