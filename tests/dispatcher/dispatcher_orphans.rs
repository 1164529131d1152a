//! Dispatchers without a thread: no thread has pumped the dispatcher yet, or its thread has ended.
//! Each call still gets an answer, and no call waits for a thread that never comes.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/native_events.rs"]
mod native_events;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{dispatcher::*, job::*, job_wait::*, post::*, slice::*, status::*, wait::*};
use listening::{Owner, stats, until};
use native_events::is_set;
use posting::*;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

const FOREVER: Duration = Duration::MAX;
/// Lets one test run at a time, because the counts belong to the whole process. Objects of a thread
/// that has ended stay.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHORT: Duration = Duration::from_millis(1);

/// A job with an owner, whose close frees its functions if the job is never completed.
fn owned(owner: Owner) -> Post {
    nothing().owner(owner.pointer())
}

/// Waits for ever on another thread. Returns the answer of the wait.
fn wait_elsewhere(
    dispatcher: Dispatcher,
    post: impl FnOnce() -> Post + Send + 'static,
) -> thread::JoinHandle<(i32, i32, u32)> {
    let before = dispatcher.stats().posted;
    let waiter = thread::spawn(move || {
        let (status, state, log) = dispatcher.post_and_wait(post(), FOREVER);
        (status, state, log.runs())
    });
    until("it was accepted", || dispatcher.stats().posted > before);
    waiter
}

fn without_thread() -> Dispatcher {
    Dispatcher::with(|desc| desc.flags = DCC_DISPATCHER_BIND_LATER)
}

/// A dispatcher of a new thread, which ends when a message is sent to it.
fn of_a_thread(owner: Owner) -> (Dispatcher, mpsc::Sender<()>, thread::JoinHandle<()>) {
    let (to_main, dispatcher) = mpsc::channel();
    let (end, ends) = mpsc::channel();
    let thread = thread::spawn(move || {
        // Only the end of the dispatcher's thread can free the waiting thread.
        let dispatcher = Dispatcher::with(|desc| {
            desc.wedge_threshold_ns = DCC_NO_LIMIT;
            desc.owner = owner.pointer();
        });
        to_main.send(dispatcher).unwrap();
        while ends.recv().is_ok() {
            dispatcher.pump();
        }
    });
    (dispatcher.recv().unwrap(), end, thread)
}

fn orphan(owner: Owner) -> Dispatcher {
    let (dispatcher, end, thread) = of_a_thread(owner);
    drop(end);
    thread.join().unwrap();
    dispatcher
}

#[test]
fn a_dispatcher_that_nobody_has_pumped_answers() {
    let _alone = alone();
    let dispatcher = without_thread();
    let (status, state, late) = dispatcher.post_and_wait(nothing(), SHORT);
    assert_eq!((status, state, late.runs()), (DCC_TIMED_OUT, DCC_JOB_CANCELLED, 0));

    let owner = Owner::new();
    let waiter = wait_elsewhere(dispatcher, move || owned(owner));
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!(waiter.join().unwrap(), (DCC_OK, DCC_JOB_INTERRUPTED, 0));

    let waiter = wait_elsewhere(dispatcher, nothing);
    assert_eq!(dispatcher.close(), DCC_PENDING);
    assert_eq!(waiter.join().unwrap(), (DCC_OK, DCC_JOB_INTERRUPTED, 0));
    assert_eq!(dispatcher.try_post(nothing()).err(), Some(DCC_ERROR_SHUTDOWN));

    // The first thread that pumps the dispatcher completes the jobs that are there.
    dispatcher.pump();
    late.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(dispatcher.close(), DCC_OK);
    dispatcher.release();
}

#[test]
fn a_dispatcher_that_nobody_has_pumped_can_be_let_go_and_its_owner_closed() {
    let _alone = alone();
    // On a thread that has not used the library before.
    let dispatcher = without_thread();
    let (before, log) = (stats(), dispatcher.post_only(nothing()));
    thread::spawn(move || dispatcher.release()).join().unwrap();
    log.assert_over(DCC_JOB_INTERRUPTED);
    assert_eq!(stats().unfinished_posts, before.unfinished_posts);
    assert_eq!(stats().live_dispatchers, before.live_dispatchers - 1);
    assert_eq!(dispatcher.try_pump(1, 1).err(), Some(DCC_ERROR_INVALID_HANDLE));

    let owner = Owner::new();
    let dispatcher = Dispatcher::with(|desc| {
        desc.flags = DCC_DISPATCHER_BIND_LATER;
        desc.owner = owner.pointer();
    });
    let log = dispatcher.post_only(owned(owner));
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!((log.runs(), log.completions(), log.destroys()), (0, 0, 1));
    dispatcher.pump();
    dispatcher.release();
}

#[test]
fn what_still_runs_when_its_dispatcher_is_let_go_is_completed_by_whoever_pumps() {
    let _alone = alone();
    let dispatcher = without_thread();
    let (begin, has_begun) = mpsc::channel();
    let (go_on, may_end) = mpsc::channel::<()>();
    let runs = job(move |_| {
        begin.send(()).unwrap();
        may_end.recv().unwrap();
        0
    });
    let running = dispatcher.post(runs.any_thread());
    let waiting = dispatcher.post_only(nothing());
    has_begun.recv().unwrap();
    dispatcher.release();
    waiting.assert_over(DCC_JOB_INTERRUPTED);
    assert_eq!(running.log.completions(), 0);
    // This thread need not be the one that pumps, so it may wait for the job.
    assert_eq!(dcc_job_wait(running.job.pointer(), 20_000_000), DCC_TIMED_OUT);
    go_on.send(()).unwrap();
    let ends = thread::spawn(move || {
        until("its job is over", || {
            dispatcher.pump();
            running.log.completions() == 1
        });
        running
    });
    let running = ends.join().unwrap();
    running.log.assert_over(DCC_JOB_COMPLETED);
    running.job.release();
}

#[test]
fn nobody_waits_for_a_thread_that_has_ended() {
    let _alone = alone();
    let owner = Owner::new();
    let dispatcher = orphan(owner);
    let unfinished = stats().unfinished_posts;
    let (status, state, log) = dispatcher.post_and_wait(owned(owner), FOREVER);
    assert_eq!((status, state, log.runs()), (DCC_WEDGED, DCC_JOB_CANCELLED, 0));
    let (status, state, log) = dispatcher.post_and_wait(owned(owner).any_thread(), FOREVER);
    assert_eq!((status, state, log.runs()), (DCC_STARTED, DCC_JOB_COMPLETED, 1));
    let queued = dispatcher.post(owned(owner));
    assert_eq!(dispatcher.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT).err(), Some(DCC_ERROR_WRONG_THREAD));
    assert_eq!(dispatcher.close(), DCC_PENDING);
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!(queued.job.state(), DCC_JOB_INTERRUPTED);
    queued.job.release();
    assert_eq!((queued.log.completions(), queued.log.destroys()), (0, 1));
    assert_eq!(dispatcher.stats().completions_dropped, 3);
    assert_eq!(stats().unfinished_posts, unfinished + 3);
    dispatcher.release();
}

#[test]
fn who_waits_for_a_thread_is_freed_by_its_end() {
    let _alone = alone();
    let owner = Owner::new();
    let (dispatcher, end, thread) = of_a_thread(owner);
    let waiter = wait_elsewhere(dispatcher, move || owned(owner));
    drop(end);
    thread.join().unwrap();
    assert_eq!(waiter.join().unwrap(), (DCC_WEDGED, DCC_JOB_CANCELLED, 0));
    assert_eq!(owner.close(), DCC_OK);
    dispatcher.release();
}

#[test]
fn who_waits_for_the_next_slice_is_freed_by_its_threads_end() {
    let _alone = alone();
    for answer in [DCC_RUN_AGAIN, DCC_RUN_WHEN_WOKEN] {
        let owner = Owner::new();
        let (dispatcher, end, thread) = of_a_thread(owner);
        let endless = move || job(move |_| answer).owner(owner.pointer());
        let waiter = wait_elsewhere(dispatcher, endless);
        end.send(()).unwrap();
        until("it waits for its next slice", || dispatcher.stats().between_slices == 1);
        drop(end);
        thread.join().unwrap();
        let (status, state, runs) = waiter.join().unwrap();
        assert_eq!((status, runs), (DCC_STARTED, 1));
        assert!([DCC_JOB_RUNNING, DCC_JOB_CANCELLED].contains(&state), "{state}");
        assert_eq!(owner.close(), DCC_OK);
        dispatcher.release();
    }
}

#[test]
fn nobody_waits_for_the_end_of_a_job_whose_thread_has_ended() {
    let _alone = alone();
    for waits_before in [true, false] {
        let owner = Owner::new();
        let (dispatcher, end, thread) = of_a_thread(owner);
        let job = dispatcher.post(owned(owner)).job;
        let mut event = DCC_NO_NATIVE_EVENT;
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_job_native_event(job.pointer(), &mut event) }, DCC_OK);
        let sleeps_here = Dispatcher::new();
        let sleeper = sleeps_here.post(posting::job(|_| DCC_RUN_WHEN_WOKEN));
        sleeps_here.pump();
        if waits_before {
            assert_eq!(dcc_job_wake_at_end(sleeper.job.pointer(), job.pointer()), DCC_OK);
            assert_eq!(sleeps_here.pump().executed, 0);
        }
        let waiting = waits_before.then(|| {
            let before = stats().live_registrations;
            let waiting = thread::spawn(move || dcc_job_wait(job.pointer(), DCC_NO_LIMIT));
            until("it waits", || stats().live_registrations > before);
            waiting
        });
        drop(end);
        thread.join().unwrap();
        let waited = waiting.map_or(DCC_NEVER, |waiting| waiting.join().unwrap());
        assert_eq!(waited, DCC_NEVER);
        assert_eq!(dcc_job_wait(job.pointer(), DCC_NO_LIMIT), DCC_NEVER);
        assert_eq!(dcc_job_wait(job.pointer(), 0), DCC_NEVER, "what the event tells of");
        assert!(is_set(event));
        assert_eq!(dcc_native_event_close(event), DCC_OK);
        if !waits_before {
            assert_eq!(dcc_job_wake_at_end(sleeper.job.pointer(), job.pointer()), DCC_OK);
        }
        assert_eq!(sleeps_here.pump().executed, 1, "woken once");
        sleeps_here.close();
        sleeper.job.release();
        sleeps_here.release();
        assert_eq!(owner.close(), DCC_OK);
        assert_eq!(dcc_job_wait(job.pointer(), DCC_NO_LIMIT), DCC_OK, "its owner's close ended it");
        job.release();
        dispatcher.release();
    }
}
