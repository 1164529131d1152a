//! Chosen members of a JSON object, as slices of its text: nothing is copied or built.
//!
//! Time is linear in the length of the text, the stack does not grow with its depth, and strings
//! are read in place. The parser allocates one byte for each list or object that is open, and a few
//! dozen bytes for a syntax error. The parser would abort the process if it got no memory for these
//! bytes, so it is called with a reserve of memory.

use crate::json::text::is_text;
use crate::sys::allocator::{growth, with_reserve};
use crate::sys::fallible::OutOfMemory;
use serde_core::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Why an object's members could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMembers {
    /// The text is not JSON.
    NotJson,
    /// The text is JSON, but not an object.
    NotAnObject,
    /// There is no memory to read the text.
    OutOfMemory,
}

/// What an object has under one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Member<'m> {
    /// The JSON text of the member's value. If the object has the member several times, the last
    /// value counts; `None` if the object has no such member.
    pub value: Option<&'m str>,
    /// Whether the object has the member more than once.
    pub is_repeated: bool,
}

/// Bytes that the parser allocates for a syntax error.
const SYNTAX_ERROR_BYTES: usize = 64;

/// Calls `parse`, which runs the JSON parser on `text`, with a reserve of memory, because the
/// parser aborts the process without memory. The parser needs a stack of one byte for each list or
/// object that is open, and memory for at most one error.
pub fn with_parser<T>(text: &str, parse: impl FnOnce() -> T) -> Result<T, OutOfMemory> {
    let depth = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
    with_reserve(growth(depth).chain([SYNTAX_ERROR_BYTES]), parse)
}

/// Reads the JSON text of an object and returns its members with these names, in the order of
/// `names`.
#[allow(clippy::disallowed_methods, reason = "called with what it needs")]
pub fn members<'m, const N: usize>(
    object: &'m str,
    names: [&str; N],
) -> Result<[Member<'m>; N], NoMembers> {
    let read = with_parser(object, || {
        // Checked before the parser runs: its error about a value of another type contains that
        // value, which may be longer than the reserve.
        if !object.starts_with('{') {
            let is_json = serde_json::from_str::<&RawValue>(object).is_ok();
            return Err(if is_json { NoMembers::NotAnObject } else { NoMembers::NotJson });
        }
        let mut parser = serde_json::Deserializer::from_str(object);
        let members = Members(names).deserialize(&mut parser).map_err(|_| NoMembers::NotJson)?;
        parser.end().map_err(|_| NoMembers::NotJson)?;
        Ok(members)
    });
    read.map_err(|OutOfMemory| NoMembers::OutOfMemory)?
}

struct Members<'n, const N: usize>([&'n str; N]);

impl<'m, const N: usize> DeserializeSeed<'m> for Members<'_, N> {
    type Value = [Member<'m>; N];

    fn deserialize<D: Deserializer<'m>>(self, parser: D) -> Result<Self::Value, D::Error> {
        parser.deserialize_map(self)
    }
}

impl<'m, const N: usize> Visitor<'m> for Members<'_, N> {
    type Value = [Member<'m>; N];

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'m>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = [Member::default(); N];
        while let Some(key) = map.next_key::<&'m RawValue>()? {
            match self.0.iter().position(|name| is_text(key.get(), name)) {
                None => drop(map.next_value::<IgnoredAny>()?),
                Some(which) => {
                    let member = &mut members[which];
                    member.is_repeated = member.value.is_some();
                    member.value = Some(map.next_value::<&'m RawValue>()?.get());
                }
            }
        }
        Ok(members)
    }
}
