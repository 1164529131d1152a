//! Jobs that run or wait although no C code owns a reference: their poster gave its reference back,
//! or some code released a handle that was only borrowed. Questions about such a job are still
//! answered: the job is not gone, can be cancelled like any other, and its end is reported.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{current::*, job::*, job_life::*, post::DCC_RUN_AGAIN, status::*};
use listening::{Gate, NO_OWNER, NO_TOKEN, Watch, alone, until};
use posting::*;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// Releases a borrowed handle until the library refuses that.
fn release_all(job: Job) {
    while dcc_job_release(job.pointer()) == DCC_OK {}
}

/// A job that releases its handle too often in its function, and then gives these answers.
fn greedy(answers: &'static [i32]) -> Post {
    let slice = AtomicU32::new(0);
    job(move |job| {
        release_all(job);
        answers[slice.fetch_add(1, Ordering::SeqCst) as usize]
    })
}

/// The answers of a job's function, and how the job then ends.
const ENDS: [(&[i32], i32); 5] = [
    (&[0], DCC_JOB_COMPLETED),
    (&[1], DCC_JOB_CANCELLED),
    (&[-5], DCC_JOB_FAILED),
    (&[DCC_RUN_AGAIN, 0], DCC_JOB_COMPLETED),
    (&[DCC_RUN_AGAIN, -5], DCC_JOB_FAILED),
];

#[test]
fn a_wait_for_a_job_that_runs_at_once_tells_how_it_ended() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    for (answers, end) in ENDS {
        let (status, state, log) = dispatcher.post_and_wait(greedy(answers), Duration::MAX);
        assert_eq!((status, state), (DCC_OK, end), "{answers:?}");
        log.assert_over(end);
    }
    dispatcher.release();
}

#[test]
fn a_wait_for_a_job_of_another_thread_tells_how_it_ended() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    for (answers, end) in ENDS {
        let waiting =
            thread::spawn(move || dispatcher.post_and_wait(greedy(answers), Duration::MAX));
        until("it is over", || {
            dispatcher.pump();
            waiting.is_finished()
        });
        let (status, state, log) = waiting.join().unwrap();
        assert_eq!((status, state), (DCC_OK, end), "{answers:?}");
        log.assert_over(end);
    }
    dispatcher.release();
}

#[test]
fn a_wait_for_a_job_of_a_worker_tells_how_it_ended() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    for (answers, end) in ENDS {
        let post = greedy(answers).any_thread();
        let (status, state, log) = dispatcher.post_and_wait(post, Duration::MAX);
        assert_eq!((status, state), (DCC_OK, end), "{answers:?}");
        dispatcher.pump();
        log.assert_over(end);
    }
    dispatcher.release();
}

#[test]
fn a_completion_that_releases_what_is_lent_to_it_changes_nothing() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let post = nothing().completed(|job, _| release_all(job));
    let (status, state, log) = dispatcher.post_and_wait(post, Duration::MAX);
    assert_eq!((status, state), (DCC_OK, DCC_JOB_COMPLETED));
    log.assert_over(DCC_JOB_COMPLETED);
    dispatcher.release();
}

/// A host's pool that runs a job before it has accepted it.
unsafe extern "C" fn execute_at_once(
    run: Option<unsafe extern "C" fn(*mut c_void)>,
    argument: *mut c_void,
    _host: *mut c_void,
) -> i32 {
    // SAFETY: what the library gave is called once with what it gave for it.
    unsafe { run.unwrap()(argument) };
    0
}

/// A post's answer is right even if its job has run and was released before the post returned, with
/// and without a wait.
#[test]
fn a_post_whose_job_has_run_already_was_accepted() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|desc| desc.execute = Some(execute_at_once));
    for (answers, end) in ENDS {
        let log = dispatcher.post_only(greedy(answers).any_thread());
        assert!(log.runs() >= 1, "inside the post");
        until("it is over", || {
            dispatcher.pump();
            log.destroys() == 1
        });
        log.assert_over(end);
    }
    dispatcher.release();
}

/// Checks a job that has no reference of C code and has not ended: it is not gone, and its cancel
/// is the first one.
#[track_caller]
fn assert_lives_and_cancel(job: Job) {
    assert_eq!(dcc_job_release(job.pointer()), DCC_ERROR_INVALID_HANDLE, "no owner is left");
    assert_eq!(dcc_job_is_cancelled(job.pointer()), DCC_OK);
    assert_eq!(job.cancel(), DCC_OK);
    assert_eq!(dcc_job_is_cancelled(job.pointer()), DCC_CANCELLED_BY_JOB);
}

#[test]
fn a_queued_job_is_cancelled() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    for any_thread in [false, true] {
        let gate = Gate::new();
        // All workers are busy, so that jobs for any thread are queued, too.
        let busy: Vec<_> = (0..if any_thread { 64 } else { 0 })
            .map(|_| {
                let pass = job(|_| {
                    gate.pass();
                    0
                });
                dispatcher.post_only(pass.any_thread())
            })
            .collect();
        let post = if any_thread { nothing().any_thread() } else { nothing() };
        let Posted { job, log } = dispatcher.post(post);
        release_all(job);
        assert_lives_and_cancel(job);
        dispatcher.pump();
        log.assert_over(DCC_JOB_CANCELLED);
        assert_eq!(log.runs(), 0);
        gate.open();
        until("the workers are done", || {
            dispatcher.pump();
            busy.iter().all(|log| log.destroys() == 1)
        });
    }
    dispatcher.release();
}

#[test]
fn a_running_job_is_cancelled() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    for any_thread in [false, true] {
        let run = job(|job| {
            release_all(job);
            assert_eq!(dcc_check_cancelled(), DCC_OK);
            assert_lives_and_cancel(job);
            dcc_check_cancelled()
        });
        let log = dispatcher.post_only(if any_thread { run.any_thread() } else { run });
        until("it is over", || {
            dispatcher.pump();
            log.destroys() == 1
        });
        log.assert_over(DCC_JOB_CANCELLED);
    }
    dispatcher.release();
}

#[test]
fn a_job_between_two_slices_is_cancelled() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let Posted { job, log } = dispatcher.post(job(|_| DCC_RUN_AGAIN));
    dispatcher.pump();
    release_all(job);
    assert_lives_and_cancel(job);
    dispatcher.pump();
    log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(log.runs(), 1);
    dispatcher.release();
}

#[test]
fn a_foreign_job_that_is_current_is_asked_and_cancelled() {
    let _alone = alone();
    let watch = Watch::new();
    let job = listening::Job::try_new(watch, NO_OWNER, NO_TOKEN, true).unwrap();
    assert_eq!(dcc_job_begin(job.pointer()), DCC_OK);
    let mut ticket = 0;
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_job_set_current(job.pointer(), &mut ticket) }, DCC_OK);
    let lent = Job(job.0);
    release_all(lent);
    assert_eq!(dcc_check_cancelled(), DCC_OK);
    assert_eq!(watch.asked(), 1, "it is asked as before");
    assert_lives_and_cancel(lent);
    assert_eq!(dcc_check_cancelled(), DCC_CANCELLED_BY_JOB);
    assert_eq!(dcc_job_acknowledge_cancel(job.pointer()), DCC_OK);
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
    assert_eq!(watch.counts(), (0, 1));
}
