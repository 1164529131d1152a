//! Posts from one thread to another: waits, deadlines, workers and progress.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{dispatcher::*, job::*, job_life::*, job_texts::*, post::*, status::*};
use listening::{Gate, alone, until};
use posting::*;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const FOREVER: Duration = Duration::MAX;

#[test]
fn on_its_own_thread_a_wait_runs_the_job_at_once_with_all_its_slices() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.capacity = 1);
    let queued = dispatcher.post(nothing());
    let mut slices = 0;
    let (status, state, log) = dispatcher.post_and_wait(
        job(move |_| {
            slices += 1;
            if slices == 5 { 0 } else { DCC_RUN_AGAIN }
        }),
        FOREVER,
    );
    assert_eq!((status, state, log.runs()), (DCC_OK, DCC_JOB_COMPLETED, 5));
    log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(queued.log.runs(), 0, "no other job ran");
    // This also works from inside a job.
    let inner = Arc::new(Mutex::new(None));
    let result = inner.clone();
    dispatcher.pump();
    let outer = dispatcher.post_only(job(move |outer| {
        let waited = dispatcher.post_and_wait(job(|_| -1), FOREVER);
        assert_eq!(dcc_cancel::ffi::current::dcc_job_current(), outer.pointer());
        *result.lock().unwrap() = Some(waited);
        0
    }));
    dispatcher.pump();
    outer.assert_over(DCC_JOB_COMPLETED);
    let (status, state, log) = inner.lock().unwrap().take().unwrap();
    assert_eq!((status, state), (DCC_OK, DCC_JOB_FAILED));
    log.assert_over(DCC_JOB_FAILED);
    queued.job.release();
    dispatcher.release();
}

/// Pumps until `done`.
fn pump_until(dispatcher: Dispatcher, done: impl Fn() -> bool) {
    until("the other thread is done", || {
        dispatcher.pump();
        done()
    });
}

#[test]
fn a_wait_on_another_thread_ends_with_the_job() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let waiter = thread::spawn(move || {
        [0, -1, DCC_CANCELLED_BY_JOB].map(|answer| {
            let (status, state, log) = dispatcher.post_and_wait(job(move |_| answer), FOREVER);
            // From here on the payload is no longer used.
            log.assert_over(state);
            (status, state)
        })
    });
    pump_until(dispatcher, || waiter.is_finished());
    let ends = [DCC_JOB_COMPLETED, DCC_JOB_FAILED, DCC_JOB_CANCELLED];
    assert_eq!(waiter.join().unwrap(), ends.map(|state| (DCC_OK, state)));
    dispatcher.release();
}

#[test]
fn a_timeout_takes_a_queued_job_back_for_good() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let waiter =
        thread::spawn(move || dispatcher.post_and_wait(nothing(), Duration::from_millis(20)));
    let (status, state, log) = waiter.join().unwrap();
    assert_eq!((status, state), (DCC_TIMED_OUT, DCC_JOB_CANCELLED));
    assert_eq!((log.completions(), log.destroys()), (0, 0), "its payload lives on");
    assert_eq!(dispatcher.stats().depth, 0);
    let tick = dispatcher.pump();
    assert_eq!((tick.executed, tick.cancelled), (0, 1));
    log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(log.runs(), 0);
    dispatcher.release();
}

#[test]
fn a_timeout_after_the_start_asks_the_job_to_stop() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    listening::with_enough_time(|time| {
        let stopped = Arc::new(AtomicBool::new(false));
        let asked = stopped.clone();
        let waiter = thread::spawn(move || {
            let work = job(move |job| {
                until("it is asked", || dcc_job_is_cancelled(job.pointer()) != 0);
                asked.store(true, Ordering::Relaxed);
                DCC_CANCELLED_BY_JOB
            });
            dispatcher.post_and_wait(work, time)
        });
        pump_until(dispatcher, || waiter.is_finished());
        let (status, _, log) = waiter.join().unwrap();
        dispatcher.pump();
        log.assert_over(DCC_JOB_CANCELLED);
        if status == DCC_TIMED_OUT {
            // The job was taken back before this thread came to run it.
            assert!(!stopped.load(Ordering::Relaxed));
            return None;
        }
        // The job may have stopped before its poster looked again.
        assert!(matches!(status, DCC_STARTED | DCC_OK), "{status}");
        assert!(stopped.load(Ordering::Relaxed));
        Some(())
    });
    dispatcher.release();
}

/// Waits until the job with the caller id "bake" is queued, and returns a reference to it. The job
/// is found and counted in the depth before it has its place in the queue, and a close at that
/// moment would refuse it.
fn waiting_bake(dispatcher: Dispatcher) -> Job {
    until("it waits", || dispatcher.stats().posted == 1);
    let mut job = std::ptr::null_mut();
    // SAFETY: a text of that length and a writable result.
    let found = unsafe { dcc_dispatcher_find(dispatcher.pointer(), c"bake".as_ptr(), 4, &mut job) };
    assert_eq!(found, DCC_OK);
    Job(job.addr())
}

#[test]
fn a_close_frees_who_waits() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let waiter =
        thread::spawn(move || dispatcher.post_and_wait(nothing().caller_id("bake"), FOREVER));
    waiting_bake(dispatcher).release();
    thread::spawn(move || dispatcher.close()).join().unwrap();
    let (status, state, log) = waiter.join().unwrap();
    assert_eq!((status, state), (DCC_OK, DCC_JOB_INTERRUPTED));
    assert_eq!(log.completions(), 0, "that is for the owner's thread");
    dispatcher.pump();
    log.assert_over(DCC_JOB_INTERRUPTED);
    dispatcher.release();
}

#[test]
fn a_cancel_frees_who_waits() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let waiter =
        thread::spawn(move || dispatcher.post_and_wait(nothing().caller_id("bake"), FOREVER));
    let job = waiting_bake(dispatcher);
    job.cancel();
    job.release();
    let (status, state, log) = waiter.join().unwrap();
    assert_eq!((status, state), (DCC_OK, DCC_JOB_CANCELLED));
    dispatcher.pump();
    log.assert_over(DCC_JOB_CANCELLED);
    dispatcher.release();
}

#[test]
fn a_stuck_thread_is_told_of_and_frees_who_waits_for_queued_jobs() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.wedge_threshold_ns = 50_000_000);
    let gate = Gate::new();
    let stuck = dispatcher.post(
        job(move |_| {
            gate.pass();
            0
        })
        .label("endless bake"),
    );
    let id = stuck.job.id();
    assert_eq!(dispatcher.stats().since_last_tick_ns, DCC_NO_LIMIT, "there was none");
    let waiter = thread::spawn(move || {
        until("it is inside", || dispatcher.stats().present_job_id != 0);
        let (status, state, log) = dispatcher.post_and_wait(nothing(), FOREVER);
        assert_eq!((status, state), (DCC_WEDGED, DCC_JOB_CANCELLED));
        let stats = dispatcher.stats();
        assert_eq!((stats.present_job_id, stats.is_wedged), (id, 1));
        assert_eq!(stats.since_last_tick_ns, 0, "it is inside one");
        assert!(stats.present_for_ns >= 50_000_000, "{}", stats.present_for_ns);
        assert_eq!(stats.depth, 0);
        gate.open();
        log
    });
    dispatcher.try_pump(DCC_NO_LIMIT, 1).unwrap();
    let log = waiter.join().unwrap();
    dispatcher.pump();
    log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(log.runs(), 0);
    // A job that runs at once on its own thread counts as well. A poster that waits for another
    // thread is not freed.
    let inline = job(move |present| {
        let looking = thread::spawn(move || {
            until("it counts as stuck", || dispatcher.stats().is_wedged == 1);
            let (status, state, _) = dispatcher.post_and_wait(
                job(|_| {
                    thread::sleep(Duration::from_millis(100));
                    0
                })
                .any_thread(),
                Duration::from_millis(40),
            );
            assert!(matches!(status, DCC_STARTED | DCC_TIMED_OUT), "{status} {state}");
            dispatcher.stats().present_job_id
        });
        assert_eq!(looking.join().unwrap(), present.id());
        0
    });
    assert_eq!(dispatcher.post_and_wait(inline, FOREVER).1, DCC_JOB_COMPLETED);
    assert_eq!(dispatcher.stats().present_job_id, 0);
    until("the other is over", || {
        dispatcher.pump();
        listening::stats().unfinished_posts == 0
    });
    stuck.log.assert_over(DCC_JOB_COMPLETED);
    let stats = dispatcher.stats();
    assert_eq!((stats.present_job_id, stats.is_wedged, stats.longest_job_id), (0, 0, id));
    until("the thread is at something of its own", || {
        let stats = dispatcher.stats();
        stats.since_last_tick_ns > 0 && stats.present_job_id == 0
    });
    assert!(stats.run_max_ns >= 50_000_000);
    let label = text_of(|buffer, size, length| {
        // SAFETY: a writable buffer of that size.
        unsafe {
            dcc_cancel::ffi::dispatcher_stats::dcc_dispatcher_longest_label(
                dispatcher.pointer(),
                buffer,
                size,
                length,
            )
        }
    });
    assert_eq!(label, "endless bake");
    stuck.job.release();
    dispatcher.release();
}

#[test]
fn deadlines_cancel_what_waits_and_what_runs() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.default_deadline_after_ns = 30_000_000);
    let waiting = dispatcher.post(nothing());
    let endless = dispatcher.post(nothing().deadline(Duration::from_nanos(DCC_NO_LIMIT)));
    until("its time is over", || dispatcher.stats().depth == 1);
    assert_eq!(listening::stats().armed_deadlines, 0);
    dispatcher.pump();
    waiting.log.assert_over(DCC_JOB_CANCELLED);
    endless.log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(waiting.log.runs(), 0);
    let running = dispatcher.post(job(|job| {
        until("its time is over", || dcc_job_is_cancelled(job.pointer()) != 0);
        DCC_CANCELLED_BY_JOB
    }));
    dispatcher.pump();
    running.log.assert_over(DCC_JOB_CANCELLED);
    // A job that is over is left alone.
    listening::with_enough_time(|time| {
        let start = listening::now_ns();
        let quick = dispatcher.post(nothing().deadline(time));
        dispatcher.pump();
        let in_time = listening::is_within(start, time);
        if in_time {
            assert_eq!(listening::stats().armed_deadlines, 0);
            thread::sleep(time * 3 / 2);
            assert_eq!(dcc_job_is_cancelled(quick.job.pointer()), 0);
        }
        quick.job.release();
        in_time.then_some(())
    });
    [waiting, endless, running].into_iter().for_each(|posted| posted.job.release());
    dispatcher.release();
}

#[test]
fn a_job_of_any_thread_runs_on_another_and_is_completed_on_its_dispatchers() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let here = thread::current().id();
    let mut slices = 0;
    let posted = dispatcher.post(
        job(move |job| {
            assert_ne!(thread::current().id(), here);
            assert_eq!(dcc_cancel::ffi::current::dcc_job_current(), job.pointer());
            slices += 1;
            if slices == 3 { 0 } else { DCC_RUN_AGAIN }
        })
        .any_thread()
        .completed(move |_, _| assert_eq!(thread::current().id(), here)),
    );
    until("it ran", || dispatcher.stats().awaiting_completion == 1);
    assert_eq!(posted.log.completions(), 0);
    let tick = dispatcher.pump();
    assert_eq!((tick.executed, tick.completed), (0, 1));
    posted.log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(posted.log.runs(), 3);
    let cancelled = dispatcher.post(
        job(|job| {
            until("it is asked", || dcc_job_is_cancelled(job.pointer()) != 0);
            dcc_cancel::ffi::current::dcc_check_cancelled()
        })
        .any_thread(),
    );
    until("it runs", || cancelled.log.runs() == 1);
    cancelled.job.cancel();
    pump_until(dispatcher, || cancelled.log.destroys() == 1);
    cancelled.log.assert_over(DCC_JOB_CANCELLED);
    posted.job.release();
    cancelled.job.release();
    dispatcher.release();
}

#[test]
fn a_hosts_own_pool_runs_them_or_refuses() {
    let _alone = alone();
    type Call = (unsafe extern "C" fn(*mut c_void), usize);
    static CALLS: Mutex<Vec<Call>> = Mutex::new(Vec::new());
    static REFUSES: AtomicBool = AtomicBool::new(false);
    unsafe extern "C" fn execute(
        run: Option<unsafe extern "C" fn(*mut c_void)>,
        argument: *mut c_void,
        _: *mut c_void,
    ) -> i32 {
        if REFUSES.load(Ordering::Relaxed) {
            return 1;
        }
        CALLS.lock().unwrap().push((run.unwrap(), argument.addr()));
        0
    }
    // SAFETY: what the dispatcher gave.
    let call = |(run, argument): Call| unsafe { run(std::ptr::without_provenance_mut(argument)) };
    let dispatcher = Dispatcher::with(|desc| desc.execute = Some(execute));
    let mut slices = 0;
    let posted = dispatcher.post(
        job(move |_| {
            slices += 1;
            if slices == 2 { 0 } else { DCC_RUN_AGAIN }
        })
        .any_thread(),
    );
    let cancelled = dispatcher.post(nothing().any_thread());
    cancelled.job.cancel();
    let calls = std::mem::take(&mut *CALLS.lock().unwrap());
    assert_eq!(calls.len(), 2);
    for each in &calls {
        thread::spawn({
            let each = *each;
            move || call(each)
        })
        .join()
        .unwrap();
    }
    assert_eq!((posted.log.runs(), cancelled.log.runs()), (1, 0));
    let again = std::mem::take(&mut *CALLS.lock().unwrap());
    assert_eq!(again.len(), 1, "one that runs again is handed out again");
    call(again[0]);
    // Calls that come too late or with a made-up argument run nothing.
    calls.iter().chain(&again).for_each(|each| call(*each));
    call((calls[0].0, 0));
    call((calls[0].0, usize::MAX));
    assert_eq!(posted.log.runs(), 2);
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_COMPLETED);
    cancelled.log.assert_over(DCC_JOB_CANCELLED);
    REFUSES.store(true, Ordering::Relaxed);
    let refused = dispatcher.try_post(nothing().any_thread().caller_id("pool"));
    assert_eq!(refused.err(), Some(DCC_ERROR_OVERLOADED));
    assert!(last_error().contains("execute"), "{}", last_error());
    assert_eq!((dispatcher.stats().depth, dispatcher.stats().rejected), (0, 1));
    // A job whose next slice is refused by the pool fails.
    REFUSES.store(false, Ordering::Relaxed);
    let step = dispatcher.post(job(|_| DCC_RUN_AGAIN).any_thread().caller_id("pool"));
    REFUSES.store(true, Ordering::Relaxed);
    let last = CALLS.lock().unwrap().pop().unwrap();
    call(last);
    dispatcher.pump();
    step.log.assert_over(DCC_JOB_FAILED);
    assert!(step.job.failure().starts_with("no thread for its next slice"));
    [posted, cancelled, step].into_iter().for_each(|posted| posted.job.release());
    dispatcher.release();
}

#[test]
fn progress_is_shown_as_often_as_asked_and_at_the_end() {
    let _alone = alone();
    static SHOWN: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());
    unsafe extern "C" fn progress(_: *const dcc_job, done: u64, total: u64, _: *mut c_void) {
        SHOWN.lock().unwrap().push((done, total));
    }
    let dispatcher = Dispatcher::with(|desc| {
        desc.progress = Some(progress);
        desc.progress_interval_ns = 20_000_000;
    });
    let mut done = 0;
    let step = dispatcher.post(job(move |job| {
        done += 1;
        // SAFETY: no message.
        unsafe { dcc_job_set_progress(job.pointer(), done, 500, std::ptr::null(), 0) };
        if done == 500 { 0 } else { DCC_RUN_AGAIN }
    }));
    let started = Instant::now();
    while step.log.completions() == 0 {
        dispatcher.pump();
        thread::sleep(Duration::from_micros(100));
    }
    let most = started.elapsed().as_millis() / 20 + 2;
    let shown = std::mem::take(&mut *SHOWN.lock().unwrap());
    assert!(shown.len() as u128 <= most && shown.len() >= 2, "{} of {most}", shown.len());
    assert_eq!(shown.last(), Some(&(500, 500)), "the last is not lost");
    assert!(shown.windows(2).all(|pair| pair[0] < pair[1]));
    // The same holds for a job on another thread.
    let gate = Gate::new();
    let elsewhere = dispatcher.post(
        job(move |job| {
            // SAFETY: no message.
            unsafe { dcc_job_set_progress(job.pointer(), 7, 9, std::ptr::null(), 0) };
            gate.pass();
            0
        })
        .any_thread(),
    );
    pump_until(dispatcher, || SHOWN.lock().unwrap().contains(&(7, 9)));
    gate.open();
    pump_until(dispatcher, || elsewhere.log.destroys() == 1);
    assert_eq!(SHOWN.lock().unwrap().len(), 1, "no change, no call");
    step.job.release();
    elsewhere.job.release();
    dispatcher.release();
}

#[test]
fn the_stats_tell_what_was_done_and_how_long_it_waited() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let empty = dispatcher.stats();
    assert_eq!((empty.capacity, empty.posted, empty.wait_p99_ns), (1024, 0, 0));
    let slept = AtomicU64::new(0);
    for _ in 0..20 {
        dispatcher.post_only(job(|_| {
            thread::sleep(Duration::from_millis(2));
            0
        }));
        slept.fetch_add(1, Ordering::Relaxed);
    }
    thread::sleep(Duration::from_millis(10));
    assert!(dispatcher.stats().oldest_wait_ns >= 10_000_000);
    let failed = Arc::new(AtomicU32::new(0));
    dispatcher.post_only(job(|_| -1).completed(move |_, _| {
        failed.fetch_add(1, Ordering::Relaxed);
    }));
    dispatcher.pump();
    let stats = dispatcher.stats();
    assert_eq!((stats.posted, stats.executed, stats.completed, stats.failed), (21, 21, 20, 1));
    assert_eq!((stats.depth, stats.running, stats.oldest_wait_ns), (0, 0, 0));
    assert!(stats.wait_p50_ns >= 10_000_000, "{}", stats.wait_p50_ns);
    assert!(stats.wait_p50_ns <= stats.wait_p95_ns && stats.wait_p95_ns <= stats.wait_p99_ns);
    assert!(stats.wait_p99_ns <= stats.wait_max_ns);
    assert!(stats.run_p50_ns >= 1_900_000 && stats.run_p50_ns <= stats.run_p99_ns);
    assert!(stats.run_max_ns >= 2_000_000 && stats.longest_tick_ns >= 40_000_000);
    dispatcher.release();
}
