//! Waiting for a cancel: `dcc_cancel_token_wait*` and native events.

use super::answer::token_status;
use super::argument::handle;
use super::dispatcher::DCC_NO_LIMIT;
use super::guard::{Outcome, guard, guard_creating};
use super::out::ValueOut;
use super::status::{DCC_NEVER, DCC_OK, DCC_TIMED_OUT, dcc_status};
use super::token::{dcc_cancel_token, handles, pinned, tokens};
use crate::error::Error;
use crate::handle::Handle;
use crate::sys::{clock, native_event};
use crate::token::ask::Answer;
use crate::token::wait::Waited;

/// A native event, one of the operating system: a file descriptor (an eventfd or the reading end of a
/// pipe), on Windows a HANDLE.
pub type dcc_native_event = isize;

/// A native event that is none.
pub const DCC_NO_NATIVE_EVENT: dcc_native_event = -1;

fn until(timeout_ns: u64) -> Option<u64> {
    (timeout_ns != DCC_NO_LIMIT).then(|| clock::now_ns().saturating_add(timeout_ns))
}

fn wait(tokens_to_wait_for: &[Handle], timeout_ns: u64) -> Outcome<(dcc_status, usize)> {
    Ok(match tokens().wait_any(tokens_to_wait_for, until(timeout_ns))? {
        Waited::Cancelled(position) => (token_status(Answer::Cancelled), position),
        Waited::Gone(position) => (token_status(Answer::Gone), position),
        Waited::TimedOut => (DCC_TIMED_OUT, 0),
        Waited::Never => (DCC_NEVER, 0),
    })
}

/// Waits until a token is cancelled, at most `timeout_ns` nanoseconds; 0 only looks, DCC_NO_LIMIT
/// waits for ever. DCC_CANCELLED_BY_TOKEN: it is cancelled, and what was written before the cancel
/// is visible. DCC_TIMED_OUT. DCC_POLL_GONE: nobody holds the token any more, so nobody can cancel
/// it. DCC_NEVER: a NULL token and no timeout. The wait does not keep the token alive. A foreign
/// job's check is asked once at the beginning, not while waiting. Any thread but the host's UI
/// thread, which should not wait at all.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_wait(
    token: *const dcc_cancel_token,
    timeout_ns: u64,
) -> dcc_status {
    guard(|| Ok(wait(&[handle(token)], timeout_ns)?.0))
}

/// Waits until any of `count` tokens is cancelled or gone, as dcc_cancel_token_wait; NULL tokens
/// are skipped, a stale one fails the call. `out_index`, if not NULL, gets the position of the
/// token that ended the wait, 0 if none did. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_wait_any(
    tokens: *const *const dcc_cancel_token,
    count: usize,
    timeout_ns: u64,
    out_index: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: `count` readable entries, and NULL or a writable result.
        let (to, given) = unsafe {
            (ValueOut::optional(out_index, 0), handles("tokens", "count", tokens, count)?)
        };
        let mut list = Vec::new();
        list.try_reserve_exact(count).map_err(|_| Error::Resources("memory for waiting"))?;
        list.extend(given);
        let (status, position) = wait(&list, timeout_ns)?;
        to.write(position);
        Ok(status)
    })
}

/// Writes a native event that is set when the token is cancelled or gone, for
/// poll, epoll, WaitForMultipleObjects or a toolkit's notifier (QSocketNotifier,
/// QWinEventNotifier). Level-triggered: it stays set. Do not read from it. It is your duplicate:
/// close it, with dcc_native_event_close or the system's own call, also if the token is gone; it
/// is not inherited by programs that the process starts. On Linux a descriptor for `poll` with
/// POLLIN. For a NULL token it is never set. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_native_event(
    token: *const dcc_cancel_token,
    out_native_event: *mut dcc_native_event,
) -> dcc_status {
    guard_creating(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to =
            unsafe { ValueOut::new("out_native_event", out_native_event, DCC_NO_NATIVE_EVENT) }?;
        to.write(tokens().event(pinned(token)?.as_ref())?);
        Ok(())
    })
}

/// Closes a native event that dcc_cancel_token_native_event gave, for languages that cannot.
/// DCC_NO_NATIVE_EVENT: nothing happens. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_native_event_close(native_event: dcc_native_event) -> dcc_status {
    guard(|| {
        if native_event != DCC_NO_NATIVE_EVENT && !native_event::close(native_event) {
            return Err(Error::InvalidArgument(
                "native_event is not open; close each one that you got once",
            ));
        }
        Ok(DCC_OK)
    })
}
