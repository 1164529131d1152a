//! `dcc_cancel_token_*`: tokens.

use super::answer::token_status;
use super::argument::{Versioned, array, descriptor, flags, handle, text};
use super::guard::{Outcome, guard, guard_anywhere, guard_creating};
use super::limits::{DCC_MAX_CALLER_ID_LENGTH, DCC_MAX_TEXT_LENGTH};
use super::out::{HandleOut, TextOut, ValueOut};
use super::status::{DCC_ALREADY_CANCELLED, DCC_NOT_CANCELLED, DCC_OK, DCC_SEALED, dcc_status};
use super::{library, thread};
use crate::error::Error;
use crate::handle::{Handle, Kind, NULL};
use crate::memory::pin::Keeper;
use crate::memory::slot::Holder;
use crate::sys::{clock, process};
use crate::token::ask::Answer;
use crate::token::create::Origin;
use crate::token::{Cause, TokenPin, Tokens};
use std::ffi::c_char;

/// A token: a cancellation flag with a reason. It is shared by reference count. NULL is the token that is
/// never cancelled.
pub struct dcc_cancel_token(());

/// Why a token is cancelled. A token that was cancelled through a parent has the parent's cause.
pub type dcc_cause = i32;
/// The token is not cancelled.
pub const DCC_CAUSE_NONE: dcc_cause = 0;
/// A cancel function was called.
pub const DCC_CAUSE_REQUEST: dcc_cause = 1;
/// The `is_cancelled` function of a job (dcc_job_desc) said stop.
pub const DCC_CAUSE_FOREIGN: dcc_cause = 2;
/// The token's deadline passed.
pub const DCC_CAUSE_DEADLINE: dcc_cause = 3;

const _: () = {
    assert!(DCC_CAUSE_NONE == Cause::None as dcc_cause);
    assert!(DCC_CAUSE_REQUEST == Cause::Request as dcc_cause);
    assert!(DCC_CAUSE_FOREIGN == Cause::Foreign as dcc_cause);
    assert!(DCC_CAUSE_DEADLINE == Cause::Deadline as dcc_cause);
};

/// Flag of a token without `parents`: the token is below what is current on the creating thread
/// (chapter 3). A cancel of that token or job then cancels it, as with DCC_JOB_BELOW_CURRENT. If
/// there are `parents`, the flag has no effect. Use the flag for a part of a job's work that can
/// also be stopped alone, such as one of its threads.
pub const DCC_TOKEN_BELOW_CURRENT: u32 = 1;

/// What a token is created from. Set all bytes to zero, then `struct_size` to sizeof, then the
/// fields that you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_cancel_token_desc {
    /// sizeof(dcc_cancel_token_desc)
    pub struct_size: u32,
    /// DCC_TOKEN_BELOW_CURRENT or 0.
    pub flags: u32,
    /// Tokens whose cancel cancels this token. NULL entries are skipped. A token keeps its parents
    /// alive; a parent does not keep its children alive.
    pub parents: *const *const dcc_cancel_token,
    /// Number of entries in `parents`.
    pub parent_count: usize,
    /// The id that your caller, for instance a server, uses for the work of this token: UTF-8, up
    /// to DCC_MAX_CALLER_ID_LENGTH bytes, copied. May be NULL.
    pub caller_id: *const c_char,
    /// Length of `caller_id` in bytes, or DCC_NUL_TERMINATED.
    pub caller_id_length: usize,
}

// SAFETY: numbers and pointers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_cancel_token_desc {
    const NAME: &'static str = "dcc_cancel_token_desc";
}

pub(super) fn tokens() -> &'static Tokens {
    library().tokens()
}

/// The handles in an array of the caller. `counted_by` names the parameter or field that has their
/// number.
///
/// # Safety
/// `tokens` is readable for `count` entries, or `count` is 0.
pub(super) unsafe fn handles<'call>(
    what: &'static str,
    counted_by: &'static str,
    tokens: *const *const dcc_cancel_token,
    count: usize,
) -> Outcome<impl Iterator<Item = Handle> + Clone + 'call> {
    // SAFETY: promised by the caller.
    let tokens: &'call [*const dcc_cancel_token] =
        unsafe { array(what, counted_by, tokens, count) }?;
    Ok(tokens.iter().map(|token| handle(*token)))
}

fn create(
    parents: impl IntoIterator<Item = Handle, IntoIter: Clone>,
    origin: Origin<'_>,
    to: &HandleOut<dcc_cancel_token>,
) -> Outcome<()> {
    to.write(tokens().create(parents, origin, Holder::Owner)?);
    Ok(())
}

/// Creates a token and writes it to `out_token`. Any thread may call this. You get one reference,
/// which you release.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_create(
    out_token: *mut *mut dcc_cancel_token,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_token", out_token) };
    guard_creating(|| create([], Origin::default(), &to?))
}

/// Creates a token with parents and a caller id, and writes it to `out_token`. Any thread may call
/// this.
///
/// When any parent is cancelled, the token is cancelled with the same cause and reason. If a parent
/// is cancelled already, the token is created cancelled. A cancel of a parent at the same moment
/// always reaches the new token. The handle of a dead parent fails the call with
/// DCC_ERROR_INVALID_HANDLE. You get one reference, which you release. The token keeps its parents
/// alive. When the token ends, the parents keep no memory for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_create_from(
    desc: *const dcc_cancel_token_desc,
    out_token: *mut *mut dcc_cancel_token,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_token", out_token) };
    guard_creating(|| {
        let to = to?;
        // SAFETY: the C caller's promise: a filled-in descriptor.
        let desc = unsafe { descriptor("desc", desc) }?;
        let known = "DCC_TOKEN_BELOW_CURRENT";
        flags("dcc_cancel_token_desc.flags", desc.flags, DCC_TOKEN_BELOW_CURRENT, known)?;
        // SAFETY: the C caller's promise in the descriptor.
        let (caller_id, parents) = unsafe {
            let name = "dcc_cancel_token_desc.caller_id";
            let most = DCC_MAX_CALLER_ID_LENGTH;
            let caller_id = text(name, desc.caller_id, desc.caller_id_length, most)?;
            let name = "dcc_cancel_token_desc.parents";
            let counted_by = "dcc_cancel_token_desc.parent_count";
            (caller_id, handles(name, counted_by, desc.parents, desc.parent_count)?)
        };
        let origin = Origin { caller_id, ..Origin::default() };
        if desc.flags & DCC_TOKEN_BELOW_CURRENT != 0 && desc.parent_count == 0 {
            let [_, job] = thread::current();
            let part = Origin { is_watched: true, part_of: Some(job), ..origin };
            to.write(tokens().create_below(thread::lowest(), part, Holder::Owner)?);
            return Ok(());
        }
        create(parents, origin, &to)
    })
}

/// Adds a reference, which you release. Any thread may call this. DCC_ERROR_RESOURCES: the token
/// has half a million references already.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_retain(token: *const dcc_cancel_token) -> dcc_status {
    guard(|| {
        if !token.is_null() {
            tokens().arena().retain(handle(token))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. Any thread may call this. The last release ends the token. If the
/// library still uses the token, for instance because it is current on a thread, has children, or
/// belongs to a job, the token ends after the last such use. A release too many takes the reference
/// of another holder. If there is none, the release answers DCC_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_release(token: *mut dcc_cancel_token) -> dcc_status {
    guard(|| {
        if !token.is_null() {
            tokens().release(handle(token))?;
        }
        Ok(DCC_OK)
    })
}

/// Cancels a token, and everything below it, for good. Any thread may call this.
///
/// - DCC_OK: this call cancelled the token, or `token` is NULL and nothing happened.
/// - DCC_ALREADY_CANCELLED: another call was first, and its reason stays. The token's flag is
///   visible when this call returns.
/// - DCC_SEALED: too late, the token belongs to a sealed job or request (dcc_job_seal), and nothing
///   changes.
///
/// `reason` is UTF-8 of `reason_length` bytes or DCC_NUL_TERMINATED, at most DCC_MAX_TEXT_LENGTH
/// bytes, and is copied; NULL is no reason. A reason that is too long or not UTF-8 fails the call
/// with DCC_ERROR_INVALID_ARGUMENT, and nothing is cancelled. If there is no memory for the reason,
/// the cancel happens without it.
///
/// All flags are set first, then waits end and native events are set, then callbacks run on this
/// thread. A sealed job or request below the token is not cancelled. Nothing is cancelled that the
/// token reaches only through it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_cancel(
    token: *const dcc_cancel_token,
    reason: *const c_char,
    reason_length: usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise, see the comment.
        let reason = unsafe { text("reason", reason, reason_length, DCC_MAX_TEXT_LENGTH) }?;
        if token.is_null() {
            return Ok(DCC_OK);
        }
        let pin = TokenPin::new(tokens(), handle(token))?;
        let first = tokens().cancel(&pin, Cause::Request, reason);
        thread::note_own_cancel();
        Ok(if first { DCC_OK } else { decided(handle(token)) })
    })
}

/// The answer about a token that it was too late to cancel.
#[cold]
#[inline(never)]
pub(super) fn decided(token: Handle) -> dcc_status {
    if tokens().is_sealed(token) { DCC_SEALED } else { DCC_ALREADY_CANCELLED }
}

/// Tells whether a token is cancelled. Any thread may call this. It is cheap enough for inner
/// loops; dcc_poll_one is cheaper.
///
/// The answer is 0, DCC_CANCELLED_BY_TOKEN, or a negative status for a bad handle.
/// `if (dcc_cancel_token_is_cancelled(token))` is right for the question whether to stop, because
/// nobody can cancel a bad handle. Write `> 0` for the question whether somebody cancelled. After a
/// positive answer this thread sees everything that the cancelling thread wrote before the cancel.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_is_cancelled(token: *const dcc_cancel_token) -> dcc_status {
    if tokens().is_quiet(handle(token)) {
        return DCC_OK;
    }
    ask(handle(token))
}

// An `extern "C"` function never unwinds, so the fast path ends in a jump and needs no frame.
#[cold]
extern "C" fn ask(token: Handle) -> dcc_status {
    guard_anywhere(|| {
        let thread = thread::number;
        let answer = if process::is_usable() {
            tokens().answer(token, thread)
        } else {
            tokens().look(token).0
        };
        match answer {
            Answer::Gone => Err(Error::InvalidHandle(Kind::Token, token)),
            answer => Ok(token_status(token, answer)),
        }
    })
}

/// Writes the reason of the cancel. Any thread may call this. At most `size` bytes are written, NUL
/// included; a longer text is cut between two characters. `out_length` gets the whole length in
/// bytes without the NUL; it may be NULL. `buffer` may be NULL if `size` is 0. DCC_NOT_CANCELLED,
/// with an empty text: the token is not cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_reason(
    token: *const dcc_cancel_token,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise, see the comment.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        let Some(token) = pinned(token)? else {
            to.write("");
            return Ok(DCC_NOT_CANCELLED);
        };
        let cancelled = tokens().is_cancelled(&token);
        tokens().show_reason(&token, |reason| to.write(reason));
        Ok(if cancelled { DCC_OK } else { DCC_NOT_CANCELLED })
    })
}

/// Writes why the token is cancelled. Any thread may call this. DCC_NOT_CANCELLED, with
/// DCC_CAUSE_NONE: the token is not cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_cause(
    token: *const dcc_cancel_token,
    out_cause: *mut dcc_cause,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_cause", out_cause, DCC_CAUSE_NONE) }?;
        let Some(token) = pinned(token)? else { return Ok(DCC_NOT_CANCELLED) };
        let cause = tokens().record(&token).1;
        to.write(cause as dcc_cause);
        Ok(if cause == Cause::None { DCC_NOT_CANCELLED } else { DCC_OK })
    })
}

/// Writes how many nanoseconds ago the token was cancelled. For a token that was cancelled through
/// a parent this is the time since the cancel of the parent. Any thread may call this.
/// DCC_NOT_CANCELLED, with 0: the token is not cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_time_since_cancelled(
    token: *const dcc_cancel_token,
    out_since_cancel_ns: *mut u64,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_since_cancel_ns", out_since_cancel_ns, 0) }?;
        let Some(token) = pinned(token)? else { return Ok(DCC_NOT_CANCELLED) };
        let (time_ns, cause) = tokens().record(&token);
        if cause == Cause::None {
            return Ok(DCC_NOT_CANCELLED);
        }
        to.write(clock::now_ns().saturating_sub(time_ns));
        Ok(DCC_OK)
    })
}

/// Writes the caller id that the token was created with, or an empty text. Any thread may call
/// this. The buffer is filled as by dcc_cancel_token_reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_caller_id(
    token: *const dcc_cancel_token,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise, see the comment.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        match pinned(token)? {
            Some(token) => tokens().show_caller_id(&token, |id| to.write(id)),
            None => to.write(""),
        }
        Ok(DCC_OK)
    })
}

/// The token, pinned for this call; `None` for NULL.
pub(super) fn pinned(token: *const dcc_cancel_token) -> Outcome<Option<TokenPin<'static>>> {
    match handle(token) {
        NULL => Ok(None),
        token => TokenPin::new(tokens(), token).map(Some),
    }
}
