//! `dcc_session_*`.

use super::argument::{
    HandleOut, StructOut, TextOut, ValueOut, Versioned, descriptor, flags, handle, in_range,
    message, reserved, text,
};
use super::guard::{Outcome, guard, guard_creating};
use super::request_id::{
    DCC_ID_INTEGER, DCC_ID_TEXT, DCC_MAX_REQUEST_ID_LENGTH, dcc_request_id, read_id,
};
use super::status::{
    DCC_ALREADY_CANCELLED, DCC_HELD, DCC_NOT_CANCELLABLE, DCC_NOT_CANCELLED, DCC_NOT_FOUND, DCC_OK,
    dcc_status,
};
use super::{library, service};
use crate::error::Error;
use crate::json_rpc::reply::ReplyPolicy;
use crate::json_rpc::request_id::IdRef;
use crate::json_rpc::wire::{MAX_BATCH, MAX_MESSAGE_BYTES, readable_reason};
use crate::peer::cancel::{Handled, PeerCancel};
use crate::peer::kept::IdState;
use crate::peer::request::Requests;
use crate::peer::session::{SessionPin, SessionSettings, Sessions};
use std::ffi::c_char;

/// A session: one peer's connection, the scope of its request ids; shared by reference count. The
/// pointer is a handle, not an address.
pub struct dcc_session(());

/// Reply policy: a request that its peer cancelled is not answered, as MCP has it.
pub const DCC_REPLIES_SILENT: i32 = 0;
/// Reply policy: it is answered with the error -32800, as LSP and ACP have it, and MCP's streamable
/// HTTP of 2025.
pub const DCC_REPLIES_CANCELLED: i32 = 1;

/// Kind of a session: messages come one after the other; a cancel never comes before its request.
pub const DCC_SESSION_STDIO: i32 = 0;
/// Kind of a session: messages come on several threads; a cancel may come before its request.
pub const DCC_SESSION_HTTP: i32 = 1;

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
    /// DCC_SESSION_STDIO or DCC_SESSION_HTTP.
    pub kind: i32,
    /// DCC_REPLIES_SILENT or DCC_REPLIES_CANCELLED.
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
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_session_desc {
    const NAME: &'static str = "dcc_session_desc";
    const FIRST_SIZE: usize = 48;
}

/// What a session has seen. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_session_stats {
    /// sizeof(dcc_session_stats); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// 1 after a close.
    pub is_closed: i32,
    /// Requests in flight: begun and not ended, after a close, too.
    pub live: u32,
    /// Other ids of which something is remembered.
    pub kept: u32,
    /// Requests that began.
    pub begun: u64,
    /// Requests that the peer, or the close, was the first to cancel.
    pub cancelled: u64,
    /// Cancels that were held for their request.
    pub early: u64,
    /// Cancels of no request in flight that were ignored: late ones, and those that were not held.
    pub unknown: u64,
    /// Cancels of requests that had been cancelled, or that cannot be.
    pub without_effect: u64,
    /// Messages that were none, or cancellations of nothing.
    pub malformed: u64,
    /// Messages for somebody else.
    pub others: u64,
    /// What was forgotten for want of room.
    pub forgotten: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_session_stats {
    const NAME: &'static str = "dcc_session_stats";
    const FIRST_SIZE: usize = 80;
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
    let is_http = match desc.kind {
        DCC_SESSION_STDIO => false,
        DCC_SESSION_HTTP => true,
        given => {
            let known = "DCC_SESSION_STDIO or DCC_SESSION_HTTP";
            return wrong("dcc_session_desc.kind", given, known);
        }
    };
    let policy = match desc.replies {
        DCC_REPLIES_SILENT => ReplyPolicy::Silent,
        DCC_REPLIES_CANCELLED => ReplyPolicy::RequestCancelled,
        given => {
            let known = "DCC_REPLIES_SILENT or DCC_REPLIES_CANCELLED";
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
        policy,
        holds_early,
        ids_are_texts: desc.flags & DCC_SESSION_IDS_ARE_TEXTS != 0,
        most_requests: or(desc.max_requests, USUAL_REQUESTS),
        most_kept: or(desc.max_kept, USUAL_KEPT),
        early_ttl_ns: or_ns(desc.early_ttl_ns, USUAL_TTL_NS),
        progress_interval_ns: or_ns(desc.progress_interval_ns, USUAL_PROGRESS_NS),
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

/// Gives a reference back. Close the session first: its requests live on by themselves, and nobody can
/// cancel them by their ids any more. Any thread.
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

fn status_of(outcome: PeerCancel) -> dcc_status {
    match outcome {
        PeerCancel::First => DCC_OK,
        PeerCancel::Again => DCC_ALREADY_CANCELLED,
        PeerCancel::Unknown => DCC_NOT_FOUND,
        PeerCancel::Held => DCC_HELD,
        PeerCancel::Refused => DCC_NOT_CANCELLABLE,
    }
}

/// Cancels the request in flight with this id, in its peer's name. DCC_OK: this call was the first.
/// DCC_ALREADY_CANCELLED: another was, its reason stays. DCC_NOT_FOUND: there is none, or it is over;
/// ignored and counted. DCC_HELD: there is none yet, the cancel is held for it. A request that is over
/// is known by its id until that begins again, for `early_ttl_ns` of dcc_session_desc and up to a
/// number, see `max_kept`. DCC_NOT_CANCELLABLE: it was begun as one that cannot be. `reason` as in
/// dcc_cancel_token_cancel, but up to DCC_MAX_MESSAGE_LENGTH bytes, as a peer may have sent them: what
/// is beyond DCC_MAX_TEXT_LENGTH is cut off, control characters are left out. Callbacks run on this
/// thread. A request that begins with the same id after the one that was meant has ended is not touched.
/// DCC_ERROR_RESOURCES: there was no memory to hold it; nothing happened, so call again. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_cancel(
    session: *const dcc_session,
    id: *const dcc_request_id,
    reason: *const c_char,
    reason_length: usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a filled-in id and a readable text.
        let (id, reason) = unsafe {
            let reason = text("reason", reason, reason_length, DCC_MAX_MESSAGE_LENGTH)?;
            (read_id(id)?, readable_reason(reason).unwrap_or_default())
        };
        Ok(status_of(requests().cancel(&pinned(session)?, id, &reason, false)?))
    })
}

/// What a session knows of an id: nothing. Its request never began, or is over and forgotten.
pub const DCC_REQUEST_UNKNOWN: i32 = 0;
/// What a session knows of an id: its request is in flight, and not cancelled.
pub const DCC_REQUEST_LIVE: i32 = 1;
/// What a session knows of an id: its request is in flight, and cancelled.
pub const DCC_REQUEST_CANCELLED: i32 = 2;
/// What a session knows of an id: its request has not begun, and a cancel is held for it.
pub const DCC_REQUEST_HELD: i32 = 3;
/// What a session knows of an id: its request is over; it was not cancelled, or that is forgotten.
pub const DCC_REQUEST_ENDED: i32 = 4;
/// What a session knows of an id: its request is over, and was cancelled.
pub const DCC_REQUEST_ENDED_CANCELLED: i32 = 5;

const _: () = {
    assert!(DCC_REQUEST_UNKNOWN == IdState::Unknown as i32);
    assert!(DCC_REQUEST_LIVE == IdState::Live as i32);
    assert!(DCC_REQUEST_CANCELLED == IdState::Cancelled as i32);
    assert!(DCC_REQUEST_HELD == IdState::Held as i32);
    assert!(DCC_REQUEST_ENDED == IdState::Ended as i32);
    assert!(DCC_REQUEST_ENDED_CANCELLED == IdState::EndedCancelled as i32);
};

/// Writes what the session knows of an id to `out_state`, one of DCC_REQUEST_UNKNOWN, _LIVE, _CANCELLED,
/// _HELD, _ENDED and _ENDED_CANCELLED. That a request was cancelled is remembered until it is cleared or
/// swept, its id begins again, or, after `early_ttl_ns`, others need its place. That one is over which was
/// not cancelled is known only where early cancels are held, and for `early_ttl_ns`, as a held cancel is;
/// else it is unknown. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_query(
    session: *const dcc_session,
    id: *const dcc_request_id,
    out_state: *mut i32,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a filled-in id, a writable result.
        let (id, to) = unsafe {
            let to = ValueOut::new("out_state", out_state, DCC_REQUEST_UNKNOWN)?;
            (read_id(id)?, to)
        };
        to.write(requests().query(&pinned(session)?, id, |state, _| state as i32)?);
        Ok(DCC_OK)
    })
}

/// Writes why the request with this id was cancelled, or will be when it begins, `snprintf`-like.
/// DCC_NOT_CANCELLED or DCC_NOT_FOUND, with an empty text: dcc_session_query says what it is instead.
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_reason(
    session: *const dcc_session,
    id: *const dcc_request_id,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise, see the comment.
        let (id, to) = unsafe { (read_id(id)?, TextOut::new(buffer, size, out_length)?) };
        requests().query(&pinned(session)?, id, |state, reason| {
            to.write(reason);
            match state {
                IdState::Unknown => DCC_NOT_FOUND,
                state if state.is_cancelled() => DCC_OK,
                _ => DCC_NOT_CANCELLED,
            }
        })
    })
}

/// Forgets what is remembered of an id without a request in flight: a cancel that is held, or a
/// request that was cancelled and has ended. DCC_NOT_FOUND: nothing is. A cancel of a request that is over
/// stays a late one. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_clear(
    session: *const dcc_session,
    id: *const dcc_request_id,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a filled-in id.
        let id = unsafe { read_id(id) }?;
        Ok(if requests().clear(&pinned(session)?, id)? { DCC_OK } else { DCC_NOT_FOUND })
    })
}

/// Forgets what has been remembered for more than `ttl_ns` nanoseconds, never a request in flight nor that
/// one is over, and writes to `out_count`, unless that is NULL, how many that were. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_sweep(
    session: *const dcc_session,
    ttl_ns: u64,
    out_count: *mut u64,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: NULL or a writable result.
        let to = unsafe { ValueOut::optional(out_count, 0) };
        to.write(requests().sweep(&pinned(session)?, ttl_ns));
        Ok(DCC_OK)
    })
}

/// Most bytes of a message that is looked at: a longer one cancels nothing and is DCC_MESSAGE_OTHER.
pub const DCC_MAX_MESSAGE_LENGTH: usize = 4_194_304;
/// Most messages of a batch that are looked at: those after them cancel nothing and count as malformed.
pub const DCC_MAX_BATCH: usize = 1000;

const _: () = assert!(DCC_MAX_MESSAGE_LENGTH == MAX_MESSAGE_BYTES && DCC_MAX_BATCH == MAX_BATCH);

/// What a message was: a cancel of a request in flight, and the first.
pub const DCC_MESSAGE_CANCELLED: i32 = 1;
/// What a message was: a cancel of a request that had been cancelled, or cannot be.
pub const DCC_MESSAGE_WITHOUT_EFFECT: i32 = 2;
/// What a message was: a cancel that is held for its request.
pub const DCC_MESSAGE_HELD: i32 = 3;
/// What a message was: a cancel of no request in flight.
pub const DCC_MESSAGE_UNKNOWN: i32 = 4;
/// What a message was: for somebody else.
pub const DCC_MESSAGE_OTHER: i32 = 5;
/// What a message was: none, or a cancellation of nothing.
pub const DCC_MESSAGE_MALFORMED: i32 = 6;

/// Room for the text of a request's id with its NUL.
pub const DCC_REQUEST_ID_SIZE: usize = 264;

const _: () = assert!(DCC_REQUEST_ID_SIZE > DCC_MAX_REQUEST_ID_LENGTH);

/// What a message was. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_message_info {
    /// sizeof(dcc_message_info); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// One of the DCC_MESSAGE_ constants; of a batch that of its first cancellation.
    pub message: i32,
    /// Which request it meant: DCC_ID_INTEGER, DCC_ID_TEXT, or 0 if it was no cancellation.
    pub id_type: i32,
    /// Bytes in `id_text`.
    pub id_text_length: u32,
    /// The id, if it is an integer.
    pub id_integer: i64,
    /// The id, if it is a text; ended by NUL.
    pub id_text: [c_char; DCC_REQUEST_ID_SIZE],
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_message_info {
    const NAME: &'static str = "dcc_message_info";
    const FIRST_SIZE: usize = 288;
}

impl dcc_message_info {
    const OTHER: Self = Self {
        struct_size: 0,
        message: DCC_MESSAGE_OTHER,
        id_type: 0,
        id_text_length: 0,
        id_integer: 0,
        id_text: [0; DCC_REQUEST_ID_SIZE],
    };

    /// A message that a batch has beside this one.
    fn add(&mut self, message: i32, id: Option<IdRef<'_>>) {
        let is_cancellation = self.message < DCC_MESSAGE_OTHER;
        if is_cancellation || self.message == DCC_MESSAGE_MALFORMED && message >= DCC_MESSAGE_OTHER
        {
            return;
        }
        self.message = message;
        match id {
            None => (),
            Some(IdRef::Integer(integer)) => {
                (self.id_type, self.id_integer) = (DCC_ID_INTEGER, integer);
            }
            Some(IdRef::Text(text)) => {
                (self.id_type, self.id_text_length) = (DCC_ID_TEXT, text.len() as u32);
                for (to, byte) in self.id_text.iter_mut().zip(text.bytes()) {
                    *to = byte as c_char;
                }
            }
        }
    }
}

/// Lets a message of the peer do what it asks for: `notifications/cancelled` of MCP,
/// `$/cancelRequest` of LSP and `$/cancel_request` of ACP, alone or in a batch; all others are left to
/// you. `message_length` bytes, as they came from the wire; DCC_MAX_MESSAGE_LENGTH and DCC_MAX_BATCH
/// bound what is looked at. Fills in `out_info`, unless that is NULL, with what it was and which request
/// it meant. It never fails because of what a peer sent: that is ignored and counted, dcc_session_read_stats.
/// DCC_ERROR_RESOURCES: there was no memory to look at it; of a batch a part may be done. Hand it in again.
/// Cancels as dcc_cancel_token_cancel_async does, so a transport thread may call it. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_handle_message(
    session: *const dcc_session,
    message: *const c_char,
    message_length: usize,
    out_info: *mut dcc_message_info,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: readable for that length, and NULL or writable for the size
        // that it says.
        let (bytes, to) = unsafe {
            (self::message("message", message, message_length)?, StructOut::optional(out_info)?)
        };
        let pin = pinned(session)?;
        service::ensure_callback_thread()?;
        let mut info = dcc_message_info::OTHER;
        requests().handle_message(&pin, bytes, |handled, id| {
            let message = match handled {
                Handled::Cancel(PeerCancel::First) => DCC_MESSAGE_CANCELLED,
                Handled::Cancel(PeerCancel::Again | PeerCancel::Refused) => {
                    DCC_MESSAGE_WITHOUT_EFFECT
                }
                Handled::Cancel(PeerCancel::Held) => DCC_MESSAGE_HELD,
                Handled::Cancel(PeerCancel::Unknown) => DCC_MESSAGE_UNKNOWN,
                Handled::NotACancellation => DCC_MESSAGE_OTHER,
                Handled::Malformed(_) => DCC_MESSAGE_MALFORMED,
            };
            info.add(message, id);
        })?;
        to.write(&info);
        Ok(DCC_OK)
    })
}

/// Fills in what a session has seen. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_read_stats(
    session: *const dcc_session,
    out_info: *mut dcc_session_stats,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_info", out_info) }?;
        let pin = pinned(session)?;
        let live = pin.slot().live();
        let (is_closed, in_flight, kept) = {
            let body = live.body.lock();
            (body.is_closed, body.live, body.kept())
        };
        let counts = &live.counts;
        to.write(&dcc_session_stats {
            struct_size: 0,
            is_closed: i32::from(is_closed),
            live: in_flight,
            kept,
            begun: counts.begun.read(),
            cancelled: counts.cancelled.read(),
            early: counts.early.read(),
            unknown: counts.unknown.read(),
            without_effect: counts.without_effect.read(),
            malformed: counts.malformed.read(),
            others: counts.others.read(),
            forgotten: counts.forgotten.read(),
        });
        Ok(DCC_OK)
    })
}
