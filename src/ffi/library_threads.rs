//! The library's threads, each started on first use, and `dcc_shutdown`.

use super::dispatcher::dispatchers;
use super::guard::{Outcome, guard};
use super::status::{DCC_OK, DCC_TIMED_OUT, dcc_status};
use super::{control_thread, library, thread};
use crate::dispatcher::workers::MOST_WORKERS;
use crate::error::Error;
use crate::sys::clock;
use crate::sys::endpoint::PATIENCE_NS;
use crate::sys::processors;
use crate::sys::service_thread::{Life, NotStarted, ServiceThread};
use crate::thread::current::ThreadRecord;

type Thread = ServiceThread<Box<ThreadRecord>>;

const fn new(name: &'static str, body: fn()) -> Thread {
    ServiceThread::new(name, Life { begin: thread::begin, body, end: thread::at_exit })
}

/// Sets flags and wakes waiters when their time comes; never runs foreign code.
static TIMER: Thread = new("dcc-timer", || library().contexts().run_timer());
/// Runs callbacks that the timer, or a caller of the `async` functions, must not run itself.
static CALLBACKS: Thread = new("dcc-callbacks", || {
    if let Some(slots) = thread::slots() {
        library().contexts().run_callbacks(slots);
    }
});

/// Answers questions that come to the control endpoint.
static CONTROL: Thread = new("dcc-control", control_thread::serve);

/// Run posted jobs that may run on any thread.
static WORKERS: [Thread; MOST_WORKERS] = [const { new("dcc-worker", run_worker) }; MOST_WORKERS];

fn run_worker() {
    let Ok(thread) = thread::this() else { return };
    dispatchers().run_worker(thread);
}

/// Starts the first worker; starts another if all are busy and the machine has a processor for it.
pub(super) fn ensure_worker() -> Outcome<()> {
    if !WORKERS[0].is_running() {
        return ensure(&WORKERS[0]);
    }
    if dispatchers().workers().is_short_of_threads() {
        let room = processors::count();
        let next = WORKERS.iter().take(room).find(|worker| !worker.is_running());
        // An error is ignored: the running workers do the job, only later.
        let _ = next.map(ensure);
    }
    Ok(())
}

fn ensure(thread: &'static Thread) -> Outcome<()> {
    let record = || thread::record_for_another().map_err(|_| NotStarted::Resources);
    thread.ensure(record).map_err(|why| match why {
        NotStarted::Resources => Error::Resources("threads; the library needs one more"),
        NotStarted::Stopped => Error::ShutDown,
    })
}

pub(super) fn ensure_callback_thread() -> Outcome<()> {
    ensure(&CALLBACKS)
}

pub(super) fn ensure_timer_thread() -> Outcome<()> {
    ensure_callback_thread()?;
    ensure(&TIMER)
}

pub(super) fn ensure_control_thread() -> Outcome<()> {
    ensure_callback_thread()?;
    ensure(&CONTROL)
}

/// Ends the workers; jobs that they have not begun end as interrupted. Returns false if a worker
/// still runs at `until_ns`.
fn stop_workers(until_ns: u64) -> bool {
    // All workers are told before any is waited for.
    dispatchers().stop_workers();
    WORKERS.iter().all(|worker| worker.stop(|| (), until_ns))
}

/// Longest wait for the workers, the timer and the callback thread.
const SHUTDOWN_NS: u64 = 5_000_000_000;

/// Longest wait for an answer that the control thread is giving.
const CONTROL_NS: u64 = 3 * PATIENCE_NS;

/// Ends the library's threads. For the host alone, when it closes: after its plugins are unloaded
/// and its dispatchers are closed. Any thread but the library's own. Not calling this does no harm,
/// nor does calling it again.
///
/// - DCC_TIMED_OUT: a callback or a job did not return within 5 seconds, or the control endpoint's
///   answer within 3; that thread is left running.
/// - DCC_ERROR_WOULD_DEADLOCK: the call is inside a callback or a job on a thread of the library;
///   nothing happened.
///
/// Jobs that wait for a thread of the library end as interrupted; their completions are left to
/// their dispatchers. The control endpoint is closed. Deadlines are cleared; callbacks that are due
/// run before. Jobs that sleep until the cancel of a token whose deadline is cleared are woken (see
/// dcc_job_wake_at_cancel). From then on calls that need the threads
/// (dcc_cancel_token_set_deadline_after, dcc_cancel_token_cancel_async and the like) answer
/// DCC_ERROR_SHUTDOWN. All other calls still work, so objects that live longer than the host's main
/// function can be released.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_shutdown() -> dcc_status {
    guard(|| {
        let all = || WORKERS.iter().chain([&CONTROL, &TIMER, &CALLBACKS]);
        if all().any(Thread::is_current) {
            return Err(Error::WouldDeadlock);
        }
        let tokens = library().tokens();
        let control =
            CONTROL.stop(control_thread::stop, clock::now_ns().saturating_add(CONTROL_NS));
        let until = clock::now_ns().saturating_add(SHUTDOWN_NS);
        let workers = stop_workers(until);
        let timer = TIMER.stop(|| tokens.stop_deadlines(), until);
        // If the control thread still runs, it may defer more to the callback thread, which then
        // has to go on.
        let callbacks = control && CALLBACKS.stop(|| tokens.stop_deferred(), until);
        Ok(if control && workers && timer && callbacks { DCC_OK } else { DCC_TIMED_OUT })
    })
}
