//! A request's progress, for its peer: `dcc_request_set_progress*`, `dcc_request_write_progress`.

use super::argument::{Versioned, descriptor, flags, reserved, text};
use super::guard::{Outcome, guard};
use super::job::{dcc_job, jobs, pinned as pinned_job};
use super::limits::DCC_MAX_TEXT_LENGTH;
use super::out::TextOut;
use super::request::{dcc_request, pinned};
use super::session::requests;
use super::status::{DCC_ALREADY_ENDED, DCC_OK, dcc_status};
use crate::error::Error;
use crate::job::{JobPin, Progress};
use crate::json_rpc::progress::OfJob;
use crate::peer::request::RequestPin;
use std::ffi::c_char;

/// Progress of a request. Set all bytes to zero, then `struct_size` to sizeof, then the fields that
/// you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_request_progress {
    /// sizeof(dcc_request_progress)
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Progress in your own units, such as seconds, frames or steps.
    pub progress: f64,
    /// Value of `progress` at the end; 0 while that is unknown.
    pub total: f64,
    /// Text for people, or NULL: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes; copied.
    pub message: *const c_char,
    /// Length of `message` in bytes, or DCC_NUL_TERMINATED.
    pub message_length: usize,
}

// SAFETY: numbers and a nullable pointer, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_request_progress {
    const NAME: &'static str = "dcc_request_progress";
}

fn finite(what: &'static str, value: f64) -> Outcome<()> {
    if value.is_finite() { Ok(()) } else { Err(Error::NotFinite(what)) }
}

fn set(request: &RequestPin<'_>, progress: f64, total: f64, message: &str) -> Outcome {
    let is_in_time = requests().set_progress(request, progress, total, message)?;
    Ok(if is_in_time { DCC_OK } else { DCC_ALREADY_ENDED })
}

/// Notes the progress of a request, for dcc_request_write_progress. Any thread may call this. It is
/// cheap, so call it at each step.
///
/// A value below an earlier one is ignored, and so is the same value unless its message is new.
/// DCC_ALREADY_ENDED: the request has ended. DCC_ERROR_INVALID_ARGUMENT: `progress` or `total` is
/// infinite or not a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_request_set_progress(
    request: *const dcc_request,
    progress: *const dcc_request_progress,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a filled-in structure.
        let given = unsafe { descriptor("progress", progress) }?;
        reserved::<dcc_request_progress>(given.reserved)?;
        let name = "dcc_request_progress.message";
        // SAFETY: the C caller's promise about its text.
        let message =
            unsafe { text(name, given.message, given.message_length, DCC_MAX_TEXT_LENGTH) }?;
        finite("dcc_request_progress.progress", given.progress)?;
        finite("dcc_request_progress.total", given.total)?;
        set(&pinned(request)?, given.progress, given.total, message)
    })
}

/// Lets a request's progress be that of this job, which works for it: of its counts and all its
/// shares. Any thread may call this. One call is enough: until dcc_request_set_progress is called,
/// dcc_request_write_progress asks the job by itself, as long as the job lives.
///
/// All notifications keep the scale of the first count: if the job began with 200 frames, `total`
/// is 200 to the end, whatever steps follow; it is 1 if there was no such count. The peer is told
/// that `total` is reached only when the job has completed, or with DCC_PROGRESS_NOW when the job's
/// count has reached it. If `job` is NULL, nothing happens. DCC_ALREADY_ENDED: the request has
/// ended.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_request_set_progress_of_job(
    request: *const dcc_request,
    job: *const dcc_job,
) -> dcc_status {
    guard(|| {
        let request = pinned(request)?;
        let Some(job) = pinned_job(job)? else { return Ok(DCC_OK) };
        let is_in_time = set_to_job(&request, &job, false)?;
        Ok(if is_in_time { DCC_OK } else { DCC_ALREADY_ENDED })
    })
}

/// Sets a request's progress to the progress of a job. `is_last`: this is written right before the
/// request's end. Returns false if the request has ended.
fn set_to_job(request: &RequestPin<'_>, job: &JobPin<'_>, is_last: bool) -> Outcome<bool> {
    jobs().show_bar(job, |fraction, count, message| {
        let count = count.map(|Progress { done, total }| (done as f64, total as f64));
        let far = OfJob { fraction, count };
        requests().set_progress_of_job(request, job.handle(), far, message, is_last)
    })
}

/// Flag of dcc_request_write_progress: write now, without waiting for the session's interval.
pub const DCC_PROGRESS_NOW: u32 = 1;

/// Writes MCP's `notifications/progress` that is due for the request's peer, or an empty text. Any
/// thread may call this. The buffer is filled as by dcc_cancel_token_reason. Call it from a tick or
/// after each step, with 0 for `flags`. Call it with DCC_PROGRESS_NOW right before the request's
/// end, so that the peer learns of the last step.
///
/// The text is empty if nothing has changed, the last notification is less than
/// `progress_interval_ns` ago, the peer did not ask for progress or has cancelled, or the request
/// has ended. A notification that does not fit into the buffer counts as not told: the next call
/// writes it.
///
/// Values only rise. So a new message at the same progress has a value that is a little greater, by
/// at most a sixteenth of what is left. With `progress_heartbeat_ns` of the session, such a value
/// also tells that the request goes on, so that a peer that gives up on silent requests keeps
/// waiting. For that, call this from a thread that is not busy with the work; one thread for all
/// requests is enough.
///
/// Send the notification before the answer. If another thread sends the answer, hold the lock of
/// your output from before this call until the notification is sent, and from before
/// dcc_request_end until the answer is sent: then no notification follows an answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_request_write_progress(
    request: *const dcc_request,
    flags: u32,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise, see the comment.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        self::flags("flags", flags, DCC_PROGRESS_NOW, "DCC_PROGRESS_NOW")?;
        let request = pinned(request)?;
        let is_now = flags & DCC_PROGRESS_NOW != 0;
        // An error is ignored: a job that is gone has noted its last progress.
        if let Ok(job) = JobPin::new(jobs(), requests().job_to_ask(&request, is_now)) {
            set_to_job(&request, &job, is_now)?;
        }
        let shown = requests().show_progress(&request, is_now, |note| {
            to.write(note);
            note.len() < size
        })?;
        if shown.is_none() {
            to.write("");
        }
        Ok(DCC_OK)
    })
}
