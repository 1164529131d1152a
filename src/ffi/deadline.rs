//! Cancels at a time and from threads that must not run callbacks.

use super::argument::{handle, text};
use super::guard::{Outcome, guard};
use super::library_threads;
use super::limits::DCC_MAX_TEXT_LENGTH;
use super::out::ValueOut;
use super::status::{DCC_NOT_FOUND, DCC_OK, dcc_status};
use super::token::{dcc_cancel_token, decided, pinned, tokens};
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
        let Some(pin) = pinned(token)? else { return Ok(DCC_OK) };
        library_threads::ensure_callback_thread()?;
        let first = tokens().cancel_deferred(&pin, Cause::Request, reason);
        Ok(if first { DCC_OK } else { decided(handle(token)) })
    })
}

fn arm(token: *const dcc_cancel_token, at_ns: impl FnOnce(u64) -> u64) -> Outcome {
    let Some(pin) = pinned(token)? else { return Ok(DCC_OK) };
    library_threads::ensure_timer_thread()?;
    let now_ns = clock::now_ns();
    let was_set = tokens().arm_or_cancel(&pin, at_ns(now_ns), now_ns)?;
    Ok(if was_set { DCC_OK } else { decided(handle(token)) })
}

/// Sets the token's deadline, `after_ns` from now: then it is cancelled (DCC_CAUSE_DEADLINE) unless
/// dcc_cancel_token_clear_deadline comes before. A token has one deadline: setting it again moves it,
/// in either direction; DCC_NO_LIMIT is one that never comes. Any cancel of the token, however it came,
/// takes it away. The flags are set by the library's timer thread, which no callback can delay; callbacks
/// run on its callback thread. A deadline does not keep the token alive, unless callbacks do: see
/// dcc_cancel_token_register_keeping.
///
/// With 0 for `after_ns` the token is cancelled when this returns, and callbacks have run on this thread,
/// as by dcc_cancel_token_cancel. So a thread that must not run callbacks passes 1 or more: the timer
/// thread then cancels as soon as it runs.
///
/// DCC_ALREADY_CANCELLED, DCC_SEALED (see dcc_job_seal): none was set. NULL: nothing happens. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_set_deadline_after(
    token: *const dcc_cancel_token,
    after_ns: u64,
) -> dcc_status {
    guard(|| arm(token, |now_ns| now_ns.saturating_add(after_ns)))
}

/// As dcc_cancel_token_set_deadline_after, at a time on the library's clock (dcc_clock_now_ns). A time
/// that has passed cancels as 0 does there, before this returns: not for threads that must not run
/// callbacks. The deadline of a posted job (dcc_post_desc) is left to the timer thread in any case. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_set_deadline(
    token: *const dcc_cancel_token,
    at_ns: u64,
) -> dcc_status {
    guard(|| arm(token, |_now_ns| at_ns))
}

/// Takes the token's own deadline away; those of its ancestors are theirs. DCC_OK: it had one, which will
/// not cancel it. DCC_NOT_FOUND: it had none, or it is cancelled, or the time has come and the deadline
/// cancels it at this moment. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_clear_deadline(token: *const dcc_cancel_token) -> dcc_status {
    guard(|| {
        let disarmed = pinned(token)?.is_some_and(|token| tokens().disarm(&token));
        Ok(if disarmed { DCC_OK } else { DCC_NOT_FOUND })
    })
}

/// Writes when a deadline will cancel the token, on the library's clock: the earliest of its own and those
/// of its ancestors. 0 with DCC_NOT_FOUND if there is none, or if it is cancelled. It looks at each
/// ancestor; polls know nothing of it. DCC_ERROR_RESOURCES: no memory for a token with many ancestors. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_deadline(
    token: *const dcc_cancel_token,
    out_at_ns: *mut u64,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_at_ns", out_at_ns, 0) }?;
        let deadline = match pinned(token)? {
            Some(token) => tokens().deadline(&token)?,
            None => None,
        };
        to.write(deadline.unwrap_or(0));
        Ok(if deadline.is_some() { DCC_OK } else { DCC_NOT_FOUND })
    })
}
