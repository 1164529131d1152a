//! The counter of a share, which lies in the caller's memory and is inlined there.

use super::guard::guard;
use super::out::ValueOut;
use super::poll::{NEVER, dcc_poll_layer, dcc_poll_pair, layer_of, pair};
use super::progress::{dcc_progress, pinned};
use super::status::{DCC_OK, dcc_status};
use super::{library, thread};
use crate::sys::sync::Ordering;

/// Counts units of a share for one loop on one thread, for dcc_progress_advance. Frozen, as dcc_poll_pair:
/// inlined code changes it. It holds no reference.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_progress_counter {
    /// The share.
    pub progress: *const dcc_progress,
    /// Units that are counted here and not in the share yet.
    pub pending: u64,
    /// Changes when a reader asks for them.
    pub epoch: dcc_poll_layer,
    /// What was current when the counter was made, and the job of the share.
    pub poll: dcc_poll_pair,
}

/// Writes a counter of a share, for languages without inline functions; C and C++ call
/// dcc_progress_counter_of. Nothing is counted by one of NULL; it polls what is current. Any thread, and the
/// counter is that thread's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_progress_read_counter(
    progress: *const dcc_progress,
    out_counter: *mut dcc_progress_counter,
) -> dcc_status {
    guard(|| {
        let poll = thread::slots().map_or(dcc_poll_pair { token: NEVER, job: NEVER }, pair);
        let none = dcc_progress_counter { progress, pending: 0, epoch: NEVER, poll };
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_counter", out_counter, none) }?;
        let Some(share) = pinned(progress)? else { return Ok(DCC_OK) };
        let word = library().jobs().epoch().word();
        let seen = word.load(Ordering::Relaxed);
        let epoch = dcc_poll_layer { word: std::ptr::from_ref(word).cast(), expected: seen };
        let token = library().shares().token(&share);
        // As the thread sees its current job, so that checks around it are asked, too.
        let current = thread::slots().map(|slots| slots.job_layer().token());
        let job = if current == Some(token) { poll.job } else { layer_of(token) };
        to.write(dcc_progress_counter { epoch, poll: dcc_poll_pair { job, ..poll }, ..none });
        Ok(DCC_OK)
    })
}
