//! Cases in which two promises of a dispatcher meet. Each test makes one race or one misuse happen.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{dispatcher::*, job::*, job_life::*, status::*};
use listening::{Gate, Owner, alone, until};
use posting::*;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

#[test]
fn a_job_that_its_poster_began_runs_all_the_same() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(nothing());
    assert_eq!(dcc_job_begin(posted.job.pointer()), DCC_OK);
    let tick = dispatcher.pump();
    assert_eq!((tick.executed, tick.completed), (1, 1));
    posted.log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(posted.log.runs(), 1);
    posted.job.release();
    dispatcher.release();
}

#[test]
fn a_job_that_ended_while_it_waited_does_not_run_and_is_not_counted_as_run() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(nothing());
    // SAFETY: no text.
    unsafe { dcc_job_fail(posted.job.pointer(), std::ptr::null(), 0) };
    let tick = dispatcher.pump();
    assert_eq!((tick.executed, tick.completed), (0, 1));
    posted.log.assert_over(DCC_JOB_FAILED);
    assert_eq!((posted.log.runs(), dispatcher.stats().executed), (0, 0));
    posted.job.release();
    dispatcher.release();
}

#[test]
fn inside_a_job_that_runs_at_once_nothing_else_of_its_dispatcher_does() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let waiting = dispatcher.post(nothing());
    let inner = waiting.log.clone();
    let (status, state, log) = dispatcher.post_and_wait(
        job(move |_| {
            let pumped = dispatcher.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT);
            assert_eq!(pumped.err(), Some(DCC_ERROR_REENTRANT));
            assert_eq!(dispatcher.close(), DCC_PENDING);
            assert_eq!((inner.runs(), inner.completions()), (0, 0));
            0
        }),
        Duration::MAX,
    );
    assert_eq!((status, state), (DCC_OK, DCC_JOB_COMPLETED));
    log.assert_over(DCC_JOB_COMPLETED);
    dispatcher.pump();
    waiting.log.assert_over(DCC_JOB_INTERRUPTED);
    waiting.job.release();
    dispatcher.release();
}

#[test]
fn the_dispatchers_thread_can_wait_for_a_job_of_another() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let (status, state, log) = dispatcher.post_and_wait(nothing().any_thread(), listening::LONG);
    assert_eq!((status, state), (DCC_OK, DCC_JOB_COMPLETED));
    assert_eq!((log.runs(), log.completions()), (1, 0), "its completion is left to the pump");
    dispatcher.pump();
    log.assert_over(DCC_JOB_COMPLETED);
    dispatcher.release();
}

struct SlowHost {
    gate: &'static Gate,
    destroys: AtomicU32,
}

unsafe extern "C" fn slow_wake(host: *mut c_void) {
    // SAFETY: a host, which lives until the end of its test.
    let host = unsafe { &*host.cast::<SlowHost>() };
    host.gate.pass();
    assert_eq!(host.destroys.load(Ordering::SeqCst), 0, "it was inside");
}

unsafe extern "C" fn destroy(host: *mut c_void) {
    // SAFETY: as above.
    let host = unsafe { &*host.cast::<SlowHost>() };
    host.destroys.fetch_add(1, Ordering::SeqCst);
}

/// A pool that accepts jobs and never runs them, so that only the cancel decides.
unsafe extern "C" fn execute_later(
    _run: Option<unsafe extern "C" fn(*mut c_void)>,
    _argument: *mut c_void,
    _host: *mut c_void,
) -> i32 {
    0
}

impl SlowHost {
    fn dispatcher(&self, owner: Owner) -> Dispatcher {
        Dispatcher::with(|desc| {
            desc.user_data = std::ptr::from_ref(self).cast_mut().cast();
            desc.wake = Some(slow_wake);
            desc.execute = Some(execute_later);
            desc.destroy = Some(destroy);
            desc.owner = owner.pointer();
        })
    }
}

#[test]
fn a_dispatcher_that_goes_while_a_cancel_wakes_its_host_is_destroyed_after_that() {
    let _alone = alone();
    let host = SlowHost { gate: Gate::new(), destroys: AtomicU32::new(0) };
    let dispatcher = host.dispatcher(listening::NO_OWNER);
    let posting = thread::spawn(move || {
        let posted = dispatcher.post(nothing().any_thread().deadline(listening::LONG));
        posted.job.cancel();
        posted.job.release();
        posted.log
    });
    host.gate.await_arrivals(1);
    dispatcher.pump();
    dispatcher.release();
    host.gate.open();
    posting.join().unwrap();
    until("it is gone", || host.destroys.load(Ordering::SeqCst) == 1);
}

#[test]
fn an_owners_close_waits_for_the_wake_of_its_dispatcher_before_the_notify() {
    let _alone = alone();
    let host = SlowHost { gate: Gate::new(), destroys: AtomicU32::new(0) };
    let owner = Owner::new();
    let dispatcher = host.dispatcher(owner);
    let posting = thread::spawn(move || dispatcher.post_only(nothing()));
    host.gate.await_arrivals(1);
    let closing = thread::spawn(move || assert_eq!(owner.close(), DCC_OK));
    until("the close shut it down", || dispatcher.stats().is_closed == 1);
    thread::sleep(Duration::from_millis(20));
    assert_eq!(host.destroys.load(Ordering::SeqCst), 0);
    assert!(!closing.is_finished());
    host.gate.open();
    closing.join().unwrap();
    assert_eq!(host.destroys.load(Ordering::SeqCst), 1);
    let log = posting.join().unwrap();
    dispatcher.pump();
    log.assert_over(DCC_JOB_INTERRUPTED);
    dispatcher.release();
}

/// The pump counts the remaining jobs when it takes the last one. Jobs that this last one posts are
/// counted, too.
#[test]
fn what_the_last_job_posts_is_left() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    dispatcher.post_only(job(move |_| {
        dispatcher.post_only(nothing());
        0
    }));
    let tick = dispatcher.try_pump(DCC_NO_LIMIT, 1).unwrap();
    assert_eq!((tick.executed, tick.remaining), (1, 1));
    let tick = dispatcher.pump();
    assert_eq!((tick.executed, tick.remaining, tick.next_after_ns), (1, 0, DCC_NO_LIMIT));

    let (go, begin) = std::sync::mpsc::channel();
    let mut begin = Some(begin);
    dispatcher.post_only(job(move |_| {
        let begin = begin.take().unwrap();
        dispatcher.post_only(job(move |_| begin.recv().map_or(-1, |()| 0)).any_thread());
        0
    }));
    let tick = dispatcher.try_pump(DCC_NO_LIMIT, 1).unwrap();
    assert_eq!((tick.executed, tick.remaining), (1, 0));
    assert!(tick.next_after_ns < DCC_NO_LIMIT, "a worker has something to do");
    go.send(()).unwrap();
    until("it is over", || {
        dispatcher.pump();
        dispatcher.stats().completed == 4
    });
    dispatcher.release();
}
