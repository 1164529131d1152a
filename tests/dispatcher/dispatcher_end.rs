//! The end of a dispatcher, and the end of the owner of a job's functions.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{dispatcher::*, job::*, job_life::*, post::*, status::*};
use listening::{Gate, Owner, alone, until};
use posting::*;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

#[test]
fn a_close_on_its_thread_completes_everything_that_waits_as_interrupted() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let step = dispatcher.post(job(|_| DCC_RUN_AGAIN));
    dispatcher.pump();
    let waiting = dispatcher.post(nothing());
    let cancelled = dispatcher.post(nothing());
    cancelled.job.cancel();
    assert_eq!(dispatcher.close(), DCC_OK);
    step.log.assert_over(DCC_JOB_INTERRUPTED);
    waiting.log.assert_over(DCC_JOB_INTERRUPTED);
    cancelled.log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!((step.log.runs(), waiting.log.runs()), (1, 0));
    assert_eq!(waiting.job.failure(), "its dispatcher was closed");
    assert_eq!(dispatcher.try_post(nothing()).err(), Some(DCC_ERROR_SHUTDOWN));
    assert_eq!(dispatcher.post_and_wait(nothing(), Duration::MAX).0, DCC_ERROR_SHUTDOWN);
    assert_eq!(dispatcher.close(), DCC_OK, "again");
    let tick = dispatcher.pump();
    assert_eq!((tick.executed, tick.completed, tick.remaining), (0, 0, 0));
    let stats = dispatcher.stats();
    assert_eq!((stats.is_closed, stats.interrupted, stats.cancelled, stats.depth), (1, 2, 1, 0));
    [step, waiting, cancelled].into_iter().for_each(|posted| posted.job.release());
    dispatcher.release();
}

#[test]
fn a_close_on_another_thread_leaves_the_completions_to_the_next_pump() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted: Vec<_> = (0..300).map(|_| dispatcher.post_only(nothing())).collect();
    let other = thread::spawn(move || (dispatcher.close(), dispatcher.close()));
    assert_eq!(other.join().unwrap(), (DCC_PENDING, DCC_PENDING));
    posted.iter().for_each(|log| assert_eq!((log.completions(), log.destroys()), (0, 0)));
    let stats = dispatcher.stats();
    assert_eq!((stats.depth, stats.awaiting_completion), (0, 300));
    assert_eq!(listening::stats().unfinished_posts, 300);
    // This happens with any bounds.
    let tick = dispatcher.try_pump(0, 0).unwrap();
    assert_eq!((tick.executed, tick.completed, tick.remaining), (0, 300, 0));
    posted.iter().for_each(|log| log.assert_over(DCC_JOB_INTERRUPTED));
    assert_eq!(dispatcher.pump().completed, 0, "later ticks drain nothing");
    assert_eq!(thread::spawn(move || dispatcher.close()).join().unwrap(), DCC_OK);
    dispatcher.release();
}

#[test]
fn a_close_inside_a_job_asks_that_job_and_completes_the_others_after_it() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let others = Arc::new(AtomicU32::new(0));
    let seen = others.clone();
    let inside = dispatcher.post(job(move |job| {
        assert_eq!(dispatcher.close(), DCC_PENDING);
        assert_eq!(seen.load(Ordering::Relaxed), 0, "not in the middle of this one");
        dcc_job_is_cancelled(job.pointer())
    }));
    let waiting = dispatcher.post(nothing().completed(move |_, _| {
        others.fetch_add(1, Ordering::Relaxed);
    }));
    let tick = dispatcher.try_pump(1, 1).unwrap();
    assert_eq!((tick.executed, tick.completed), (1, 2));
    inside.log.assert_over(DCC_JOB_CANCELLED);
    waiting.log.assert_over(DCC_JOB_INTERRUPTED);
    inside.job.release();
    waiting.job.release();
    dispatcher.release();
}

#[test]
fn a_close_waits_for_no_other_thread_but_is_pending_until_it_is_done() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let gate = Gate::new();
    let running = dispatcher.post(
        job(move |job| {
            gate.pass();
            dcc_job_is_cancelled(job.pointer())
        })
        .any_thread(),
    );
    until("it runs", || running.log.runs() == 1);
    assert_eq!(dispatcher.close(), DCC_PENDING);
    gate.open();
    until("it ran", || dispatcher.stats().awaiting_completion == 1);
    assert_eq!(running.log.completions(), 0, "not on the worker");
    assert_eq!(dispatcher.close(), DCC_OK);
    running.log.assert_over(DCC_JOB_CANCELLED);
    running.job.release();
    dispatcher.release();
}

#[test]
fn the_last_release_shuts_down_and_the_handle_is_pumped_on() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let here = dispatcher.post_only(nothing());
    dispatcher.release();
    here.assert_over(DCC_JOB_INTERRUPTED);
    assert_eq!(dispatcher.try_pump(1, 1).err(), Some(DCC_ERROR_INVALID_HANDLE));
    let dispatcher = Dispatcher::new();
    assert_eq!(dcc_dispatcher_retain(dispatcher.pointer()), DCC_OK);
    dispatcher.release();
    let elsewhere = dispatcher.post_only(nothing());
    thread::spawn(move || dispatcher.release()).join().unwrap();
    assert_eq!((elsewhere.completions(), elsewhere.destroys()), (0, 0));
    assert_eq!(dispatcher.try_post(nothing()).err(), Some(DCC_ERROR_SHUTDOWN));
    assert_eq!(listening::stats().live_dispatchers, 1, "its last completion keeps it");
    assert_eq!(dispatcher.pump().completed, 1);
    elsewhere.assert_over(DCC_JOB_INTERRUPTED);
    assert_eq!(listening::stats().live_dispatchers, 0);
}

#[test]
fn the_dispatchers_own_notify_runs_once_after_all_its_jobs() {
    let _alone = alone();
    static DESTROYED: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C" fn destroy(_: *mut c_void) {
        DESTROYED.fetch_add(1, Ordering::Relaxed);
    }
    let dispatcher = Dispatcher::with(|desc| desc.destroy = Some(destroy));
    let log = dispatcher.post_only(nothing().completed(|_, _| {
        assert_eq!(DESTROYED.load(Ordering::Relaxed), 0);
    }));
    dispatcher.release();
    log.assert_over(DCC_JOB_INTERRUPTED);
    assert_eq!(DESTROYED.load(Ordering::Relaxed), 1);
    // If a create fails, the user data stays the caller's.
    let mut desc = dispatcher_desc();
    desc.destroy = Some(destroy);
    desc.capacity = DCC_MAX_CAPACITY + 1;
    let mut out = std::ptr::null_mut();
    // SAFETY: a filled-in descriptor and a writable result.
    let status = unsafe { dcc_dispatcher_create(&desc, &mut out) };
    assert_eq!((status, out.is_null()), (DCC_ERROR_INVALID_ARGUMENT, true));
    assert_eq!(DESTROYED.load(Ordering::Relaxed), 1);
}

#[test]
fn an_owners_close_on_the_dispatchers_thread_completes_its_jobs_there() {
    let _alone = alone();
    let (owner, other) = (Owner::new(), Owner::new());
    let dispatcher = Dispatcher::new();
    let step = dispatcher.post(job(|_| DCC_RUN_AGAIN).owner(owner.pointer()));
    dispatcher.pump();
    let waiting = dispatcher.post(nothing().owner(owner.pointer()));
    let cancelled = dispatcher.post(nothing().owner(owner.pointer()));
    cancelled.job.cancel();
    let others = dispatcher.post(nothing().owner(other.pointer()));
    assert_eq!(owner.close(), DCC_OK);
    step.log.assert_over(DCC_JOB_INTERRUPTED);
    waiting.log.assert_over(DCC_JOB_INTERRUPTED);
    cancelled.log.assert_over(DCC_JOB_CANCELLED);
    assert_eq!(waiting.job.failure(), "its owner was closed");
    assert_eq!(dispatcher.stats().depth, 1);
    let refused = dispatcher.try_post(nothing().owner(owner.pointer()));
    assert_eq!(refused.err(), Some(DCC_ERROR_SHUTDOWN));
    assert_eq!(dispatcher.pump().executed, 1);
    others.log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(dispatcher.stats().completions_dropped, 0);
    assert_eq!(other.close(), DCC_OK);
    [step, waiting, cancelled, others].into_iter().for_each(|posted| posted.job.release());
    dispatcher.release();
}

#[test]
fn an_owners_close_on_another_thread_leaves_the_completions_out_and_counts_them() {
    let _alone = alone();
    let owner = Owner::new();
    let dispatcher = Dispatcher::new();
    let posted: Vec<_> =
        (0..3).map(|_| dispatcher.post(nothing().owner(owner.pointer()))).collect();
    posted[0].job.cancel();
    assert_eq!(thread::spawn(move || owner.close()).join().unwrap(), DCC_OK);
    for each in &posted {
        assert_eq!((each.log.completions(), each.log.destroys()), (0, 1));
    }
    assert_eq!(posted[0].job.state(), DCC_JOB_CANCELLED);
    assert_eq!(posted[1].job.state(), DCC_JOB_INTERRUPTED);
    assert_eq!(dispatcher.stats().completions_dropped, 3);
    dispatcher.pump();
    assert_eq!(listening::stats().unfinished_posts, 0);
    for each in posted {
        assert_eq!((each.log.completions(), each.log.destroys()), (0, 1));
        each.job.release();
    }
    dispatcher.release();
}

#[test]
fn an_owners_close_waits_for_its_function_on_a_worker_and_would_deadlock_inside_it() {
    let _alone = alone();
    let owner = Owner::new();
    let dispatcher = Dispatcher::new();
    let (gate, inside) = (Gate::new(), Arc::new(AtomicI32::new(0)));
    let answer = inside.clone();
    let posted = dispatcher.post(
        job(move |_| {
            answer.store(owner.close(), Ordering::Relaxed);
            gate.pass();
            0
        })
        .owner(owner.pointer())
        .any_thread(),
    );
    until("it runs", || inside.load(Ordering::Relaxed) != 0);
    assert_eq!(inside.load(Ordering::Relaxed), DCC_ERROR_WOULD_DEADLOCK);
    let closer = thread::spawn(move || owner.close());
    thread::sleep(Duration::from_millis(30));
    assert!(!closer.is_finished(), "its function still runs");
    gate.open();
    assert_eq!(closer.join().unwrap(), DCC_OK);
    assert_eq!((posted.log.completions(), posted.log.destroys()), (0, 1));
    assert_eq!(posted.job.state(), DCC_JOB_COMPLETED, "it had done its work");
    assert_eq!(dispatcher.stats().completions_dropped, 1);
    dispatcher.pump();
    posted.job.release();
    dispatcher.release();
}

#[test]
fn the_close_of_a_dispatchers_owner_shuts_it_down_and_calls_none_of_its_functions() {
    let _alone = alone();
    static CALLED: AtomicU32 = AtomicU32::new(0);
    static DESTROYED: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C" fn wake(_: *mut c_void) {
        CALLED.fetch_add(1, Ordering::Relaxed);
    }
    unsafe extern "C" fn destroy(_: *mut c_void) {
        DESTROYED.fetch_add(1, Ordering::Relaxed);
    }
    let owner = Owner::new();
    let dispatcher = Dispatcher::with(|desc| {
        desc.owner = owner.pointer();
        desc.wake = Some(wake);
        desc.destroy = Some(destroy);
    });
    let log = dispatcher.post_only(nothing());
    assert_eq!(thread::spawn(move || owner.close()).join().unwrap(), DCC_OK);
    assert_eq!(DESTROYED.load(Ordering::Relaxed), 1);
    let called = CALLED.load(Ordering::Relaxed);
    assert_eq!(dispatcher.try_post(nothing()).err(), Some(DCC_ERROR_SHUTDOWN));
    assert_eq!(dispatcher.pump().completed, 1);
    log.assert_over(DCC_JOB_INTERRUPTED);
    dispatcher.release();
    assert_eq!((CALLED.load(Ordering::Relaxed), DESTROYED.load(Ordering::Relaxed)), (called, 1));
}

#[test]
fn a_caller_id_is_found_while_its_job_is_not_over_and_cannot_be_used_twice() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let find = move |id: &str| {
        let mut job = std::ptr::null_mut();
        // SAFETY: a text of that length and a writable result.
        let status = unsafe {
            dcc_dispatcher_find(dispatcher.pointer(), id.as_ptr().cast(), id.len(), &mut job)
        };
        (status, Job(job.addr()))
    };
    assert_eq!(find("render"), (DCC_NOT_FOUND, Job(0)));
    let again = Arc::new(AtomicU32::new(0));
    let reposted = again.clone();
    let first = dispatcher.post(nothing().caller_id("render").completed(move |_, _| {
        dispatcher.post_only(nothing().caller_id("render"));
        reposted.fetch_add(1, Ordering::Relaxed);
    }));
    let (status, found) = find("render");
    assert_eq!((status, found), (DCC_OK, first.job));
    found.release();
    let twice = dispatcher.try_post(nothing().caller_id("render"));
    assert_eq!(twice.err(), Some(DCC_ERROR_DUPLICATE));
    assert_eq!(dispatcher.stats().depth, 1, "a refused post leaves nothing");
    let other = Dispatcher::new();
    let elsewhere = other.post_only(nothing().caller_id("render"));
    other.pump();
    elsewhere.assert_over(DCC_JOB_COMPLETED);
    first.job.cancel();
    assert_eq!(find("render").0, DCC_OK, "not over before its completion");
    found.release();
    dispatcher.try_pump(DCC_NO_LIMIT, 0).unwrap();
    dispatcher.try_pump(DCC_NO_LIMIT, 1).unwrap();
    assert_eq!(again.load(Ordering::Relaxed), 1);
    dispatcher.pump();
    assert_eq!(find("render").0, DCC_NOT_FOUND);
    let by_id = |id| {
        let mut job = std::ptr::null_mut();
        // SAFETY: a writable result.
        (unsafe { dcc_job_find(id, &mut job) }, Job(job.addr()))
    };
    assert_eq!(by_id(first.job.id()), (DCC_OK, first.job));
    first.job.release();
    first.job.release();
    other.release();
    dispatcher.release();
}
