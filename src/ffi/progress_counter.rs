//! The counter of a share. It lies in the caller's memory, and the code that uses it is inlined in
//! the caller.

use super::guard::guard;
use super::out::ValueOut;
use super::poll::{NEVER, dcc_poll_layer, dcc_poll_pair, layer_of, pair};
use super::progress::{dcc_progress, pinned};
use super::status::{DCC_OK, dcc_status};
use super::{library, thread};
use crate::sys::sync::Ordering;

/// Counts units of a share for one loop on one thread, for dcc_progress_advance. Its layout never
/// changes, because inlined code reads and writes its fields. It holds no reference. Only
/// dcc_progress_counter_of and dcc_progress_read_counter make one. A counter of all zero bits must
/// not be used: its layers have no word to read, and a check for that would make each count dearer.
/// For a counter that counts nothing, take that of a NULL share.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_progress_counter {
    /// The share that it counts for.
    pub progress: *const dcc_progress,
    /// Units that were counted here and are not yet counted in the share.
    pub pending: u64,
    /// The word that changes when a reader asks for pending units.
    pub epoch: dcc_poll_layer,
    /// What was current when the counter was made, with the job of the share as its job.
    pub poll: dcc_poll_pair,
}

/// Writes a counter of a share, for languages without inline functions; C and C++ use
/// dcc_progress_counter_of. Any thread may call this, and only that thread uses the counter. The
/// counter of a NULL share counts nothing and polls what is current.
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
        // The layer as the thread's own polls see it, so that the checks of jobs around this one
        // are asked, too.
        let current = thread::slots().map(|slots| slots.job_layer().token());
        let job = if current == Some(token) { poll.job } else { layer_of(token) };
        to.write(dcc_progress_counter { epoch, poll: dcc_poll_pair { job, ..poll }, ..none });
        Ok(DCC_OK)
    })
}
