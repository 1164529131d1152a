//! Cancels at a time, and cancels from threads that must not run callbacks.

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

/// As dcc_cancel_token_cancel, but callbacks run on the library's callback thread. Any thread may
/// call this; it is meant for transport and signal-handling threads, which must not run foreign
/// code. When it returns, all flags are set and waiters are woken. DCC_ERROR_RESOURCES: the
/// callback thread cannot be started, and nothing was done.
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

/// Sets the token's deadline to `after_ns` nanoseconds from now. Any thread may call this. When the
/// deadline passes, the token is cancelled with DCC_CAUSE_DEADLINE, unless
/// dcc_cancel_token_clear_deadline comes before.
///
/// - DCC_OK: the deadline is set. A NULL `token` is DCC_OK, and nothing happens.
/// - DCC_ALREADY_CANCELLED, DCC_SEALED (see dcc_job_seal): no deadline was set.
///
/// A token has one deadline. Setting it again moves it, earlier or later; DCC_NO_LIMIT sets one
/// that never comes. Any cancel of the token removes the deadline. The deadline does not keep the
/// token alive, except through callbacks that do: see dcc_cancel_token_register_keeping.
///
/// The library's timer thread sets the flags, and no callback can delay it; callbacks run on the
/// library's callback thread. But if `after_ns` is 0, this call cancels the token as
/// dcc_cancel_token_cancel does, with callbacks on this thread. A thread that must not run
/// callbacks passes 1 or more.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_set_deadline_after(
    token: *const dcc_cancel_token,
    after_ns: u64,
) -> dcc_status {
    guard(|| arm(token, |now_ns| now_ns.saturating_add(after_ns)))
}

/// As dcc_cancel_token_set_deadline_after, but `at_ns` is a time on the library's clock
/// (dcc_clock_now_ns). Any thread may call this. If that time has passed, this call cancels the
/// token itself, with callbacks on this thread, as for an `after_ns` of 0. The deadline of a posted
/// job (dcc_post_desc) is always left to the timer thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_set_deadline(
    token: *const dcc_cancel_token,
    at_ns: u64,
) -> dcc_status {
    guard(|| arm(token, |_now_ns| at_ns))
}

/// Removes the token's own deadline; the deadlines of its ancestors stay. Any thread may call this.
///
/// - DCC_OK: the token had a deadline, which will not cancel it any more.
/// - DCC_NOT_FOUND: the token had no deadline, or is cancelled, or its deadline has passed and
///   cancels it at this moment.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_clear_deadline(token: *const dcc_cancel_token) -> dcc_status {
    guard(|| {
        let disarmed = pinned(token)?.is_some_and(|token| tokens().disarm(&token));
        Ok(if disarmed { DCC_OK } else { DCC_NOT_FOUND })
    })
}

/// Writes when a deadline will cancel the token, on the library's clock: the earliest deadline of
/// the token and of its ancestors. Any thread may call this. The call looks at every ancestor.
/// Polls do not look at deadlines: when one comes, the timer thread cancels the token.
///
/// - DCC_NOT_FOUND, with 0: there is no deadline, or the token is cancelled.
/// - DCC_ERROR_RESOURCES: there is no memory to look at the token's many ancestors.
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
