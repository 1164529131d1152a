//! Messages of peers: recorded ones, permuted ones, hostile ones, and ones that are mutated at
//! random.

use dcc_cancel::ffi::limits::DCC_MAX_TEXT_LENGTH;
use dcc_cancel::json_rpc::request_id::{self, RequestId};
use dcc_cancel::json_rpc::wire::{
    self, Cancel, MAX_BATCH, MAX_MESSAGE_BYTES, Meant, Message, read_each,
};
use serde_json::Value;
use wire_reference::{Reading, reading};

#[path = "../support/peer_reference.rs"]
mod peer_reference;
#[path = "../support/wire_reference.rs"]
mod wire_reference;

const RECORDED: &str = include_str!("../data/mcp/recorded_messages.jsonl");

fn cancel(id: impl Into<RequestId>, reason: Option<&str>) -> Message {
    let reason = reason.map(str::to_owned);
    Message::Cancel(Cancel { id: id.into(), reason, wants_answer: false })
}

/// A message without the part of its spelling that says whether it wants an answer; that has its
/// own test.
fn but_for_answers(mut message: Message) -> Message {
    if let Message::Cancel(cancel) = &mut message {
        cancel.wants_answer = false;
    }
    message
}

fn read(bytes: &[u8]) -> Message {
    but_for_answers(wire::read(bytes, Meant::Requests))
}

#[test]
fn a_cancel_says_whether_its_peer_waits_for_an_answer() {
    let asked = |text: &str| match wire::read(text.as_bytes(), Meant::Requests) {
        Message::Cancel(cancel) => cancel.wants_answer,
        other => panic!("{text}: {other:?}"),
    };
    for (method, id, wants_answer) in [
        ("notifications/cancelled", "requestId", false),
        ("$/cancelRequest", "id", true),
        ("$/cancel_request", "requestId", true),
    ] {
        let text = format!(r#"{{"method":"{method}","params":{{"{id}":1}}}}"#);
        assert_eq!(asked(&text), wants_answer, "{text}");
    }
    // All recorded messages of official clients are MCP's.
    let recorded = RECORDED.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mcp = recorded.filter(|line| line["msg"]["method"] == "notifications/cancelled");
    let mut count = 0;
    for line in mcp {
        assert!(!asked(&line["msg"].to_string()), "{line}");
        count += 1;
    }
    assert!(count > 5, "{count}");
}

fn text_id(text: &str) -> RequestId {
    RequestId::text(text).unwrap()
}

fn all(bytes: &[u8]) -> (Vec<Message>, u64) {
    let mut messages = Vec::new();
    let beyond =
        read_each(bytes, Meant::Requests, |message| messages.push(but_for_answers(message)));
    (messages, beyond)
}

/// The recorded messages as they were sent, each with a label.
fn recorded() -> Vec<(String, String)> {
    let mut messages = Vec::new();
    for line in RECORDED.lines() {
        let label: Value = serde_json::from_str::<Value>(line).unwrap()["label"].take();
        let (_, message) = line.split_once(r#""msg":"#).unwrap();
        let message = message.strip_suffix('}').unwrap().to_owned();
        serde_json::from_str::<Value>(&message).unwrap();
        messages.push((label.as_str().unwrap().to_owned(), message));
    }
    messages
}

#[test]
fn recorded_messages_of_clients_and_servers_are_understood() {
    let none = || Message::NotACancellation;
    let twice = "fastmcp 4.1.2 client.cancel() then auto courtesy cancel: TWO for one id";
    let expected = [
        ("ts sdk 1.32.2 AbortController.abort", cancel(1, Some("User pressed Esc"))),
        ("ts sdk 1.32.2 timeout", cancel(2, Some("McpError: MCP error -32001: Request timed out"))),
        ("ts sdk tools/call with progressToken (key order: method first, jsonrpc+id last)", none()),
        ("mcp 1.30.0 server: cancelled response code 0", none()),
        (
            "mcp 2.3.0 client: awaiting task cancelled (2025-11-25)",
            cancel(2, Some("caller cancelled")),
        ),
        ("mcp 2.3.0 client: timeout", cancel(3, Some("timed out after 0.7s"))),
        (twice, cancel(6, Some("seed: client.cancel()"))),
        (twice, cancel(6, Some("caller cancelled"))),
        ("2026-07-28 era cancelled carries _meta", cancel(6, Some("seed: client.cancel()"))),
        ("2026-07-28 era auto courtesy cancel has no _meta", cancel(2, Some("caller cancelled"))),
        ("mcp 2.3.0 streamable HTTP (2025 era): -32800", none()),
        ("mcp 1.30.0 streamable HTTP: code 0", none()),
        ("mcp 1.x progress string token", none()),
        ("mcp 1.x progress string token", none()),
        ("rmcp 3.9.0 progress", none()),
        ("rmcp 3.9.0 invalid id: error without id member", none()),
    ];
    let recorded = recorded();
    assert_eq!(recorded.len(), expected.len());
    for ((label, message), (expected_label, expected)) in recorded.iter().zip(expected) {
        assert_eq!(label, expected_label);
        assert_eq!(read(message.as_bytes()), expected, "{label}: {message}");
    }
}

/// Objects with these members in all orders.
fn objects(members: &[&str]) -> Vec<String> {
    fn orders(left: &mut Vec<&str>, chosen: &mut Vec<String>, all: &mut Vec<String>) {
        if left.is_empty() {
            all.push(format!("{{{}}}", chosen.join(",")));
        }
        for at in 0..left.len() {
            chosen.push(left[at].to_owned());
            let member = left.remove(at);
            orders(left, chosen, all);
            left.insert(at, member);
            chosen.pop();
        }
    }
    let mut all = Vec::new();
    orders(&mut members.to_vec(), &mut Vec::new(), &mut all);
    all
}

#[test]
fn members_may_stand_in_any_order() {
    let nested = r#"{"id":9,"requestId":[9,{"method":"x","params":{"id":9}}],"reason":"no"}"#;
    let unknown = format!(r#""_meta":{nested}"#);
    let mut read_ones = 0;
    for (method, id_name) in [
        ("notifications/cancelled", "requestId"),
        ("$/cancelRequest", "id"),
        ("$/cancel_request", "requestId"),
    ] {
        let other = if id_name == "id" { "requestId" } else { "id" };
        let id = format!(r#""{id_name}":"7""#);
        let other = format!(r#""{other}":9"#);
        for params in objects(&[&id, r#""reason":"Esc""#, &unknown, &other]) {
            let params = format!(r#""params" : {params}"#);
            let method = format!("\"method\"\t:\r\n\"{method}\"");
            for message in objects(&[r#""jsonrpc":"2.0""#, &method, &params, &unknown]) {
                assert_eq!(
                    read(message.as_bytes()),
                    cancel(text_id("7"), Some("Esc")),
                    "{message}"
                );
                read_ones += 1;
            }
        }
    }
    assert_eq!(read_ones, 3 * 24 * 24);
}

#[test]
fn what_cancels_and_what_does_not() {
    let one = || cancel(1, None);
    let none = || Message::NotACancellation;
    let bad = Message::Malformed;
    for (message, expected) in [
        // The version is not checked.
        (r#"{"method":"$/cancelRequest","params":{"id":1}}"#, one()),
        (r#"{"jsonrpc":"1.0","method":"$/cancelRequest","params":{"id":1}}"#, one()),
        (r#"{"jsonrpc":{},"method":"$/cancelRequest","params":{"id":1}}"#, one()),
        // The host has to answer this, because it has the form of a request.
        (r#"{"id":null,"method":"$/cancelRequest","params":{"id":1}}"#, one()),
        (r#"{"id":5,"method":"$/cancelRequest","params":{"id":1}}"#, none()),
        (r#"{"id":{},"method":"$/cancelRequest","params":[]}"#, none()),
        // Names must match the protocols' names exactly, in whatever way they are escaped.
        (r#"{"\u006dethod":"$\/cancelRequest","params":{"\u0069d":1}}"#, one()),
        (r#"{"method":"$/cancelrequest","params":{"id":1}}"#, none()),
        (r#"{"method":"notifications/cancelled\u0000","params":{"requestId":1}}"#, none()),
        (r#"{"Method":"$/cancelRequest","params":{"id":1}}"#, none()),
        (r#"{"method":"","params":{"id":1}}"#, none()),
        ("{}", none()),
        (r#"{"result":{"method":"$/cancelRequest","params":{"id":1}},"id":1}"#, none()),
        // Ids.
        (
            r#"{"method":"$/cancelRequest","params":{"id":-9223372036854775808}}"#,
            cancel(i64::MIN, None),
        ),
        (r#"{"method":"$/cancelRequest","params":{"id":"1"}}"#, cancel(text_id("1"), None)),
        (r#"{"method":"$/cancelRequest","params":{"id":""}}"#, cancel(text_id(""), None)),
        (
            r#"{"method":"$/cancelRequest","params":{"id":"a\u0000b"}}"#,
            cancel(text_id("a\0b"), None),
        ),
        (r#"{"method":"$/cancelRequest","params":{"id":7.0}}"#, bad(request_id::NOT_AN_INTEGER)),
        (r#"{"method":"$/cancelRequest","params":{"id":1e3}}"#, bad(request_id::NOT_AN_INTEGER)),
        (r#"{"method":"$/cancelRequest","params":{"id":-0}}"#, bad(request_id::NOT_AN_INTEGER)),
        (r#"{"method":"$/cancelRequest","params":{"id":1e999}}"#, bad(request_id::NOT_AN_INTEGER)),
        (
            r#"{"method":"$/cancelRequest","params":{"id":9223372036854775808}}"#,
            bad(request_id::NOT_AN_INTEGER),
        ),
        (r#"{"method":"$/cancelRequest","params":{"id":null}}"#, bad(request_id::NO_ID_TYPE)),
        (r#"{"method":"$/cancelRequest","params":{"id":[1]}}"#, bad(request_id::NO_ID_TYPE)),
        (
            r#"{"method":"$/cancelRequest","params":{"id":"\udc00"}}"#,
            bad(request_id::NOT_CHARACTERS),
        ),
        // Members that are missing or have another type.
        (r#"{"method":"$/cancelRequest","params":{"requestId":1}}"#, bad(wire::NO_ID)),
        (r#"{"method":"$/cancelRequest","params":{}}"#, bad(wire::NO_ID)),
        (r#"{"method":"$/cancelRequest","params":[1]}"#, bad(wire::NO_PARAMS)),
        (r#"{"method":"$/cancelRequest","params":null}"#, bad(wire::NO_PARAMS)),
        (r#"{"method":"$/cancelRequest"}"#, bad(wire::NO_PARAMS)),
        (r#"{"method":["$/cancelRequest"],"params":{"id":1}}"#, bad(wire::METHOD_TYPE)),
    ] {
        assert_eq!(read(message.as_bytes()), expected, "{message}");
        assert_eq!(all(message.as_bytes()), (vec![expected], 0), "{message}");
    }
}

#[test]
fn what_is_no_message_is_told() {
    let good = r#"{"method":"$/cancelRequest","params":{"id":1}}"#;
    let after = |rest: &str| format!("{good}{rest}").into_bytes();
    for not_json in [
        vec![],
        b" \t\r\n".to_vec(),
        b"\0".to_vec(),
        after("\0"),
        after("x"),
        after(good),
        after(","),
        format!("\u{a0}{good}").into_bytes(),
        format!("\u{feff}\u{feff}{good}").into_bytes(),
        good.replace('1', "01").into_bytes(),
        good.replace('1', "+1").into_bytes(),
        good.replace('1', "NaN").into_bytes(),
        good.replace('1', "0x1").into_bytes(),
        good.replace('1', "'1'").into_bytes(),
        good.replace('1', "1,").into_bytes(),
        good.replace('1', "\"a\nb\"").into_bytes(),
        good.replace('1', r#""\x""#).into_bytes(),
        good.replace('1', r#""\u12g4""#).into_bytes(),
        good.replace('1', "1/**/").into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&not_json);
        assert_eq!(read(&not_json), Message::Malformed(wire::NOT_JSON), "{shown:?}");
    }
    for end in 0..good.len() {
        let cut = &good[..end];
        assert_eq!(read(cut.as_bytes()), Message::Malformed(wire::NOT_JSON), "{cut}");
    }
    for byte in 0x80..=0xff {
        let mut bytes = good.replace('1', "\"?\"").into_bytes();
        let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
        bytes[at] = byte;
        assert_eq!(read(&bytes), Message::Malformed(wire::NOT_UTF8));
    }
    for other in ["7", "null", "\"$/cancelRequest\"", "true", "1e999"] {
        assert_eq!(read(other.as_bytes()), Message::Malformed(wire::NOT_AN_OBJECT), "{other}");
    }
    assert_eq!(read(b"[]"), Message::Malformed(wire::BATCH));
    let marked = format!("\u{feff} {good}\r\n");
    assert_eq!(read(marked.as_bytes()), cancel(1, None));
}

#[test]
fn a_batch_is_read_in_its_order_up_to_a_bound() {
    let good = r#"{"method":"$/cancelRequest","params":{"id":1}}"#;
    let mixed = format!(r#" [ {good}, 7, {{"id":1,"result":{{}}}}, [{good}], {good} ] "#);
    let object = || Message::Malformed(wire::NOT_AN_OBJECT);
    assert_eq!(
        all(mixed.as_bytes()),
        (vec![cancel(1, None), object(), Message::NotACancellation, object(), cancel(1, None)], 0)
    );
    assert_eq!(all(b"[ ]"), (vec![Message::Malformed(wire::EMPTY_BATCH)], 0));

    // A batch that is not complete has no effect at all.
    for half in [format!("[{good},{good}"), format!("[{good},]"), format!("[{good}]{good}")] {
        assert_eq!(all(half.as_bytes()), (vec![Message::Malformed(wire::NOT_JSON)], 0), "{half}");
    }

    let full = format!("[{}]", vec![good; MAX_BATCH].join(","));
    let (messages, beyond) = all(full.as_bytes());
    assert_eq!((messages.len(), beyond), (MAX_BATCH, 0));
    let million = format!("[{}{good}]", "7,".repeat(1_000_000));
    let (messages, beyond) = all(million.as_bytes());
    assert_eq!((messages.len(), beyond), (MAX_BATCH, 1_000_001 - MAX_BATCH as u64));
    assert!(messages.iter().all(|message| *message == object()));
}

#[test]
fn a_reason_may_be_as_long_as_that_of_a_token() {
    assert_eq!(wire::MAX_REASON_BYTES, DCC_MAX_TEXT_LENGTH);
}

/// As many pieces as fit into a message of the largest size.
fn filled(start: &str, piece: &str, end: &str) -> String {
    let pieces = (MAX_MESSAGE_BYTES - start.len() - end.len()) / piece.len();
    format!("{start}{}{end}", piece.repeat(pieces))
}

#[test]
fn hostile_messages_take_little_time_and_stack() {
    let with = |before: &str| format!(r#"{{"method":"$/cancelRequest","params":{{{before}"#);
    let nested = |depth: usize, open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
    };
    let deep_lists = nested(100_000, "[", "", "]");
    let deep_objects = nested(100_000, r#"{"a":"#, "1", "}");
    let deepest = nested(MAX_MESSAGE_BYTES / 2 - 100, "[", "", "]");
    let one = || cancel(1, None);
    let not_json = || Message::Malformed(wire::NOT_JSON);
    let meta = |value: &str| format!("{}\"_meta\":{value},\"id\":1}}}}", with(""));
    let hostile = [
        (meta(&deep_lists), one()),
        (meta(&deep_objects), one()),
        (meta(&deepest), one()),
        ("[".repeat(100_000), Message::Malformed(wire::BATCH)),
        ("{\"a\":".repeat(100_000), not_json()),
        (deep_objects.clone(), Message::NotACancellation),
        (with(&format!("\"id\":{deep_lists}}}}}")), Message::Malformed(request_id::NO_ID_TYPE)),
        (with(&format!("\"id\":1,\"reason\":{deep_objects}}}}}")), one()),
        (filled(&with("\"id\":\""), "x", "\"}}"), Message::Malformed(request_id::TOO_LONG)),
        (filled(&with("\"id\":"), "9", "}}"), Message::Malformed(request_id::NOT_AN_INTEGER)),
        (filled(&with("\"id\":1,\"x\":"), "9", "}}"), one()),
        (filled(&with("\"id\":1,\"reason\":\""), r"\u0000", "\"}}"), one()),
        (filled(&with("\"id\":1,\"reason\":\""), r"\ud83d\ude00", "\"}}"), {
            cancel(1, Some(&"😀".repeat(1024)))
        }),
        (filled(&with("\"id\":1,\""), r"\u0069", "\":2}}"), one()),
        (filled(&with("\"id\":1"), ",\"id\":1", "}}"), Message::Malformed(wire::SEVERAL_IDS)),
        (filled(&with("\"id\":1"), ",\"\":1", "}}"), one()),
        (filled("", " ", &format!("{}\"id\":1}}}}", with(""))), one()),
        (filled(&with("\"id\":1,\"reason\":\""), "\\\\", ""), not_json()),
        (filled(&with("\"id\":1}}"), " ", "x"), not_json()),
        (filled("\"", r"\n", "\""), Message::Malformed(wire::NOT_AN_OBJECT)),
        (filled("{\"method\":\"", r"\u0024", "\"}"), Message::NotACancellation),
    ];
    // A stack that is too small for one frame at each level.
    let reader = std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
        for (message, expected) in hostile {
            assert!(message.len() <= MAX_MESSAGE_BYTES);
            let start: String = message.chars().take(80).collect();
            assert!(read(message.as_bytes()) == expected, "{start}");
            read_each(message.as_bytes(), Meant::Requests, |_| ());
            // An algorithm of quadratic time would take hours here, and would be ended as hanging.
        }
    });
    reader.unwrap().join().unwrap();
}

#[test]
fn a_message_that_is_too_long_is_left_to_others() {
    let start = r#"{"method":"$/cancelRequest","params":{"id":1}"#;
    let longest = filled(start, " ", "}");
    assert_eq!(longest.len(), MAX_MESSAGE_BYTES);
    assert_eq!(read(longest.as_bytes()), cancel(1, None));
    let longer = format!("{longest} ");
    assert_eq!(read(longer.as_bytes()), Message::NotACancellation);
    assert_eq!(all(longer.as_bytes()), (vec![Message::NotACancellation], 0));
}

/// The pieces that mutations insert anywhere.
const PIECES: [&str; 22] = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "\\ude00", "\\u0000", "\\n", "\0",
    "\n", "\u{feff}", "\u{202e}", "\u{85}", "ä", "0", ".", "-",
];

/// The pieces that they insert where a member may be.
const MEMBERS: [&str; 12] = [
    r#""id":1,"#,
    r#""id":null,"#,
    r#""requestId":"7","#,
    r#""reason":"x\ty\u202e","#,
    r#""reason":7,"#,
    r#""method":"$/cancelRequest","#,
    r#""method":"notifications\/cancelled","#,
    r#""params":{},"#,
    r#""_meta":{"id":[1,{"id":2}]},"#,
    r#""\u0069d":3,"#,
    r#""":"\u00e4","#,
    r#""requestId":9223372036854775808,"#,
];

/// The numbers that they insert in place of a number.
const NUMBERS: [&str; 8] =
    ["-0", "7.0", "1e3", "1e999", "9223372036854775807", "-9223372036854775809", "\"7\"", "[]"];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) as usize % bound.max(1)
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, others: &[String]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(12)).min(bytes.len());
        let next = |wanted: fn(&u8) -> bool| bytes[at..].iter().position(wanted).map(|by| at + by);
        match self.below(16) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.truncate(at),
            2 if at < bytes.len() => bytes[at] = self.below(256) as u8,
            3 => drop(bytes.splice(at..end, bytes[at..end].repeat(2))),
            4 => {
                let other = others[self.below(others.len())].as_bytes();
                let from = self.below(other.len());
                drop(bytes.splice(at.., other[from..].iter().copied()));
            }
            5 => drop(bytes.splice(at..end, PIECES[self.below(PIECES.len())].bytes())),
            6 | 7 => drop(bytes.splice(at..at, PIECES[self.below(PIECES.len())].bytes())),
            8 | 9 => {
                if let Some(digit) = next(u8::is_ascii_digit) {
                    let number = NUMBERS[self.below(NUMBERS.len())];
                    drop(bytes.splice(digit..=digit, number.bytes()));
                }
            }
            _ => {
                if let Some(before) = next(|byte| matches!(byte, b'{' | b',')) {
                    let member = MEMBERS[self.below(MEMBERS.len())];
                    drop(bytes.splice(before + 1..before + 1, member.bytes()));
                }
            }
        }
    }
}

#[test]
fn mutated_messages_are_read_as_a_second_parser_reads_them() {
    let mut corpus: Vec<String> = recorded().into_iter().map(|(_, message)| message).collect();
    corpus.extend(
        [
            r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"a-1"}}"#,
            r#"{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":-5,"_meta":{}}}"#,
            r#"{"params":{"reason":"a\nb\u00e4\ud83d\ude00","id":1},"method":"$\/cancelRequest"}"#,
            r#"[{"method":"$/cancelRequest","params":{"id":1}},{"method":"x"},{"id":1,"result":[]}]"#,
        ]
        .map(str::to_owned),
    );
    let mut random = Random(1);
    let (mut cancels, mut not_json, mut no_tree, mut others) = (0, 0, 0, 0);
    for _ in 0..200_000 {
        let mut bytes = corpus[random.below(corpus.len())].clone().into_bytes();
        for _ in 0..1 + random.below(3) {
            random.mutate(&mut bytes, &corpus);
        }
        let shown = || String::from_utf8_lossy(&bytes).into_owned();
        let mut messages = Vec::new();
        read_each(&bytes, Meant::Requests, |message| messages.push(message));
        let is_refused = matches!(
            messages[..],
            [Message::Malformed(wire::NOT_JSON)] | [Message::Malformed(wire::NOT_UTF8)]
        );
        let read_ones: Vec<Cancel> = messages
            .into_iter()
            .filter_map(|message| match message {
                Message::Cancel(cancel) => Some(cancel),
                _ => None,
            })
            .collect();
        match reading(&bytes) {
            Reading::Cancels(expected) => {
                assert!(!is_refused, "{}", shown());
                assert_eq!(read_ones, expected, "{}", shown());
                if expected.is_empty() { others += 1 } else { cancels += 1 }
            }
            Reading::NotJson => {
                assert!(is_refused, "{}", shown());
                not_json += 1;
            }
            Reading::NoTree => no_tree += 1,
        }
    }
    // Each kind of message occurs often, and the second parser can judge nearly all.
    assert!(
        cancels > 20_000 && others > 20_000 && not_json > 20_000,
        "{cancels} {others} {not_json}"
    );
    assert!(no_tree < 10_000, "{no_tree}");
    println!("{cancels} cancel, {others} do not, {not_json} are no JSON, {no_tree} have no tree");
}

#[test]
fn the_fuzzers_corpus_does_what_the_second_parser_says() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus/handle_message");
    let (mut files, mut no_tree) = (0, 0);
    for file in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        files += 1;
        no_tree += usize::from(!peer_reference::check(&bytes));
    }
    assert!(files > 50 && no_tree < files / 5, "{files} files, {no_tree} have no tree");
}
