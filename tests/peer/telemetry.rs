//! The facts about requests that telemetry needs: ids and reasons in full length, and the trace and
//! the deadline that came with a request.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/sessions.rs"]
mod sessions;

use dcc_cancel::ffi::{
    deadline::*, events::*, events_next::*, library::*, limits::*, request::*, request_id::*,
    status::*, token_trace::*,
};
use listening::{Job, NO_OWNER, Token, Watch, alone};
use sessions::Id::{Int, Text};
use sessions::Session;
use std::ffi::{CStr, c_char};
use std::ptr::null_mut;

/// The events of an observer, with all of their details.
fn all_details(events: *const dcc_events) -> Vec<dcc_event_details> {
    let mut all = Vec::new();
    loop {
        // SAFETY: zero is a value of it; writable for its size.
        unsafe {
            let mut told: dcc_event_details = std::mem::zeroed();
            told.struct_size = size_of::<dcc_event_details>() as u32;
            match dcc_events_next(events, &mut told) {
                DCC_OK => all.push(told),
                status => {
                    assert_eq!(status, DCC_NOT_FOUND);
                    return all;
                }
            }
        }
    }
}

fn shown(text: &[c_char]) -> String {
    let bytes: Vec<u8> = text.iter().map(|byte| *byte as u8).collect();
    CStr::from_bytes_until_nul(&bytes).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn telemetry_has_the_longest_id_and_reason_whole() {
    let _alone = alone();
    let mut events = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_events_create(100, &mut events) }, DCC_OK);
    let session = Session::new();
    // Each character takes six in JSON, so the text of the event itself has room for a part only.
    let id = "\u{1}".repeat(DCC_MAX_REQUEST_ID_LENGTH);
    let reason = "ö".repeat(DCC_MAX_TEXT_LENGTH / 2);
    let requests = [session.begin(Text(&id)), session.begin(Int(i64::MIN))];
    session.cancel(Text(&id), &reason);
    session.cancel(Int(i64::MIN), "short");
    let all = all_details(events);
    let of_kind = |kind| all.iter().filter(move |told| told.event.kind == kind);
    let told: Vec<_> = of_kind(DCC_EVENT_REQUEST_CANCELLED).collect();
    assert_eq!(told.len(), 2);
    assert_eq!((told[0].id_type, told[0].id_text_length), (DCC_ID_TEXT, 256));
    assert_eq!((shown(&told[0].id_text), shown(&told[0].reason)), (id, reason.clone()));
    assert_eq!(told[0].reason_length, DCC_MAX_TEXT_LENGTH as u32);
    assert_eq!((told[1].id_type, told[1].id_integer), (DCC_ID_INTEGER, i64::MIN));
    assert_eq!(shown(&told[1].reason), "short");
    let of_tokens: Vec<_> = of_kind(DCC_EVENT_TOKEN_CANCELLED).collect();
    let reasons = of_tokens.iter().map(|told| shown(&told.reason)).collect::<Vec<_>>();
    assert_eq!(reasons, [reason, "short".to_owned()]);
    assert!(all.iter().all(|told| shown(&told.trace_parent).is_empty()));
    for request in requests {
        request.finish();
    }
    session.release();
    assert_eq!(dcc_events_release(events), DCC_OK);
}

const SPAN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn trace_of(token: Token) -> (dcc_status, String) {
    // SAFETY: a writable buffer of that size.
    sessions::read(|buffer, size, length| unsafe {
        dcc_cancel_token_trace_parent(token.pointer(), buffer, size, length)
    })
}

#[test]
fn a_trace_and_a_deadline_of_a_peer_reach_the_token_and_what_is_below_it() {
    let _alone = alone();
    let mut events = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_events_create(100, &mut events) }, DCC_OK);
    let session = Session::new();
    let begin = |id, meta: &str| {
        session.begin_with(id, |desc| {
            (desc.meta, desc.meta_length) = (meta.as_ptr().cast(), meta.len());
        })
    };
    let meta =
        format!(r#"{{"traceparent":"{SPAN}","progressToken":"p","dcc-cancel/timeoutMs":3600000}}"#);
    let request = begin(Int(1), &meta);
    let other = begin(Int(2), r#"{"traceparent":"00-none","dcc-cancel/timeoutMs":"soon"}"#);
    // A plain token lies between; telemetry does not report it by itself.
    let between = Token::child_of(&[request.token()]);
    let watch = Watch::new();
    let job = Job::try_new(watch, NO_OWNER, between, false).unwrap();
    for token in [request.token(), between, job.token()] {
        assert_eq!(trace_of(token), (DCC_OK, SPAN.to_owned()));
        let mut at_ns = 0;
        // SAFETY: a writable result.
        let status = unsafe { dcc_cancel_token_deadline(token.pointer(), &mut at_ns) };
        assert_eq!(status, DCC_OK);
        let left_ns = at_ns.saturating_sub(dcc_clock_now_ns());
        assert!(left_ns > 3_000_000_000_000 && left_ns <= 3_600_000_000_000, "{left_ns}");
    }
    assert_eq!(trace_of(other.token()), (DCC_OK, String::new()));
    session.cancel(Int(1), "why");
    session.cancel(Int(2), "why");
    assert!(job.token().is_cancelled());
    // This holds after the cancel, too, although a cancel removes a token from its parents' lists.
    assert_eq!(trace_of(job.token()), (DCC_OK, SPAN.to_owned()));
    let all = all_details(events);
    let traced: Vec<_> = all
        .iter()
        .filter(|told| shown(&told.trace_parent) == SPAN)
        .map(|told| told.event.kind)
        .collect();
    // In this order: the job is created, the request is cancelled, and the job with it, by the
    // peer.
    assert_eq!(
        traced,
        [
            DCC_EVENT_JOB_STATE,
            DCC_EVENT_TOKEN_CANCELLED,
            DCC_EVENT_TOKEN_CANCELLED,
            DCC_EVENT_REQUEST_CANCELLED,
        ]
    );
    assert_eq!(all.len(), 6, "and two of the request without a trace");

    let late = begin(Int(3), r#"{"dcc-cancel/timeoutMs":0}"#);
    assert!(late.is_cancelled());
    assert_eq!(late.end().1, DCC_OWED_CANCELLED, "its peer did not ask for it");
    late.release();
    job.release();
    between.release();
    request.finish();
    other.finish();
    session.release();
    assert_eq!(dcc_events_release(events), DCC_OK);
}
