//! Cancels at a time and from threads that must not run callbacks.

use super::argument::text;
use super::guard::{Outcome, guard};
use super::library_threads;
use super::limits::DCC_MAX_TEXT_LENGTH;
use super::out::ValueOut;
use super::status::{DCC_ALREADY_CANCELLED, DCC_NOT_FOUND, DCC_OK, dcc_status};
use super::token::{dcc_cancel_token, pinned, tokens};
use crate::sys::clock;
use crate::token::Cause;
use std::ffi::c_char;

/// As dcc_cancel_token_cancel, but callbacks run on the library's callback thread: for transport
/// and signal-handling threads that must not run foreign code. When it returns, all flags are set
/// and waiters woken. DCC_ERROR_RESOURCES if that thread cannot be started: nothing was done. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_cancel_async(
    token: *const dcc_cancel_token,
    reason: *const c_char,
    reason_length: usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise about its text.
        let reason = unsafe { text("reason", reason, reason_length, DCC_MAX_TEXT_LENGTH) }?;
        let Some(token) = pinned(token)? else { return Ok(DCC_OK) };
        library_threads::ensure_callback_thread()?;
        let first = tokens().cancel_deferred(&token, Cause::Request, reason);
        Ok(if first { DCC_OK } else { DCC_ALREADY_CANCELLED })
    })
}

fn arm(token: *const dcc_cancel_token, at_ns: impl FnOnce() -> u64) -> Outcome {
    let Some(token) = pinned(token)? else { return Ok(DCC_OK) };
    library_threads::ensure_timer_thread()?;
    Ok(match tokens().arm(&token, at_ns())? {
        Some(_) => DCC_OK,
        None => DCC_ALREADY_CANCELLED,
    })
}

/// Sets the token's deadline, `after_ns` from now: then it is cancelled (DCC_CAUSE_DEADLINE) unless
/// dcc_cancel_token_clear_deadline comes before. A token has one deadline: setting it again moves it,
/// in either direction; DCC_NO_LIMIT is one that never comes. The flags are set by the library's timer
/// thread, which no callback can delay; callbacks run on its callback thread. A deadline does not keep
/// the token alive.
/// DCC_ALREADY_CANCELLED: none was set. NULL: nothing happens. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_set_deadline_after(
    token: *const dcc_cancel_token,
    after_ns: u64,
) -> dcc_status {
    guard(|| arm(token, || clock::now_ns().saturating_add(after_ns)))
}

/// As dcc_cancel_token_set_deadline_after, at a time on the library's clock (dcc_clock_now_ns). A time
/// that has passed cancels as soon as the timer thread runs. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_set_deadline(
    token: *const dcc_cancel_token,
    at_ns: u64,
) -> dcc_status {
    guard(|| arm(token, || at_ns))
}

/// Takes the token's deadline away. DCC_OK: it had one, which will not cancel it. DCC_NOT_FOUND: it had
/// none, or the time has come and the deadline cancels it at this moment. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_clear_deadline(token: *const dcc_cancel_token) -> dcc_status {
    guard(|| {
        let disarmed = pinned(token)?.is_some_and(|token| tokens().disarm(&token));
        Ok(if disarmed { DCC_OK } else { DCC_NOT_FOUND })
    })
}

/// Writes when the token's deadline is, on the library's clock; 0 with DCC_NOT_FOUND if it has
/// none. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_deadline(
    token: *const dcc_cancel_token,
    out_at_ns: *mut u64,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_at_ns", out_at_ns, 0) }?;
        let deadline = pinned(token)?.and_then(|token| tokens().deadline(&token));
        to.write(deadline.unwrap_or(0));
        Ok(if deadline.is_some() { DCC_OK } else { DCC_NOT_FOUND })
    })
}
