//! Waiting for a cancel: `dcc_cancel_token_wait*` and native events.

use super::answer::token_status;
use super::argument::handle;
use super::dispatcher::DCC_NO_LIMIT;
use super::guard::{Outcome, guard, guard_creating};
use super::out::ValueOut;
use super::status::{DCC_NEVER, DCC_OK, DCC_TIMED_OUT, dcc_status};
use super::thread;
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

pub(super) fn until(timeout_ns: u64) -> Option<u64> {
    (timeout_ns != DCC_NO_LIMIT).then(|| clock::now_ns().saturating_add(timeout_ns))
}

fn wait(tokens_to_wait_for: &[Handle], timeout_ns: u64) -> Outcome<(dcc_status, usize)> {
    let status = |position: usize, answer| token_status(tokens_to_wait_for[position], answer);
    Ok(match tokens().wait_any(tokens_to_wait_for, until(timeout_ns), thread::asker())? {
        Waited::Cancelled(position) => (status(position, Answer::Cancelled), position),
        Waited::Gone(position) => (status(position, Answer::Gone), position),
        Waited::TimedOut => (DCC_TIMED_OUT, 0),
        Waited::Never => (DCC_NEVER, 0),
    })
}

/// Waits until a token is cancelled, at most `timeout_ns` nanoseconds; 0 only looks, DCC_NO_LIMIT
/// waits for ever. DCC_CANCELLED_BY_TOKEN: it is cancelled, and what was written before the cancel
/// is visible. DCC_TIMED_OUT. DCC_POLL_GONE: nobody holds the token any more, so nobody can cancel
/// it. DCC_NEVER: a NULL token and no timeout; or the token is sealed (dcc_job_seal), before or meanwhile.
/// The wait does not keep the token alive.
///
/// Foreign jobs' checks that this thread may ask, of the token and of what is current on the thread, are
/// asked at the beginning and at their `min_interval_ns` while it waits, so a host's Esc is heard. What
/// says "stop" is cancelled; the wait ends by that only if the token is that one or below it. One without
/// an interval is asked each 10 milliseconds, none more often than each millisecond. A check runs on this
/// thread, without a lock, and may use the library. Any thread; a host's UI thread should not wait at all.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_wait(
    token: *const dcc_cancel_token,
    timeout_ns: u64,
) -> dcc_status {
    guard(|| Ok(wait(&[handle(token)], timeout_ns)?.0))
}

/// Waits until any of `count` tokens is cancelled or gone, as dcc_cancel_token_wait, whose checks it asks,
/// too. NULL tokens are skipped, as sealed ones are, a stale one fails the call. DCC_NEVER if all others are
/// sealed. `out_index`, if not NULL, gets the position of the token that ended the wait, 0 if none did. Any
/// thread.
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

/// For a thread that waits in its own way, for a condition variable or for threads: asks what the waits of
/// this library ask. Those are the foreign jobs' checks that this thread may ask, of `token`, which may be
/// NULL, and of what is current on the thread, each at most once per `min_interval_ns`. `out_again_ns` gets
/// after how many nanoseconds it should be called again, DCC_NO_LIMIT if there is nothing to ask on this
/// thread. A check that says "stop" cancels its job, and what is below that; look at the token afterwards.
/// Checks and callbacks of a cancel run in this call, so hold no lock that
/// they take. Any thread; it costs a few loads where no job has a check.
///
///     uint64_t again;
///     while (!is_done()) {
///         dcc_context_ask(token, &again);
///         wait_for_change_at_most(again);
///     }
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_context_ask(
    token: *const dcc_cancel_token,
    out_again_ns: *mut u64,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_again_ns", out_again_ns, DCC_NO_LIMIT) }?;
        drop(pinned(token)?);
        if let Some(time_ns) = tokens().ask_while_waiting(thread::asker(), &[handle(token)]) {
            to.write(time_ns.saturating_sub(clock::now_ns()));
        }
        Ok(DCC_OK)
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
