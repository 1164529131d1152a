//! Posting and running jobs, beside a bare queue of functions that has no jobs, tokens, limits or
//! answers: no dispatcher can be faster than this.

use super::figures::{compared, nanoseconds, rounds};
use super::table::Table;
use crossbeam_queue::{ArrayQueue, SegQueue};
use dcc_cancel::ffi::{dispatcher::*, job::dcc_job, post::*, pump::*, status::DCC_OK};
use std::cell::Cell;
use std::ffi::c_void;
use std::hint::black_box;
use std::ptr::{null_mut, without_provenance_mut};

const TIMES: usize = 4_096;

thread_local! {
    static RUNS: Cell<usize> = const { Cell::new(0) };
}

unsafe extern "C-unwind" fn count_run(_: *const dcc_job, user_data: *mut c_void) -> i32 {
    RUNS.set(RUNS.get() + black_box(user_data).addr());
    0
}

type Function = unsafe extern "C-unwind" fn(*const dcc_job, *mut c_void) -> i32;
/// An entry of the bare queue: a function and its data.
type Queued = (Function, *mut c_void);

fn user_data() -> *mut c_void {
    without_provenance_mut(1)
}

/// Queues this many and then runs them, over and over.
fn in_batches(batch: usize, mut queue: impl FnMut(), mut run: impl FnMut()) -> f64 {
    RUNS.set(0);
    let time = nanoseconds(|| {
        for _ in 0..TIMES / batch {
            (0..batch).for_each(|_| queue());
            run();
        }
    });
    assert_eq!(RUNS.get(), TIMES);
    time
}

fn posted(dispatcher: *const dcc_dispatcher, batch: usize) -> f64 {
    let post = || {
        // SAFETY: zero is a value of the descriptor; no results are wanted.
        unsafe {
            let mut desc: dcc_post_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_post_desc>() as u32;
            desc.function = Some(count_run);
            desc.user_data = user_data();
            assert_eq!(dcc_dispatcher_post(dispatcher, &desc, null_mut(), null_mut()), DCC_OK);
        }
    };
    let pump = || {
        // SAFETY: no result is wanted.
        let status =
            unsafe { dcc_dispatcher_pump(dispatcher, DCC_NO_LIMIT, batch as u64, null_mut()) };
        assert_eq!(status, DCC_OK);
    };
    in_batches(batch, post, pump)
}

fn queued(batch: usize, push: impl Fn(Queued), pop: impl Fn() -> Option<Queued>) -> f64 {
    let run = || {
        while let Some((function, user_data)) = pop() {
            // SAFETY: it is `count_run`.
            unsafe { black_box(function)(null_mut(), user_data) };
        }
    };
    in_batches(batch, || push((count_run, user_data())), run)
}

fn dispatcher() -> *mut dcc_dispatcher {
    let mut dispatcher = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_dispatcher_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_dispatcher_desc>() as u32;
        assert_eq!(dcc_dispatcher_create(&desc, &mut dispatcher), DCC_OK);
    }
    dispatcher
}

pub fn compare(table: &mut Table) {
    table.head("posting, called from Rust");
    let dispatcher = dispatcher();
    let bounded = ArrayQueue::new(TIMES);
    let unbounded = SegQueue::new();
    let rounds = rounds(101, 11);
    for batch in [1, 64] {
        let work = format!("post and run, {batch} in a pump, from Rust");
        let own = || posted(dispatcher, batch);
        let into_bounded = |job| assert!(bounded.push(job).is_ok());
        let figures =
            compared(rounds, TIMES as u64, own, || queued(batch, into_bounded, || bounded.pop()));
        table.row(&work, "crossbeam ArrayQueue of functions, the floor", &figures);
        let figures = compared(rounds, TIMES as u64, own, || {
            queued(batch, |job| unbounded.push(job), || unbounded.pop())
        });
        table.row(&work, "crossbeam SegQueue of functions, the floor", &figures);
    }
    assert_eq!(dcc_dispatcher_release(dispatcher), DCC_OK);
}
