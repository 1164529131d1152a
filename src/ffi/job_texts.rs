//! What a job tells of itself: how far it is, and its texts.

use super::answer::poll_layers;
use super::argument::Versioned;
use super::guard::{Outcome, guard};
use super::job::{dcc_job, jobs, pinned, with_text};
use super::out::{StructOut, TextOut};
use super::status::{DCC_OK, dcc_status};
use super::thread;
use crate::diagnosis::place::Place;
use crate::handle::NULL;
use crate::job::Progress;
use crate::job::texts::JobText;
use crate::thread::current::ThreadSlots;
use std::ffi::c_char;

/// How far a job is. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_job_progress {
    /// sizeof(dcc_job_progress); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Units done.
    pub done: u64,
    /// Units in all, 0 while unknown.
    pub total: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_job_progress {
    const NAME: &'static str = "dcc_job_progress";
    const FIRST_SIZE: usize = 24;
}

/// Notes how far a running job is, and answers whether to stop: 0, DCC_CANCELLED_BY_TOKEN if the
/// current token is cancelled, DCC_CANCELLED_BY_JOB if this job is. `total` is 0 while unknown.
/// Progress only grows: a report with less `done` than an earlier one, for instance of a slower
/// worker, is left out. `message` is UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied; NULL keeps
/// the one before. DCC_ERROR_WRONG_STATE if the job is not running. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_set_progress(
    job: *const dcc_job,
    done: u64,
    total: u64,
    message: *const c_char,
    message_length: usize,
) -> dcc_status {
    with_text(job, "message", message, message_length, |job, words| {
        let words = (!message.is_null()).then_some(words);
        jobs().set_progress(job, Progress { done, total }, words)?;
        let slots = thread::slots();
        let number = || slots.map_or(0, ThreadSlots::thread_number);
        let current = slots.map_or(NULL, ThreadSlots::token);
        let token = jobs().token(job);
        Ok(poll_layers(current, token, number, || Place::Unknown))
    })
}

/// Fills in how far a job is. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_read_progress(
    job: *const dcc_job,
    out_progress: *mut dcc_job_progress,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_progress", out_progress) }?;
        let Progress { done, total } =
            pinned(job)?.map_or_else(Progress::default, |job| jobs().progress(&job));
        to.write(&dcc_job_progress { struct_size: 0, reserved: 0, done, total });
        Ok(DCC_OK)
    })
}

fn show(job: *const dcc_job, which: JobText, to: Outcome<TextOut>) -> Outcome {
    let to = to?;
    match pinned(job)? {
        Some(job) => jobs().show_text(&job, which, |text| to.write(text)),
        None => to.write(""),
    }
    Ok(DCC_OK)
}

/// Writes the message of the latest progress, `snprintf`-like, as dcc_cancel_token_reason. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_progress_message(
    job: *const dcc_job,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    // SAFETY: the C caller's promise, see the comment.
    guard(|| show(job, JobText::ProgressMessage, unsafe { TextOut::new(buffer, size, out_length) }))
}

/// Writes the label, `snprintf`-like. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_label(
    job: *const dcc_job,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    // SAFETY: the C caller's promise, see the comment.
    guard(|| show(job, JobText::Label, unsafe { TextOut::new(buffer, size, out_length) }))
}

/// Writes the caller's own id, `snprintf`-like. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_caller_id(
    job: *const dcc_job,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    // SAFETY: the C caller's promise, see the comment.
    guard(|| show(job, JobText::CallerId, unsafe { TextOut::new(buffer, size, out_length) }))
}

/// Writes why the job failed or was interrupted, or with which error its code gave up when it was
/// cancelled, `snprintf`-like; empty if there is nothing of the kind. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_failure(
    job: *const dcc_job,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    // SAFETY: the C caller's promise, see the comment.
    guard(|| show(job, JobText::Failure, unsafe { TextOut::new(buffer, size, out_length) }))
}
