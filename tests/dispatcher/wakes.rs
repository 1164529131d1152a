//! What wakes a posted job that sleeps: the cancel of a token, or the end of another job. A job
//! that is away, because another thread works on its objects, is woken by that thread alone.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;
#[path = "../support/raw_job.rs"]
mod raw_job;

use dcc_cancel::ffi::{
    current::*, job::*, job_life::*, post::*, registration::*, slice::*, status::*, token::*,
};
use listening::alone;
use posting::*;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

fn new_token() -> *mut dcc_cancel_token {
    let mut token = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_cancel_token_create(&mut token) }, DCC_OK);
    token
}

fn cancel(token: *mut dcc_cancel_token) {
    // SAFETY: no reason.
    assert_eq!(unsafe { dcc_cancel_token_cancel(token, std::ptr::null(), 0) }, DCC_OK);
}

fn wake_at_cancel(job: *const dcc_job, token: *const dcc_cancel_token) -> *mut dcc_registration {
    let mut registration = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_job_wake_at_cancel(job, token, &mut registration) }, DCC_OK);
    registration
}

fn wake_at_end(job: *const dcc_job, awaited: *const dcc_job) -> *mut dcc_registration {
    // A second call of the same kind adds nothing.
    for _ in 0..2 {
        assert_eq!(dcc_job_wake_at_end(job, awaited), DCC_OK);
    }
    null_mut()
}

/// A job that arranges to be woken, with or without a registration, sleeps, unregisters, and
/// completes.
fn sleeper(begin: impl Fn(*const dcc_job) -> *mut dcc_registration + Send + 'static) -> Post {
    let mut registration: Option<usize> = None;
    job(move |job| match registration {
        None => {
            registration = Some(begin(job.pointer()) as usize);
            DCC_RUN_WHEN_WOKEN
        }
        Some(registration) => {
            let ended = dcc_registration_unregister(registration as *mut dcc_registration);
            assert!(ended == DCC_OK || ended == DCC_CALLBACK_DONE, "{ended}");
            0
        }
    })
}

#[test]
fn a_cancel_of_a_token_wakes_who_sleeps_until_then() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let token = new_token() as usize;
    let log = dispatcher
        .post_only(sleeper(move |job| wake_at_cancel(job, token as *const dcc_cancel_token)));
    for runs in [1, 0] {
        assert_eq!(dispatcher.pump().executed, runs);
    }
    std::thread::spawn(move || cancel(token as *mut dcc_cancel_token)).join().unwrap();
    assert_eq!(log.runs(), 1, "nothing of it runs inside the cancel");
    assert_eq!(dispatcher.pump().completed, 1);
    log.assert_over(DCC_JOB_COMPLETED);
    // A token that is cancelled already, and one that is gone.
    let late = dispatcher
        .post_only(sleeper(move |job| wake_at_cancel(job, token as *const dcc_cancel_token)));
    for _ in 0..2 {
        dispatcher.pump();
    }
    late.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(dcc_cancel_token_release(token as *mut dcc_cancel_token), DCC_OK);

    let token = new_token() as usize;
    let gone = dispatcher
        .post_only(sleeper(move |job| wake_at_cancel(job, token as *const dcc_cancel_token)));
    dispatcher.pump();
    assert_eq!(dcc_cancel_token_release(token as *mut dcc_cancel_token), DCC_OK);
    dispatcher.pump();
    gone.assert_over(DCC_JOB_COMPLETED);
    dispatcher.release();
}

#[test]
fn the_end_of_a_job_wakes_who_sleeps_until_then() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let ends: [fn(*mut dcc_job); 3] = [
        |awaited| {
            assert_eq!(dcc_job_begin(awaited), DCC_OK);
            assert_eq!(dcc_job_complete(awaited), DCC_OK);
            assert_eq!(dcc_job_release(awaited), DCC_OK);
        },
        |awaited| {
            assert_eq!(dcc_job_acknowledge_cancel(awaited), DCC_OK);
            assert_eq!(dcc_job_release(awaited), DCC_OK);
        },
        // The job is dropped unfinished.
        |awaited| assert_eq!(dcc_job_release(awaited), DCC_OK),
    ];
    for end in ends {
        let awaited = raw_job::new_job(c"awaited") as usize;
        let log =
            dispatcher.post_only(sleeper(move |job| wake_at_end(job, awaited as *const dcc_job)));
        for runs in [1, 0] {
            assert_eq!(dispatcher.pump().executed, runs);
        }
        std::thread::spawn(move || end(awaited as *mut dcc_job)).join().unwrap();
        assert_eq!(log.runs(), 1);
        assert_eq!(dispatcher.pump().completed, 1);
        log.assert_over(DCC_JOB_COMPLETED);
    }
    dispatcher.release();
}

#[test]
fn the_end_of_a_posted_job_is_when_its_completion_has_run() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    for any_thread in [false, true] {
        let (go, may_go) = mpsc::channel::<()>();
        let mut slices = 0;
        let awaited = job(move |_| {
            slices += 1;
            if any_thread {
                may_go.recv().unwrap();
                return 0;
            }
            if slices < 3 { DCC_RUN_AGAIN } else { 0 }
        });
        let awaited = dispatcher.post(if any_thread { awaited.any_thread() } else { awaited });
        let (awaited_job, ended) = (awaited.job.pointer() as usize, awaited.log.clone());
        let log = dispatcher.post_only(sleeper(move |job| {
            assert_eq!(ended.completions(), 0);
            wake_at_end(job, awaited_job as *const dcc_job)
        }));
        dispatcher.pump();
        assert_eq!((log.runs(), log.completions()), (1, 0));
        go.send(()).unwrap_or(());
        listening::until("both ends", || {
            dispatcher.pump();
            log.completions() == 1
        });
        assert_eq!(log.runs(), 2, "woken once");
        awaited.log.assert_over(DCC_JOB_COMPLETED);
        log.assert_over(DCC_JOB_COMPLETED);
        awaited.job.release();
    }
    dispatcher.release();
}

#[test]
fn who_waits_for_what_has_ended_or_for_nothing_is_woken_at_once() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let ended = raw_job::new_job(c"ended");
    assert_eq!(dcc_job_acknowledge_cancel(ended), DCC_OK);
    for awaited in [ended as usize, 0] {
        let log =
            dispatcher.post_only(sleeper(move |job| wake_at_end(job, awaited as *const dcc_job)));
        for _ in 0..2 {
            assert_eq!(dispatcher.pump().executed, 1);
        }
        log.assert_over(DCC_JOB_COMPLETED);
    }
    assert_eq!(dcc_job_release(ended), DCC_OK);
    dispatcher.release();
}

#[test]
fn the_end_of_a_job_wakes_nobody_who_is_over() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let awaited = raw_job::new_job(c"awaited");
    let mut others = Vec::new();
    for _ in 0..3 {
        let over = dispatcher.post(job(|_| DCC_RUN_WHEN_WOKEN));
        dispatcher.pump();
        wake_at_end(over.job.pointer(), awaited);
        over.job.cancel();
        dispatcher.pump();
        over.log.assert_over(DCC_JOB_CANCELLED);
        over.job.release();
        // A job that now has its slot.
        others.push(dispatcher.post(job(|_| DCC_RUN_WHEN_WOKEN)));
    }
    dispatcher.pump();
    assert_eq!(dcc_job_acknowledge_cancel(awaited), DCC_OK);
    assert_eq!(dispatcher.pump().executed, 0);
    assert_eq!(dcc_job_release(awaited), DCC_OK);
    dispatcher.close();
    for other in others {
        other.job.release();
    }
    dispatcher.release();
}

#[test]
fn what_is_unregistered_wakes_nobody() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let token = new_token();
    let posted = dispatcher.post(job(|_| DCC_RUN_WHEN_WOKEN));
    dispatcher.pump();
    for registration in [
        wake_at_cancel(posted.job.pointer(), token),
        wake_at_cancel(posted.job.pointer(), std::ptr::null()),
    ] {
        assert_eq!(dcc_registration_unregister(registration), DCC_OK);
    }
    cancel(token);
    // These jobs were not on the list of a token, from which they could have been taken off
    // quietly.
    assert!(dispatcher.pump().executed <= 1);
    assert_eq!(dispatcher.pump().executed, 0);
    assert_eq!(dcc_cancel_token_release(token), DCC_OK);
    dispatcher.close();
    posted.job.release();
    dispatcher.release();
}

#[test]
fn who_cannot_sleep_is_refused() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(job(|_| 0));
    let unposted = raw_job::new_job(c"unposted");
    let mut registration = null_mut();
    let own = posted.job.pointer();
    assert_eq!(dcc_job_wake_at_end(own, own), DCC_ERROR_WOULD_DEADLOCK);
    assert_eq!(dcc_job_wake_at_end(unposted, own), DCC_ERROR_WRONG_STATE);
    assert_eq!(dcc_job_wake_at_end(std::ptr::null(), own), DCC_OK);
    // SAFETY: a writable result.
    let mut at_cancel =
        |job| unsafe { dcc_job_wake_at_cancel(job, std::ptr::null(), &mut registration) };
    assert_eq!(at_cancel(unposted), DCC_ERROR_WRONG_STATE);
    assert_eq!(at_cancel(std::ptr::null()), DCC_OK);
    assert!(registration.is_null());
    assert_eq!(dcc_job_release(unposted), DCC_OK);
    dispatcher.pump();
    posted.job.release();
    dispatcher.release();
}

/// A job that is away after its first slice, and ends in its second.
fn away(unwinds: bool) -> Post {
    let mut slices = 0;
    let mut post = job(move |_| {
        slices += 1;
        if slices == 1 { DCC_RUN_AWAY } else { dcc_check_cancelled() }
    });
    if unwinds {
        post.desc.flags |= DCC_POST_UNWINDS;
    }
    post
}

#[test]
fn a_cancel_waits_for_the_wake_of_a_job_that_is_away() {
    let _alone = alone();
    for unwinds in [false, true] {
        for is_early in [false, true] {
            let dispatcher = Dispatcher::new();
            let posted = dispatcher.post(away(unwinds));
            for runs in [1, 0] {
                let tick = dispatcher.pump();
                assert_eq!((tick.executed, tick.remaining, tick.completed), (runs, 0, 0));
            }
            assert_eq!(dispatcher.stats().between_slices, 1);
            assert_eq!(posted.job.cancel(), DCC_OK);
            let tick = dispatcher.pump();
            assert_eq!((tick.executed, tick.completed), (0, 0), "another thread uses its things");
            if is_early {
                assert_eq!(dcc_job_wake(posted.job.pointer()), DCC_OK);
                assert_eq!(dispatcher.pump().completed, 1);
                posted.log.assert_over(DCC_JOB_CANCELLED);
                assert_eq!(posted.log.runs(), 1 + u32::from(unwinds));
            } else {
                assert_eq!(dispatcher.close(), DCC_OK);
                posted.log.assert_over(DCC_JOB_INTERRUPTED);
                assert_eq!(posted.log.runs(), 1);
            }
            posted.job.release();
            dispatcher.release();
        }
    }
}

#[test]
fn one_that_is_cancelled_as_it_goes_away_goes_all_the_same() {
    let _alone = alone();
    for unwinds in [false, true] {
        let dispatcher = Dispatcher::new();
        let slices = Arc::new(AtomicUsize::new(0));
        let mut post = job({
            let slices = slices.clone();
            move |job| {
                if slices.fetch_add(1, Ordering::SeqCst) > 0 {
                    return dcc_check_cancelled();
                }
                job.cancel();
                DCC_RUN_AWAY
            }
        });
        if unwinds {
            post.desc.flags |= DCC_POST_UNWINDS;
        }
        let posted = dispatcher.post(post);
        for _ in 0..2 {
            assert_eq!(dispatcher.pump().completed, 0);
        }
        assert_eq!(dcc_job_wake(posted.job.pointer()), DCC_OK);
        assert_eq!(dispatcher.pump().completed, 1);
        posted.log.assert_over(DCC_JOB_CANCELLED);
        assert_eq!(slices.load(Ordering::SeqCst), 1 + usize::from(unwinds));
        posted.job.release();
        dispatcher.release();
    }
}

#[test]
fn a_wake_before_a_job_goes_away_is_kept_and_no_worker_is_away() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let mut slices = 0;
    let log = dispatcher.post_only(job(move |job| {
        slices += 1;
        if slices > 1 {
            return 0;
        }
        assert_eq!(dcc_job_wake(job.pointer()), DCC_OK);
        DCC_RUN_AWAY
    }));
    for _ in 0..2 {
        assert_eq!(dispatcher.pump().executed, 1);
    }
    log.assert_over(DCC_JOB_COMPLETED);
    let posted = dispatcher.post(away(false).any_thread());
    listening::until("its completion", || dispatcher.pump().completed == 1);
    assert!(posted.job.failure().contains("DCC_RUN_AWAY"), "{}", posted.job.failure());
    posted.job.release();
    dispatcher.release();
}
