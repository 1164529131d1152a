//! The effects of a post, a pump, a cancel and a close of a dispatcher, one at a time.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{current::*, dispatcher::*, job::*, job_life::*, post::*, status::*};
use listening::{Token, alone, until};
use posting::*;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[test]
fn a_posted_job_runs_in_the_pump_and_is_completed_once() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(nothing().label("bake"));
    assert_eq!(posted.job.state(), DCC_JOB_PENDING);
    assert_eq!(posted.log.runs(), 0);
    assert_eq!(dispatcher.stats().depth, 1);
    let tick = dispatcher.pump();
    assert_eq!((tick.executed, tick.completed, tick.cancelled, tick.remaining), (1, 1, 0, 0));
    assert_eq!(tick.next_after_ns, DCC_NO_LIMIT);
    assert_eq!(posted.log.runs(), 1);
    posted.log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(posted.job.state(), DCC_JOB_COMPLETED);
    assert_eq!(dispatcher.pump().executed, 0);
    posted.log.assert_over(DCC_JOB_COMPLETED);
    posted.job.release();
    dispatcher.release();
}

#[test]
fn what_a_function_answers_is_how_its_job_ends() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let answers = [
        (0, DCC_JOB_COMPLETED, ""),
        (DCC_CANCELLED_BY_TOKEN, DCC_JOB_CANCELLED, ""),
        (DCC_CANCELLED_BY_JOB, DCC_JOB_CANCELLED, ""),
        (DCC_POLL_GONE, DCC_JOB_CANCELLED, ""),
        (-7, DCC_JOB_FAILED, "its function answered -7"),
        (4711, DCC_JOB_FAILED, "its function answered 4711"),
    ];
    for (answer, state, failure) in answers {
        let posted = dispatcher.post(job(move |_| answer));
        dispatcher.pump();
        posted.log.assert_over(state);
        assert_eq!(posted.job.failure(), failure);
        posted.job.release();
    }
    // If the function ended its job itself, that end stays.
    let posted = dispatcher.post(job(|job| {
        // SAFETY: a text of that length.
        unsafe { dcc_job_fail(job.pointer(), c"no disk".as_ptr(), 7) }
    }));
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_FAILED);
    assert_eq!(posted.job.failure(), "no disk");
    posted.job.release();
    let stats = dispatcher.stats();
    assert_eq!((stats.completed, stats.failed, stats.cancelled), (1, 3, 3));
    dispatcher.release();
}

#[test]
fn a_panic_fails_its_job_alone() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(job(|_| panic!("the mesh has {} holes", 3)));
    let after = dispatcher.post(nothing());
    assert_eq!(dispatcher.pump().executed, 2);
    posted.log.assert_over(DCC_JOB_FAILED);
    after.log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(posted.job.failure(), "the mesh has 3 holes");
    posted.job.release();
    after.job.release();
    dispatcher.release();
}

#[test]
fn a_cancelled_job_never_runs_and_leaves_the_depth_at_once() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.capacity = 2);
    let parent = Token::new();
    let first = dispatcher.post(nothing());
    let second = dispatcher.post(nothing().parent(parent));
    assert_eq!(dispatcher.stats().depth, 2);
    assert_eq!(dispatcher.try_post(nothing()).err(), Some(DCC_ERROR_OVERLOADED));
    assert_eq!(first.job.cancel(), DCC_OK);
    assert_eq!(dispatcher.stats().depth, 1);
    parent.cancel();
    assert_eq!(dispatcher.stats().depth, 0);
    assert_eq!(dispatcher.stats().awaiting_completion, 2);
    assert_eq!((first.log.completions(), second.log.completions()), (0, 0), "not here");
    let third = dispatcher.post(nothing());
    let tick = dispatcher.pump();
    assert_eq!((tick.executed, tick.completed, tick.cancelled), (1, 3, 2));
    first.log.assert_over(DCC_JOB_CANCELLED);
    second.log.assert_over(DCC_JOB_CANCELLED);
    third.log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!((first.log.runs(), second.log.runs()), (0, 0));
    [first, second, third].into_iter().for_each(|posted| posted.job.release());
    // A job whose token was cancelled before the post ends in the same way.
    let late = dispatcher.post(nothing().parent(parent));
    assert_eq!(dispatcher.stats().depth, 0);
    dispatcher.pump();
    late.log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(late.log.runs(), 0);
    late.job.release();
    parent.release();
    dispatcher.release();
}

#[test]
fn cancelled_jobs_free_their_places_however_often() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.capacity = 2);
    let logs: Vec<_> = (0..5000)
        .map(|_| {
            let posted = dispatcher.post(nothing());
            assert_eq!(posted.job.cancel(), DCC_OK);
            posted.job.release();
            posted.log
        })
        .collect();
    assert_eq!(dispatcher.stats().awaiting_completion, 5000);
    assert_eq!(dispatcher.pump().cancelled, 5000);
    logs.iter().for_each(|log| log.assert_over(DCC_JOB_CANCELLED));
    dispatcher.release();
}

#[test]
fn what_awaits_its_completion_is_bounded_too() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.capacity = 1);
    let mut accepted = 0;
    loop {
        match dispatcher.try_post(nothing()) {
            Ok(posted) => {
                posted.job.cancel();
                posted.job.release();
                accepted += 1;
            }
            Err(status) => {
                assert_eq!(status, DCC_ERROR_OVERLOADED);
                break;
            }
        }
        assert!(accepted <= 20_000, "no bound");
    }
    assert_eq!(accepted, 16_384 + 1);
    dispatcher.pump();
    dispatcher.post_only(nothing());
    dispatcher.pump();
    dispatcher.release();
}

#[test]
fn a_full_queue_says_how_full_it_is_and_when_to_try_again() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.capacity = 3);
    (0..3).for_each(|_| drop(dispatcher.post_only(nothing())));
    let run: dcc_job_fn = {
        unsafe extern "C-unwind" fn never(_: *const dcc_job, _: *mut std::ffi::c_void) -> i32 {
            unreachable!("refused")
        }
        Some(never)
    };
    // SAFETY: numbers, pointers and nullable functions, for which zero is a value.
    unsafe {
        let mut desc: dcc_post_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_post_desc>() as u32;
        desc.function = run;
        let mut admission: dcc_admission = std::mem::zeroed();
        admission.struct_size = size_of::<dcc_admission>() as u32;
        let mut job = null_mut();
        let status = dcc_dispatcher_post(dispatcher.pointer(), &desc, &mut job, &mut admission);
        assert_eq!(status, DCC_ERROR_OVERLOADED);
        assert_eq!((admission.depth, admission.capacity), (3, 3));
        let sensible = 1_000_000..=1_000_000_000;
        assert!(sensible.contains(&admission.retry_after_ns), "{}", admission.retry_after_ns);
        assert!(job.is_null());
    }
    assert!(last_error().starts_with("3 jobs wait and 3 may"), "{}", last_error());
    assert_eq!(dispatcher.stats().rejected, 1);
    dispatcher.pump();
    dispatcher.release();
}

#[test]
fn steps_run_once_a_tick_in_turn_and_stop_when_cancelled() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    let steps = |name: &'static str, count: u32| {
        let order = order.clone();
        let mut done = 0;
        job(move |_| {
            order.lock().unwrap().push(name);
            done += 1;
            if done == count { 0 } else { DCC_RUN_AGAIN }
        })
    };
    let first = dispatcher.post(steps("a", 3));
    let second = dispatcher.post(steps("b", 100));
    let tick = dispatcher.pump();
    assert_eq!((tick.executed, tick.remaining), (2, 2));
    assert!(tick.next_after_ns <= 16_666_667);
    assert_eq!(dispatcher.stats().between_slices, 2);
    assert_eq!(dispatcher.stats().depth, 0, "what has begun waits no more");
    // Jobs that were posted before a tick run before further slices of earlier jobs.
    let third = dispatcher.post(steps("c", 1));
    dispatcher.pump();
    assert_eq!(second.job.state(), DCC_JOB_RUNNING);
    assert_eq!(second.job.cancel(), DCC_OK);
    dispatcher.pump();
    assert_eq!(*order.lock().unwrap(), ["a", "b", "c", "a", "b", "a"]);
    first.log.assert_over(DCC_JOB_COMPLETED);
    second.log.assert_over(DCC_JOB_CANCELLED);
    third.log.assert_over(DCC_JOB_COMPLETED);
    [first, second, third].into_iter().for_each(|posted| posted.job.release());
    dispatcher.release();
}

#[test]
fn a_step_that_ignores_its_cancel_gets_no_further_slice() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(job(|job| {
        job.cancel();
        DCC_RUN_AGAIN
    }));
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(posted.log.runs(), 1);
    posted.job.release();
    dispatcher.release();
}

#[test]
fn lanes_go_in_order_and_none_starves() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    for lane in [DCC_LANE_BACKGROUND, DCC_LANE_NORMAL, DCC_LANE_INTERACTIVE] {
        for _ in 0..40 {
            let order = order.clone();
            dispatcher.post_only(
                job(move |_| {
                    order.lock().unwrap().push(lane);
                    0
                })
                .lane(lane),
            );
        }
    }
    dispatcher.pump();
    let order = order.lock().unwrap();
    assert_eq!(order[..4], [DCC_LANE_INTERACTIVE; 4]);
    assert!(order[..6].contains(&DCC_LANE_NORMAL), "{order:?}");
    assert!(order[..18].contains(&DCC_LANE_BACKGROUND), "{order:?}");
    let last = |lane| order.iter().rposition(|other| *other == lane).unwrap();
    assert!(last(DCC_LANE_INTERACTIVE) < last(DCC_LANE_NORMAL));
    assert!(last(DCC_LANE_NORMAL) < last(DCC_LANE_BACKGROUND));
    dispatcher.release();
}

#[test]
fn both_bounds_are_exact_between_jobs_and_slices() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let slow = || {
        job(|_| {
            thread::sleep(Duration::from_millis(10));
            0
        })
    };
    (0..10).for_each(|_| drop(dispatcher.post_only(slow())));
    let tick = dispatcher.try_pump(DCC_NO_LIMIT, 3).unwrap();
    assert_eq!((tick.executed, tick.remaining, tick.overrun_ns), (3, 7, 0));
    // 25 ms: two jobs leave time for a third, which then takes longer than that time.
    let tick = dispatcher.try_pump(25_000_000, DCC_NO_LIMIT).unwrap();
    assert!((1..=3).contains(&tick.executed), "{}", tick.executed);
    assert_eq!(tick.remaining, 7 - tick.executed);
    assert!(tick.elapsed_ns >= 25_000_000);
    assert_eq!(tick.overrun_ns, tick.elapsed_ns - 25_000_000);
    assert_eq!(dispatcher.stats().overruns, 1);
    // The first job always runs; with a bound of 0 none does.
    assert_eq!(dispatcher.try_pump(1, DCC_NO_LIMIT).unwrap().executed, 1);
    assert_eq!(dispatcher.try_pump(0, DCC_NO_LIMIT).unwrap().executed, 0);
    assert_eq!(dispatcher.try_pump(DCC_NO_LIMIT, 0).unwrap().executed, 0);
    dispatcher.pump();
    assert_eq!(dispatcher.stats().ticks, 6);
    dispatcher.release();
}

#[test]
fn the_jobs_own_slots_are_installed_and_restored_whatever_it_leaves() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let (outer, parent, leaked) = (Token::new(), Token::new(), Token::new());
    let mut ticket = 0;
    // SAFETY: a writable result.
    unsafe { assert_eq!(dcc_cancel_token_set_current(outer.pointer(), &mut ticket), DCC_OK) };
    outer.cancel();
    let before = listening::stats().context_leaks;
    let posted = dispatcher.post(
        job(move |job| {
            assert_eq!(dcc_cancel_token_current(), parent.pointer());
            assert_eq!(dcc_job_current(), job.pointer());
            assert_eq!(dcc_check_cancelled(), DCC_OK, "the outer token is not the job's affair");
            let mut forgotten = 0;
            // SAFETY: a writable result.
            unsafe { dcc_cancel_token_set_current(leaked.pointer(), &mut forgotten) };
            job.cancel();
            assert_eq!(dcc_check_cancelled(), DCC_CANCELLED_BY_JOB);
            dcc_check_cancelled()
        })
        .parent(parent),
    );
    let without = dispatcher.post(
        job(|job| {
            assert!(dcc_cancel_token_current().is_null(), "masked");
            assert_eq!(dcc_job_current(), job.pointer());
            panic!("restored all the same");
        })
        .completed(move |_, _| assert_eq!(dcc_cancel_token_current(), outer.pointer())),
    );
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_CANCELLED);
    without.log.assert_over(DCC_JOB_FAILED);
    assert_eq!(dcc_cancel_token_current(), outer.pointer());
    assert!(dcc_job_current().is_null());
    assert_eq!(listening::stats().context_leaks, before + 1);
    assert_eq!(dcc_cancel_token_reset_current(ticket), DCC_OK);
    posted.job.release();
    without.job.release();
    [outer, parent, leaked].into_iter().for_each(Token::release);
    dispatcher.release();
}

#[test]
fn only_its_own_thread_pumps_and_never_inside_a_job() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(
        job(move |_| {
            assert_eq!(
                dispatcher.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT).err(),
                Some(DCC_ERROR_REENTRANT)
            );
            0
        })
        .completed(move |_, _| {
            assert_eq!(
                dispatcher.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT).err(),
                Some(DCC_ERROR_REENTRANT)
            );
        }),
    );
    let second = dispatcher.post(nothing());
    let other = thread::spawn(move || {
        let status = dispatcher.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT).err();
        assert!(last_error().contains("bound to another thread"), "{}", last_error());
        status
    });
    assert_eq!(other.join().unwrap(), Some(DCC_ERROR_WRONG_THREAD));
    assert_eq!(second.log.runs(), 0);
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_COMPLETED);
    posted.job.release();
    second.job.release();
    dispatcher.release();
    // If the flag asks for it, the first pump binds the dispatcher to its thread.
    let dispatcher = Dispatcher::with(|desc| desc.flags = DCC_DISPATCHER_BIND_LATER);
    let log = dispatcher.post_only(nothing());
    thread::spawn(move || dispatcher.pump()).join().unwrap();
    log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(dispatcher.try_pump(1, 1).err(), Some(DCC_ERROR_WRONG_THREAD));
    dispatcher.release();
}

#[test]
fn a_veto_lets_nothing_run() {
    let _alone = alone();
    static VETO: AtomicBool = AtomicBool::new(true);
    unsafe extern "C" fn veto(_: *mut std::ffi::c_void) -> i32 {
        i32::from(VETO.load(Ordering::Relaxed))
    }
    let dispatcher = Dispatcher::with(|desc| desc.veto = Some(veto));
    let cancelled = dispatcher.post(nothing());
    cancelled.job.cancel();
    let posted = dispatcher.post(job(|_| {
        VETO.store(true, Ordering::Relaxed);
        0
    }));
    let after = dispatcher.post(nothing());
    let tick = dispatcher.pump();
    assert_eq!((tick.is_vetoed, tick.executed, tick.completed, tick.remaining), (1, 0, 0, 3));
    VETO.store(false, Ordering::Relaxed);
    let tick = dispatcher.pump();
    assert_eq!((tick.is_vetoed, tick.executed, tick.completed, tick.remaining), (1, 1, 2, 1));
    assert_eq!(after.log.runs(), 0, "a job that loads a scene holds up the next");
    VETO.store(false, Ordering::Relaxed);
    assert_eq!(dispatcher.pump().executed, 1);
    [cancelled, posted, after].into_iter().for_each(|posted| posted.job.release());
    dispatcher.release();
}

#[test]
fn the_host_is_woken_once_from_one_pump_to_the_next() {
    let _alone = alone();
    static WAKES: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C" fn wake(_: *mut std::ffi::c_void) {
        WAKES.fetch_add(1, Ordering::Relaxed);
    }
    let wakes = || WAKES.swap(0, Ordering::Relaxed);
    let dispatcher = Dispatcher::with(|desc| desc.wake = Some(wake));
    assert_eq!(wakes(), 0);
    (0..5).for_each(|_| drop(dispatcher.post_only(nothing())));
    assert_eq!(wakes(), 1);
    dispatcher.try_pump(DCC_NO_LIMIT, 3).unwrap();
    assert_eq!(wakes(), 1, "something is left");
    dispatcher.pump();
    assert_eq!(wakes(), 0, "nothing is");
    // A job that another thread has run needs the pump for its completion; so does a job that no
    // thread ever begins.
    let gate = Arc::new(Mutex::new(()));
    let held = gate.lock().unwrap();
    let blocked = gate.clone();
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let blocked = blocked.clone();
            dispatcher.post_only(
                job(move |_| {
                    drop(blocked.lock());
                    0
                })
                .any_thread(),
            )
        })
        .collect();
    until("workers are busy", || {
        dispatcher.stats().depth == 0 || busy.iter().any(|log| log.runs() > 0)
    });
    let waiting = dispatcher.post(nothing().any_thread());
    assert_eq!(wakes(), 0, "nothing for the pump yet");
    waiting.job.cancel();
    assert_eq!(wakes(), 1);
    assert_eq!(dispatcher.pump().cancelled, 1);
    drop(held);
    until("workers are done", || dispatcher.stats().awaiting_completion == 4);
    assert!(wakes() >= 1);
    dispatcher.pump();
    busy.iter().for_each(|log| log.assert_over(DCC_JOB_COMPLETED));
    waiting.log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(waiting.log.runs(), 0);
    waiting.job.release();
    dispatcher.release();
}
