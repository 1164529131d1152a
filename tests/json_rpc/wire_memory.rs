//! A message of a stranger takes little memory, and if the memory is full it gets an error as its
//! answer.
#![cfg(debug_assertions)]

use dcc_cancel::json_rpc::request_id::RequestId;
use dcc_cancel::json_rpc::wire::{
    Cancel, MAX_MESSAGE_BYTES, MAX_REASON_BYTES, Meant, Message, read,
};
use dcc_cancel::sys::scarce_memory::{self, Limits, with_limits};

/// Reads a message. Returns it, and the largest number of bytes that were allocated at the same
/// time.
fn measured(message: &str) -> (Message, usize) {
    scarce_memory::measured(|| read(message.as_bytes(), Meant::Requests))
}

fn read_without(larger: usize, message: &str) -> Message {
    with_limits(Limits { largest: larger, ..Limits::NONE }, || {
        read(message.as_bytes(), Meant::Requests)
    })
}

fn cancel(id: RequestId, reason: Option<String>) -> Message {
    Message::Cancel(Cancel { id, reason, wants_answer: true })
}

fn filled(start: &str, piece: &str, end: &str) -> String {
    let pieces = (MAX_MESSAGE_BYTES - start.len() - end.len()) / piece.len();
    format!("{start}{}{end}", piece.repeat(pieces))
}

#[test]
fn the_largest_strings_take_no_more_than_what_is_kept_of_them() {
    let params = r#"{"method":"$/cancelRequest","params":{"id":1,"#;
    let reason = filled(&format!("{params}\"reason\":\""), r"\u0041", "\"}}");
    let (answer, most) = measured(&reason);
    assert_eq!(answer, cancel(RequestId::integer(1), Some("A".repeat(MAX_REASON_BYTES))));
    assert!(most <= MAX_REASON_BYTES + 2048, "{most}");

    for strings in [
        filled(&format!("{params}\""), r"\u0041", "\":1}}"),
        filled(&format!("{params}\"_meta\":\""), r"\u0041", "\"}}"),
        filled(r#"{"method":"$/cancelRequest","params":{"id":""#, r"\u0041", "\"}}"),
        filled(r#"{"method":""#, r"\u0041", "\"}"),
        filled("\"", r"\u0041", "\""),
        filled(&format!("{params}\"reason\":\""), r"\u0041", ""),
    ] {
        let (_, most) = measured(&strings);
        assert!(most <= 2048, "{most}: {}", &strings[..80]);
    }
}

#[test]
fn depth_takes_a_few_bytes_a_level() {
    let half = MAX_MESSAGE_BYTES / 2 - 100;
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(half), "]".repeat(half));
    let (answer, most) = measured(&deep);
    assert_eq!(answer, Message::NotACancellation);
    assert!(most > half, "{most}: the parser's stack was not counted");
    // Room for the stack, and for the sizes through which the stack's reserve grows.
    assert!(most <= 4 * half + 2048, "{most}");
    assert_eq!(read_without(half, &deep), Message::OutOfMemory);
}

#[test]
fn a_full_memory_is_an_answer_and_the_cancel_matters_more_than_its_reason() {
    let reason = filled(r#"{"method":"$/cancelRequest","params":{"id":1,"reason":""#, "A", "\"}}");
    let id = RequestId::integer(1);
    assert_eq!(read_without(MAX_REASON_BYTES - 1, &reason), cancel(id, None));

    let small = r#"{"method":"$/cancelRequest","params":{"id":"a-1"}}"#;
    assert_eq!(read_without(0, small), Message::OutOfMemory);
    assert_eq!(read_without(1 << 20, small), cancel(RequestId::text("a-1").unwrap(), None));
    // The memory is full after the message was read.
    assert_eq!(
        RequestId::from_json("\"a\"").map_err(|why| format!("{why:?}")),
        Ok(RequestId::text("a").unwrap())
    );
    let limits = Limits { left: 0, ..Limits::NONE };
    let no_id = with_limits(limits, || RequestId::from_json("\"a\""));
    assert_eq!(no_id, Err(dcc_cancel::json_rpc::request_id::NoId::OutOfMemory));
}
