//! Checks what a message of a peer does to sessions: by the C functions, and by a plain model of
//! sessions that reads messages with the parser of `wire_reference`.

use crate::wire_reference::{Reading, reading};
use dcc_cancel::ffi::{
    request::*, request_id::*, session::*, session_ids::*, session_message::*, session_stats::*,
    status::*, token::*,
};
use dcc_cancel::json_rpc::request_id::{IdRef, RequestId};
use dcc_cancel::json_rpc::wire::{Cancel, MAX_MESSAGE_BYTES, MAX_REASON_BYTES};
use serde_core::de::IgnoredAny;
use std::ffi::c_char;
use std::ptr::null_mut;

/// How many ids without a request a session keeps.
const MOST_KEPT: usize = 4;

/// The ids of the requests in flight. The last request cannot be cancelled.
const LIVE: [IdRef<'static>; 6] = [
    IdRef::Integer(1),
    IdRef::Integer(-5),
    IdRef::Integer(6),
    IdRef::Text("1"),
    IdRef::Text("a-1"),
    IdRef::Integer(2),
];
const NOT_CANCELLABLE: usize = 5;

fn c_id(id: IdRef<'_>) -> dcc_request_id {
    let (r#type, integer, text) = match id {
        IdRef::Integer(integer) => (DCC_ID_INTEGER, integer, ""),
        IdRef::Text(text) => (DCC_ID_TEXT, 0, text),
    };
    let (text, text_length) = (text.as_ptr().cast(), text.len());
    dcc_request_id { r#type, reserved: 0, integer, text, text_length }
}

/// A session's counts, and the counts that it should have.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    cancelled: u64,
    early: u64,
    unknown: u64,
    without_effect: u64,
    forgotten: u64,
    /// Malformed messages and messages that are not for the session, counted together.
    left: u64,
}

/// A session of the library, with its requests.
struct Peer {
    session: *mut dcc_session,
    requests: [*mut dcc_request; LIVE.len()],
}

impl Peer {
    fn new(kind: i32) -> Self {
        let (mut session, mut requests) = (null_mut(), [null_mut(); LIVE.len()]);
        // SAFETY: zero is a value of the descriptors; writable results.
        unsafe {
            let mut desc: dcc_session_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_session_desc>() as u32;
            (desc.kind, desc.max_kept) = (kind, MOST_KEPT as u32);
            // No kept cancel becomes too old while the test reads it.
            desc.early_ttl_ns = u64::MAX / 2;
            assert_eq!(dcc_session_create(&desc, &mut session), DCC_OK);
            for (at, (id, request)) in LIVE.into_iter().zip(&mut requests).enumerate() {
                let mut desc: dcc_request_desc = std::mem::zeroed();
                desc.struct_size = size_of::<dcc_request_desc>() as u32;
                desc.id = c_id(id);
                desc.flags = if at == NOT_CANCELLABLE { DCC_REQUEST_NOT_CANCELLABLE } else { 0 };
                assert_eq!(dcc_request_begin(session, &desc, request), DCC_OK);
            }
        }
        Self { session, requests }
    }

    /// Handles a message; returns its kind, and the id that it named.
    fn handle(&self, bytes: &[u8]) -> (i32, Option<RequestId>) {
        // SAFETY: numbers, for which zero is a value; bytes of that length; a structure of its size.
        let info = unsafe {
            let mut info: dcc_message_info = std::mem::zeroed();
            info.struct_size = size_of::<dcc_message_info>() as u32;
            let (message, length) = (bytes.as_ptr().cast::<c_char>(), bytes.len());
            let status = dcc_session_handle_message(self.session, message, length, &mut info);
            assert_eq!(status, DCC_OK, "a message never fails");
            info
        };
        let length = info.id_text_length as usize;
        let text: Vec<u8> = info.id_text[..length].iter().map(|byte| *byte as u8).collect();
        assert_eq!(info.id_text[length], 0, "the text of an id ends");
        let id = match info.id_type {
            0 => None,
            DCC_ID_INTEGER => Some(RequestId::integer(info.id_integer)),
            _ => Some(RequestId::text(&String::from_utf8(text).expect("UTF-8")).unwrap()),
        };
        (info.message, id)
    }

    fn counts(&self) -> (Counts, dcc_session_stats) {
        // SAFETY: numbers, for which zero is a value; a structure of its size.
        let info = unsafe {
            let mut info: dcc_session_stats = std::mem::zeroed();
            info.struct_size = size_of::<dcc_session_stats>() as u32;
            assert_eq!(dcc_session_read_stats(self.session, &mut info), DCC_OK);
            info
        };
        let counts = Counts {
            cancelled: info.cancelled,
            early: info.early,
            unknown: info.unknown,
            without_effect: info.without_effect,
            forgotten: info.forgotten,
            left: info.malformed + info.others,
        };
        (counts, info)
    }

    /// What the session knows about an id: whether it is cancelled, and the reason.
    fn known(&self, id: IdRef<'_>) -> (dcc_status, String) {
        let mut buffer = vec![0_u8; MAX_REASON_BYTES + 2];
        let mut length = 0;
        // SAFETY: an id; a buffer of its size; a writable result.
        let status = unsafe {
            let (to, size) = (buffer.as_mut_ptr().cast(), buffer.len());
            dcc_session_reason(self.session, &c_id(id), to, size, &mut length)
        };
        assert!(length <= MAX_REASON_BYTES, "a reason of {length} bytes");
        buffer.truncate(length);
        let reason = String::from_utf8(buffer).expect("a reason is UTF-8");
        assert!(!reason.contains(char::is_control), "{reason:?} has control characters");
        (status, reason)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        for request in self.requests {
            // SAFETY: no result is asked for.
            unsafe { dcc_request_end(request, null_mut()) };
            dcc_request_release(request);
        }
        dcc_session_release(self.session);
    }
}

/// The model: what a session should know.
struct Expected {
    holds_early: bool,
    counts: Counts,
    reasons: [Option<String>; LIVE.len()],
    held: Vec<(RequestId, String)>,
}

impl Expected {
    fn cancel(&mut self, cancel: &Cancel) -> i32 {
        let reason = cancel.reason.clone().unwrap_or_default();
        let id = cancel.id.borrowed();
        match LIVE.iter().position(|live| *live == id) {
            Some(at) if at != NOT_CANCELLABLE && self.reasons[at].is_none() => {
                self.reasons[at] = Some(reason);
                self.counts.cancelled += 1;
                DCC_MESSAGE_CANCELLED
            }
            Some(_) => {
                self.counts.without_effect += 1;
                DCC_MESSAGE_WITHOUT_EFFECT
            }
            None if self.held.iter().any(|(held, _)| *held == cancel.id) => {
                self.counts.without_effect += 1;
                DCC_MESSAGE_WITHOUT_EFFECT
            }
            None if self.holds_early && self.held.len() < MOST_KEPT => {
                self.held.push((RequestId::copy_of(id).unwrap(), reason));
                self.counts.early += 1;
                DCC_MESSAGE_HELD
            }
            None => {
                self.counts.forgotten += u64::from(self.holds_early);
                self.counts.unknown += 1;
                DCC_MESSAGE_UNKNOWN
            }
        }
    }
}

/// The number of messages in these bytes, if the second parser accepts them.
fn messages(bytes: &[u8]) -> u64 {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str::<Vec<IgnoredAny>>(text).map_or(1, |batch| batch.len().max(1) as u64)
}

/// Hands a message to a session of each kind, and checks all effects that it can have. False if the
/// second parser cannot judge the message.
pub fn check(bytes: &[u8]) -> bool {
    check_as(bytes, bytes)
}

/// As `check` of `meant`, but sends other bytes: a planted bug that the check has to find.
pub fn check_as(sent: &[u8], meant: &[u8]) -> bool {
    if meant.len() > MAX_MESSAGE_BYTES {
        return false;
    }
    let reading = reading(meant);
    for kind in [DCC_SESSION_STDIO, DCC_SESSION_HTTP] {
        check_one(kind, sent, meant, &reading);
    }
    reading != Reading::NoTree
}

fn check_one(kind: i32, sent: &[u8], meant: &[u8], reading: &Reading) {
    let shown = String::from_utf8_lossy(meant);
    let peer = Peer::new(kind);
    let (message, id) = peer.handle(sent);
    let (counts, info) = peer.counts();
    let known = LIVE.map(|id| peer.known(id));

    // No message ends a request, and each cancelled request was counted.
    assert_eq!((info.live, info.begun), (LIVE.len() as u32, LIVE.len() as u64));
    let cancelled = known.iter().filter(|(status, _)| *status == DCC_OK).count();
    assert_eq!(counts.cancelled, cancelled as u64, "{shown}");
    assert_eq!(id.is_some(), message < DCC_MESSAGE_OTHER, "{shown}");
    for (request, (status, _)) in peer.requests.iter().zip(&known) {
        let token = dcc_request_token(*request);
        let is_cancelled = dcc_cancel_token_is_cancelled(token) == DCC_CANCELLED_BY_TOKEN;
        assert_eq!(is_cancelled, *status == DCC_OK, "{shown}");
    }

    let cancels: &[Cancel] = match reading {
        Reading::Cancels(cancels) => cancels,
        Reading::NotJson => &[],
        Reading::NoTree => return,
    };
    let is_http = kind == DCC_SESSION_HTTP;
    let mut expected = Expected {
        holds_early: is_http,
        counts: Counts::default(),
        reasons: [const { None }; LIVE.len()],
        held: Vec::new(),
    };
    let outcomes: Vec<i32> = cancels.iter().map(|cancel| expected.cancel(cancel)).collect();
    match (outcomes.first(), reading) {
        (Some(outcome), _) => assert_eq!(message, *outcome, "{shown}"),
        (None, Reading::NotJson) => assert_eq!(message, DCC_MESSAGE_MALFORMED, "{shown}"),
        (None, _) => assert!(message >= DCC_MESSAGE_OTHER, "{message}: {shown}"),
    }
    assert_eq!(id.as_ref(), cancels.first().map(|cancel| &cancel.id), "{shown}");
    expected.counts.left = messages(meant) - cancels.len() as u64;
    assert_eq!(counts, expected.counts, "{shown}");
    for (known, reason) in known.into_iter().zip(expected.reasons) {
        let status = if reason.is_some() { DCC_OK } else { DCC_NOT_CANCELLED };
        assert_eq!(known, (status, reason.unwrap_or_default()), "{shown}");
    }
    assert_eq!(info.kept as usize, expected.held.len(), "{shown}");
    for (id, reason) in expected.held {
        assert_eq!(peer.known(id.borrowed()), (DCC_OK, reason), "{shown}");
    }
}
