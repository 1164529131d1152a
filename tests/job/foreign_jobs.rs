//! A foreign job ends while other code still holds its token: the host's check is not called once
//! the user data is destroyed.

#[path = "../support/job_state.rs"]
mod job_state;

use dcc_cancel::ffi::{job::*, status::*, token::*};
use job_state::state_of;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// What the host of one job counts and does.
#[derive(Default)]
struct Host {
    asked: AtomicU32,
    destroyed: AtomicU32,
    /// The job that its own check releases.
    release: AtomicPtr<dcc_job>,
    destroyed_while_asked: AtomicU32,
}

unsafe extern "C" fn is_cancelled(host: *mut c_void) -> i32 {
    // SAFETY: a host that outlives its jobs.
    let host = unsafe { &*host.cast::<Host>() };
    host.asked.fetch_add(1, Ordering::Relaxed);
    let job = host.release.swap(null_mut(), Ordering::Relaxed);
    assert_eq!(dcc_job_release(job), DCC_OK);
    host.destroyed_while_asked.store(host.destroyed.load(Ordering::Relaxed), Ordering::Relaxed);
    0
}

unsafe extern "C" fn destroy(host: *mut c_void) {
    // SAFETY: as above.
    unsafe { &*host.cast::<Host>() }.destroyed.fetch_add(1, Ordering::Relaxed);
}

/// A foreign job, and its token with a reference of C code.
fn job_and_token(host: &Host) -> (*mut dcc_job, *mut dcc_cancel_token) {
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.user_data = std::ptr::from_ref(host).cast_mut().cast();
        desc.is_cancelled = Some(is_cancelled);
        desc.destroy = Some(destroy);
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    let token = dcc_job_token(job);
    assert_eq!(dcc_cancel_token_retain(token), DCC_OK);
    (job, token)
}

#[test]
fn a_token_that_outlives_its_job_asks_no_more() {
    let host = Host::default();
    let (job, token) = job_and_token(&host);
    assert_eq!(dcc_cancel_token_is_cancelled(token), DCC_OK);
    assert_eq!(host.asked.load(Ordering::Relaxed), 1, "the test asks at all");
    assert_eq!(dcc_job_release(job), DCC_OK);
    assert_eq!(host.destroyed.load(Ordering::Relaxed), 1);
    assert_eq!(dcc_cancel_token_is_cancelled(token), DCC_OK);
    assert_eq!(host.asked.load(Ordering::Relaxed), 1, "its user data is gone");
    assert_eq!(dcc_cancel_token_release(token), DCC_OK);
}

#[test]
fn a_job_that_goes_while_it_is_asked_is_destroyed_afterwards() {
    let host = Host::default();
    let (job, token) = job_and_token(&host);
    host.release.store(job, Ordering::Relaxed);
    assert_eq!(dcc_cancel_token_is_cancelled(token), DCC_OK);
    assert_eq!(state_of(job), DCC_ERROR_INVALID_HANDLE, "it went");
    assert_eq!(host.destroyed_while_asked.load(Ordering::Relaxed), 0);
    assert_eq!(host.destroyed.load(Ordering::Relaxed), 1);
    assert_eq!(dcc_cancel_token_is_cancelled(token), DCC_OK);
    assert_eq!(host.asked.load(Ordering::Relaxed), 1);
    assert_eq!(dcc_cancel_token_release(token), DCC_OK);
}
