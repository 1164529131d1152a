//! Reads which request a JSON-RPC message cancels. The messages are MCP's
//! `notifications/cancelled`, LSP's `$/cancelRequest` and ACP's `$/cancel_request`. In a session of
//! tasks the message is `tasks/cancel` of MCP's extension for tasks, and names the task that it
//! cancels.
//!
//! Of a message `method`, `id` and `params` are read; of the params of a cancellation, the id of
//! the request and `reason`. If one of these members occurs twice, the message is malformed,
//! because peers would disagree about which one counts. Any other member, also `jsonrpc` with any
//! value, may occur anywhere and any number of times. It is skipped and not built.
//!
//! A cancellation of a request is a notification. If it has an `id` of its own, it is itself a
//! request, to which JSON-RPC owes an answer, so it is left to the host, which answers requests. An
//! `id` that is `null` counts as no id, because JSON-RPC 1.0 wrote notifications so. The cancel of
//! a task is a request, so a cancel of a task without an `id` is left to the host. The id of a task
//! is a text, because the server made it.
//!
//! Messages come from strangers. Time is linear in their length, the stack does not grow with their
//! depth, and strings are read in place. What is allocated is the id, the reason, and while the
//! message is read one byte for each list or object that is open. The parser would abort the
//! process if it got no memory for those bytes, or for the few dozen bytes of a syntax error, so it
//! is called with a reserve of memory.

use crate::json::members::{self, Member, NoMembers, with_parser};
use crate::json::text::{Characters, is_text};
use crate::json_rpc::request_id::{NoId, RequestId};
use crate::sys::allocator::without_reserve;
use crate::sys::fallible::OutOfMemory;
use serde_core::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Maximum number of bytes of a message that is read. A longer message counts as a message that
/// does not cancel, and is left to the host.
pub const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// How many messages of a batch are looked at.
pub const MAX_BATCH: usize = 1000;
/// Bytes of the longest reason; a longer one is cut.
pub const MAX_REASON_BYTES: usize = 4096;

/// What the ids in cancellations stand for. A request and a task with the same id are different
/// things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meant {
    /// The ids are those that the peer gave its requests.
    #[default]
    Requests,
    /// The ids are those that the server gave to tasks.
    Tasks,
}

/// What kind of message was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// The message cancels a request or a task.
    Cancel(Cancel),
    /// The message is valid and does not cancel: a request, an answer, or another notification.
    NotACancellation,
    /// The bytes are not a message, or a cancellation that names no request; the text says why.
    Malformed(&'static str),
    /// There is no memory to read the message or to copy the id that it names.
    OutOfMemory,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Cancel {
    /// The id of the request or task.
    pub id: RequestId,
    /// The reason, in words for people. `None` if the message has none, the reason is not a text,
    /// no readable character is in it, or there is no memory for it.
    pub reason: Option<String>,
    /// Whether the peer still waits for an answer to the request, which depends on the method.
    pub wants_answer: bool,
}

/// The bytes are not UTF-8.
pub const NOT_UTF8: &str = "a message is not UTF-8";
/// The text is not JSON.
pub const NOT_JSON: &str = "a message is not JSON";
/// The message is a number, a text, or a list inside a batch.
pub const NOT_AN_OBJECT: &str = "a message is not an object";
/// The message is a list, but one message was expected.
pub const BATCH: &str = "a batch where one message was expected";
/// The message is an empty list.
pub const EMPTY_BATCH: &str = "a batch has no messages";
/// `method` occurs twice.
pub const METHODS: &str = "a message has several methods";
/// `method` is not a text.
pub const METHOD_TYPE: &str = "the method of a message is not a text";
/// `id` occurs twice.
pub const OWN_IDS: &str = "a cancellation has several ids of its own";
/// `params` occurs twice.
pub const SEVERAL_PARAMS: &str = "a cancellation has several params";
/// `params` is missing, or is not an object.
pub const NO_PARAMS: &str = "a cancellation has no params by name";
/// The id of the request or task is missing.
pub const NO_ID: &str = "a cancellation names no request";
/// The id of the request or task occurs twice.
pub const SEVERAL_IDS: &str = "a cancellation names several requests";
/// `reason` occurs twice.
pub const REASONS: &str = "a cancellation has several reasons";

/// The id of a task is not a text.
pub const TASK_ID_TYPE: &str = "the id of a task is not a text";

/// The methods that cancel requests, each with the member of its params that names the request, and
/// whether that request is still answered.
const CANCELLATIONS: [(&str, &str, bool); 3] = [
    ("notifications/cancelled", "requestId", false),
    ("$/cancelRequest", "id", true),
    ("$/cancel_request", "requestId", true),
];

/// The method that cancels a task, and the member of its params that names the task. The host
/// answers this request at once. The request that became the task is not answered again.
const TASK_CANCELLATION: (&str, &str, bool) = ("tasks/cancel", "taskId", false);

/// Reads one message. A batch is malformed.
pub fn read(bytes: &[u8], meant: Meant) -> Message {
    match document(bytes) {
        Ok(text) if text.starts_with('[') => Message::Malformed(BATCH),
        Ok(text) => read_object(text, meant),
        Err(answer) => answer,
    }
}

/// Reads a message, or the messages of a batch one after the other. A batch that is not valid JSON
/// to its end counts as one malformed message, and none of it is acted on. Passes what each message
/// is to `each`. Returns the number of messages after the first [`MAX_BATCH`], which are not looked
/// at.
pub fn read_each(bytes: &[u8], meant: Meant, mut each: impl FnMut(Message)) -> u64 {
    match document(bytes) {
        Ok(text) if text.starts_with('[') => read_batch(text, meant, &mut each),
        Ok(text) => {
            each(read_object(text, meant));
            0
        }
        Err(answer) => {
            each(answer);
            0
        }
    }
}

/// The text of a message from its first character that is not white space. A byte order mark is
/// skipped, as RFC 8259 allows. An error: what the bytes count as instead.
fn document(bytes: &[u8]) -> Result<&str, Message> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(Message::NotACancellation);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Message::Malformed(NOT_UTF8))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text.trim_start_matches([' ', '\t', '\n', '\r']))
}

#[allow(clippy::disallowed_methods, reason = "called with what it needs")]
fn read_batch(text: &str, meant: Meant, each: &mut dyn FnMut(Message)) -> u64 {
    let parsed =
        with_parser(text, || serde_json::from_str::<&RawValue>(text).is_ok()).and_then(|is_json| {
            if !is_json {
                each(Message::Malformed(NOT_JSON));
                return Ok(0);
            }
            let batch = BatchReader { each, meant, beyond: 0 };
            let parse = || serde_json::Deserializer::from_str(text).deserialize_seq(batch);
            with_parser(text, || parse().unwrap_or(0))
        });
    parsed.unwrap_or_else(|OutOfMemory| {
        each(Message::OutOfMemory);
        0
    })
}

fn read_object(text: &str, meant: Meant) -> Message {
    cancellation(text, meant).unwrap_or_else(|answer| answer)
}

fn cancellation(text: &str, meant: Meant) -> Result<Message, Message> {
    let members = members::members(text, ["method", "id", "params"]);
    let [method, id, params] = members.map_err(|why| match why {
        NoMembers::NotJson => Message::Malformed(NOT_JSON),
        NoMembers::NotAnObject => Message::Malformed(NOT_AN_OBJECT),
        NoMembers::OutOfMemory => Message::OutOfMemory,
    })?;
    let Some(method) = only(method, METHODS)? else {
        return Ok(Message::NotACancellation);
    };
    if !method.starts_with('"') {
        return Err(Message::Malformed(METHOD_TYPE));
    }
    let known = match meant {
        Meant::Requests => CANCELLATIONS.as_slice(),
        Meant::Tasks => &[TASK_CANCELLATION],
    };
    let known = known.iter().find(|(name, ..)| is_text(method, name));
    let Some(&(_, id_name, wants_answer)) = known else {
        return Ok(Message::NotACancellation);
    };
    let is_request = only(id, OWN_IDS)?.is_some_and(|id| id != "null");
    if is_request != (meant == Meant::Tasks) {
        return Ok(Message::NotACancellation);
    }
    let params = only(params, SEVERAL_PARAMS)?.unwrap_or_default();
    let named = members::members(params, [id_name, "reason"]);
    let [id, reason] = named.map_err(|why| match why {
        NoMembers::OutOfMemory => Message::OutOfMemory,
        _ => Message::Malformed(NO_PARAMS),
    })?;
    let reason = only(reason, REASONS)?;
    let id = only(id, SEVERAL_IDS)?.ok_or(Message::Malformed(NO_ID))?;
    if meant == Meant::Tasks && !id.starts_with('"') {
        return Err(Message::Malformed(TASK_ID_TYPE));
    }
    let id = RequestId::from_json(id)?;
    Ok(Message::Cancel(Cancel { id, reason: reason.and_then(readable), wants_answer }))
}

impl From<NoId> for Message {
    fn from(why: NoId) -> Self {
        match why {
            NoId::Malformed(why) => Self::Malformed(why),
            NoId::OutOfMemory => Self::OutOfMemory,
        }
    }
}

/// The text of a JSON string as one line that people can read, cut to [`MAX_REASON_BYTES`]. `None`:
/// the value is not a string, nothing of it can be read, or there is no memory for it. Characters
/// that move the cursor become spaces, other control characters and those that change the direction
/// of writing are left out, and half a surrogate pair becomes U+FFFD.
pub fn readable(value: &str) -> Option<String> {
    let characters = Characters::of(value)?;
    // In UTF-8 no character is longer than in JSON, so `value.len()` bytes are enough. This also
    // holds for U+FFFD in place of half a pair.
    one_line(value.len(), characters.map(|any| any.unwrap_or(char::REPLACEMENT_CHARACTER)))
}

/// A reason that did not come in a message, in the form of [`readable`]. `None`: nothing of it can
/// be read, or there is no memory for it.
pub fn readable_reason(reason: &str) -> Option<String> {
    one_line(reason.len(), reason.chars())
}

fn one_line(bytes: usize, characters: impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    text.try_reserve_exact(bytes.min(MAX_REASON_BYTES)).ok()?;
    for character in characters {
        let character = match character {
            '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => continue,
            '\u{2066}'..='\u{2069}' | '\u{feff}' => continue,
            control if control.is_control() => continue,
            shown => shown,
        };
        if text.len() + character.len_utf8() > MAX_REASON_BYTES {
            break;
        }
        text.push(character);
    }
    (!text.is_empty()).then_some(text)
}

fn only<'m>(member: Member<'m>, several: &'static str) -> Result<Option<&'m str>, Message> {
    if member.is_repeated { Err(Message::Malformed(several)) } else { Ok(member.value) }
}

struct BatchReader<'e> {
    each: &'e mut dyn FnMut(Message),
    meant: Meant,
    beyond: u64,
}

impl<'m> Visitor<'m> for BatchReader<'_> {
    type Value = u64;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'m>>(mut self, mut batch: A) -> Result<u64, A::Error> {
        let mut looked_at = 0;
        while looked_at < MAX_BATCH {
            let Some(message) = batch.next_element::<&'m RawValue>()? else { break };
            // The caller's allocations may fail, so they must not use up the parser's reserve.
            without_reserve(|| (self.each)(read_object(message.get(), self.meant)));
            looked_at += 1;
        }
        if looked_at == 0 {
            without_reserve(|| (self.each)(Message::Malformed(EMPTY_BATCH)));
        }
        while batch.next_element::<IgnoredAny>()?.is_some() {
            self.beyond += 1;
        }
        Ok(self.beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancelled(reason: &str) -> Option<String> {
        let message = format!(
            r#"{{"method":"notifications/cancelled","params":{{"requestId":1,"reason":{reason}}}}}"#
        );
        match read(message.as_bytes(), Meant::Requests) {
            Message::Cancel(Cancel { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reason_is_one_line_that_people_can_read() {
        for (reason, shown) in [
            (r#""User pressed Esc""#, "User pressed Esc"),
            (r#""a\nb\tc\u0085d\u2028e""#, "a b c d e"),
            (r#""\u0000\u001b[31mr\u007fe\u009bd""#, "[31mred"),
            (r#""a\u202eb\u2066c\u200fd\ufeffe\u061c""#, "abcde"),
            (r#""\ud83dx\ud83d\ude00""#, "\u{fffd}x😀"),
        ] {
            assert_eq!(cancelled(reason).as_deref(), Some(shown), "{reason}");
        }
        for none in [r#""""#, r#""\u0000""#, "null", "7", "true", r#"["a"]"#, r#"{"a":"b"}"#] {
            assert_eq!(cancelled(none), None, "{none}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_before_the_character_that_does_not_fit() {
        for (character, kept) in [("x", 4096), ("ä", 4096), ("€", 4095), ("\\ud83d\\ude00", 4096)]
        {
            let reason = cancelled(&format!("\"{}\"", character.repeat(200_000))).unwrap();
            assert_eq!(reason.len(), kept, "{character}");
            assert!(reason.capacity() <= MAX_REASON_BYTES);
        }
        let one_before = format!("\"{}ä\"", "x".repeat(MAX_REASON_BYTES - 1));
        assert_eq!(cancelled(&one_before).unwrap().len(), MAX_REASON_BYTES - 1);
    }

    #[test]
    fn one_of_several_members_that_count_is_told() {
        let read = |text: &str| read(text.as_bytes(), Meant::Requests);
        let cancel = |members: &str| read(&format!(r#"{{"method":"$/cancelRequest",{members}}}"#));
        for (members, why) in [
            (r#""method":"$/cancelRequest","params":{"id":1}"#, METHODS),
            (r#""id":null,"id":null,"params":{"id":1}"#, OWN_IDS),
            (r#""params":{"id":1},"params":{"id":1}"#, SEVERAL_PARAMS),
            (r#""params":{"id":1,"id":1}"#, SEVERAL_IDS),
            (r#""params":{"id":1,"\u0069d":1,"id":1}"#, SEVERAL_IDS),
            (r#""params":{"id":1,"reason":"a","reason":"a"}"#, REASONS),
        ] {
            assert_eq!(cancel(members), Message::Malformed(why), "{members}");
        }
        let skipped = r#""jsonrpc":1,"jsonrpc":2,"params":{"id":1,"_meta":1,"_meta":2}"#;
        let id = RequestId::integer(1);
        assert_eq!(
            cancel(skipped),
            Message::Cancel(Cancel { id, reason: None, wants_answer: true })
        );
        let request = r#"{"method":"tools/call","id":1,"id":2,"params":1,"params":2}"#;
        assert_eq!(read(request), Message::NotACancellation);
    }

    #[test]
    fn a_task_is_cancelled_by_a_request_and_by_nothing_else() {
        let read = |text: &str| super::read(text.as_bytes(), Meant::Tasks);
        let task = |members: &str| read(&format!(r#"{{"method":"tasks/cancel",{members}}}"#));
        let named = r#""params":{"taskId":"786512e2"}"#;
        let id = || RequestId::text("786512e2").unwrap();
        let cancel = |reason| Message::Cancel(Cancel { id: id(), reason, wants_answer: false });
        assert_eq!(task(&format!(r#""jsonrpc":"2.0","id":6,{named}"#)), cancel(None));
        let with_reason = r#""id":"a","params":{"_meta":{},"taskId":"786512e2","reason":"why"}"#;
        assert_eq!(task(with_reason), cancel(Some("why".to_owned())));
        for (members, why) in [
            (r#""id":1"#, NO_PARAMS),
            (r#""id":1,"params":{}"#, NO_ID),
            (r#""id":1,"params":{"taskId":7}"#, TASK_ID_TYPE),
            (r#""id":1,"params":{"taskId":null}"#, TASK_ID_TYPE),
            (r#""id":1,"params":{"taskId":"a","taskId":"a"}"#, SEVERAL_IDS),
            (r#""id":1,"id":2,"params":{"taskId":"a"}"#, OWN_IDS),
        ] {
            assert_eq!(task(members), Message::Malformed(why), "{members}");
        }
        // In a session of tasks a cancel without an `id` is left to the host, and so is the cancel
        // of a request.
        assert_eq!(task(named), Message::NotACancellation);
        assert_eq!(task(&format!(r#""id":null,{named}"#)), Message::NotACancellation);
        let of_request =
            r#"{"method":"notifications/cancelled","params":{"requestId":"786512e2"}}"#;
        assert_eq!(read(of_request), Message::NotACancellation);
        let of_task = format!(r#"{{"method":"tasks/cancel","id":6,{named}}}"#);
        assert_eq!(super::read(of_task.as_bytes(), Meant::Requests), Message::NotACancellation);
    }
}
