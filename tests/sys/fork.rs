//! The child of a fork of a process that uses the library: polls work, all other calls are refused,
//! and nothing hangs, even if other threads were in the middle of calls at the fork.

#![cfg(unix)]

#[path = "../support/linked.rs"]
mod linked;

use dcc_cancel::ffi::{
    context::*, current::*, deadline::*, dispatcher::*, job::*, library::*, poll::*, post::*,
    pump::*, status::*, timeline::*, token::*,
};
use linked::linked_to;
use std::ffi::{CStr, c_char};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

fn new_token() -> *mut dcc_cancel_token {
    let mut token = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_cancel_token_create(&mut token) }, DCC_OK);
    token
}

fn cancel(token: *mut dcc_cancel_token) -> dcc_status {
    // SAFETY: a text of that length.
    unsafe { dcc_cancel_token_cancel(token, c"stop".as_ptr(), 4) }
}

/// Runs `child` in a forked process. It answers with the line that failed, or 0.
fn in_fork(child: impl Fn() -> Result<(), u32>) {
    // SAFETY: the child calls nothing that may wait for another thread, which is what is tested, and
    // leaves without running anything else.
    let process = unsafe { libc::fork() };
    assert!(process >= 0);
    if process == 0 {
        // SAFETY: ends a child that hangs.
        unsafe { libc::alarm(include!("../support/hang_seconds")) };
        let line = child().err().unwrap_or(0);
        // SAFETY: ends the child.
        unsafe { libc::_exit(i32::try_from(line.min(255)).unwrap_or(255)) };
    }
    let mut status = 0;
    // SAFETY: a writable result.
    assert_eq!(unsafe { libc::waitpid(process, &mut status, 0) }, process);
    assert!(libc::WIFEXITED(status), "the child hung or crashed: status {status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the check of this line failed in the child");
}

macro_rules! check {
    ($condition:expr) => {
        if !$condition {
            return Err(line!());
        }
    };
}

fn last_error_contains(text: &str) -> bool {
    let mut buffer = [0 as c_char; 300];
    // SAFETY: a buffer of that size.
    unsafe {
        dcc_last_error(buffer.as_mut_ptr(), buffer.len(), null_mut()) == DCC_OK
            && CStr::from_ptr(buffer.as_ptr()).to_str().unwrap_or("").contains(text)
    }
}

#[test]
fn a_fork_polls_and_is_refused_all_else() {
    let (quiet, cancelled) = (new_token(), new_token());
    assert_eq!(cancel(cancelled), DCC_OK);
    let mut ticket = 0;
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_cancel_token_set_current(quiet, &mut ticket) }, DCC_OK);
    in_fork(|| {
        check!(dcc_check_cancelled() == DCC_OK);
        check!(dcc_cancel_token_is_cancelled(quiet) == DCC_OK);
        check!(dcc_cancel_token_is_cancelled(cancelled) == DCC_CANCELLED_BY_TOKEN);
        check!(dcc_cancel_token_current() == quiet);
        // SAFETY: writable results and texts.
        unsafe {
            let mut layer: dcc_poll_layer = std::mem::zeroed();
            check!(dcc_poll_read_token(cancelled, &mut layer) == DCC_OK);
            let answer = dcc_poll_slow(layer.expected, 0, c"here.c".as_ptr(), 1);
            check!(answer == DCC_CANCELLED_BY_TOKEN);
            let mut token = std::ptr::without_provenance_mut(1);
            check!(dcc_cancel_token_create(&mut token) == DCC_ERROR_FORKED);
            check!(dcc_job_create(std::ptr::null(), null_mut()) == DCC_ERROR_FORKED);
            let (desc, job) = (std::ptr::null(), null_mut());
            check!(dcc_dispatcher_create(std::ptr::null(), null_mut()) == DCC_ERROR_FORKED);
            check!(dcc_dispatcher_post(null_mut(), desc, job, null_mut()) == DCC_ERROR_FORKED);
            check!(dcc_dispatcher_pump(null_mut(), 1, 1, null_mut()) == DCC_ERROR_FORKED);
        }
        check!(last_error_contains("fork"));
        check!(cancel(quiet) == DCC_ERROR_FORKED);
        check!(dcc_check_cancelled() == DCC_OK);
        check!(dcc_cancel_token_set_deadline_after(quiet, 1) == DCC_ERROR_FORKED);
        check!(dcc_timeline_begin(1) == DCC_ERROR_FORKED);
        check!(dcc_cancel_token_release(quiet) == DCC_ERROR_FORKED);
        check!(dcc_cancel_token_reset_current(ticket) == DCC_ERROR_FORKED);
        check!(dcc_context_unwind(ticket) == DCC_ERROR_FORKED);
        Ok(())
    });
    assert_eq!(dcc_check_cancelled(), DCC_OK, "the parent goes on");
    assert_eq!(dcc_cancel_token_reset_current(ticket), DCC_OK);
    assert_eq!(dcc_cancel_token_release(quiet), DCC_OK);
    assert_eq!(dcc_cancel_token_release(cancelled), DCC_OK);
}

#[test]
fn a_fork_in_the_middle_of_others_calls_does_not_hang() {
    let stop = AtomicBool::new(false);
    let shared = new_token() as usize;
    let shared = || std::ptr::without_provenance_mut::<dcc_cancel_token>(shared);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let parents = [shared().cast_const()];
                    let mut child = null_mut();
                    // SAFETY: a filled-in descriptor, a writable result.
                    unsafe { dcc_cancel_token_create_from(&linked_to(&parents), &mut child) };
                    dcc_cancel_token_set_deadline_after(child, 1_000_000_000);
                    cancel(child);
                    dcc_cancel_token_release(child);
                }
            });
        }
        for _ in 0..50 {
            in_fork(|| {
                check!(dcc_cancel_token_is_cancelled(shared()) == DCC_OK);
                check!(cancel(shared()) == DCC_ERROR_FORKED);
                check!(dcc_cancel_token_retain(shared()) == DCC_ERROR_FORKED);
                Ok(())
            });
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(dcc_cancel_token_release(shared()), DCC_OK);
}
