//! Threads that work for a job: functions bound to a context, polls on threads without a context,
//! and calls of other libraries that poll.

#[path = "../support/stats.rs"]
mod counts;
#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/job_state.rs"]
mod job_state;
#[path = "../support/raw_job.rs"]
mod raw_job;

use counts::stats;
use dcc_cancel::ffi::{
    context::*, current::*, dispatcher::*, job::*, job_life::*, job_texts::*, library_call::*,
    poll::*, pump::*, stats::*, status::*, token::*,
};
use job_state::state_of;
use raw_job::{new_job, with_current};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Lets one test run at a time, because the counts belong to the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn running(label: &CStr) -> *mut dcc_job {
    let job = new_job(label);
    assert_eq!(dcc_job_begin(job), DCC_OK);
    job
}

fn cancel(job: *const dcc_job) {
    // SAFETY: no reason.
    assert!(unsafe { dcc_job_cancel(job, null(), 0) } >= 0);
}

fn end(job: *mut dcc_job) {
    dcc_job_complete(job);
    assert_eq!(dcc_job_release(job), DCC_OK);
}

/// The user data of a bound function.
#[derive(Default)]
struct Piece {
    seen: AtomicI32,
    calls: AtomicU32,
    inside: AtomicU32,
    destroyed: AtomicU32,
    leave: AtomicU64,
}

impl Piece {
    fn data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// # Safety
    /// The pointer is what `data` gave, and that is still there.
    unsafe fn of<'a>(data: *mut c_void) -> &'a Self {
        // SAFETY: promised by the caller.
        unsafe { &*data.cast::<Self>() }
    }
}

extern "C" fn work(data: *mut c_void) -> *mut c_void {
    // SAFETY: what `data` gave.
    let piece = unsafe { Piece::of(data) };
    piece.inside.fetch_add(1, SeqCst);
    assert_eq!(piece.destroyed.load(SeqCst), 0, "its user data is gone");
    piece.seen.store(dcc_check_cancelled(), SeqCst);
    if piece.leave.load(SeqCst) != 0 {
        let token = std::ptr::without_provenance_mut(piece.leave.load(SeqCst) as usize);
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_cancel_token_set_current(token, &mut 0) }, DCC_OK);
    }
    piece.calls.fetch_add(1, SeqCst);
    piece.inside.fetch_sub(1, SeqCst);
    data
}

extern "C" fn destroy(data: *mut c_void) {
    // SAFETY: what `data` gave.
    let piece = unsafe { Piece::of(data) };
    assert_eq!(piece.inside.load(SeqCst), 0, "its function runs");
    piece.destroyed.fetch_add(1, SeqCst);
}

fn bind(piece: &Piece) -> *mut dcc_context {
    let mut bound = null_mut();
    // SAFETY: functions that take what `data` gives, and a writable result.
    let status = unsafe { dcc_context_bind(Some(work), piece.data(), Some(destroy), &mut bound) };
    assert_eq!(status, DCC_OK);
    bound
}

/// Starts a thread of the system whose function is the library's dcc_context_run.
fn start(bound: *mut dcc_context) -> libc::pthread_t {
    let mut thread = 0;
    // SAFETY: a function in the form that is wanted, and what it wants.
    let status =
        unsafe { libc::pthread_create(&mut thread, null(), dcc_context_run, bound.cast()) };
    assert_eq!(status, 0);
    thread
}

fn join(thread: libc::pthread_t) -> *mut c_void {
    let mut answer = null_mut();
    // SAFETY: a thread that was started, and is joined once.
    assert_eq!(unsafe { libc::pthread_join(thread, &mut answer) }, 0);
    answer
}

#[test]
fn a_bound_function_sees_the_cancel_of_the_job_that_it_works_for() {
    let _alone = alone();
    for is_cancelled in [false, true] {
        let (piece, job) = (Piece::default(), running(c"Smooth"));
        let contexts = stats().live_contexts;
        let mut bound = null_mut();
        with_current(job, || bound = bind(&piece));
        if is_cancelled {
            cancel(job);
        }
        assert_eq!(join(start(bound)), piece.data());
        let expected = if is_cancelled { DCC_CANCELLED_BY_JOB } else { DCC_OK };
        assert_eq!(piece.seen.load(SeqCst), expected);
        assert_eq!((piece.calls.load(SeqCst), piece.destroyed.load(SeqCst)), (1, 1));
        assert_eq!(stats().live_contexts, contexts);
        end(job);
    }
}

#[test]
fn a_thread_that_never_starts_gives_its_context_back() {
    let _alone = alone();
    let (piece, job) = (Piece::default(), running(c"Smooth"));
    with_current(job, || {
        let bound = bind(&piece);
        assert_eq!(dcc_context_release(bound), DCC_OK);
    });
    assert_eq!((piece.calls.load(SeqCst), piece.destroyed.load(SeqCst)), (0, 1));
    end(job);
}

#[test]
fn it_keeps_token_and_job_until_it_has_run() {
    let _alone = alone();
    let (piece, job, jobs) = (Piece::default(), running(c"Smooth"), stats().live_jobs);
    let mut bound = null_mut();
    with_current(job, || bound = bind(&piece));
    cancel(job);
    end(job);
    assert_eq!(stats().live_jobs, jobs);
    assert_eq!(join(start(bound)), piece.data());
    assert_eq!(piece.seen.load(SeqCst), DCC_CANCELLED_BY_JOB);
    assert_eq!(stats().live_jobs, jobs - 1);
}

#[test]
fn what_it_leaves_current_is_undone() {
    let _alone = alone();
    let (piece, leaks) = (Piece::default(), stats().context_leaks);
    let mut token = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_cancel_token_create(&mut token) }, DCC_OK);
    piece.leave.store(token.addr() as u64, SeqCst);
    let bound = bind(&piece);
    // The function runs on this thread, as in a pool that has no other thread.
    assert_eq!(dcc_context_run(bound.cast()), piece.data());
    assert!(dcc_cancel_token_current().is_null());
    assert_eq!(stats().context_leaks, leaks + 1);
    assert_eq!(dcc_cancel_token_release(token), DCC_OK);
}

/// Several threads have a reference each; other threads release theirs, and the job is cancelled.
#[test]
fn many_threads_run_one_context_while_others_let_go_of_it() {
    let _alone = alone();
    const THREADS: usize = 4;
    for round in 0..effort::times(200) {
        let (piece, job) = (Piece::default(), running(c"Smooth"));
        let mut bound = null_mut();
        with_current(job, || bound = bind(&piece));
        (1..2 * THREADS).for_each(|_| assert_eq!(dcc_context_retain(bound), DCC_OK));
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let thread = start(bound);
                if number as u64 == round % THREADS as u64 {
                    cancel(job);
                }
                assert_eq!(dcc_context_release(bound), DCC_OK);
                thread
            })
            .collect();
        threads.into_iter().for_each(|thread| assert_eq!(join(thread), piece.data()));
        let counts = (piece.calls.load(SeqCst), piece.destroyed.load(SeqCst));
        assert_eq!(counts, (THREADS as u32, 1));
        end(job);
    }
}

fn snapshot(line: u32) -> dcc_poll_pair {
    // SAFETY: zero is a value; a writable result; a name with NUL.
    unsafe {
        let mut pair: dcc_poll_pair = std::mem::zeroed();
        let file = c"workers.cpp".as_ptr();
        assert_eq!(dcc_poll_read_current_at(&mut pair, file, line), DCC_OK);
        pair
    }
}

/// How many snapshots without a job are counted while the body runs.
fn counted(body: impl FnOnce()) -> u64 {
    let before = stats().polls_without_job;
    body();
    stats().polls_without_job - before
}

/// The same, with the body on a new thread.
fn counted_there(body: impl FnOnce() + Send) -> u64 {
    counted(|| thread::scope(|scope| drop(scope.spawn(body))))
}

extern "C" fn poll_once(_data: *mut c_void) -> *mut c_void {
    snapshot(11);
    null_mut()
}

#[test]
fn a_snapshot_without_a_job_is_counted_while_one_runs() {
    let _alone = alone();
    let once = || _ = snapshot(7);
    assert_eq!(counted_there(once), 0, "no job runs");
    let job = new_job(c"Smooth");
    assert_eq!(counted_there(once), 0, "it has not begun");
    assert_eq!(dcc_job_begin(job), DCC_OK);
    assert_eq!(counted_there(once), 1);
    assert_eq!(counted(once), 1, "it runs, and is not current here");
    with_current(job, || {
        assert_eq!(counted(once), 0);
        assert_eq!(counted_there(once), 1, "its thread was not given the context");
        let mut bound = null_mut();
        // SAFETY: a function that looks at nothing, and a writable result.
        unsafe { dcc_context_bind(Some(poll_once), null_mut(), None, &mut bound) };
        assert_eq!(counted(|| _ = join(start(bound))), 0);
    });
    assert_eq!(dcc_job_complete(job), DCC_OK);
    assert_eq!(counted_there(once), 0, "it has ended");
    assert_eq!(dcc_job_release(job), DCC_OK);
    let dropped = running(c"Smooth");
    assert_eq!(dcc_job_release(dropped), DCC_OK);
    assert_eq!(counted_there(once), 0, "it has died while it ran");
}

#[test]
fn such_a_snapshot_is_named_with_file_and_line() {
    let _alone = alone();
    let job = running(c"Smooth");
    thread::spawn(|| _ = snapshot(4321)).join().unwrap();
    let mut room = [0 as c_char; 4096];
    // SAFETY: a buffer of that size, which gets its NUL.
    let told = unsafe {
        assert_eq!(dcc_stats_polls_without_job(room.as_mut_ptr(), room.len(), null_mut()), DCC_OK);
        CStr::from_ptr(room.as_ptr()).to_str().unwrap()
    };
    let told: serde_json::Value = serde_json::from_str(told).unwrap();
    assert_eq!(told["count"], stats().polls_without_job);
    let place = serde_json::json!({ "file": "workers.cpp", "line": 4321, "count": 1 });
    assert!(told["places"].as_array().unwrap().contains(&place), "{told}");
    end(job);
}

#[test]
fn what_is_masked_on_purpose_is_not_counted() {
    let _alone = alone();
    let job = running(c"Smooth");
    let masked = || {
        let mut ticket = 0;
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_context_shield(&mut ticket) }, DCC_OK);
        snapshot(8);
        assert_eq!(dcc_context_exit(ticket), DCC_OK);
    };
    assert_eq!(counted_there(masked), 0);
    let unmasked = || {
        masked();
        snapshot(9);
    };
    assert_eq!(counted_there(unmasked), 1, "after it");
    end(job);
}

#[test]
fn a_thread_that_pumps_is_not_counted() {
    let _alone = alone();
    let job = running(c"Smooth");
    let count = counted_there(|| {
        let mut dispatcher = null_mut();
        // SAFETY: zero is a value of the descriptor; writable results.
        unsafe {
            let mut desc: dcc_dispatcher_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_dispatcher_desc>() as u32;
            assert_eq!(dcc_dispatcher_create(&desc, &mut dispatcher), DCC_OK);
            assert_eq!(dcc_dispatcher_pump(dispatcher, 0, 0, null_mut()), DCC_OK);
        }
        snapshot(10);
        assert_eq!(dcc_dispatcher_close(dispatcher), DCC_OK);
        assert_eq!(dcc_dispatcher_release(dispatcher), DCC_OK);
    });
    assert_eq!(count, 0);
    end(job);
}

/// The count is exact, however many threads take snapshots at a time, while other jobs begin and
/// end beside the running one.
#[test]
fn threads_without_a_job_are_counted_exactly() {
    let _alone = alone();
    const THREADS: u64 = 4;
    let (job, each) = (running(c"Smooth"), effort::times(2000));
    let count = counted(|| {
        thread::scope(|scope| {
            for number in 0..THREADS {
                scope.spawn(move || (0..each).for_each(|_| _ = snapshot(number as u32 + 20)));
            }
            scope.spawn(|| (0..each / 4).for_each(|_| end(running(c"Other"))));
        });
    });
    assert_eq!(count, THREADS * each);
    end(job);
}

fn call() -> dcc_library_call {
    // SAFETY: zero is a value; writable for the size that it says.
    unsafe {
        let mut call: dcc_library_call = std::mem::zeroed();
        call.struct_size = size_of::<dcc_library_call>() as u32;
        assert_eq!(dcc_library_call_begin(&mut call), DCC_OK);
        call
    }
}

fn ask(call: &mut dcc_library_call) -> dcc_status {
    // SAFETY: a call that has begun.
    unsafe { dcc_library_call_ask(std::ptr::from_mut(call).cast()) }
}

fn end_call(call: &dcc_library_call, succeeded: bool, was_aborted: bool) -> dcc_status {
    let words = c"denoise: stopped".as_ptr();
    // SAFETY: a call that has begun, and a text ended by NUL.
    unsafe { dcc_library_call_end(call, succeeded.into(), was_aborted.into(), words, usize::MAX) }
}

fn failure(job: *const dcc_job) -> String {
    let mut room = [0 as c_char; 64];
    // SAFETY: a buffer of that size, which gets its NUL.
    unsafe {
        assert_eq!(dcc_job_failure(job, room.as_mut_ptr(), room.len(), null_mut()), DCC_OK);
        CStr::from_ptr(room.as_ptr()).to_str().unwrap().to_owned()
    }
}

#[test]
fn a_library_that_asks_ends_the_job_as_it_was_told() {
    let _alone = alone();
    // Each row: whether the job is cancelled during the call, whether the library reports success,
    // whether it reports an abort, the answer, and the job's state.
    for (is_cancelled, succeeded, was_aborted, answer, state) in [
        (false, true, false, DCC_OK, DCC_JOB_RUNNING),
        (false, false, false, DCC_LIBRARY_FAILED, DCC_JOB_FAILED),
        (false, false, true, DCC_CANCELLED_BY_JOB, DCC_JOB_CANCELLED),
        (true, false, true, DCC_CANCELLED_BY_JOB, DCC_JOB_CANCELLED),
        (true, false, false, DCC_CANCELLED_BY_JOB, DCC_JOB_CANCELLED),
        (true, true, false, DCC_CANCELLED_BY_JOB, DCC_JOB_CANCELLED),
    ] {
        let job = running(c"Denoise");
        with_current(job, || {
            let mut call = call();
            assert_eq!((ask(&mut call), call.told), (DCC_OK, DCC_OK));
            if is_cancelled {
                cancel(job);
                // A library may ask on any of its own threads.
                let there = std::ptr::from_mut(&mut call).addr();
                let there = move || std::ptr::with_exposed_provenance_mut::<c_void>(there);
                // SAFETY: a call that has begun, and is there.
                let asked = thread::spawn(move || unsafe { dcc_library_call_ask(there()) });
                assert_eq!(asked.join().unwrap(), DCC_CANCELLED_BY_JOB);
                assert_eq!(call.told, DCC_CANCELLED_BY_JOB);
            }
            assert_eq!(end_call(&call, succeeded, was_aborted), answer);
        });
        assert_eq!(state_of(job), state);
        let words = if state == DCC_JOB_RUNNING { "" } else { "denoise: stopped" };
        assert_eq!(failure(job), words);
        end(job);
    }
}

/// The library was stopped only for a part of the job's work, such as one thread's, and the job
/// goes on.
#[test]
fn a_library_that_works_for_a_part_of_a_job_does_not_end_it() {
    let _alone = alone();
    for was_told in [true, false] {
        let (job, mut part) = (running(c"Denoise"), null_mut());
        with_current(job, || {
            // SAFETY: zero is a value; a filled-in descriptor, writable results, no reason.
            unsafe {
                let mut desc: dcc_cancel_token_desc = std::mem::zeroed();
                desc.struct_size = size_of::<dcc_cancel_token_desc>() as u32;
                desc.flags = DCC_TOKEN_BELOW_CURRENT;
                assert_eq!(dcc_cancel_token_create_from(&desc, &mut part), DCC_OK);
                let mut ticket = 0;
                assert_eq!(dcc_cancel_token_set_current(part, &mut ticket), DCC_OK);
                let mut call = call();
                assert_eq!(dcc_cancel_token_cancel(part, null(), 0), DCC_OK);
                if was_told {
                    assert_eq!(ask(&mut call), DCC_CANCELLED_BY_TOKEN);
                }
                assert_eq!(end_call(&call, false, true), DCC_CANCELLED_BY_TOKEN);
                assert_eq!(state_of(job), DCC_JOB_RUNNING);
                // The job is cancelled, too, before the library has returned.
                cancel(job);
                assert_eq!(end_call(&call, false, true), DCC_CANCELLED_BY_TOKEN);
                assert_eq!(state_of(job), DCC_JOB_CANCELLED);
                assert_eq!(dcc_cancel_token_reset_current(ticket), DCC_OK);
            }
        });
        assert_eq!(dcc_cancel_token_release(part), DCC_OK);
        end(job);
    }
}

#[test]
fn a_call_says_of_two_layers_which_one_stopped_it() {
    let _alone = alone();
    let (job, mut token) = (running(c"Denoise"), null_mut());
    // SAFETY: writable results.
    assert_eq!(unsafe { dcc_cancel_token_create(&mut token) }, DCC_OK);
    with_current(job, || {
        let mut ticket = 0;
        // SAFETY: a writable result, no reason.
        unsafe {
            assert_eq!(dcc_cancel_token_set_current(token, &mut ticket), DCC_OK);
            let mut both = call();
            assert_eq!(dcc_cancel_token_cancel(token, null(), 0), DCC_OK);
            assert_eq!(ask(&mut both), DCC_CANCELLED_BY_TOKEN);
            cancel(job);
            assert_eq!(both.told, DCC_CANCELLED_BY_TOKEN, "what came first stays");
            let interrupted = call();
            assert_eq!(end_call(&interrupted, false, true), DCC_CANCELLED_BY_TOKEN);
            assert_eq!(dcc_cancel_token_reset_current(ticket), DCC_OK);
        }
    });
    assert_eq!(dcc_cancel_token_release(token), DCC_OK);
    end(job);
}

#[test]
fn a_call_without_a_job_ends_nothing_and_one_that_is_gone_stops() {
    let _alone = alone();
    let mut alone = call();
    assert_eq!((ask(&mut alone), end_call(&alone, true, false)), (DCC_OK, DCC_OK));
    assert_eq!(end_call(&alone, false, false), DCC_LIBRARY_FAILED);
    let job = running(c"Denoise");
    let mut call_of_job = alone;
    with_current(job, || call_of_job = call());
    end(job);
    assert_eq!((ask(&mut call_of_job), call_of_job.told), (DCC_POLL_GONE, DCC_POLL_GONE));
}

extern "C" fn escape(pressed: *mut c_void) -> i32 {
    // SAFETY: what the job below was made with.
    unsafe { &*pressed.cast::<AtomicI32>() }.load(SeqCst)
}

#[test]
fn a_call_asks_the_hosts_own_check() {
    let _alone = alone();
    let pressed = AtomicI32::new(0);
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; a function and what it takes; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.is_cancelled = Some(escape);
        desc.user_data = std::ptr::from_ref(&pressed).cast_mut().cast();
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    assert_eq!(dcc_job_begin(job), DCC_OK);
    with_current(job, || {
        let mut call = call();
        assert_eq!(ask(&mut call), DCC_OK);
        pressed.store(1, SeqCst);
        // The check is asked at its interval, so one call may not ask it.
        while ask(&mut call) == DCC_OK {
            thread::yield_now();
        }
        assert_eq!(end_call(&call, false, true), DCC_CANCELLED_BY_JOB);
    });
    assert_eq!(state_of(job), DCC_JOB_CANCELLED);
    end(job);
}
