//! Ids in the form in which they are compared and hashed. An integer, or a text of up to forty
//! bytes, is a few words, which need no memory of their own. A longer text stays a text.

use crate::sys::words::bytes_of;
use std::num::NonZeroU32;

/// A borrowed id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdRef<'a> {
    /// A JSON number.
    Integer(i64),
    /// A JSON string.
    Text(&'a str),
}

/// Maximum number of bytes of a text that is a short id.
pub const SHORT_BYTES: usize = 8 * SHORT_WORDS;

/// Words of a short id.
pub const SHORT_WORDS: usize = 5;

/// A short id. Two short ids are equal if and only if all their bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortId {
    /// `INTEGER` for an integer, or `EMPTY_TEXT` plus the number of the text's bytes.
    form: NonZeroU32,
    /// The integer or the bytes of the text, with zeroes behind them.
    words: [u64; SHORT_WORDS],
}

const INTEGER: NonZeroU32 = NonZeroU32::MIN;
const EMPTY_TEXT: NonZeroU32 = NonZeroU32::new(2).unwrap();

impl ShortId {
    /// The id of an integer.
    #[inline]
    pub const fn integer(integer: i64) -> Self {
        let mut words = [0; SHORT_WORDS];
        words[0] = integer as u64;
        Self { form: INTEGER, words }
    }

    /// The id of a text; `None` if the text is long.
    pub fn text(text: &str) -> Option<Self> {
        let mut bytes = [0; SHORT_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let words = std::array::from_fn(|at| u64::from_ne_bytes(bytes.as_chunks().0[at]));
        Some(Self { form: EMPTY_TEXT.saturating_add(text.len() as u32), words })
    }

    /// Makes the id again from what `form` and `words` returned. Words that the id does not use may
    /// have any value; they are set to 0.
    pub fn from_words(form: u32, words: [u64; SHORT_WORDS]) -> Self {
        let mut id = Self { form: NonZeroU32::new(form).unwrap_or(INTEGER), words };
        let used = id.used_words();
        id.words.iter_mut().skip(used).for_each(|word| *word = 0);
        id
    }

    /// The id's type and, for a text, its length, as one number that is never 0.
    #[inline]
    pub fn form(&self) -> u32 {
        self.form.get()
    }

    /// The integer or the bytes of the text, padded with zeroes.
    #[inline]
    pub fn words(&self) -> &[u64; SHORT_WORDS] {
        &self.words
    }

    /// Bytes of a text; `None` for an integer.
    #[inline]
    pub fn text_length(&self) -> Option<usize> {
        self.form.get().checked_sub(EMPTY_TEXT.get()).map(|length| length as usize)
    }

    /// The number of words that the id uses; the others are 0.
    #[inline]
    pub fn used_words(&self) -> usize {
        self.text_length().map_or(1, |length| length.div_ceil(8))
    }

    /// The id as an integer or a text, borrowed.
    pub fn borrowed(&self) -> IdRef<'_> {
        let Some(length) = self.text_length() else { return IdRef::Integer(self.words[0] as i64) };
        let text = bytes_of(&self.words).get(..length).unwrap_or_default();
        // The bytes were copied from a text, so they are always UTF-8 and the default is never
        // used.
        IdRef::Text(str::from_utf8(text).unwrap_or_default())
    }
}

/// A borrowed id in the form in which it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKey<'a> {
    /// An integer or a short text.
    Short(ShortId),
    /// A longer text.
    Long(&'a str),
}

impl<'a> IdKey<'a> {
    /// The form of an id in which it is compared.
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
            let mut words = *short.words();
            assert!(words[short.used_words()..].iter().all(|word| *word == 0), "{id:?}");
            words[short.used_words()..].fill(7);
            assert_eq!(ShortId::from_words(short.form(), words), short);
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
