//! Sessions: `dcc_session_create`, retain, release and close.

use super::argument::{Versioned, descriptor, flags, handle, in_range, reserved};
use super::guard::{Outcome, guard, guard_creating};
use super::library;
use super::out::HandleOut;
use super::status::{DCC_OK, dcc_status};
use crate::error::Error;
use crate::json_rpc::reply::ReplyPolicy;
use crate::json_rpc::wire::Meant;
use crate::peer::request::Requests;
use crate::peer::session::{SessionPin, SessionSettings, Sessions};

/// A session: the connection of one peer, the scope of its request ids. It is shared by reference count.
pub struct dcc_session(());

/// Reply policy: a request that its peer cancelled is not answered, as MCP demands.
pub const DCC_REPLIES_SILENT: i32 = 0;
/// Reply policy: a request that its peer cancelled is answered with the error -32800, as LSP, ACP
/// and MCP's streamable HTTP of 2025 demand.
pub const DCC_REPLIES_CANCELLED: i32 = 1;
/// Reply policy: the kind of the cancel decides. A request that is cancelled by `$/cancelRequest`
/// or `$/cancel_request` is answered with the error -32800, which LSP and ACP demand. After any
/// other cancel by the peer it is not answered, as MCP demands, except in a session of kind
/// DCC_SESSION_HTTP, which answers with that error. If a request is cancelled several times before
/// its end, one cancel that demands the answer is enough.
pub const DCC_REPLIES_AS_ASKED: i32 = 2;

/// Kind of a session: messages come one after the other, so a cancel never comes before its
/// request.
pub const DCC_SESSION_STDIO: i32 = 0;
/// Kind of a session: messages come on several threads, so a cancel may come before its request.
pub const DCC_SESSION_HTTP: i32 = 1;
/// Kind of a session: its requests are the tasks of MCP's extension
/// `io.modelcontextprotocol/tasks`, under the ids that the server gave them. Use it beside the
/// sessions of your connections, because a task outlives its connection. If you answer a
/// `tools/call` with a task, end the request of the call and begin one here, whose token is the
/// parent of the work.
///
/// dcc_session_handle_message then takes `tasks/cancel`, which you answer. After
/// DCC_MESSAGE_CANCELLED and DCC_MESSAGE_WITHOUT_EFFECT answer with the result
/// `{"resultType":"complete"}`. After DCC_MESSAGE_MALFORMED answer with the error -32602. Do the
/// same after DCC_MESSAGE_UNKNOWN, but if you still know the task, answer with the result above.
/// The reply policy does not matter: at the end of a task DCC_OWED_RESULT means the status
/// `completed` or `failed`, and the other DCC_OWED_ constants mean `cancelled`.
pub const DCC_SESSION_TASKS: i32 = 2;

/// Early cancels, which come before their request: held in a session of kind DCC_SESSION_HTTP,
/// ignored in others.
pub const DCC_EARLY_BY_KIND: i32 = 0;
/// Early cancels: held for their request.
pub const DCC_EARLY_HELD: i32 = 1;
/// Early cancels: ignored and counted.
pub const DCC_EARLY_IGNORED: i32 = 2;

/// Flag of a session: the id 7 and the id "7" are the same, as in some servers. Answers still have
/// the type of the request's id.
pub const DCC_SESSION_IDS_ARE_TEXTS: u32 = 1;

/// `max_requests` if the descriptor says 0.
const USUAL_REQUESTS: u32 = 1024;
/// `max_kept` if the descriptor says 0.
const USUAL_KEPT: u32 = 256;
/// `early_ttl_ns` if the descriptor says 0.
const USUAL_TTL_NS: u64 = 30_000_000_000;
/// `progress_interval_ns` if the descriptor says 0.
const USUAL_PROGRESS_NS: u64 = 100_000_000;
/// Largest `max_requests` and `max_kept`.
pub const DCC_MAX_SESSION_QUOTA: u32 = 65_536;

/// What a session is created from. Set all bytes to zero, then `struct_size` to sizeof, then the
/// fields that you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_session_desc {
    /// sizeof(dcc_session_desc)
    pub struct_size: u32,
    /// DCC_SESSION_IDS_ARE_TEXTS or 0.
    pub flags: u32,
    /// DCC_SESSION_STDIO, DCC_SESSION_HTTP or DCC_SESSION_TASKS.
    pub kind: i32,
    /// DCC_REPLIES_SILENT, DCC_REPLIES_CANCELLED or DCC_REPLIES_AS_ASKED.
    pub replies: i32,
    /// One of the DCC_EARLY_ constants.
    pub early: i32,
    /// Maximum number of requests in flight, up to DCC_MAX_SESSION_QUOTA; 0 means 1024.
    pub max_requests: u32,
    /// Maximum number of ids without a request in flight that are remembered: cancels that are
    /// held, and the reasons of requests that were cancelled and have ended. Up to
    /// DCC_MAX_SESSION_QUOTA; 0 means 256. An id for which there is no room is forgotten and
    /// counted. If cancels are held, the ids of the latest ended requests are known as well, up to
    /// `max_requests` plus `max_kept` of them.
    pub max_kept: u32,
    /// Zero.
    pub reserved: u32,
    /// For how many nanoseconds a cancel is held for its request. For the same time after a request
    /// has ended, a cancel of its id counts as late, not as a cancel of the next request with that
    /// id. 0 means 30 seconds.
    pub early_ttl_ns: u64,
    /// The shortest time between two progress notifications of a request, in nanoseconds, see
    /// dcc_request_write_progress; 0 means 100 milliseconds.
    pub progress_interval_ns: u64,
    /// The longest time between two progress notifications of a request, in nanoseconds. After that
    /// time a notification is due even if the progress has not changed, see
    /// dcc_request_write_progress. 0: no limit.
    pub progress_heartbeat_ns: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_session_desc {
    const NAME: &'static str = "dcc_session_desc";
}

fn sessions() -> &'static Sessions {
    library().sessions()
}

/// The requests of all sessions.
pub(super) fn requests() -> Requests<'static> {
    library().requests()
}

pub(super) fn pinned(session: *const dcc_session) -> Outcome<SessionPin<'static>> {
    SessionPin::new(sessions(), handle(session))
}

fn settings(desc: &dcc_session_desc) -> Outcome<SessionSettings> {
    let known = DCC_SESSION_IDS_ARE_TEXTS;
    flags("dcc_session_desc.flags", desc.flags, known, "DCC_SESSION_IDS_ARE_TEXTS")?;
    reserved::<dcc_session_desc>(desc.reserved)?;
    let wrong = |what, given, known| Err(Error::UnknownValue { what, given, known });
    let (is_http, ids) = match desc.kind {
        DCC_SESSION_STDIO => (false, Meant::Requests),
        DCC_SESSION_HTTP => (true, Meant::Requests),
        DCC_SESSION_TASKS => (false, Meant::Tasks),
        given => {
            let known = "DCC_SESSION_STDIO, DCC_SESSION_HTTP or DCC_SESSION_TASKS";
            return wrong("dcc_session_desc.kind", given, known);
        }
    };
    let policy = match desc.replies {
        DCC_REPLIES_SILENT => ReplyPolicy::Silent,
        DCC_REPLIES_CANCELLED => ReplyPolicy::RequestCancelled,
        // An HTTP response's stream has to end with an answer, whatever cancelled the request.
        DCC_REPLIES_AS_ASKED if is_http => ReplyPolicy::RequestCancelled,
        DCC_REPLIES_AS_ASKED => ReplyPolicy::AsAsked,
        given => {
            let known = "one of the DCC_REPLIES_ constants";
            return wrong("dcc_session_desc.replies", given, known);
        }
    };
    let holds_early = match desc.early {
        DCC_EARLY_BY_KIND => is_http,
        DCC_EARLY_HELD => true,
        DCC_EARLY_IGNORED => false,
        given => {
            let known = "one of the DCC_EARLY_ constants";
            return wrong("dcc_session_desc.early", given, known);
        }
    };
    let most = DCC_MAX_SESSION_QUOTA.into();
    in_range("dcc_session_desc.max_requests", desc.max_requests.into(), 0, most)?;
    in_range("dcc_session_desc.max_kept", desc.max_kept.into(), 0, most)?;
    let or = |given: u32, usual: u32| if given == 0 { usual } else { given };
    let or_ns = |given: u64, usual: u64| if given == 0 { usual } else { given };
    Ok(SessionSettings {
        ids,
        policy,
        holds_early,
        ids_are_texts: desc.flags & DCC_SESSION_IDS_ARE_TEXTS != 0,
        most_requests: or(desc.max_requests, USUAL_REQUESTS),
        most_kept: or(desc.max_kept, USUAL_KEPT),
        early_ttl_ns: or_ns(desc.early_ttl_ns, USUAL_TTL_NS),
        progress_interval_ns: or_ns(desc.progress_interval_ns, USUAL_PROGRESS_NS),
        progress_heartbeat_ns: desc.progress_heartbeat_ns,
    })
}

/// Creates a session and writes it to `out_session`. Any thread may call this. You get one
/// reference, which you release.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_create(
    desc: *const dcc_session_desc,
    out_session: *mut *mut dcc_session,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_session", out_session) };
    guard_creating(|| {
        let to = to?;
        // SAFETY: the C caller's promise: a filled-in descriptor.
        let desc = unsafe { descriptor("desc", desc) }?;
        to.write(sessions().create(settings(&desc)?)?);
        Ok(())
    })
}

/// Adds a reference, which you release. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_session_retain(session: *const dcc_session) -> dcc_status {
    guard(|| {
        if !session.is_null() {
            sessions().retain(handle(session))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. Any thread may call this. The last release ends the session. If requests
/// of the session are still in flight, the session ends with the last of them. Close the session
/// before the last release: otherwise its requests go on, and cannot be cancelled by their ids any
/// more.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_session_release(session: *mut dcc_session) -> dcc_status {
    guard(|| {
        if !session.is_null() {
            sessions().release(handle(session))?;
        }
        Ok(DCC_OK)
    })
}

/// Closes a session for good, because its connection is closed: cancels all its requests in flight,
/// forgets what it remembers, and refuses new requests. Any thread may call this. Callbacks run on
/// this thread.
///
/// You still end the requests. If only the stream of one HTTP response is closed, use
/// dcc_request_cancel, which cancels that one request. Closing again does no harm. If `session` is
/// NULL, nothing happens.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_session_close(session: *const dcc_session) -> dcc_status {
    guard(|| {
        if !session.is_null() {
            requests().close(&pinned(session)?);
        }
        Ok(DCC_OK)
    })
}
