//! Requests of a session by the ids that its peer gave them: cancelled, asked about, forgotten.

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

/// Cancels the request in flight with this id, in its peer's name. DCC_OK: this call was the first.
/// DCC_ALREADY_CANCELLED: another was, its reason stays. DCC_SEALED: too late, its peer gets the result,
/// see dcc_job_seal. DCC_NOT_FOUND: there is none, or it is over;
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
        let asked = PeerAsks { reason: &reason, ..PeerAsks::default() };
        let cancelled = requests().cancel(&pinned(session)?, id, asked)?;
        thread::note_own_cancel();
        Ok(status_of(cancelled))
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
