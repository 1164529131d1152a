//! Waits for the end of a job: for each way in which a job can end, from each place that can wait,
//! and in rings of such waits.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/native_events.rs"]
mod native_events;
#[path = "../support/posting.rs"]
mod posting;
#[path = "../support/raw_job.rs"]
mod raw_job;

use dcc_cancel::ffi::{
    context::*, dispatcher::DCC_NO_LIMIT, job::*, job_life::*, job_wait::*, owner::*, status::*,
    wait::*,
};
use listening::*;
use native_events::is_set;
use posting::{Dispatcher, Job, job, nothing};
use raw_job::{new_job, with_current};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc;
use std::thread;

fn wait(job: Job) -> dcc_status {
    dcc_job_wait(job.pointer(), DCC_NO_LIMIT)
}

fn look(job: Job) -> dcc_status {
    dcc_job_wait(job.pointer(), 0)
}

fn create() -> Job {
    Job(new_job(c"waited for").addr())
}

/// Waits until this many threads sleep for the end of a job.
fn until_waiting(count: u64) {
    until("it waits", || stats().live_registrations == count);
}

fn event(job: *const dcc_job) -> dcc_native_event {
    let mut event = DCC_NO_NATIVE_EVENT;
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_job_native_event(job, &mut event) }, DCC_OK);
    event
}

type End = fn(*mut dcc_job) -> dcc_status;

const ENDS: [(i32, End); 4] = [
    (DCC_JOB_COMPLETED, |job| {
        assert_eq!(dcc_job_begin(job), DCC_OK);
        dcc_job_complete(job)
    }),
    // SAFETY: no message.
    (DCC_JOB_FAILED, |job| unsafe { dcc_job_fail(job, null(), 0) }),
    (DCC_JOB_CANCELLED, |job| dcc_job_acknowledge_cancel(job)),
    // SAFETY: no message.
    (DCC_JOB_INTERRUPTED, |job| unsafe { dcc_job_interrupt(job, null(), 0) }),
];

#[test]
fn each_end_ends_the_wait_and_sets_the_event() {
    let _alone = alone();
    for (state, end) in ENDS {
        let job = create();
        assert_eq!(look(job), DCC_TIMED_OUT);
        assert_eq!(dcc_job_wait(job.pointer(), 1_000_000), DCC_TIMED_OUT);
        let event = event(job.pointer());
        if state != DCC_JOB_COMPLETED {
            job.cancel();
        }
        assert!(!is_set(event), "a cancel only asks");
        thread::scope(|scope| {
            let waits = [(); 3].map(|()| scope.spawn(move || (wait(job), job.state())));
            until_waiting(4);
            assert_eq!(end(job.pointer()), DCC_OK);
            for wait in waits {
                assert_eq!(wait.join().unwrap(), (DCC_OK, state));
            }
        });
        assert!(is_set(event));
        assert_eq!((wait(job), look(job)), (DCC_OK, DCC_OK));
        assert_eq!(dcc_native_event_close(event), DCC_OK);
        job.release();
    }
}

#[test]
fn a_completed_job_is_not_waited_for_and_no_job_never_is() {
    let _alone = alone();
    let job = create();
    assert_eq!(ENDS[0].1(job.pointer()), DCC_OK);
    assert_eq!(wait(job), DCC_OK);
    for job in [job.pointer(), null_mut()] {
        let event = event(job);
        assert!(is_set(event));
        assert_eq!(dcc_native_event_close(event), DCC_OK);
    }
    assert_eq!(dcc_job_wait(null(), DCC_NO_LIMIT), DCC_OK);
    job.release();
    assert_eq!(wait(job), DCC_ERROR_INVALID_HANDLE);
}

#[test]
fn a_job_that_is_dropped_unfinished_is_gone() {
    let _alone = alone();
    let job = create();
    let event = event(job.pointer());
    thread::scope(|scope| {
        let waiting = scope.spawn(move || wait(job));
        until_waiting(2);
        job.release();
        assert_eq!(waiting.join().unwrap(), DCC_POLL_GONE);
    });
    assert!(is_set(event));
    assert_eq!(dcc_native_event_close(event), DCC_OK);
}

/// After the wait, all that the job wrote before its end is visible, and the job's scene can be
/// freed.
#[test]
fn what_a_job_works_on_can_be_freed_after_the_wait() {
    let _alone = alone();
    for _ in 0..100 {
        let job = create();
        let mut scene = Box::new(0_u64);
        let place = (&raw mut *scene).expose_provenance();
        let render = thread::spawn(move || {
            assert_eq!(dcc_job_begin(job.pointer()), DCC_OK);
            while dcc_job_is_cancelled(job.pointer()) == 0 {
                thread::yield_now();
            }
            // SAFETY: the scene is there until the job has ended.
            unsafe { std::ptr::with_exposed_provenance_mut::<u64>(place).write(7) };
            assert_eq!(dcc_job_acknowledge_cancel(job.pointer()), DCC_OK);
        });
        until("it runs", || job.state() == DCC_JOB_RUNNING);
        assert_eq!(job.cancel(), DCC_OK);
        assert_eq!(wait(job), DCC_OK);
        // SAFETY: written before the end, which the wait has seen.
        let written = unsafe { (&raw const *scene).read_volatile() };
        assert_eq!(written, 7);
        drop(scene);
        render.join().unwrap();
        job.release();
    }
}

#[test]
fn the_end_of_a_posted_job_comes_with_its_completion() {
    let _alone = alone();
    for any_thread in [false, true] {
        let dispatcher = Dispatcher::new();
        let in_completion = Arc::new(AtomicBool::new(false));
        let (gate, noted) = (in_completion.clone(), Arc::new(AtomicI32::new(-1)));
        let told = noted.clone();
        let post = nothing().completed(move |job, _| {
            // The job has ended, but its end is not published yet.
            told.store(look(job), Ordering::SeqCst);
            assert_eq!(wait(job), DCC_ERROR_WOULD_DEADLOCK, "this is the completion");
            gate.store(true, Ordering::SeqCst);
        });
        let posted = dispatcher.post(if any_thread { post.any_thread() } else { post });
        assert_eq!(wait(posted.job), DCC_ERROR_WOULD_DEADLOCK, "this thread has to pump");
        assert_eq!(look(posted.job), DCC_TIMED_OUT);
        let (job, log) = (posted.job, posted.log.clone());
        let event = event(job.pointer());
        thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                let status = wait(job);
                (status, in_completion.load(Ordering::SeqCst), log.destroys())
            });
            until_waiting(2);
            until("it has run", || {
                dispatcher.pump();
                posted.log.destroys() == 1
            });
            assert_eq!(waiting.join().unwrap(), (DCC_OK, true, 1));
        });
        assert_eq!(noted.load(Ordering::SeqCst), DCC_TIMED_OUT);
        assert!(is_set(event));
        assert_eq!((wait(job), look(job)), (DCC_OK, DCC_OK), "also on its dispatcher's thread");
        assert_eq!(dcc_native_event_close(event), DCC_OK);
        job.release();
        dispatcher.release();
    }
}

#[test]
fn a_queued_job_that_is_cancelled_or_shut_down_ends_when_its_thread_pumps() {
    let _alone = alone();
    for shut_down in [false, true] {
        let dispatcher = Dispatcher::new();
        let posted = dispatcher.post(nothing());
        let job = posted.job;
        thread::scope(|scope| {
            let waiting = scope.spawn(move || (wait(job), job.state()));
            until_waiting(1);
            if !shut_down {
                assert_eq!(job.cancel(), DCC_OK);
                assert_eq!(look(job), DCC_TIMED_OUT, "its completion is still to come");
                dispatcher.pump();
            } else {
                assert_eq!(dispatcher.close(), DCC_OK);
            }
            let state = if shut_down { DCC_JOB_INTERRUPTED } else { DCC_JOB_CANCELLED };
            assert_eq!(waiting.join().unwrap(), (DCC_OK, state));
        });
        assert_eq!((posted.log.runs(), posted.log.completions()), (0, 1));
        job.release();
        dispatcher.release();
    }
}

#[test]
fn the_close_of_its_owner_on_another_thread_is_the_end() {
    let _alone = alone();
    let owner = Owner::new();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(nothing().owner(owner.pointer()));
    let job = posted.job;
    thread::scope(|scope| {
        let waiting = scope.spawn(move || wait(job));
        until_waiting(1);
        let closing = scope.spawn(move || dcc_owner_close(owner.pointer()));
        assert_eq!(closing.join().unwrap(), DCC_OK);
        assert_eq!(waiting.join().unwrap(), DCC_OK);
    });
    assert_eq!((posted.log.completions(), posted.log.destroys()), (0, 1));
    assert_eq!(job.state(), DCC_JOB_INTERRUPTED);
    dispatcher.pump();
    job.release();
    dispatcher.release();
}

#[test]
fn a_thread_that_has_the_job_current_does_not_wait_for_it() {
    let _alone = alone();
    let (outer, inner) = (create(), create());
    with_current(outer.pointer(), || {
        assert_eq!(wait(outer), DCC_ERROR_WOULD_DEADLOCK);
        assert_eq!(look(outer), DCC_TIMED_OUT, "a look waits for nobody");
        with_current(inner.pointer(), || {
            assert_eq!(wait(outer), DCC_ERROR_WOULD_DEADLOCK, "also below another one");
            with_current(null_mut(), || {
                assert_eq!(wait(inner), DCC_ERROR_WOULD_DEADLOCK, "masked")
            });
        });
        let mut context = null_mut();
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_context_capture(&mut context) }, DCC_OK);
        let (job, carried) = (outer, context.addr());
        let worker = thread::spawn(move || {
            let mut ticket = 0;
            let context = std::ptr::without_provenance(carried);
            // SAFETY: a writable result.
            assert_eq!(unsafe { dcc_context_enter(context, &mut ticket) }, DCC_OK);
            let refused = wait(job);
            assert_eq!(dcc_context_exit(ticket), DCC_OK);
            (refused, dcc_job_wait(job.pointer(), 1))
        });
        assert_eq!(worker.join().unwrap(), (DCC_ERROR_WOULD_DEADLOCK, DCC_TIMED_OUT));
        assert_eq!(dcc_context_release(context), DCC_OK);
        assert_eq!(ENDS[0].1(outer.pointer()), DCC_OK);
        assert_eq!(wait(outer), DCC_OK, "it has ended although it is current");
    });
    [outer, inner].into_iter().for_each(Job::release);
}

/// Two threads, each with a current job, wait for each other's job: the later wait is refused.
#[test]
fn a_ring_of_two_jobs_is_refused() {
    let _alone = alone();
    let (one, other) = (create(), create());
    thread::scope(|scope| {
        let first = scope.spawn(move || {
            let mut status = -1;
            with_current(one.pointer(), || status = wait(other));
            status
        });
        until_waiting(1);
        with_current(other.pointer(), || assert_eq!(wait(one), DCC_ERROR_WOULD_DEADLOCK));
        assert_eq!(ENDS[0].1(other.pointer()), DCC_OK);
        assert_eq!(first.join().unwrap(), DCC_OK);
    });
    [one, other].into_iter().for_each(Job::release);
}

/// A worker waits for the UI thread inside a job. The UI thread wants to wait for the end of that
/// job.
#[test]
fn a_ring_of_a_job_and_a_post_is_refused_whoever_waits_first() {
    let _alone = alone();
    for post_first in [true, false] {
        let dispatcher = Dispatcher::new();
        let render = create();
        thread::scope(|scope| {
            let (begin, may_begin) = mpsc::channel::<()>();
            let worker = scope.spawn(move || {
                may_begin.recv().unwrap();
                let mut status = -1;
                with_current(render.pointer(), || {
                    status = dispatcher.post_and_wait(nothing(), LONG).0;
                });
                assert_eq!(ENDS[0].1(render.pointer()), DCC_OK);
                status
            });
            if post_first {
                begin.send(()).unwrap();
                until("the worker waits", || dispatcher.stats().depth == 1);
                until("refused", || match dcc_job_wait(render.pointer(), 1_000_000) {
                    DCC_TIMED_OUT => false,
                    status => {
                        assert_eq!(status, DCC_ERROR_WOULD_DEADLOCK);
                        true
                    }
                });
                dispatcher.pump();
                assert_eq!(worker.join().unwrap(), DCC_OK);
            } else {
                let late = scope.spawn(move || {
                    until_waiting(1);
                    begin.send(()).unwrap();
                });
                assert_eq!(wait(render), DCC_OK);
                late.join().unwrap();
                assert_eq!(worker.join().unwrap(), DCC_ERROR_WOULD_DEADLOCK);
            }
        });
        render.release();
        dispatcher.release();
    }
}

/// All workers wait for jobs that wait for a free worker: each worker runs the job that it waits
/// for.
#[test]
fn workers_that_wait_run_what_they_wait_for() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let statuses: Vec<_> = (0..8)
        .map(|_| {
            let status = Arc::new(AtomicI32::new(-1));
            let noted = status.clone();
            let outer = job(move |_| {
                let inner = dispatcher.post(nothing().any_thread()).job;
                noted.store(wait(inner), Ordering::SeqCst);
                inner.release();
                0
            });
            drop(dispatcher.post_only(outer.any_thread()));
            status
        })
        .collect();
    until("all are over", || {
        dispatcher.pump();
        statuses.iter().all(|status| status.load(Ordering::SeqCst) != -1)
            && stats().unfinished_posts == 0
    });
    assert!(statuses.iter().all(|status| status.load(Ordering::SeqCst) == DCC_OK));
    dispatcher.release();
}

unsafe extern "C" fn says_esc(asked: *mut std::ffi::c_void) -> i32 {
    // SAFETY: a count that outlives its job.
    let asked = unsafe { &*asked.cast::<AtomicI32>() };
    i32::from(asked.fetch_add(1, Ordering::SeqCst) >= 2)
}

/// The thread that may ask the host's check waits for workers. The check is asked meanwhile, so the
/// workers stop.
#[test]
fn who_waits_for_a_foreign_job_asks_its_check() {
    let _alone = alone();
    let asked = AtomicI32::new(0);
    let mut handle = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.user_data = (&raw const asked).cast_mut().cast();
        desc.is_cancelled = Some(says_esc);
        desc.min_interval_ns = 1_000_000;
        assert_eq!(dcc_job_create(&desc, &mut handle), DCC_OK);
    }
    let job = Job(handle.addr());
    thread::scope(|scope| {
        scope.spawn(move || {
            // This thread may not ask the check. Its polls see the answer that the waiting thread
            // got.
            until("it was told", || dcc_job_is_cancelled(job.pointer()) != DCC_OK);
            assert_eq!(dcc_job_acknowledge_cancel(job.pointer()), DCC_OK);
        });
        assert_eq!(wait(job), DCC_OK);
    });
    assert_eq!((job.state(), asked.load(Ordering::SeqCst)), (DCC_JOB_CANCELLED, 3));
    job.release();
}
