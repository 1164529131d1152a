//! Jobs that run in slices: when a slice gives the tick back, how a job sleeps and is woken, and
//! how it unwinds after a cancel.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;
#[path = "../support/raw_job.rs"]
mod raw_job;

use dcc_cancel::ffi::{
    current::*, dispatcher::*, job::*, library::dcc_clock_now_ns, post::*, slice::*, status::*,
    trace::*,
};
use listening::alone;
use posting::*;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const HOUR_NS: u64 = 3_600_000_000_000;
const MINUTE_NS: u64 = HOUR_NS / 60;

fn minutes_until(ends_at_ns: u64) -> u64 {
    ends_at_ns.saturating_sub(dcc_clock_now_ns()) / MINUTE_NS
}

#[test]
fn outside_of_jobs_no_slice_is_over() {
    let _alone = alone();
    for _ in 0..100 {
        assert_eq!(dcc_slice_is_over(), DCC_OK);
    }
    assert_eq!(dcc_slice_ends_at_ns(), DCC_NO_LIMIT);
}

#[test]
fn however_short_the_budget_each_slice_gets_on_by_a_step() {
    let _alone = alone();
    for is_traced in [false, true] {
        let dispatcher = Dispatcher::new();
        let mut step = 0;
        let posted = dispatcher.post(job(move |job| {
            assert_eq!(dcc_job_trace(job.pointer(), i32::from(is_traced)), DCC_OK);
            assert!(dcc_slice_ends_at_ns() < dcc_clock_now_ns() + MINUTE_NS);
            let mut steps = 0;
            while step < 3 {
                let answer = dcc_slice_is_over();
                if answer != DCC_OK {
                    assert_eq!((steps, answer), (1, DCC_RUN_AGAIN));
                    assert_eq!(dcc_slice_is_over(), DCC_RUN_AGAIN, "it stays over");
                    return answer;
                }
                step += 1;
                steps += 1;
                let began_ns = dcc_clock_now_ns();
                while dcc_clock_now_ns() < began_ns + 2 {}
            }
            0
        }));
        let mut ticks = 0;
        while posted.log.completions() == 0 {
            let tick = dispatcher.try_pump(1, DCC_NO_LIMIT).expect("on its thread");
            assert_eq!(tick.executed, 1);
            ticks += 1;
        }
        assert_eq!(ticks, 3);
        posted.log.assert_over(DCC_JOB_COMPLETED);
        posted.job.release();
        dispatcher.release();
    }
}

#[test]
fn those_that_wait_share_what_is_left_of_the_budget() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let shares = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..3 {
        let shares = shares.clone();
        dispatcher.post_only(job(move |_| {
            shares.lock().unwrap().push(minutes_until(dcc_slice_ends_at_ns()));
            DCC_RUN_AGAIN
        }));
    }
    for _ in 0..2 {
        let tick = dispatcher.try_pump(HOUR_NS, DCC_NO_LIMIT).expect("on its thread");
        assert_eq!(tick.executed, 3, "each moves in each tick");
        let shares = std::mem::take(&mut *shares.lock().unwrap());
        // Minutes can pass here only if the machine stands still.
        let near = |(share, most): (&u64, u64)| (most - 9..=most).contains(share);
        assert!(shares.iter().zip([20, 30, 60]).all(near), "{shares:?}");
    }
    dispatcher.close();
    dispatcher.release();
}

#[test]
fn a_cancel_is_answered_at_the_first_question() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(job(|job| {
        assert_eq!(job.cancel(), DCC_OK);
        dcc_slice_is_over()
    }));
    dispatcher.try_pump(HOUR_NS, DCC_NO_LIMIT).expect("on its thread");
    posted.log.assert_over(DCC_JOB_CANCELLED);
    posted.job.release();
    dispatcher.release();
}

#[test]
fn a_pump_without_a_budget_ends_no_slice() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let log = dispatcher.post_only(job(|_| {
        assert_eq!(dcc_slice_ends_at_ns(), DCC_NO_LIMIT);
        (0..1_000_000).map(|_| dcc_slice_is_over()).find(|answer| *answer != 0).unwrap_or(0)
    }));
    dispatcher.pump();
    log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(log.runs(), 1);
    dispatcher.release();
}

#[test]
fn a_job_that_runs_at_once_inside_a_slice_has_as_long_as_it_takes() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let log = dispatcher.post_only(job(move |_| {
        while dcc_slice_is_over() == DCC_OK {}
        let mut slices = 0;
        let inner = job(move |_| {
            assert_eq!(dcc_slice_ends_at_ns(), DCC_NO_LIMIT);
            assert!((0..100).all(|_| dcc_slice_is_over() == DCC_OK));
            slices += 1;
            if slices < 3 { DCC_RUN_AGAIN } else { 0 }
        });
        let (status, state, _) = dispatcher.post_and_wait(inner, Duration::MAX);
        assert_eq!((status, state), (DCC_OK, DCC_JOB_COMPLETED));
        assert!((0..2).any(|_| dcc_slice_is_over() == DCC_RUN_AGAIN), "this slice is over still");
        0
    }));
    dispatcher.try_pump(1, DCC_NO_LIMIT).expect("on its thread");
    log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(dcc_slice_ends_at_ns(), DCC_NO_LIMIT);
    dispatcher.release();
}

#[test]
fn on_another_thread_a_slice_has_no_end() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let log = dispatcher.post_only(
        job(|_| {
            assert_eq!(dcc_slice_ends_at_ns(), DCC_NO_LIMIT);
            (0..1_000).map(|_| dcc_slice_is_over()).find(|answer| *answer != 0).unwrap_or(0)
        })
        .any_thread(),
    );
    listening::until("its completion", || dispatcher.pump().completed == 1);
    log.assert_over(DCC_JOB_COMPLETED);
    dispatcher.release();
}

unsafe extern "C" fn wake(wakes: *mut c_void) {
    // SAFETY: the counter of `with_host`, which lives for ever.
    unsafe { &*wakes.cast::<AtomicU32>() }.fetch_add(1, Ordering::SeqCst);
}

/// A dispatcher, and the number of times that its host was woken.
fn with_host() -> (Dispatcher, &'static AtomicU32) {
    let wakes: &'static AtomicU32 = listening::keep_for_ever(AtomicU32::new(0));
    let dispatcher = Dispatcher::with(|desc| {
        desc.user_data = std::ptr::from_ref(wakes).cast_mut().cast();
        desc.wake = Some(wake);
    });
    (dispatcher, wakes)
}

/// A job that sleeps after its first slice, and ends in its second.
fn sleeper() -> Post {
    let mut slices = 0;
    job(move |_| {
        slices += 1;
        if slices == 1 { DCC_RUN_WHEN_WOKEN } else { dcc_check_cancelled() }
    })
}

fn unwinding(mut post: Post) -> Post {
    post.desc.flags |= DCC_POST_UNWINDS;
    post
}

#[test]
fn a_job_that_sleeps_takes_no_tick_until_it_is_woken() {
    let _alone = alone();
    let (dispatcher, wakes) = with_host();
    let posted = dispatcher.post(sleeper());
    for runs in [1, 0, 0] {
        let tick = dispatcher.pump();
        assert_eq!((tick.executed, tick.remaining, tick.next_after_ns), (runs, 0, DCC_NO_LIMIT));
    }
    assert_eq!(dispatcher.stats().between_slices, 1);
    let before = wakes.load(Ordering::SeqCst);
    for _ in 0..2 {
        assert_eq!(dcc_job_wake(posted.job.pointer()), DCC_OK);
        assert_eq!(wakes.load(Ordering::SeqCst), before + 1, "the host is told once");
    }
    assert_eq!(dispatcher.pump().completed, 1);
    posted.log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(dcc_job_wake(posted.job.pointer()), DCC_OK, "over, it stays as it is");
    posted.job.release();
    dispatcher.release();
}

#[test]
fn a_wake_while_the_function_runs_is_kept() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let mut slices = 0;
    let posted = dispatcher.post(job(move |job| {
        slices += 1;
        if slices == 1 {
            assert_eq!(dcc_job_wake(job.pointer()), DCC_OK);
        }
        if slices < 3 { DCC_RUN_WHEN_WOKEN } else { 0 }
    }));
    assert_eq!(dispatcher.pump().remaining, 1, "woken already");
    assert_eq!(dispatcher.pump().remaining, 0, "that wake is used up");
    assert_eq!(dispatcher.pump().executed, 0);
    assert_eq!(dcc_job_wake(posted.job.pointer()), DCC_OK);
    assert_eq!(dispatcher.pump().completed, 1);
    posted.job.release();
    dispatcher.release();
}

#[test]
fn a_cancel_ends_a_job_that_sleeps_or_lets_it_unwind_first() {
    let _alone = alone();
    for unwinds in [false, true] {
        let (dispatcher, wakes) = with_host();
        let posted = dispatcher.post(if unwinds { unwinding(sleeper()) } else { sleeper() });
        dispatcher.pump();
        let before = wakes.load(Ordering::SeqCst);
        assert_eq!(posted.job.cancel(), DCC_OK);
        assert_eq!(posted.log.runs(), 1, "nothing resumes inside a cancel");
        assert_eq!(wakes.load(Ordering::SeqCst), before + 1, "the host knows");
        assert_eq!(dispatcher.pump().completed, 1);
        posted.log.assert_over(DCC_JOB_CANCELLED);
        assert_eq!(posted.log.runs(), 1 + u32::from(unwinds));
        posted.job.release();
        dispatcher.release();
    }
}

#[test]
fn a_job_that_unwinds_is_called_once_after_its_cancel_and_says_how_it_ends() {
    let _alone = alone();
    for (answer, state) in [
        (0, DCC_JOB_COMPLETED),
        (DCC_CANCELLED_BY_JOB, DCC_JOB_CANCELLED),
        (DCC_RUN_AGAIN, DCC_JOB_CANCELLED),
        (DCC_RUN_WHEN_WOKEN, DCC_JOB_CANCELLED),
        (-1, DCC_JOB_FAILED),
    ] {
        for is_cancelled_inside in [false, true] {
            let dispatcher = Dispatcher::new();
            let mut slices = 0;
            let posted = dispatcher.post(unwinding(job(move |job| {
                slices += 1;
                if slices == 2 {
                    assert_eq!(dcc_check_cancelled(), DCC_CANCELLED_BY_JOB);
                    return answer;
                }
                if is_cancelled_inside {
                    // The cancel comes after the job's last poll, so the job does not know of it.
                    job.cancel();
                }
                DCC_RUN_AGAIN
            })));
            dispatcher.pump();
            if !is_cancelled_inside {
                posted.job.cancel();
            }
            assert_eq!(dispatcher.pump().completed, 1);
            posted.log.assert_over(state);
            assert_eq!(posted.log.runs(), 2);
            posted.job.release();
            dispatcher.release();
        }
    }
}

#[test]
fn a_job_that_unwinds_and_never_began_is_not_called() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(unwinding(sleeper()));
    posted.job.cancel();
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(posted.log.runs(), 0);
    posted.job.release();
    dispatcher.release();
}

#[test]
fn a_close_ends_jobs_that_sleep() {
    let _alone = alone();
    for unwinds in [false, true] {
        let dispatcher = Dispatcher::new();
        let log = dispatcher.post_only(if unwinds { unwinding(sleeper()) } else { sleeper() });
        dispatcher.pump();
        assert_eq!(dispatcher.close(), DCC_OK);
        log.assert_over(DCC_JOB_INTERRUPTED);
        assert_eq!(log.runs(), 1);
        dispatcher.release();
    }
}

#[test]
fn jobs_that_no_pump_runs_do_not_sleep() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let (_, state, _) = dispatcher.post_and_wait(sleeper(), Duration::MAX);
    assert_eq!(state, DCC_JOB_FAILED);
    let posted = dispatcher.post(sleeper().any_thread());
    listening::until("its completion", || dispatcher.pump().completed == 1);
    assert!(posted.job.failure().contains("DCC_RUN_WHEN_WOKEN"), "{}", posted.job.failure());
    posted.job.release();
    dispatcher.release();

    let unposted = raw_job::new_job(c"unposted");
    assert_eq!(dcc_job_wake(unposted), DCC_ERROR_WRONG_STATE);
    assert!(last_error().contains("not posted"), "{}", last_error());
    assert_eq!(dcc_job_release(unposted), DCC_OK);
    assert_eq!(dcc_job_wake(std::ptr::null()), DCC_OK);
}

#[test]
fn a_job_for_any_thread_unwinds_too() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let mut slices = 0;
    let posted = dispatcher.post(
        unwinding(job(move |job| {
            slices += 1;
            if slices == 1 {
                job.cancel();
                return DCC_RUN_AGAIN;
            }
            dcc_check_cancelled()
        }))
        .any_thread(),
    );
    listening::until("its completion", || dispatcher.pump().completed == 1);
    posted.log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(posted.log.runs(), 2);
    posted.job.release();
    dispatcher.release();
}
