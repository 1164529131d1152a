//! The id that a peer gave one of its requests: an integer or a text, as in JSON-RPC.
//!
//! The two kinds are never equal: `1` is not `"1"`, and each is echoed as it came. An integer has
//! 64 bits with a sign and must be written in the form in which it is echoed. `7.0`, `1e3`, `-0`
//! and larger numbers are not ids, because a number that went through floating point may name
//! another request.

use crate::error::Error;
use crate::json::text::{Characters, write_text};
use crate::json_rpc::id_key::{IdKey, ShortId};
use crate::sys::fallible::{OutOfMemory, try_string};
use std::fmt::{self, Write};

pub use crate::json_rpc::id_key::IdRef;

/// Bytes of the longest text of an id, in UTF-8.
pub const MAX_ID_BYTES: usize = 256;

impl IdRef<'_> {
    /// The id in the form that is compared in a session where `7` and `"7"` are the same id. A text
    /// that is exactly how an integer is written becomes that integer.
    pub fn normalised(self) -> Self {
        match self {
            Self::Text(text) => integer(text).map_or(self, Self::Integer),
            Self::Integer(_) => self,
        }
    }

    /// Whether both name the same request in a session where `7` and `"7"` are the same id.
    pub fn is_same_as_text(self, other: IdRef<'_>) -> bool {
        self.normalised() == other.normalised()
    }

    /// Writes the id as JSON, in its own type.
    pub fn write_json(self, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::Integer(integer) => write!(out, "{integer}"),
            Self::Text(text) => write_text(out, text),
        }
    }
}

/// An id with its own copy of the text.
pub struct RequestId(IdValue);

enum IdValue {
    Short(ShortId),
    /// A text of more than `SHORT_BYTES` bytes.
    Long(String),
}

/// Why a JSON value is not taken as an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoId {
    /// The value is not an id; the text says why.
    Malformed(&'static str),
    /// There is no memory for the text of the id.
    OutOfMemory,
}

impl From<OutOfMemory> for NoId {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

/// Why a number that is not a whole number of 64 bits is refused.
pub const NOT_AN_INTEGER: &str = "an id is a number that is no whole number of 64 bits";
/// Why a text that cannot be written as UTF-8 is refused.
pub const NOT_CHARACTERS: &str = "an id has half of a surrogate pair";
/// Why a text of more than `MAX_ID_BYTES` is refused.
pub const TOO_LONG: &str = "an id is longer than 256 bytes";
/// Why `null`, a list, an object, true and false are refused.
pub const NO_ID_TYPE: &str = "an id is neither a number nor a text";

impl RequestId {
    /// The id of an integer.
    pub const fn integer(integer: i64) -> Self {
        Self(IdValue::Short(ShortId::integer(integer)))
    }

    /// The id of a text, which is copied.
    pub fn text(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_ID_BYTES {
            let (length, limit) = (text.len(), MAX_ID_BYTES);
            return Err(Error::TextTooLong { what: "request id", length, limit });
        }
        Ok(match ShortId::text(text) {
            Some(short) => short.into(),
            None => Self(IdValue::Long(try_string(text)?)),
        })
    }

    /// A copy of a borrowed id.
    pub fn copy_of(id: IdRef<'_>) -> Result<Self, Error> {
        match id {
            IdRef::Integer(integer) => Ok(Self::integer(integer)),
            IdRef::Text(text) => Self::text(text),
        }
    }

    /// Reads the id in a JSON value of a message. The parser has accepted the value.
    pub fn from_json(value: &str) -> Result<Self, NoId> {
        let Some(characters) = Characters::of(value) else {
            let is_number = value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
            let why = if is_number { NOT_AN_INTEGER } else { NO_ID_TYPE };
            return integer(value).map(Self::integer).ok_or(NoId::Malformed(why));
        };
        let mut text = String::new();
        // In UTF-8 no character is longer than in JSON, so `value.len()` bytes are enough.
        text.try_reserve_exact(value.len().min(MAX_ID_BYTES)).map_err(|_| OutOfMemory)?;
        for character in characters {
            let character = character.map_err(|_| NoId::Malformed(NOT_CHARACTERS))?;
            if text.len() + character.len_utf8() > MAX_ID_BYTES {
                return Err(NoId::Malformed(TOO_LONG));
            }
            text.push(character);
        }
        Ok(ShortId::text(&text).map_or(Self(IdValue::Long(text)), Self::from))
    }

    /// The id as an integer or a text, borrowed.
    pub fn borrowed(&self) -> IdRef<'_> {
        match &self.0 {
            IdValue::Short(short) => short.borrowed(),
            IdValue::Long(text) => IdRef::Text(text),
        }
    }

    /// The id in the form in which it is compared.
    #[inline]
    pub fn key(&self) -> IdKey<'_> {
        match &self.0 {
            IdValue::Short(short) => IdKey::Short(*short),
            IdValue::Long(text) => IdKey::Long(text),
        }
    }

    /// Whether the ids are equal.
    #[inline]
    pub fn is(&self, id: &IdKey<'_>) -> bool {
        match (&self.0, id) {
            (IdValue::Short(own), IdKey::Short(other)) => own == other,
            (IdValue::Long(own), IdKey::Long(other)) => own == other,
            _ => false,
        }
    }

    /// Moves the id out and leaves the integer 0, which needs no memory.
    #[inline]
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::integer(0))
    }

    /// Frees the memory of a long id.
    #[inline]
    pub fn forget(&mut self) {
        if matches!(self.0, IdValue::Long(_)) {
            *self = Self::integer(0);
        }
    }

    /// See [`IdRef::normalised`].
    pub fn normalised(self) -> Self {
        match self.borrowed().normalised() {
            IdRef::Integer(integer) => Self::integer(integer),
            IdRef::Text(_) => self,
        }
    }

    /// See [`IdRef::write_json`].
    pub fn write_json(&self, out: &mut impl Write) -> fmt::Result {
        self.borrowed().write_json(out)
    }
}

impl From<i64> for RequestId {
    fn from(integer: i64) -> Self {
        Self::integer(integer)
    }
}

impl From<ShortId> for RequestId {
    fn from(short: ShortId) -> Self {
        Self(IdValue::Short(short))
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for RequestId {}

impl fmt::Debug for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrowed().fmt(out)
    }
}

/// The integer that is written exactly as `text`; `None` if there is none.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_so_written = match digits.as_bytes() {
        [b'0'] => text == "0",
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if is_so_written { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> RequestId {
        RequestId::text(text).unwrap()
    }

    fn json(id: &RequestId) -> String {
        let mut json = String::new();
        id.write_json(&mut json).unwrap();
        json
    }

    #[test]
    fn an_integer_is_not_its_text() {
        assert_ne!(RequestId::integer(1), text("1"));
    }

    #[test]
    fn a_kept_id_is_the_one_that_is_looked_for() {
        let long = "7".repeat(MAX_ID_BYTES);
        for id in [IdRef::Integer(7), IdRef::Text("7"), IdRef::Text(""), IdRef::Text(&long)] {
            let kept = RequestId::copy_of(id).unwrap();
            assert_eq!(kept.borrowed(), id);
            assert_eq!(kept.key(), IdKey::of(id));
        }
    }

    #[test]
    fn a_text_is_an_integer_only_in_the_form_that_the_integer_is_written_in() {
        for integer in [0, 7, -7, 10, i64::MAX, i64::MIN] {
            let as_text = text(&integer.to_string());
            assert!(as_text.borrowed().is_same_as_text(IdRef::Integer(integer)));
            assert_eq!(as_text.normalised(), RequestId::integer(integer));
        }
        for other in
            ["", "-", "07", "+7", "-0", "--1", "7.0", " 7", "7 ", "1e3", "9223372036854775808", "٧"]
        {
            assert_eq!(text(other).normalised(), text(other));
        }
        assert!(!IdRef::Text("07").is_same_as_text(IdRef::Text("7")));
    }

    #[test]
    fn the_longest_text_is_taken_and_a_longer_one_refused() {
        let longest = "ä".repeat(MAX_ID_BYTES / 2);
        assert_eq!(text(&longest).borrowed(), IdRef::Text(&longest));
        let longer = format!("{longest}x");
        assert_eq!(
            RequestId::text(&longer),
            Err(Error::TextTooLong { what: "request id", length: 257, limit: 256 })
        );
        assert_eq!(RequestId::from_json(&format!("\"{longest}\"")), Ok(text(&longest)));
        let from_json = RequestId::from_json(&format!("\"{longer}\""));
        assert_eq!(from_json, Err(NoId::Malformed(TOO_LONG)));
        let escaped = format!("\"{}\"", "\\u00e4".repeat(MAX_ID_BYTES / 2));
        assert_eq!(RequestId::from_json(&escaped), Ok(text(&longest)));
    }

    #[test]
    fn only_whole_numbers_of_64_bits_are_ids() {
        for integer in [0, 1, -1, (1 << 53) + 1, i64::MAX, i64::MIN] {
            let id = RequestId::from_json(&integer.to_string());
            assert_eq!(id, Ok(RequestId::integer(integer)));
        }
        let beyond = "9".repeat(1000);
        for number in
            ["7.0", "1e3", "-0", "9223372036854775808", "-9223372036854775809", "1e999", &beyond]
        {
            assert_eq!(RequestId::from_json(number), Err(NoId::Malformed(NOT_AN_INTEGER)));
        }
        for other in ["null", "true", "{}", "[1]"] {
            assert_eq!(RequestId::from_json(other), Err(NoId::Malformed(NO_ID_TYPE)));
        }
        let half = RequestId::from_json(r#""\ud800""#);
        assert_eq!(half, Err(NoId::Malformed(NOT_CHARACTERS)));
    }

    #[test]
    fn an_id_is_echoed_in_its_own_type() {
        for (id, echo) in [
            (RequestId::integer(i64::MIN), "-9223372036854775808"),
            (text("7"), r#""7""#),
            (text("a\"\\\n\u{0}ä"), r#""a\"\\\n\u0000ä""#),
        ] {
            assert_eq!(json(&id), echo);
            assert_eq!(RequestId::from_json(echo), Ok(id));
        }
    }
}
