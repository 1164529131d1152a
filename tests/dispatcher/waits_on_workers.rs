//! Jobs that may run on any thread wait for other such jobs, and there are more of them than
//! threads. Each job runs the job that it waits for itself. So no job waits for a thread that is
//! waiting, too.

#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;
#[path = "../support/mod.rs"]
mod support;

use dcc_cancel::ffi::{dispatcher::*, job::*, post::*, status::*};
use listening::{Gate, alone, stats, until};
use posting::*;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

const FOREVER: Duration = Duration::MAX;
/// More jobs than the library has workers.
const DEPTH: u32 = 12;

type Answer = (dcc_status, i32);

/// A job that posts the next one, to both dispatchers in turn, and waits for it, down to this
/// depth.
fn nested(dispatchers: [Dispatcher; 2], depth: u32, answers: mpsc::Sender<Answer>) -> Post {
    let mut slices = 0;
    let work = job(move |_| {
        if depth > 0 && slices == 0 {
            let next = nested(dispatchers, depth - 1, answers.clone());
            let (status, state, _) = dispatchers[depth as usize % 2].post_and_wait(next, FOREVER);
            answers.send((status, state)).unwrap();
        }
        slices += 1;
        if slices == 3 { 0 } else { DCC_RUN_AGAIN }
    });
    work.any_thread()
}

/// Pumps until all posted jobs are over, and checks that nothing is left.
fn pump_all(dispatchers: &[Dispatcher]) {
    until("all is over", || {
        for dispatcher in dispatchers {
            dispatcher.pump();
        }
        stats().unfinished_posts == 0
    });
    dispatchers.iter().for_each(|dispatcher| dispatcher.release());
}

fn all_are_through(dispatchers: [Dispatcher; 2]) {
    let (sender, answers) = mpsc::channel();
    let log = dispatchers[0].post_only(nested(dispatchers, DEPTH, sender));
    let is_one = dispatchers[0] == dispatchers[1];
    pump_all(&dispatchers[usize::from(is_one)..]);
    log.assert_over(DCC_JOB_COMPLETED);
    let answers: Vec<Answer> = answers.iter().collect();
    assert_eq!(answers, [(DCC_OK, DCC_JOB_COMPLETED); DEPTH as usize]);
}

#[test]
fn workers_run_what_they_wait_for() {
    let _alone = alone();
    all_are_through([Dispatcher::new(), Dispatcher::new()]);
}

/// All workers wait for the dispatcher's thread. That thread waits for a job that only a worker
/// could run.
#[test]
fn who_waits_for_a_job_that_no_worker_is_left_for_runs_it() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.wedge_threshold_ns = DCC_NO_LIMIT);
    let (sender, answers) = mpsc::channel();
    let log = dispatcher.post_only(job(move |_| {
        // More jobs than there are workers, all queued before the job that is waited for.
        for _ in 0..DEPTH {
            let sender = sender.clone();
            let waits = job(move |_| {
                let (status, state, _) = dispatcher.post_and_wait(job(|_| 0), FOREVER);
                sender.send((status, state)).unwrap();
                0
            });
            dispatcher.post_only(waits.any_thread());
        }
        let mut slices = 0;
        let here = thread::current().id();
        let last = job(move |_| {
            assert_eq!(thread::current().id(), here);
            slices += 1;
            if slices == 3 { 0 } else { DCC_RUN_AGAIN }
        });
        let (status, state, _) = dispatcher.post_and_wait(last.any_thread(), FOREVER);
        sender.send((status, state)).unwrap();
        0
    }));
    pump_all(&[dispatcher]);
    log.assert_over(DCC_JOB_COMPLETED);
    let answers: Vec<Answer> = answers.iter().collect();
    assert_eq!(answers, [(DCC_OK, DCC_JOB_COMPLETED); DEPTH as usize + 1]);
}

type Call = (unsafe extern "C" fn(*mut c_void), usize);

/// The calls that a host's pool has to make, and how often it got one.
static POOL: Mutex<Vec<Call>> = Mutex::new(Vec::new());
static TOLD: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" fn execute(
    run: Option<unsafe extern "C" fn(*mut c_void)>,
    argument: *mut c_void,
    _: *mut c_void,
) -> i32 {
    TOLD.fetch_add(1, Ordering::SeqCst);
    POOL.lock().unwrap().push((run.unwrap(), argument.addr()));
    0
}

/// Tells the pool to end, even if the test has failed.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn the_only_thread_of_a_hosts_pool_runs_what_it_waits_for() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.execute = Some(execute));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let is_over = &is_over;
        let _at_end = OnDrop(is_over);
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                let call = POOL.lock().unwrap().pop();
                if let Some((run, argument)) = call {
                    // SAFETY: what the dispatcher gave.
                    unsafe { run(std::ptr::without_provenance_mut(argument)) };
                }
                thread::yield_now();
            }
        });
        all_are_through([dispatcher, dispatcher]);
    });
    assert_eq!(TOLD.load(Ordering::SeqCst), 3, "of the slices that nobody waits for in the pool");
}

/// Waits on a worker for a job that always gives this answer. Returns the dispatcher, the answer of
/// the wait, and the log.
fn waited(answer: i32, timeout: Duration) -> (Dispatcher, Answer, Arc<Log>) {
    let dispatcher = Dispatcher::new();
    let (sender, answers) = mpsc::channel();
    let outer = job(move |_| {
        let inner = job(move |_| answer).any_thread();
        sender.send(dispatcher.post_and_wait(inner, timeout)).unwrap();
        0
    });
    dispatcher.post_only(outer.any_thread());
    let (status, state, log) = answers.recv().unwrap();
    (dispatcher, (status, state), log)
}

#[test]
fn their_time_is_over_before_the_first_or_between_two_slices() {
    let _alone = alone();
    let (dispatcher, answer, log) = waited(0, Duration::ZERO);
    assert_eq!(answer, (DCC_TIMED_OUT, DCC_JOB_CANCELLED));
    pump_all(&[dispatcher]);
    assert_eq!(log.runs(), 0);
    let (dispatcher, (status, _), log) = waited(DCC_RUN_AGAIN, Duration::from_millis(20));
    assert!(matches!(status, DCC_STARTED | DCC_TIMED_OUT), "{status}");
    pump_all(&[dispatcher]);
    log.assert_over(DCC_JOB_CANCELLED);
}

#[test]
fn a_job_that_comes_while_a_worker_is_busy_gets_another() {
    let _alone = alone();
    if thread::available_parallelism().is_ok_and(|count| count.get() == 1) {
        support::skip("a worker for each busy one", "this machine has one processor");
        return;
    }
    let dispatcher = Dispatcher::new();
    let gate = Gate::new();
    let first = job(move |_| {
        gate.pass();
        0
    });
    dispatcher.post_only(first.any_thread());
    gate.await_arrivals(1);
    let second = job(move |_| {
        gate.open();
        0
    });
    dispatcher.post_only(second.any_thread());
    pump_all(&[dispatcher]);
}

/// The close may come after a slice has ended and before its job waits for the next one.
#[test]
fn a_close_frees_the_thread_that_waits_for_a_job_elsewhere() {
    let _alone = alone();
    for round in 0..effort::times(1_000) {
        let dispatcher = Dispatcher::new();
        let slices = Arc::new(AtomicU64::new(0));
        let counted = slices.clone();
        let endless = job(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            DCC_RUN_AGAIN
        });
        thread::scope(|scope| {
            scope.spawn(|| {
                while slices.load(Ordering::SeqCst) < 1 + round % 7 {
                    std::hint::spin_loop();
                }
                dispatcher.close();
            });
            let (status, ..) = dispatcher.post_and_wait(endless.any_thread(), FOREVER);
            assert_eq!(status, DCC_OK);
        });
        pump_all(&[dispatcher]);
    }
}
