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
use crate::job::Progress;
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
    const FIRST_SIZE: usize = 40;
}

fn finite(what: &'static str, value: f64) -> Outcome<()> {
    if value.is_finite() { Ok(()) } else { Err(Error::NotFinite(what)) }
}

fn set(request: &RequestPin<'_>, progress: f64, total: f64, message: &str) -> Outcome {
    let is_in_time = requests().set_progress(request, progress, total, message)?;
    Ok(if is_in_time { DCC_OK } else { DCC_ALREADY_ENDED })
}

/// Notes how far a request is, for dcc_request_write_progress. Cheap, so tell it of every step: what is
/// not further than before is left out. DCC_ALREADY_ENDED: the request has ended.
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

/// Notes how far a request is by how far this job is, which works for it: what dcc_job_set_progress was
/// told last; nothing for a NULL job. As dcc_request_set_progress. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_request_set_progress_of_job(
    request: *const dcc_request,
    job: *const dcc_job,
) -> dcc_status {
    guard(|| {
        let request = pinned(request)?;
        let Some(job) = pinned_job(job)? else { return Ok(DCC_OK) };
        jobs().show_progress(&job, |Progress { done, total }, message| {
            set(&request, done as f64, total as f64, message)
        })
    })
}

/// Flag of a note of progress: it is told now, due or not.
pub const DCC_PROGRESS_NOW: u32 = 1;

/// Writes the `notifications/progress` of MCP that the request's peer is to be told now, `snprintf`-like,
/// or nothing, whose length is 0: it is as far as it was, the last note is less than the session's
/// interval ago, the peer did not ask for progress or has cancelled, or the request has ended. Call it
/// from a tick or after each step, and with DCC_PROGRESS_NOW right before the end, so that the peer
/// learns of the last step; otherwise `flags` is 0. What does not fit into the buffer counts as not told
/// and is there for the next call. Values only rise. Send what it wrote before the answer: that no note
/// follows the answer is up to you, once you have it. Any thread.
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
        let shown = requests().show_progress(&request, flags & DCC_PROGRESS_NOW != 0, |note| {
            to.write(note);
            note.len() < size
        })?;
        if shown.is_none() {
            to.write("");
        }
        Ok(DCC_OK)
    })
}
