//! What `params._meta` says of its request: MCP's `progressToken`, the `traceparent` of W3C's Trace
//! Context, and `dcc-cancel/timeoutMs`, which says how long the peer waits. MCP has no member of
//! its own for that.
//!
//! `_meta` comes from strangers. A member that has the wrong form or occurs twice counts as left
//! out.

use crate::diagnosis::trace_parent::{TRACE_PARENT, TraceParent};
use crate::json::members::{self, Member, NoMembers};
use crate::json::text::Characters;
use crate::json_rpc::request_id::{NoId, RequestId};
use crate::sys::fallible::OutOfMemory;

/// The member of `_meta` that says how many milliseconds the peer waits, from the moment when its
/// request is read.
pub const TIMEOUT: &str = "dcc-cancel/timeoutMs";

/// What `_meta` said.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The id under which the peer wants to be told of the request's progress; `None` if it does
    /// not.
    pub progress_token: Option<RequestId>,
    /// The span of a trace that the request is for; `None` if the peer names none.
    pub trace_parent: Option<TraceParent>,
    /// How long the peer waits for the answer; `None` if it does not say so.
    pub timeout_ns: Option<u64>,
}

/// Reads the JSON text of `_meta`. If it is not a JSON object, the result is empty.
pub fn read(text: &str) -> Result<Meta, OutOfMemory> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r']);
    let [token, trace, timeout] =
        match members::members(text, ["progressToken", "traceparent", TIMEOUT]) {
            Ok(members) => members,
            Err(NoMembers::OutOfMemory) => return Err(OutOfMemory),
            Err(NoMembers::NotJson | NoMembers::NotAnObject) => return Ok(Meta::default()),
        };
    let progress_token = match only(token).map(RequestId::from_json) {
        Some(Ok(token)) => Some(token),
        Some(Err(NoId::OutOfMemory)) => return Err(OutOfMemory),
        Some(Err(NoId::Malformed(_))) | None => None,
    };
    let trace_parent = only(trace).and_then(trace_parent);
    Ok(Meta { progress_token, trace_parent, timeout_ns: only(timeout).and_then(nanoseconds) })
}

fn only(member: Member<'_>) -> Option<&str> {
    member.value.filter(|_| !member.is_repeated)
}

fn trace_parent(value: &str) -> Option<TraceParent> {
    // One byte more than a `traceparent` has, so that a longer text is noticed.
    let mut room = [0; TRACE_PARENT + 1];
    let mut used = 0;
    for (place, character) in room.iter_mut().zip(Characters::of(value)?) {
        *place = u8::try_from(character.ok()?).ok().filter(u8::is_ascii)?;
        used += 1;
    }
    TraceParent::parse(std::str::from_utf8(&room[..used]).ok()?)
}

fn nanoseconds(value: &str) -> Option<u64> {
    let milliseconds: f64 = value.parse().ok()?;
    // A number that is too large becomes `u64::MAX`.
    (milliseconds.is_finite() && milliseconds >= 0.0).then_some((milliseconds * 1e6) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(text: &str) -> Meta {
        super::read(text).unwrap()
    }

    #[test]
    fn what_is_meant_for_a_request_is_read() {
        let text = format!(
            r#" {{"a":[{{"traceparent":1}}],"traceparent":"{SPAN}","tracestate":"x=y",
                "progressToken":"p","dcc-cancel/timeoutMs":1.5e3}}"#
        );
        let meta = read(&text);
        assert_eq!(meta.progress_token, Some(RequestId::text("p").unwrap()));
        assert_eq!(meta.trace_parent, TraceParent::parse(SPAN));
        assert_eq!(meta.timeout_ns, Some(1_500_000_000));
        assert_eq!(read(r#"{"dcc-cancel/timeoutMs":0}"#).timeout_ns, Some(0));
        assert_eq!(read(r#"{"dcc-cancel/timeoutMs":1e300}"#).timeout_ns, Some(u64::MAX));
        let later = format!(r#"{{"traceparent":"cc{}-more of it"}}"#, &SPAN[2..]);
        assert_eq!(read(&later).trace_parent.unwrap().as_str()[2..], SPAN[2..]);
    }

    #[test]
    fn what_has_another_form_is_as_good_as_left_out() {
        for none in [
            "",
            "null",
            "[]",
            "{",
            r#"{"progressToken":1.5,"traceparent":7,"dcc-cancel/timeoutMs":"5"}"#,
            r#"{"progressToken":1,"progressToken":1}"#,
            r#"{"dcc-cancel/timeoutMs":-1}"#,
            r#"{"dcc-cancel/timeoutMs":null}"#,
            &format!(r#"{{"traceparent":"{SPAN}x"}}"#),
            &format!(r#"{{"traceparent":"{SPAN}-more"}}"#),
            &format!(r#"{{"traceparent":"{SPAN}","traceparent":"{SPAN}"}}"#),
            r#"{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\ud800"}"#,
        ] {
            assert_eq!(read(none), Meta::default(), "{none}");
        }
    }
}
