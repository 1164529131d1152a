//! Reads the states of jobs.

use dcc_cancel::ffi::job::{DCC_JOB_NONE, dcc_job};
use dcc_cancel::ffi::job_life::dcc_job_state;

/// A job's state, or the negative status if the call failed.
pub fn state_of(job: *const dcc_job) -> i32 {
    let mut state = -99;
    // SAFETY: a writable result.
    match unsafe { dcc_job_state(job, &mut state) } {
        0 => state,
        status => {
            assert!(status < 0 && state == DCC_JOB_NONE, "{status} {state}");
            status
        }
    }
}
