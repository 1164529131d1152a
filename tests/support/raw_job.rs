//! A job and its polls through the C functions, for tests that play the host themselves.

#![allow(dead_code, reason = "each test uses a part of it")]

use dcc_cancel::ffi::{current::*, job::*, poll::*, status::*};
use std::ffi::CStr;
use std::ptr::null_mut;

/// A pending job with this label.
pub fn new_job(label: &CStr) -> *mut dcc_job {
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.label = label.as_ptr();
        desc.label_length = usize::MAX;
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    job
}

/// Polls the current job and token, as the inlined poll would.
pub fn poll(file: &CStr, line: u32) -> dcc_status {
    // SAFETY: zero is a value of a snapshot; a writable result; a name with NUL.
    unsafe {
        let mut pair: dcc_poll_pair = std::mem::zeroed();
        assert_eq!(dcc_poll_read_current(&mut pair), DCC_OK);
        let quiet = |layer: &dcc_poll_layer| layer.word.read_volatile() == layer.expected;
        if quiet(&pair.token) && quiet(&pair.job) {
            return DCC_OK;
        }
        dcc_poll_slow(pair.token.expected, pair.job.expected, file.as_ptr(), line)
    }
}

/// Runs the body while a job is current on this thread.
pub fn with_current(job: *mut dcc_job, body: impl FnOnce()) {
    let mut ticket = 0;
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_job_set_current(job, &mut ticket) }, DCC_OK);
    body();
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
}
