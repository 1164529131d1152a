//! Sessions: requests of a peer, cancelled by their ids and by messages.

#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/sessions.rs"]
mod sessions;

use dcc_cancel::ffi::{
    events::*, limits::*, request::*, request_id::*, session::*, session_ids::*,
    session_message::*, status::*,
};
use dcc_cancel::json_rpc::wire;
use effort::times;
use listening::{Token, Watch, alone, stats, until};
use sessions::Id::{Int, Text};
use sessions::{Request, Session};
use std::ffi::{CStr, c_char};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// Each state of an id that a session can report, and that it is reported only while it is true.
#[test]
fn what_is_known_of_an_id_is_told() {
    let _alone = alone();
    let session = Session::http();
    assert_eq!(session.state(Int(1)), DCC_REQUEST_UNKNOWN);
    let request = session.begin(Int(1));
    assert_eq!(session.state(Int(1)), DCC_REQUEST_LIVE);
    session.cancel(Int(1), "enough");
    assert_eq!(session.state(Int(1)), DCC_REQUEST_CANCELLED);
    request.finish();
    assert_eq!(session.state(Int(1)), DCC_REQUEST_ENDED_CANCELLED);
    assert_eq!(session.reason(Int(1)), (DCC_OK, "enough".to_owned()));
    assert_eq!(session.clear(Int(1)), DCC_OK);
    assert_eq!(session.state(Int(1)), DCC_REQUEST_ENDED, "why it ended is forgotten");
    assert_eq!(session.reason(Int(1)), (DCC_NOT_CANCELLED, String::new()));
    assert_eq!(session.cancel(Int(2), "early"), DCC_HELD);
    assert_eq!(session.state(Int(2)), DCC_REQUEST_HELD);
    assert_eq!(session.reason(Int(2)), (DCC_OK, "early".to_owned()));
    let (held, let_go) = (session.begin(Int(2)), session.begin(Int(3)));
    assert_eq!(session.state(Int(2)), DCC_REQUEST_CANCELLED);
    held.release();
    let_go.release();
    assert_eq!(session.state(Int(2)), DCC_REQUEST_ENDED_CANCELLED);
    assert_eq!(session.state(Int(3)), DCC_REQUEST_ENDED);
    session.close();
    assert_eq!(session.state(Int(2)), DCC_REQUEST_UNKNOWN, "a close forgets");
    session.release();
    // A session that holds no early cancels does not need to know ended requests. No state is kept
    // for longer than an early cancel would be.
    let stdio = Session::new();
    let brief = Session::with(|desc| {
        (desc.early, desc.early_ttl_ns) = (DCC_EARLY_HELD, 1);
    });
    for session in [stdio, brief] {
        session.begin(Int(1)).finish();
        session.cancel(Int(2), "early");
        thread::sleep(Duration::from_millis(1));
        for id in [1, 2] {
            assert_eq!(session.state(Int(id)), DCC_REQUEST_UNKNOWN, "{id}");
            assert_eq!(session.reason(Int(id)), (DCC_NOT_FOUND, String::new()), "{id}");
        }
        session.release();
    }
}

#[test]
fn a_request_is_cancelled_by_its_id_and_the_first_reason_wins() {
    let _alone = alone();
    let session = Session::new();
    let (first, second) = (session.begin(Int(1)), session.begin(Text("1")));
    assert_eq!(session.state(Int(1)), DCC_REQUEST_LIVE);
    assert_eq!(session.cancel(Int(1), "User pressed Esc"), DCC_OK);
    assert!(first.is_cancelled() && !second.is_cancelled(), "1 is not \"1\"");
    assert_eq!(session.cancel(Int(1), "again"), DCC_ALREADY_CANCELLED);
    let cancelled = (DCC_OK, "User pressed Esc".to_owned());
    assert_eq!(session.reason(Int(1)), cancelled);
    assert_eq!(session.reason(Text("1")), (DCC_NOT_CANCELLED, String::new()));
    assert_eq!(session.reason(Int(2)), (DCC_NOT_FOUND, String::new()));
    assert_eq!(first.token().reason(), "User pressed Esc");
    assert_eq!(session.cancel(Int(2), "late"), DCC_NOT_FOUND);
    assert_eq!(first.end(), (DCC_OK, DCC_OWED_NOTHING));
    assert_eq!(session.reason(Int(1)), cancelled, "until it is cleared or swept");
    assert_eq!(session.cancel(Int(1), "too late"), DCC_NOT_FOUND);
    assert_eq!(second.end(), (DCC_OK, DCC_OWED_RESULT));
    assert_eq!(session.state(Text("1")), DCC_REQUEST_UNKNOWN);
    let info = session.stats();
    assert_eq!((info.begun, info.cancelled, info.without_effect, info.unknown), (2, 1, 1, 2));
    assert_eq!((info.live, info.kept), (0, 1));
    assert_eq!(first.end(), (DCC_ALREADY_ENDED, DCC_OWED_NOTHING));
    first.release();
    second.release();
    session.release();
}

fn cancel_of(id: i64) -> String {
    format!(r#"{{"method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)
}

/// The limits of the header: a message at the limit counts, and one beyond it does not.
#[test]
fn messages_and_batches_are_bounded_as_the_header_says() {
    let _alone = alone();
    let header = std::fs::read_to_string("include/dcc_cancel.h").unwrap();
    for line in [
        format!("#define DCC_MAX_MESSAGE_LENGTH {}\n", wire::MAX_MESSAGE_BYTES),
        format!("#define DCC_MAX_BATCH {}\n", wire::MAX_BATCH),
        format!("#define DCC_MAX_TEXT_LENGTH {}\n", wire::MAX_REASON_BYTES),
    ] {
        assert!(header.contains(&line), "{line}");
    }
    let session = Session::with(|desc| desc.max_requests = 2000);
    let of_length = |id, length: usize| {
        let cancel = cancel_of(id);
        format!("{}{cancel}", " ".repeat(length - cancel.len()))
    };
    let [at, beyond] = [1, 2].map(|id| session.begin(Int(id)));
    let message = session.handle(&of_length(2, DCC_MAX_MESSAGE_LENGTH + 1));
    assert_eq!((message, beyond.is_cancelled()), (DCC_MESSAGE_OTHER, false));
    let message = session.handle(&of_length(1, DCC_MAX_MESSAGE_LENGTH));
    assert_eq!((message, at.is_cancelled()), (DCC_MESSAGE_CANCELLED, true));
    at.finish();
    beyond.finish();

    let batch = |first: i64, count: usize| {
        let cancels: Vec<_> = (first..).take(count).map(cancel_of).collect();
        format!("[{}]", cancels.join(","))
    };
    let requests: Vec<_> = (0..=DCC_MAX_BATCH as i64).map(|id| session.begin(Int(id))).collect();
    let malformed = session.stats().malformed;
    assert_eq!(session.handle(&batch(0, DCC_MAX_BATCH + 1)), DCC_MESSAGE_CANCELLED);
    let (last, first) = requests.split_last().unwrap();
    assert!(first.iter().all(|request| request.is_cancelled()) && !last.is_cancelled());
    assert_eq!(session.stats().malformed, malformed + 1, "the one that was not looked at");
    assert_eq!(session.handle(&batch(1, DCC_MAX_BATCH)), DCC_MESSAGE_WITHOUT_EFFECT);
    assert!(last.is_cancelled(), "as many as may are looked at");
    assert_eq!(session.stats().malformed, malformed + 1);
    requests.into_iter().for_each(Request::finish);

    // A peer's reason that is too long is cut. A text that no message could contain is refused.
    let request = session.begin(Int(1));
    let long = "r".repeat(DCC_MAX_MESSAGE_LENGTH + 1);
    let bytes = long.as_ptr().cast();
    // SAFETY: a text of that length.
    let refused = unsafe { dcc_request_cancel(request.pointer(), bytes, long.len()) };
    assert_eq!(refused, DCC_ERROR_INVALID_ARGUMENT);
    assert_eq!(session.cancel(Int(1), &long), DCC_ERROR_INVALID_ARGUMENT);
    assert!(!request.is_cancelled());
    assert_eq!(session.cancel(Int(1), &long[1..]), DCC_OK);
    assert!(session.reason(Int(1)).1 == long[..DCC_MAX_TEXT_LENGTH]);
    request.finish();
    let request = session.begin(Int(2));
    // SAFETY: a text of that length.
    let taken = unsafe { dcc_request_cancel(request.pointer(), bytes, DCC_MAX_MESSAGE_LENGTH) };
    assert_eq!(taken, DCC_OK);
    assert!(session.reason(Int(2)).1 == long[..DCC_MAX_TEXT_LENGTH]);
    request.finish();
    session.release();
}

#[test]
fn an_id_may_be_used_again_and_what_is_stale_does_not_touch_the_new_one() {
    let _alone = alone();
    let session = Session::new();
    let old = session.begin(Int(7));
    let duplicate = session.try_begin(Int(7), 0, listening::NO_TOKEN);
    assert_eq!(duplicate, Err(DCC_ERROR_DUPLICATE));
    session.cancel(Int(7), "old");
    old.end();
    let new = session.begin(Int(7));
    assert!(!new.is_cancelled());
    assert_eq!(session.state(Int(7)), DCC_REQUEST_LIVE, "the old one is forgotten");
    assert_eq!(old.end().0, DCC_ALREADY_ENDED);
    // SAFETY: no reason.
    let stale = unsafe { dcc_request_cancel(old.pointer(), null(), 0) };
    assert_eq!(stale, DCC_ALREADY_ENDED);
    old.release();
    // SAFETY: no reason.
    let gone = unsafe { dcc_request_cancel(old.pointer(), null(), 0) };
    assert_eq!(gone, DCC_ERROR_INVALID_HANDLE);
    assert!(!new.is_cancelled());
    assert_eq!(session.stats().live, 1);
    // SAFETY: no reason.
    assert_eq!(unsafe { dcc_request_cancel(new.pointer(), null(), 0) }, DCC_OK);
    assert!(new.is_cancelled());
    new.finish();
    session.release();
}

#[test]
fn an_early_cancel_is_held_over_http_and_ignored_over_stdio() {
    let _alone = alone();
    let (stdio, http) = (Session::new(), Session::http());
    assert_eq!(stdio.cancel(Text("a"), "early"), DCC_NOT_FOUND);
    let request = stdio.begin(Text("a"));
    assert!(!request.is_cancelled());
    request.finish();
    assert_eq!(http.cancel(Text("a"), "early"), DCC_HELD);
    assert_eq!(http.cancel(Text("a"), "second"), DCC_ALREADY_CANCELLED);
    assert_eq!(http.state(Text("a")), DCC_REQUEST_HELD);
    assert_eq!(http.reason(Text("a")), (DCC_OK, "early".to_owned()));
    let request = http.begin(Text("a"));
    assert!(request.is_cancelled());
    assert_eq!(request.token().reason(), "early");
    request.finish();
    assert_eq!(http.clear(Text("a")), DCC_OK);
    assert_eq!(http.clear(Text("a")), DCC_NOT_FOUND);
    assert_eq!(http.state(Text("a")), DCC_REQUEST_ENDED);
    // A session with other settings.
    let brief = Session::with(|desc| {
        (desc.early, desc.early_ttl_ns, desc.max_kept) = (DCC_EARLY_HELD, 20_000_000, 2);
    });
    assert_eq!(brief.cancel(Int(1), ""), DCC_HELD);
    thread::sleep(Duration::from_millis(40));
    let request = brief.begin(Int(1));
    assert!(!request.is_cancelled(), "its time was over");
    request.finish();
    brief.release();
    listening::with_enough_time(|time| {
        let brief = Session::with(|desc| {
            let time = time.as_nanos() as u64;
            (desc.early, desc.early_ttl_ns, desc.max_kept) = (DCC_EARLY_HELD, time, 2);
        });
        let start = listening::now_ns();
        let answers = [2, 3, 4].map(|id| brief.cancel(Int(id), ""));
        let forgotten = brief.stats().forgotten;
        let in_time = listening::is_within(start, time);
        if in_time {
            assert_eq!(answers, [DCC_HELD, DCC_HELD, DCC_NOT_FOUND], "as many as may are held");
            assert_eq!(forgotten, 1);
            thread::sleep(time * 2);
            assert_eq!(brief.cancel(Int(5), ""), DCC_HELD, "in place of those that expired");
        }
        brief.release();
        in_time.then_some(())
    });
    [stdio, http].into_iter().for_each(Session::release);
}

/// A name, and a way in which a request can be over.
type End = (&'static str, fn(Session));

/// Every way in which a request can be over.
const ENDS: [End; 5] = [
    ("completed", |session| session.begin(Text("frame7")).finish()),
    ("cancelled and ended", |session| {
        let request = session.begin(Text("frame7"));
        assert_eq!(session.cancel(Text("frame7"), "in time"), DCC_OK);
        request.finish();
    }),
    ("let go", |session| session.begin(Text("frame7")).release()),
    ("completed, and not to be cancelled", |session| {
        let flags = DCC_REQUEST_NOT_CANCELLABLE;
        session.try_begin(Text("frame7"), flags, listening::NO_TOKEN).unwrap().finish();
    }),
    ("completed twice", |session| {
        session.begin(Text("frame7")).finish();
        session.begin(Text("frame7")).finish();
    }),
];

#[test]
fn a_cancel_of_a_request_that_is_over_is_late_and_touches_nobody() {
    let _alone = alone();
    for kind in [DCC_SESSION_STDIO, DCC_SESSION_HTTP] {
        for early in [DCC_EARLY_BY_KIND, DCC_EARLY_HELD, DCC_EARLY_IGNORED] {
            for replies in [DCC_REPLIES_SILENT, DCC_REPLIES_CANCELLED] {
                for (how, end) in ENDS {
                    let session = Session::with(|desc| {
                        (desc.kind, desc.early, desc.replies) = (kind, early, replies);
                    });
                    end(session);
                    let shown = format!("{how}, kind {kind}, early {early}, replies {replies}");
                    let message =
                        r#"{"method":"notifications/cancelled","params":{"requestId":"frame7"}}"#;
                    for time in 1..=2 {
                        assert_eq!(
                            session.cancel(Text("frame7"), "late"),
                            DCC_NOT_FOUND,
                            "{shown}"
                        );
                        assert_eq!(session.handle(message), DCC_MESSAGE_UNKNOWN, "{shown}");
                        let stats = session.stats();
                        assert_eq!((stats.unknown, stats.early), (2 * time, 0), "{shown}");
                    }
                    let next = session.begin(Text("frame7"));
                    assert!(!next.is_cancelled(), "{shown}");
                    assert_eq!(session.cancel(Text("frame7"), "in time"), DCC_OK, "{shown}");
                    assert_eq!(
                        (next.is_cancelled(), next.token().reason()),
                        (true, "in time".into())
                    );
                    next.finish();
                    assert_eq!(session.cancel(Text("frame7"), "late"), DCC_NOT_FOUND, "{shown}");
                    session.release();
                }
            }
        }
    }
}

#[test]
fn an_early_cancel_is_told_from_a_late_one_id_by_id() {
    let _alone = alone();
    let session = Session::with(|desc| {
        (desc.kind, desc.flags) = (DCC_SESSION_HTTP, DCC_SESSION_IDS_ARE_TEXTS);
    });
    session.begin(Int(7)).finish();
    assert_eq!(session.cancel(Text("7"), "late"), DCC_NOT_FOUND, "one id in this session");
    assert_eq!(session.cancel(Text("8"), "early"), DCC_HELD);
    let early = session.begin(Int(8));
    assert!(early.is_cancelled());
    assert_eq!(session.cancel(Text("8"), ""), DCC_ALREADY_CANCELLED);
    early.finish();
    let stats = session.stats();
    assert_eq!((stats.unknown, stats.early, stats.kept), (1, 1, 1));
    // A completed request cannot be asked for, cleared or swept. It is only told apart from an id
    // that never was in use.
    assert_eq!(session.state(Int(7)), DCC_REQUEST_ENDED);
    assert_eq!(session.clear(Int(7)), DCC_NOT_FOUND);
    thread::sleep(Duration::from_millis(2));
    assert_eq!(session.sweep(Duration::from_nanos(1)), 1);
    assert_eq!(session.cancel(Int(7), "late"), DCC_NOT_FOUND);
    session.release();
}

/// The reason of a cancel may be forgotten. That the request is over may not: a cancel that was
/// sent twice would otherwise cancel the next request with that id.
#[test]
fn what_is_forgotten_of_a_request_that_is_over_does_not_make_its_late_cancel_an_early_one() {
    let _alone = alone();
    type Forget = fn(Session);
    let forgets: [(&str, u32, Forget); 3] = [
        ("no room", 1, |session| assert_eq!(session.clear(Text("early")), DCC_OK)),
        ("cleared", 2, |session| assert_eq!(session.clear(Text("frame7")), DCC_OK)),
        ("swept", 2, |session| {
            thread::sleep(Duration::from_millis(1));
            assert_eq!(session.sweep(Duration::ZERO), 2);
        }),
    ];
    for (how, max_kept, forget) in forgets {
        for (_, end) in ENDS.iter().filter(|(how, _)| !how.starts_with("completed")) {
            let session = Session::with(|desc| {
                (desc.kind, desc.max_kept) = (DCC_SESSION_HTTP, max_kept);
            });
            assert_eq!(session.cancel(Text("early"), ""), DCC_HELD);
            end(session);
            forget(session);
            assert_eq!(session.state(Text("frame7")), DCC_REQUEST_ENDED, "{how}");
            assert_eq!(session.cancel(Text("frame7"), "again"), DCC_NOT_FOUND, "{how}");
            let next = session.begin(Text("frame7"));
            assert!(!next.is_cancelled(), "{how}");
            next.finish();
            session.release();
        }
    }
}

#[test]
fn completed_requests_are_remembered_up_to_a_number_and_for_a_time() {
    let _alone = alone();
    let session = Session::with(|desc| {
        (desc.kind, desc.max_requests, desc.max_kept) = (DCC_SESSION_HTTP, 2, 1);
    });
    for id in 1..=4 {
        session.begin(Int(id)).finish();
    }
    for id in 2..=4 {
        assert_eq!(session.cancel(Int(id), "late"), DCC_NOT_FOUND);
    }
    assert_eq!(session.stats().kept, 0);
    assert_eq!(session.cancel(Int(1), "forgotten"), DCC_HELD, "only the oldest");
    assert_eq!(session.stats().forgotten, 0, "nothing that anybody asked for");
    session.release();
    let brief = Session::with(|desc| {
        (desc.kind, desc.early_ttl_ns) = (DCC_SESSION_HTTP, 1);
    });
    for (how, end) in ENDS {
        end(brief);
        thread::sleep(Duration::from_millis(1));
        assert_eq!(brief.cancel(Text("frame7"), "early"), DCC_HELD, "{how} long ago");
        assert_eq!(brief.clear(Text("frame7")), DCC_OK);
    }
    brief.release();
}

#[test]
fn a_full_session_of_early_cancels_takes_one_for_each_that_expired() {
    let _alone = alone();
    let session = Session::with(|desc| {
        (desc.kind, desc.max_kept) = (DCC_SESSION_HTTP, DCC_MAX_SESSION_QUOTA);
        desc.early_ttl_ns = 1_000_000;
    });
    // This is twice the number that a session keeps; each of the second half replaces an expired
    // one.
    for id in 0..2 * i64::from(DCC_MAX_SESSION_QUOTA) {
        assert_eq!(session.cancel(Int(id), ""), DCC_HELD, "{id}");
        if id + 1 == i64::from(DCC_MAX_SESSION_QUOTA) {
            thread::sleep(Duration::from_millis(2));
        }
    }
    let stats = session.stats();
    assert!(stats.kept <= DCC_MAX_SESSION_QUOTA, "{}", stats.kept);
    assert_eq!((stats.early, stats.forgotten), (2 * u64::from(DCC_MAX_SESSION_QUOTA), 0));
    session.release();
}

#[test]
fn a_sweep_takes_what_is_over_and_older_and_never_what_lives() {
    let _alone = alone();
    let session = Session::http();
    let (live, ended, orphan) =
        (session.begin(Int(1)), session.begin(Int(2)), session.begin(Int(3)));
    session.cancel(Int(1), "");
    session.cancel(Int(2), "");
    session.cancel(Int(4), "");
    ended.finish();
    orphan.release();
    assert_eq!((session.stats().live, session.stats().kept), (1, 3));
    assert_eq!(session.state(Int(3)), DCC_REQUEST_ENDED);
    assert_eq!(session.sweep(Duration::from_secs(3600)), 0, "strictly older");
    thread::sleep(Duration::from_millis(2));
    assert_eq!(session.sweep(Duration::from_millis(1)), 3);
    assert_eq!(session.sweep(Duration::ZERO), 0);
    assert_eq!(session.state(Int(1)), DCC_REQUEST_CANCELLED);
    assert_eq!((session.stats().live, session.stats().kept), (1, 0));
    live.finish();
    session.release();
}

#[test]
fn a_close_cancels_what_lives_and_lets_nothing_begin() {
    let _alone = alone();
    let session = Session::http();
    let requests = [1, 2, 3].map(|id| session.begin(Int(id)));
    session.cancel(Int(2), "by hand");
    session.close();
    assert!(requests.iter().all(|request| request.is_cancelled()));
    assert_eq!(requests[0].token().reason(), "the session was closed");
    assert_eq!(requests[1].token().reason(), "by hand");
    let late = session.try_begin(Int(9), 0, listening::NO_TOKEN);
    assert_eq!(late, Err(DCC_ERROR_SHUTDOWN));
    assert_eq!(session.cancel(Int(9), ""), DCC_NOT_FOUND, "nothing is held any more");
    session.close();
    let info = session.stats();
    assert_eq!((info.is_closed, info.live, info.kept, info.cancelled), (1, 3, 0, 3));
    requests[0].finish();
    requests[1].release();
    assert_eq!(session.stats().live, 1, "ended or let go of");
    session.release();
    assert_eq!(stats().live_sessions, 1, "its requests keep it");
    requests[2].finish();
    assert_eq!((stats().live_sessions, stats().live_requests), (0, 0));
}

#[test]
fn quotas_parents_and_what_cannot_be_cancelled() {
    let _alone = alone();
    let session = Session::with(|desc| desc.max_requests = 2);
    let parent = Token::new();
    let initialize = session.try_begin(Int(0), DCC_REQUEST_NOT_CANCELLABLE, parent).unwrap();
    let call = session.try_begin(Int(1), 0, parent).unwrap();
    let third = session.try_begin(Int(2), 0, listening::NO_TOKEN);
    assert_eq!(third, Err(DCC_ERROR_OVERLOADED));
    assert_eq!(session.cancel(Int(0), ""), DCC_NOT_CANCELLABLE);
    assert!(!initialize.is_cancelled());
    parent.cancel();
    assert!(initialize.is_cancelled() && call.is_cancelled());
    assert_eq!(call.end(), (DCC_OK, DCC_OWED_CANCELLED), "its peer did not ask for it");
    assert_eq!(
        call.reply(),
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32802,"message":"The server cancelled the request"}}"#
    );
    call.release();
    initialize.finish();
    parent.release();
    session.release();
    let stale = Session(session.0);
    assert_eq!(dcc_session_close(stale.pointer()), DCC_ERROR_INVALID_HANDLE);
}

#[test]
fn replies_follow_the_policy_and_echo_the_id_in_its_type() {
    let _alone = alone();
    let loud = Session::with(|desc| desc.replies = DCC_REPLIES_CANCELLED);
    let silent = Session::new();
    for (id, written) in [(Int(7), "7"), (Text("7"), "\"7\""), (Text("a\"b"), "\"a\\\"b\"")] {
        let request = loud.begin(id);
        assert_eq!(request.reply(), "", "nothing is owed yet");
        loud.cancel(id, "");
        assert_eq!(request.end(), (DCC_OK, DCC_OWED_CANCELLED));
        let expected = format!(
            r#"{{"jsonrpc":"2.0","id":{written},"error":{{"code":-32800,"message":"Request cancelled"}}}}"#
        );
        assert_eq!(request.reply(), expected);
        request.release();
        let request = silent.begin(id);
        silent.cancel(id, "");
        assert_eq!((request.end().1, request.reply().as_str()), (DCC_OWED_NOTHING, ""));
        request.release();
    }
    loud.release();
    silent.release();
}

/// The three spellings of a cancel, of request 1.
const MCP: &str = r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#;
const LSP: &str = r#"{"method":"$/cancelRequest","params":{"id":1}}"#;
const ACP: &str = r#"{"method":"$/cancel_request","params":{"requestId":1}}"#;

#[test]
fn each_spelling_of_a_cancel_has_its_own_answer() {
    let _alone = alone();
    for (kind, of_mcp) in
        [(DCC_SESSION_STDIO, DCC_OWED_NOTHING), (DCC_SESSION_HTTP, DCC_OWED_CANCELLED)]
    {
        let session =
            Session::with(|desc| (desc.kind, desc.replies) = (kind, DCC_REPLIES_AS_ASKED));
        for (messages, owed) in [
            (&[MCP][..], of_mcp),
            (&[LSP], DCC_OWED_CANCELLED),
            (&[ACP], DCC_OWED_CANCELLED),
            (&[MCP, LSP], DCC_OWED_CANCELLED),
            (&[ACP, MCP], DCC_OWED_CANCELLED),
        ] {
            let request = session.begin(Int(1));
            for message in messages {
                session.handle(message);
            }
            assert!(request.is_cancelled());
            assert_eq!(request.end(), (DCC_OK, owed), "{kind}: {messages:?}");
            assert_eq!(request.reply().is_empty(), owed == DCC_OWED_NOTHING, "{messages:?}");
            request.release();
        }
        // A cancel in the peer's name that did not come by a message.
        let request = session.begin(Int(1));
        session.cancel(Int(1), "");
        assert_eq!(request.end(), (DCC_OK, of_mcp));
        request.release();
        session.release();
    }
}

#[test]
fn a_cancel_that_came_first_has_its_own_answer() {
    let _alone = alone();
    for (message, owed) in
        [(MCP, DCC_OWED_NOTHING), (LSP, DCC_OWED_CANCELLED), (ACP, DCC_OWED_CANCELLED)]
    {
        let session = Session::with(|desc| {
            (desc.early, desc.replies) = (DCC_EARLY_HELD, DCC_REPLIES_AS_ASKED);
        });
        assert_eq!(session.handle(message), DCC_MESSAGE_HELD);
        let request = session.begin(Int(1));
        assert!(request.is_cancelled());
        assert_eq!(request.end(), (DCC_OK, owed), "{message}");
        request.release();
        // The next request with its id is not affected.
        let request = session.begin(Int(1));
        assert_eq!(request.end(), (DCC_OK, DCC_OWED_RESULT));
        request.release();
        session.release();
    }
}

#[test]
fn other_policies_do_not_go_by_the_spelling() {
    let _alone = alone();
    for (replies, owed) in
        [(DCC_REPLIES_SILENT, DCC_OWED_NOTHING), (DCC_REPLIES_CANCELLED, DCC_OWED_CANCELLED)]
    {
        let session = Session::with(|desc| desc.replies = replies);
        for message in [MCP, LSP, ACP] {
            let request = session.begin(Int(1));
            session.handle(message);
            assert_eq!(request.end(), (DCC_OK, owed), "{message}");
            request.release();
        }
        session.release();
    }
}

/// Short and long texts are stored differently.
#[test]
fn texts_of_all_lengths_are_told_apart_and_echoed() {
    let _alone = alone();
    let session = Session::with(|desc| {
        (desc.kind, desc.replies) = (DCC_SESSION_HTTP, DCC_REPLIES_CANCELLED);
        desc.max_kept = 512;
    });
    let texts: Vec<String> =
        (0..=256).map(|length| "ab".repeat(length).split_off(length)).collect();
    let requests: Vec<Request> = texts.iter().map(|text| session.begin(Text(text))).collect();
    for (text, request) in texts.iter().zip(&requests) {
        let again = session.try_begin(Text(text), 0, listening::NO_TOKEN);
        assert_eq!(again, Err(DCC_ERROR_DUPLICATE), "{text}");
        assert!(!request.is_cancelled(), "{text}");
        assert_eq!(session.cancel(Text(text), "stop"), DCC_OK);
        assert!(request.is_cancelled(), "{text}");
        let echoed = format!(r#""id":"{text}","#);
        assert!(request.reply().contains(&echoed), "{text}: {}", request.reply());
    }
    for (text, request) in texts.iter().zip(requests) {
        request.finish();
        assert_eq!(session.reason(Text(text)), (DCC_OK, "stop".to_owned()), "{text}");
    }
    session.release();
}

#[test]
fn a_session_that_is_no_more_takes_no_request_for_the_next_of_its_slot() {
    let _alone = alone();
    let stale = Session::new();
    stale.release();
    let next = Session::new();
    assert_eq!(stale.0 as u32, next.0 as u32, "it has the slot");
    let refused = Err(DCC_ERROR_INVALID_HANDLE);
    assert_eq!(stale.try_begin(Int(1), 0, listening::NO_TOKEN), refused);
    let request = next.begin(Int(2));
    assert_eq!(stale.try_begin(Int(1), 0, listening::NO_TOKEN), refused);
    assert_eq!(next.stats().live, 1);
    request.finish();
    next.release();
}

#[test]
fn where_ids_are_texts_seven_is_seven() {
    let _alone = alone();
    let session = Session::with(|desc| {
        (desc.flags, desc.replies) = (DCC_SESSION_IDS_ARE_TEXTS, DCC_REPLIES_CANCELLED);
    });
    let request = session.begin(Int(7));
    assert_eq!(session.try_begin(Text("7"), 0, listening::NO_TOKEN), Err(DCC_ERROR_DUPLICATE));
    assert_eq!(session.cancel(Text("07"), ""), DCC_NOT_FOUND);
    assert_eq!(session.cancel(Text("7"), ""), DCC_OK);
    assert!(request.is_cancelled());
    assert!(request.reply().contains(r#""id":7,"#), "as it came: {}", request.reply());
    request.finish();
    session.release();
}

#[test]
fn messages_cancel_and_callbacks_run_on_another_thread() {
    let _alone = alone();
    let session = Session::new();
    let (request, other) = (session.begin(Int(1)), session.begin(Text("x")));
    let watch = Watch::new();
    let registration = request.token().register(watch);
    let message = concat!(
        r#"{"method":"notifications/cancelled","params":{"_meta":{},"reason":"a\u0007b","requestId":1},"#,
        r#""jsonrpc":"2.0"}"#
    );
    assert_eq!(session.handle(message), DCC_MESSAGE_CANCELLED);
    assert!(request.is_cancelled());
    until("the callback ran", || watch.counts().0 == 1);
    assert_ne!(watch.thread(), Some(thread::current().id()));
    assert_eq!(request.token().reason(), "ab");
    assert_eq!(session.handle(message), DCC_MESSAGE_WITHOUT_EFFECT);
    assert_eq!(
        session.handle(r#"{"jsonrpc":"2.0","id":4,"method":"tools/list"}"#),
        DCC_MESSAGE_OTHER
    );
    assert_eq!(session.handle("{"), DCC_MESSAGE_MALFORMED);
    assert_eq!(session.handle(""), DCC_MESSAGE_MALFORMED);
    let batch = r#"[{"jsonrpc":"2.0","method":"ping","id":9},
        {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"x"}}]"#;
    let told = session.handle_info(batch);
    assert_eq!(
        (told.message, told.id_type, told.id_text_length),
        (DCC_MESSAGE_CANCELLED, DCC_ID_TEXT, 1)
    );
    assert_eq!(told.id_text[..2], [b'x' as c_char, 0]);
    assert!(other.is_cancelled());
    let unknown = r#"{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":5}}"#;
    let told = session.handle_info(unknown);
    assert_eq!(
        (told.message, told.id_type, told.id_integer),
        (DCC_MESSAGE_UNKNOWN, DCC_ID_INTEGER, 5)
    );
    assert_eq!(session.handle_info("[]").id_type, 0);
    let info = session.stats();
    assert_eq!((info.cancelled, info.malformed, info.others, info.unknown), (2, 3, 2, 1));
    until("it is over", || registration.unregister() != DCC_CALLBACK_RUNNING);
    request.finish();
    other.finish();
    session.release();
}

#[test]
fn a_task_is_cancelled_by_its_own_message_and_outlives_the_connection() {
    let _alone = alone();
    let (connection, tasks) = (Session::new(), Session::with(|desc| desc.kind = DCC_SESSION_TASKS));
    // The same id in two sessions: of a request, and of the task that the request became.
    let (request, task) = (connection.begin(Text("1")), tasks.begin(Text("1")));
    assert_eq!(request.end().1, DCC_OWED_RESULT);
    let cancel = r#"{"jsonrpc":"2.0","id":6,"method":"tasks/cancel","params":{"taskId":"1"}}"#;
    let of_request =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}"#;
    assert_eq!(connection.handle(cancel), DCC_MESSAGE_OTHER);
    assert_eq!(tasks.handle(of_request), DCC_MESSAGE_OTHER);
    connection.close();
    assert!(!task.is_cancelled(), "a task is not its connection's");
    assert_eq!(tasks.handle(cancel), DCC_MESSAGE_CANCELLED);
    assert!(task.is_cancelled());
    assert_eq!(tasks.handle(cancel), DCC_MESSAGE_WITHOUT_EFFECT);
    assert_eq!(task.end().1, DCC_OWED_NOTHING);
    assert_eq!(tasks.handle(cancel), DCC_MESSAGE_UNKNOWN);
    // A sealed request gets its result.
    let sealed = tasks.begin(Text("2"));
    assert_eq!(dcc_cancel::ffi::seal::dcc_request_seal(sealed.pointer()), DCC_OK);
    let too_late = cancel.replace(r#""1""#, r#""2""#);
    assert_eq!(tasks.handle(&too_late), DCC_MESSAGE_WITHOUT_EFFECT);
    assert_eq!(sealed.end().1, DCC_OWED_RESULT);
    for request in [request, task, sealed] {
        request.release();
    }
    connection.release();
    tasks.release();
}

#[test]
fn every_cancel_of_a_peer_is_one_event_with_id_and_reason() {
    let _alone = alone();
    let mut events = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_events_create(100, &mut events) }, DCC_OK);
    let session = Session::new();
    let requests = [session.begin(Int(-3)), session.begin(Text("tool \"1\""))];
    session.cancel(Int(-3), "User pressed Esc");
    session.cancel(Int(-3), "again");
    session.cancel(Text("tool \"1\""), "");
    session.cancel(Int(99), "unknown");
    let mut seen = Vec::new();
    // SAFETY: room for that many events, one after the other; then a writable count.
    unsafe {
        let mut room: [dcc_event; 64] = std::mem::zeroed();
        let mut count = 0;
        let stride = size_of::<dcc_event>();
        dcc_events_drain(events, room.as_mut_ptr(), stride, room.len(), &mut count);
        for event in &room[..count] {
            if event.kind == DCC_EVENT_REQUEST_CANCELLED {
                let text = CStr::from_ptr(event.text.as_ptr()).to_str().unwrap().to_owned();
                seen.push((event.token as usize, text));
            }
        }
    }
    let expected = ["-3: User pressed Esc", "\"tool \\\"1\\\"\": "];
    let tokens = requests.map(|request| request.token().0);
    assert_eq!(seen, [(tokens[0], expected[0].to_owned()), (tokens[1], expected[1].to_owned())]);
    assert_eq!(dcc_events_release(events), DCC_OK);
    requests.into_iter().for_each(Request::finish);
    session.release();
}

/// Requests begin, end, are cancelled by id and by message, cleared and swept, all at the same
/// time, and the session is closed meanwhile.
#[test]
fn everything_at_once_leaves_nothing() {
    let _alone = alone();
    let session = Session::http();
    let (stop, cancelled) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for worker in 0..2 {
            let (stop, cancelled) = (&stop, &cancelled);
            scope.spawn(move || {
                for round in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let id = Int((round + worker) % 4);
                    let Ok(request) = session.try_begin(id, 0, listening::NO_TOKEN) else {
                        continue;
                    };
                    cancelled.fetch_add(u32::from(request.is_cancelled()), Ordering::Relaxed);
                    if round % 3 != 0 {
                        let (status, owed) = request.end();
                        assert_eq!(status, DCC_OK);
                        let is_cancelled = request.is_cancelled();
                        assert!(owed == DCC_OWED_RESULT || is_cancelled);
                    }
                    request.release();
                }
            });
        }
        scope.spawn(|| {
            let mut round = 0;
            while !stop.load(Ordering::Relaxed) {
                round += 1;
                let id = round % 4;
                session.cancel(Int(id), "by id");
                session.handle(&format!(
                    r#"{{"method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
                ));
                session.state(Int(id));
                session.clear(Int((id + 1) % 4));
                session.sweep(Duration::from_micros(50));
            }
        });
        until("much has happened", || {
            let info = session.stats();
            let early = cancelled.load(Ordering::Relaxed);
            info.begun > 1000 && info.cancelled > 100 && early > 10
        });
        session.close();
        thread::sleep(Duration::from_millis(50));
        stop.store(true, Ordering::Relaxed);
    });
    assert!(cancelled.load(Ordering::Relaxed) > 0, "none was cancelled early");
    let info = session.stats();
    assert_eq!((info.live, info.kept), (0, 0));
    assert!(info.begun > 100 && info.cancelled > 0, "{} {}", info.begun, info.cancelled);
    session.release();
    until("all are gone", || (stats().live_sessions, stats().live_requests) == (0, 0));
}

/// Two threads end the same requests, while the last references to these and to their session are
/// released and other requests begin in their slots. Each request ends once, and none of the others
/// is ended.
#[test]
fn each_request_ends_once_while_all_around_it_goes() {
    const REQUESTS: i64 = 32;
    let _alone = alone();
    for round in 0..times(200) {
        let (session, other) = (Session::new(), Session::new());
        let requests: Vec<Request> = (0..REQUESTS).map(|id| session.begin(Int(id))).collect();
        let ended = AtomicU32::new(0);
        let end = |request: &Request| match request.end() {
            (DCC_OK, owed) => {
                assert_eq!(owed, DCC_OWED_RESULT);
                ended.fetch_add(1, Ordering::Relaxed);
            }
            (status, _) => assert!([DCC_ALREADY_ENDED, DCC_ERROR_INVALID_HANDLE].contains(&status)),
        };
        let begin_others = || {
            let others: Vec<Request> = (0..REQUESTS).map(|id| other.begin(Int(id))).collect();
            others.into_iter().for_each(Request::finish);
        };
        thread::scope(|scope| {
            scope.spawn(|| requests.iter().for_each(end));
            scope.spawn(begin_others);
            if round % 2 == 0 {
                session.release();
            }
            for request in requests.iter().rev() {
                end(request);
                request.release();
            }
        });
        assert_eq!(ended.into_inner(), REQUESTS as u32, "round {round}");
        assert_eq!((other.stats().begun, other.stats().live), (REQUESTS as u64, 0));
        if round % 2 != 0 {
            assert_eq!(session.stats().live, 0);
            session.release();
        }
        other.release();
    }
    assert_eq!((stats().live_sessions, stats().live_requests), (0, 0));
}

#[test]
fn misuse_is_answered() {
    let _alone = alone();
    let session = Session::new();
    // SAFETY: zero is a value of the structures; NULL and bad values are answers.
    unsafe {
        let mut desc: dcc_session_desc = std::mem::zeroed();
        let mut out = std::ptr::without_provenance_mut(1);
        assert_eq!(dcc_session_create(&desc, &mut out), DCC_ERROR_INVALID_ARGUMENT);
        assert!(out.is_null());
        desc.struct_size = size_of::<dcc_session_desc>() as u32;
        let bad: [fn(&mut dcc_session_desc); 6] = [
            |desc| desc.flags = 2,
            |desc| desc.kind = 3,
            |desc| desc.replies = 3,
            |desc| desc.early = 3,
            |desc| desc.max_requests = DCC_MAX_SESSION_QUOTA + 1,
            |desc| desc.reserved = 1,
        ];
        for spoil in bad {
            let mut bad = desc;
            spoil(&mut bad);
            assert_eq!(dcc_session_create(&bad, &mut out), DCC_ERROR_INVALID_ARGUMENT);
        }
        let pointer = session.pointer();
        assert_eq!(dcc_session_cancel(pointer, null(), null(), 0), DCC_ERROR_INVALID_ARGUMENT);
        let mut id = Int(1).c();
        id.r#type = 3;
        let mut state = 7;
        assert_eq!(dcc_session_query(pointer, &id, &mut state), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(state, DCC_REQUEST_UNKNOWN);
        let long = "x".repeat(257);
        let status = dcc_session_query(pointer, &Text(&long).c(), &mut state);
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
        let status = dcc_session_handle_message(pointer, null(), 3, null_mut());
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
        let request = session.begin(Int(7));
        let mut info: dcc_message_info = std::mem::zeroed();
        info.struct_size = 8;
        let message = c"{\"method\":\"$/cancelRequest\",\"params\":{\"id\":7},\"jsonrpc\":\"2.0\"}";
        let length = message.count_bytes();
        let status = dcc_session_handle_message(pointer, message.as_ptr(), length, &mut info);
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
        assert!(!request.is_cancelled(), "what is refused has no effect");
        assert_eq!(
            dcc_session_handle_message(pointer, message.as_ptr(), length, null_mut()),
            DCC_OK
        );
        assert!(request.is_cancelled());
        request.finish();
        for bits in [0, 1, session.0 ^ (1 << 40), session.0 | 1] {
            let bad = std::ptr::without_provenance(bits);
            let status = dcc_session_query(bad, &Int(1).c(), &mut state);
            assert_eq!(status, DCC_ERROR_INVALID_HANDLE, "{bits:#x}");
            let status = dcc_request_end(std::ptr::without_provenance(bits), null_mut());
            assert_eq!(status, DCC_ERROR_INVALID_HANDLE, "{bits:#x}");
        }
        assert!(dcc_request_token(null()).is_null());
        assert_eq!(dcc_session_close(null()), DCC_OK);
        assert_eq!(dcc_request_release(null_mut()), DCC_OK);
    }
    let status = session.try_begin(Int(1), 0, Token(0xbad));
    assert_eq!(status, Err(DCC_ERROR_INVALID_HANDLE));
    assert_eq!(session.stats().live, 0, "a failed begin leaves nothing");
    session.begin(Int(1)).finish();
    session.release();
}
