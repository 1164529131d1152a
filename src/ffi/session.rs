//! `dcc_session_*`.

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

/// A session: one peer's connection, the scope of its request ids; shared by reference count. The
/// pointer is a handle, not an address.
pub struct dcc_session(());

/// Reply policy: a request that its peer cancelled is not answered, as MCP has it.
pub const DCC_REPLIES_SILENT: i32 = 0;
/// Reply policy: it is answered with the error -32800, as LSP and ACP have it, and MCP's streamable
/// HTTP of 2025.
pub const DCC_REPLIES_CANCELLED: i32 = 1;
/// Reply policy: as the peer asked. A request that is cancelled by `$/cancelRequest` or `$/cancel_request` is
/// answered with the error -32800, which LSP and ACP demand; one that is cancelled in another way as MCP has
/// it, not at all in a session of kind DCC_SESSION_STDIO, with that error in one of DCC_SESSION_HTTP. Of
/// several cancels of one request any may demand the answer, until its end.
pub const DCC_REPLIES_AS_ASKED: i32 = 2;

/// Kind of a session: messages come one after the other; a cancel never comes before its request.
pub const DCC_SESSION_STDIO: i32 = 0;
/// Kind of a session: messages come on several threads; a cancel may come before its request.
pub const DCC_SESSION_HTTP: i32 = 1;
/// Kind of a session: its requests are the tasks of MCP's extension `io.modelcontextprotocol/tasks`, under
/// the ids that the server gave them. Have one beside those of your connections, which a task outlives: where
/// you answer a `tools/call` with a task, end its request and begin one here, whose token is the parent of
/// the work. dcc_session_handle_message then takes `tasks/cancel`, which is yours to answer: after
/// DCC_MESSAGE_CANCELLED and DCC_MESSAGE_WITHOUT_EFFECT with the result `{"resultType":"complete"}`, after
/// DCC_MESSAGE_MALFORMED and, unless you keep that task, DCC_MESSAGE_UNKNOWN with the error -32602. No reply
/// policy matters: at the end of a task DCC_OWED_RESULT is for the status `completed` or `failed`, all else
/// for `cancelled`.
pub const DCC_SESSION_TASKS: i32 = 2;

/// Early cancels: as the session's kind has it.
pub const DCC_EARLY_BY_KIND: i32 = 0;
/// Early cancels: held for their request.
pub const DCC_EARLY_HELD: i32 = 1;
/// Early cancels: ignored and counted.
pub const DCC_EARLY_IGNORED: i32 = 2;

/// Flag of a session: the id 7 and the id "7" are one, as some servers have it. Answers have the type of
/// the request all the same.
pub const DCC_SESSION_IDS_ARE_TEXTS: u32 = 1;

/// Quotas where the descriptor says 0.
const USUAL_REQUESTS: u32 = 1024;
/// As above.
const USUAL_KEPT: u32 = 256;
/// As above.
const USUAL_TTL_NS: u64 = 30_000_000_000;
/// As above.
const USUAL_PROGRESS_NS: u64 = 100_000_000;
/// The largest quota.
pub const DCC_MAX_SESSION_QUOTA: u32 = 65_536;

/// What a session is created from. Set all to zero, then `struct_size` to sizeof, then what you need.
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
    /// Most requests in flight, up to DCC_MAX_SESSION_QUOTA; 0 is 1024.
    pub max_requests: u32,
    /// Most ids without a live request of which something is remembered: cancels that are held, and what
    /// can be asked of requests that were cancelled and have ended. Up to DCC_MAX_SESSION_QUOTA; 0 is
    /// 256. What finds no room is forgotten and counted. Where cancels are held, the ids of the last requests
    /// that are over are known besides, as many as `max_requests` and `max_kept` together.
    pub max_kept: u32,
    /// Zero.
    pub reserved: u32,
    /// For how many nanoseconds a cancel is held for its request, and a cancel of an id whose request is over
    /// is a late one, not one for the next request of that id; 0 is 30 seconds.
    pub early_ttl_ns: u64,
    /// Least nanoseconds between two notes of how far a request is, see dcc_request_write_progress; 0 is
    /// 100 milliseconds.
    pub progress_interval_ns: u64,
    /// Most nanoseconds between two notes of a request, for what cannot count: one that is not further is
    /// told to go on, see dcc_request_write_progress. 0: it is not.
    pub progress_heartbeat_ns: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_session_desc {
    const NAME: &'static str = "dcc_session_desc";
}

fn sessions() -> &'static Sessions {
    library().sessions()
}

/// The requests of all of them.
pub(super) fn requests() -> Requests<'static> {
    library().requests()
}

/// The session pinned for this call.
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
        // Its streams have to end with something, whoever asked.
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

/// Creates a session and writes it to `out_session`: one reference, yours to release. Any thread.
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

/// Adds a reference, which you release. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_session_retain(session: *const dcc_session) -> dcc_status {
    guard(|| {
        if !session.is_null() {
            sessions().retain(handle(session))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. The last one ends the session, unless the library still needs it: while one of
/// its requests has not ended. Close it first: its requests live on by themselves, and nobody is left to
/// cancel them by their ids. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_session_release(session: *mut dcc_session) -> dcc_status {
    guard(|| {
        if !session.is_null() {
            sessions().release(handle(session))?;
        }
        Ok(DCC_OK)
    })
}

/// Closes a session, because its connection has: cancels all its requests, forgets what it remembers,
/// and lets none begin. The requests are still to be ended. On HTTP the closing of a response's stream
/// is a cancel of that request alone: dcc_request_cancel. Callbacks run on this thread. Calling it again
/// is harmless. Any thread. NULL: nothing happens.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_session_close(session: *const dcc_session) -> dcc_status {
    guard(|| {
        if !session.is_null() {
            requests().close(&pinned(session)?);
        }
        Ok(DCC_OK)
    })
}
