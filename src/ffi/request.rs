//! Requests of a session: `dcc_request_begin`, retain, release, token, cancel and end.

use super::argument::{Versioned, descriptor, flags, handle, text};
use super::guard::{Outcome, guard, guard_creating, guard_value};
use super::library_threads;
use super::limits::DCC_MAX_MESSAGE_LENGTH;
use super::out::{HandleOut, TextOut, ValueOut, pointer};
use super::request_id::{dcc_request_id, id_of};
use super::session::{dcc_session, requests};
use super::session_ids::status_of;
use super::status::{DCC_ALREADY_ENDED, DCC_OK, dcc_status};
use super::thread;
use super::token::dcc_cancel_token;
use crate::handle::{Handle, NULL};
use crate::json_rpc::meta;
use crate::json_rpc::request_id::{MAX_ID_BYTES, RequestId};
use crate::memory::cut_text::CutText;
use crate::peer::request::{Owed, RequestOrigin, RequestPin};
use std::ffi::c_char;

/// A request: an id of a session that is in flight, with its token. It is shared by reference count. A stale
/// handle never names a later request of the same id.
pub struct dcc_request(());

/// Flag of a request: its peer cannot cancel it, as MCP demands of `initialize`.
pub const DCC_REQUEST_NOT_CANCELLABLE: u32 = 1;

/// What a request begins with. Set all bytes to zero, then `struct_size` to sizeof, then the fields
/// that you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_request_desc {
    /// sizeof(dcc_request_desc)
    pub struct_size: u32,
    /// DCC_REQUEST_NOT_CANCELLABLE or 0.
    pub flags: u32,
    /// The peer's id for the request.
    pub id: dcc_request_id,
    /// A token whose cancel cancels the request. May be NULL.
    pub parent: *const dcc_cancel_token,
    /// The peer's id for progress notifications: `params._meta.progressToken` of MCP. Its type is 0
    /// if the peer does not ask for progress.
    pub progress_token: dcc_request_id,
    /// The call's `params._meta` as JSON, or NULL. These members are read: `progressToken`, unless
    /// `progress_token` is given; `traceparent` of W3C's Trace Context, see
    /// dcc_cancel_token_trace_parent; and `dcc-cancel/timeoutMs`, for how many milliseconds from
    /// now the peer waits, which becomes the deadline of the request's token. Malformed members are
    /// ignored, because strangers send them.
    pub meta: *const c_char,
    /// Length of `meta` in bytes, up to DCC_MAX_MESSAGE_LENGTH, or DCC_NUL_TERMINATED.
    pub meta_length: usize,
}

// SAFETY: numbers and nullable pointers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_request_desc {
    const NAME: &'static str = "dcc_request_desc";
}

pub(super) fn pinned(request: *const dcc_request) -> Outcome<RequestPin<'static>> {
    RequestPin::new(requests(), handle(request))
}

/// Begins a request of a session and writes it to `out_request`. Any thread may call this. You get
/// one reference, which you release after the request's end. If the session holds a cancel with the
/// request's id, the request is cancelled from the start.
///
/// - DCC_ERROR_DUPLICATE: a request in flight has this id.
/// - DCC_ERROR_OVERLOADED: `max_requests` requests of the session are in flight.
/// - DCC_ERROR_SHUTDOWN: the session is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_request_begin(
    session: *const dcc_session,
    desc: *const dcc_request_desc,
    out_request: *mut *mut dcc_request,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_request", out_request) };
    guard_creating(|| {
        let to = to?;
        // SAFETY: the C caller's promise: a filled-in descriptor.
        let desc = unsafe { descriptor("desc", desc) }?;
        let known = DCC_REQUEST_NOT_CANCELLABLE;
        flags("dcc_request_desc.flags", desc.flags, known, "DCC_REQUEST_NOT_CANCELLABLE")?;
        let asks_for_progress = desc.progress_token.r#type != 0;
        // SAFETY: the C caller's promise in the descriptor.
        let (id, progress_token) = unsafe {
            let token = asks_for_progress.then(|| id_of(&desc.progress_token));
            (id_of(&desc.id)?, token.transpose()?)
        };
        let is_cancellable = desc.flags & DCC_REQUEST_NOT_CANCELLABLE == 0;
        let parent = handle(desc.parent);
        let (trace_parent, timeout_ns) = (None, None);
        let origin =
            RequestOrigin { id, parent, is_cancellable, progress_token, trace_parent, timeout_ns };
        let session = handle(session);
        to.write(if desc.meta.is_null() && desc.meta_length == 0 {
            requests().begin(session, &origin)?
        } else {
            // SAFETY: the C caller's promise in the descriptor.
            let meta = unsafe {
                text("dcc_request_desc.meta", desc.meta, desc.meta_length, DCC_MAX_MESSAGE_LENGTH)
            }?;
            begin_with(session, origin, meta)?
        });
        Ok(())
    })
}

/// Begins a request whose call has `params._meta`.
#[cold]
#[inline(never)]
fn begin_with(session: Handle, origin: RequestOrigin<'_>, meta: &str) -> Outcome<Handle> {
    let meta = meta::read(meta)?;
    if meta.timeout_ns.is_some() {
        library_threads::ensure_timer_thread()?;
    }
    let told = meta.progress_token.as_ref().map(RequestId::borrowed);
    let progress_token = origin.progress_token.or(told);
    let (trace_parent, timeout_ns) = (meta.trace_parent.as_ref(), meta.timeout_ns);
    let told = RequestOrigin { progress_token, trace_parent, timeout_ns, ..origin };
    requests().begin(session, &told)
}

/// Adds a reference, which you release. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_request_retain(request: *const dcc_request) -> dcc_status {
    guard(|| {
        if !request.is_null() {
            requests().retain(handle(request))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. Any thread may call this. If the last release comes before the request's
/// end, the request's id can be used again. What the session still remembers of the request is
/// forgotten by dcc_session_clear or dcc_session_sweep.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_request_release(request: *mut dcc_request) -> dcc_status {
    guard(|| {
        if !request.is_null() {
            requests().release(handle(request))?;
        }
        Ok(DCC_OK)
    })
}

/// Returns the request's token, the parent of the jobs that work for it. Any thread may call this.
/// The token is lent: it is valid as long as the request. The answer is NULL for NULL and for a bad
/// handle.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_request_token(request: *const dcc_request) -> *mut dcc_cancel_token {
    guard_value(std::ptr::null_mut(), || {
        Ok(pointer(if request.is_null() { NULL } else { requests().token(&pinned(request)?) }))
    })
}

/// Cancels this request in its peer's name, for instance because the stream of its response was
/// closed. Any thread may call this. Callbacks run on this thread.
///
/// It is as dcc_session_cancel, with two differences: it never reaches another request with the
/// same id, and it also cancels a request that was begun with DCC_REQUEST_NOT_CANCELLABLE.
/// DCC_ALREADY_ENDED: too late, the request has ended. DCC_SEALED: too late, the peer gets the
/// result, see dcc_job_seal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_request_cancel(
    request: *const dcc_request,
    reason: *const c_char,
    reason_length: usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise about its text.
        let reason = unsafe { text("reason", reason, reason_length, DCC_MAX_MESSAGE_LENGTH) }?;
        let reason = crate::json_rpc::wire::readable_reason(reason).unwrap_or_default();
        let cancelled = requests().cancel_one(&pinned(request)?, &reason);
        thread::note_own_cancel();
        Ok(cancelled.map_or(DCC_ALREADY_ENDED, status_of))
    })
}

/// Owed to a peer: the result of its request.
pub const DCC_OWED_RESULT: i32 = 1;
/// Owed to a peer: nothing; the peer does not wait for an answer any more.
pub const DCC_OWED_NOTHING: i32 = 2;
/// Owed to a peer: the error that dcc_request_write_cancelled writes.
pub const DCC_OWED_CANCELLED: i32 = 3;

/// Ends a request, so that its id may be used again, and writes what is owed to the peer to
/// `out_owed`: one of the DCC_OWED_ constants. Any thread may call this. `out_owed` may be NULL.
///
/// A request that was cancelled stays cancelled even if its work was done: the peer does not wait
/// for the result. But if the request or a job for it was sealed before the cancel, the result is
/// owed. DCC_ALREADY_ENDED: the request had ended before; `out_owed` is still filled in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_request_end(
    request: *const dcc_request,
    out_owed: *mut i32,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: NULL or a writable result.
        let to = unsafe { ValueOut::optional(out_owed, 0) };
        let (owed, first) = requests().end(handle(request))?;
        to.write(match owed {
            Owed::Result => DCC_OWED_RESULT,
            Owed::Nothing => DCC_OWED_NOTHING,
            Owed::Cancelled(_) => DCC_OWED_CANCELLED,
        });
        Ok(if first { DCC_OK } else { DCC_ALREADY_ENDED })
    })
}

/// Writes the JSON-RPC error that is owed to the peer of a cancelled request, with the id in its
/// exact type. Any thread may call this. The buffer is filled as by dcc_cancel_token_reason. The
/// error's code is -32800 if the peer cancelled the request, and -32802 if the request's parent, a
/// deadline or this side did. The text is empty if no error is owed: the request is not cancelled,
/// or its peer cancelled it and is not to be answered. 512 bytes are enough, except for ids with
/// many escaped characters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_request_write_cancelled(
    request: *const dcc_request,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise, see the comment.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        let pin = pinned(request)?;
        // Each of the id's up to 256 bytes may be escaped as six.
        let mut written = CutText::<{ 6 * MAX_ID_BYTES + 256 }>::EMPTY;
        if let Owed::Cancelled(error) = requests().owed(&pin) {
            let _ = requests().show_id(&pin, |id| error.write(&mut written, id));
        }
        to.write(written.as_str());
        Ok(DCC_OK)
    })
}
