//! The library's threads, each started on first use, and `dcc_shutdown`.

use super::LIBRARY;
use super::guard::{Outcome, guard};
use super::status::{DCC_OK, DCC_TIMED_OUT, dcc_status};
use crate::error::Error;
use crate::sys::clock;
use crate::sys::service_thread::{NotStarted, ServiceThread};

/// Sets flags and wakes waiters at their time; never runs foreign code.
static TIMER: ServiceThread = ServiceThread::new("dcc-timer", || LIBRARY.run_timer());
/// Runs callbacks that the timer, or a caller of the `async` functions, must not run.
static CALLBACKS: ServiceThread = ServiceThread::new("dcc-callbacks", || LIBRARY.run_callbacks());

fn started(result: Result<(), NotStarted>) -> Outcome<()> {
    result.map_err(|why| match why {
        NotStarted::Resources => Error::Resources("threads; the library needs one more"),
        NotStarted::Stopped => Error::ShutDown,
    })
}

pub(super) fn ensure_callback_thread() -> Outcome<()> {
    started(CALLBACKS.ensure())
}

pub(super) fn ensure_timer_thread() -> Outcome<()> {
    ensure_callback_thread()?;
    started(TIMER.ensure())
}

/// Longest wait for the library's threads.
const SHUTDOWN_NS: u64 = 5_000_000_000;

/// Ends the library's threads: for the host alone, when it closes, after its plugins are gone.
/// Deadlines are disarmed, callbacks that are due run first. What needs the threads
/// (dcc_cancel_token_cancel_after, dcc_cancel_token_cancel_async and the like) then answers
/// DCC_ERROR_SHUTDOWN; all else works on, so that objects which outlive the host's last line can be
/// released. Never calling it is harmless, calling it again too. DCC_TIMED_OUT: a callback did not
/// return within 5 seconds; its thread is left behind. DCC_ERROR_WOULD_DEADLOCK: called from inside
/// a callback on the library's own thread. Any other thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_shutdown() -> dcc_status {
    guard(|| {
        if TIMER.is_current() || CALLBACKS.is_current() {
            return Err(Error::WouldDeadlock);
        }
        let until = clock::now_ns().saturating_add(SHUTDOWN_NS);
        let tokens = LIBRARY.jobs().tokens();
        let timer = TIMER.stop(|| tokens.stop_deadlines(), until);
        let callbacks = CALLBACKS.stop(|| tokens.stop_deferred(), until);
        Ok(if timer && callbacks { DCC_OK } else { DCC_TIMED_OUT })
    })
}
