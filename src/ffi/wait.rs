//! Waits for a cancel: `dcc_cancel_token_wait*`, `dcc_context_ask`, native events.

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

/// A native event of the operating system: on Windows a HANDLE, else a file descriptor (an eventfd
/// or the reading end of a pipe).
pub type dcc_native_event = isize;

/// The dcc_native_event that stands for no event.
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

/// Waits until a token is cancelled, for at most `timeout_ns` nanoseconds. Any thread may call
/// this, but a host's UI thread should not wait at all. With 0 it only looks; with DCC_NO_LIMIT it
/// waits without a limit.
///
/// - DCC_CANCELLED_BY_TOKEN: the token is cancelled. Everything that was written before the cancel
///   is visible.
/// - DCC_TIMED_OUT: the timeout passed first.
/// - DCC_POLL_GONE: nobody holds the token any more, so nobody can cancel it.
/// - DCC_NEVER: the token is NULL and there is no timeout; or the token is sealed (dcc_job_seal),
///   before the call or during it.
///
/// The wait does not keep the token alive.
///
/// A thread that waits still learns that the host's user has pressed Esc. The wait asks the
/// `is_cancelled` functions that this thread may ask, of the token and of what is current on the
/// thread: at the beginning, and then at their `min_interval_ns`. Without an interval a function is
/// asked every 10 milliseconds, and none more often than every millisecond. It runs on this thread,
/// without a lock, and may use the library. If it says stop, its job is cancelled; that ends this
/// wait only if the token is that job's token or below it.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_wait(
    token: *const dcc_cancel_token,
    timeout_ns: u64,
) -> dcc_status {
    guard(|| Ok(wait(&[handle(token)], timeout_ns)?.0))
}

/// Waits until any of `count` tokens is cancelled or gone, as dcc_cancel_token_wait. Any thread may
/// call this. It also asks the `is_cancelled` functions of these tokens. NULL and sealed tokens are
/// skipped; a stale token fails the call. DCC_NEVER: there are tokens besides NULL and all of them
/// are sealed; or there are none, and no timeout. `out_index` may be NULL; else it gets the
/// position of the token that ended the wait, 0 if none did.
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

/// Asks hosts' own checks as the waits of this library do, for a thread that waits in its own way,
/// for instance for a condition variable or for other threads. Any thread may call this. It costs a
/// few loads if no job has an `is_cancelled` function. Hold no lock that such a function or a
/// callback takes: both may run in this call.
///
/// The call asks the `is_cancelled` functions that this thread may ask, of `token`, which may be
/// NULL, and of what is current on the thread, each at most once per `min_interval_ns`. If a
/// function says stop, its job and what is below it are cancelled; look at the token afterwards.
/// `out_again_ns` gets the nanoseconds after which to call again, or DCC_NO_LIMIT if there is
/// nothing to ask on this thread.
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

/// Writes a native event that is set when the token is cancelled or gone. Any thread may call this.
/// Use the event with poll, epoll, WaitForMultipleObjects or a toolkit's notifier (QSocketNotifier,
/// QWinEventNotifier). On Linux it is a descriptor for `poll` with POLLIN. It is level-triggered
/// and stays set; do not read from it. For a NULL or a sealed token it is never set.
///
/// The event is your own duplicate. Close it with dcc_native_event_close or the system's own call,
/// even after the token is gone. Programs that the process starts do not inherit it.
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

/// Closes a native event of this library, for languages that cannot call the system's own function.
/// Any thread may call this. For DCC_NO_NATIVE_EVENT nothing happens.
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
