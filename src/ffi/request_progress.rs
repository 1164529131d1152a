//! `dcc_request_*_progress`.

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

/// How far a request is. Set all to zero, then `struct_size` to sizeof, then what you know.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_request_progress {
    /// sizeof(dcc_request_progress)
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// How far, in units of yours: seconds, frames, steps.
    pub progress: f64,
    /// What it will be at the end; 0 while that is unknown.
    pub total: f64,
    /// For people, or NULL: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes; copied.
    pub message: *const c_char,
    /// Bytes in `message`, or DCC_NUL_TERMINATED.
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

/// Notes how far a request is, for dcc_request_write_progress. Cheap, so tell it of every step: what is
/// less far than before is left out, and what is as far, unless its message is another one.
/// DCC_ALREADY_ENDED: the request has ended.
/// DCC_ERROR_INVALID_ARGUMENT: `progress` or `total` is infinite or no number. Any thread.
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

/// Notes that a request is as far as this job is, which works for it: by its shares and all that counts in
/// it. dcc_request_write_progress looks at it by itself from now on, for as long as the job lives, until
/// dcc_request_set_progress is called; so one call of this is enough. What is told keeps the scale of its
/// first count: of a job that began with 200 frames, `total` is 200 to the end, whatever steps follow, and
/// 1 where nothing like that was known. The end is told once the job has completed, or with
/// DCC_PROGRESS_NOW. Nothing happens for a NULL job. DCC_ALREADY_ENDED: the request has ended. Any thread.
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

/// False: the request has ended.
fn set_to_job(request: &RequestPin<'_>, job: &JobPin<'_>, is_last: bool) -> Outcome<bool> {
    jobs().show_bar(job, |fraction, count, message| {
        let count = count.map(|Progress { done, total }| (done as f64, total as f64));
        let far = OfJob { fraction, count };
        requests().set_progress_of_job(request, job.handle(), far, message, is_last)
    })
}

/// Flag of a note of progress: it is told now, due or not.
pub const DCC_PROGRESS_NOW: u32 = 1;

/// Writes the `notifications/progress` of MCP that the request's peer is to be told now, `snprintf`-like,
/// or nothing, whose length is 0: it is as far as it was, the last note is less than the session's
/// interval ago, the peer did not ask for progress or has cancelled, or the request has ended. Call it
/// from a tick or after each step, and with DCC_PROGRESS_NOW right before the end, so that the peer
/// learns of the last step; otherwise `flags` is 0. What does not fit into the buffer counts as not told
/// and is there for the next call. Values only rise.
///
/// Another message is told also where the request is as far as it was, and with `progress_heartbeat_ns` of
/// the session that it goes on: by a value that is a little greater, at most a sixteenth of what is left. So
/// a peer that gives up on what it does not hear of keeps waiting. For that, call it from a thread that is
/// not busy with the work: one for all requests is enough.
///
/// Send what it wrote before the answer. Where another thread answers, hold the lock of your output from
/// before this call until the note is sent, and from before dcc_request_end until the answer is: then no note
/// follows an answer. Any thread.
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
        // A job that is gone has said what it had to.
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
