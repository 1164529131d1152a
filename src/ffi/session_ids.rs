//! Cancels, questions and forgetting by the ids that a session's peer gave its requests.

use super::argument::text;
use super::guard::guard;
use super::limits::DCC_MAX_MESSAGE_LENGTH;
use super::out::{TextOut, ValueOut};
use super::request_id::{dcc_request_id, read_id};
use super::session::{dcc_session, pinned, requests};
use super::status::{
    DCC_ALREADY_CANCELLED, DCC_HELD, DCC_NOT_CANCELLABLE, DCC_NOT_CANCELLED, DCC_NOT_FOUND, DCC_OK,
    DCC_SEALED, dcc_status,
};
use super::thread;
use crate::json_rpc::wire::readable_reason;
use crate::peer::cancel::{PeerAsks, PeerCancel};
use crate::peer::kept::IdState;
use std::ffi::c_char;

pub(super) fn status_of(outcome: PeerCancel) -> dcc_status {
    match outcome {
        PeerCancel::First => DCC_OK,
        PeerCancel::Again => DCC_ALREADY_CANCELLED,
        PeerCancel::Unknown => DCC_NOT_FOUND,
        PeerCancel::Held => DCC_HELD,
        PeerCancel::Refused => DCC_NOT_CANCELLABLE,
        PeerCancel::Sealed => DCC_SEALED,
    }
}

/// Cancels the request in flight with this id, in its peer's name. Any thread may call this.
/// Callbacks run on this thread.
///
/// - DCC_OK: this call is the first cancel.
/// - DCC_ALREADY_CANCELLED: there was a cancel before, whose reason stays.
/// - DCC_SEALED: too late, the request or a job for it is sealed (dcc_job_seal), and the peer gets
///   the result.
/// - DCC_NOT_CANCELLABLE: the request was begun with DCC_REQUEST_NOT_CANCELLABLE.
/// - DCC_HELD: no request has this id yet; the cancel is held for it.
/// - DCC_NOT_FOUND: no request has this id, or it has ended; the cancel is ignored and counted.
/// - DCC_ERROR_RESOURCES: no memory to hold the cancel; nothing happened, so call again.
///
/// `reason` is as for dcc_cancel_token_cancel, but may have DCC_MAX_MESSAGE_LENGTH bytes, because a
/// peer may have sent it: bytes after DCC_MAX_TEXT_LENGTH are cut off, and control characters are
/// left out.
///
/// If the request ends while this call runs, a later request with the same id is not affected. A
/// session that holds early cancels knows the ids of ended requests, and does not hold a cancel for
/// them. It knows each id for `early_ttl_ns`, or until a request begins with the id again; for how
/// many ids, see `max_kept` of dcc_session_desc.
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
        let asked = PeerAsks { reason: &reason, ..PeerAsks::default() };
        let cancelled = requests().cancel(&pinned(session)?, id, asked)?;
        thread::note_own_cancel();
        Ok(status_of(cancelled))
    })
}

/// State of an id: nothing is known. Its request never began, or has ended and is forgotten.
pub const DCC_REQUEST_UNKNOWN: i32 = 0;
/// State of an id: its request is in flight, not cancelled.
pub const DCC_REQUEST_LIVE: i32 = 1;
/// State of an id: its request is in flight, and cancelled.
pub const DCC_REQUEST_CANCELLED: i32 = 2;
/// State of an id: its request has not begun, and a cancel is held for it.
pub const DCC_REQUEST_HELD: i32 = 3;
/// State of an id: its request has ended. It was not cancelled, or the cancel is forgotten.
pub const DCC_REQUEST_ENDED: i32 = 4;
/// State of an id: its request has ended, and was cancelled.
pub const DCC_REQUEST_ENDED_CANCELLED: i32 = 5;

const _: () = {
    assert!(DCC_REQUEST_UNKNOWN == IdState::Unknown as i32);
    assert!(DCC_REQUEST_LIVE == IdState::Live as i32);
    assert!(DCC_REQUEST_CANCELLED == IdState::Cancelled as i32);
    assert!(DCC_REQUEST_HELD == IdState::Held as i32);
    assert!(DCC_REQUEST_ENDED == IdState::Ended as i32);
    assert!(DCC_REQUEST_ENDED_CANCELLED == IdState::EndedCancelled as i32);
};

/// Writes the state of an id to `out_state`: DCC_REQUEST_UNKNOWN, _LIVE, _CANCELLED, _HELD, _ENDED
/// or _ENDED_CANCELLED. Any thread may call this.
///
/// The session remembers that a request was cancelled until its id is cleared or swept, a request
/// begins with the id again, or other ids need its place after `early_ttl_ns`. It knows that a
/// request ended without a cancel only if it holds early cancels, and only for `early_ttl_ns`;
/// otherwise the state is DCC_REQUEST_UNKNOWN.
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

/// Writes why the request with this id was cancelled, or will be cancelled when it begins. Any
/// thread may call this. The buffer is filled as by dcc_cancel_token_reason. DCC_NOT_CANCELLED,
/// with an empty text: the request is not cancelled; dcc_session_query tells its state.
/// DCC_NOT_FOUND, with an empty text: nothing is known of the id.
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

/// Forgets what is remembered of an id without a request in flight: a held cancel, the cancel of an
/// ended request, or that a request was released before its end. Any thread may call this.
/// DCC_NOT_FOUND: nothing is remembered of the id. Even after this call a cancel of an ended
/// request counts as late.
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

/// Does what dcc_session_clear does for all ids that have been remembered for more than `ttl_ns`
/// nanoseconds, and writes the number of these ids to `out_count`. Any thread may call this.
/// Requests in flight stay. `out_count` may be NULL.
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
