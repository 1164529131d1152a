//! The progress and the texts of a job.

use super::answer::poll_layers;
use super::argument::Versioned;
use super::dispatcher::DCC_NO_LIMIT;
use super::guard::{Outcome, guard};
use super::job::{dcc_job, jobs, pinned, with_text};
use super::out::{StructOut, TextOut};
use super::status::{DCC_OK, dcc_status};
use super::trace::place;
use super::{library, thread};
use crate::diagnosis::place::Place;
use crate::handle::NULL;
use crate::job::progress::Bar;
use crate::job::texts::JobText;
use crate::job::{JobPin, Progress};
use crate::thread::current::ThreadSlots;
use std::ffi::c_char;

/// How far a job is. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_job_progress {
    /// sizeof(dcc_job_progress); the call writes back how many bytes it filled.
    pub struct_size: u32,
    /// Reserved; the call writes 0.
    pub reserved: u32,
    /// Units done, as dcc_job_read_progress defines them.
    pub done: u64,
    /// Units in all, 0 while unknown.
    pub total: u64,
    /// How much of the job's bar is filled, from 0 to 1. It never falls, and it is 1 only after the
    /// job has completed. While a total is unknown it rises ever more slowly.
    pub fraction: f64,
    /// Estimated time that the job still needs, 0 after its end. DCC_NO_LIMIT while it is unknown:
    /// in the first seconds, in the first tenth of the bar, while the bar stands still, and while a
    /// total is unknown or grew lately. The estimate is no better than the weights of the shares,
    /// so show it coarsely. It is computed when somebody looks, so look regularly.
    pub time_left_ns: u64,
    /// Units that were counted beyond the total of their share, or in a share all of which another
    /// share has taken (dcc_progress_begin with a NULL `parent`). They are not shown.
    pub over: u64,
    /// Units that were counted after their share or the job had ended. They are not shown.
    pub late: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_job_progress {
    const NAME: &'static str = "dcc_job_progress";
}

/// Reports how far a running job is, and answers whether to stop. Any thread may call this.
///
/// - 0: go on. Behind dcc_context_shield this is the answer even if something is cancelled.
/// - DCC_CANCELLED_BY_TOKEN: the current token is cancelled.
/// - DCC_CANCELLED_BY_JOB: this job is cancelled.
/// - DCC_ERROR_WRONG_STATE: the job is not running.
///
/// `total` is 0 while it is unknown. `message` is UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied;
/// NULL keeps the previous message. If a share of this job is current on this thread
/// (dcc_progress_set_current), the report counts in that share, else in the whole job.
///
/// Progress only grows. A report with a smaller `done`, for instance of a slower worker, is ignored
/// if its `total` is the present or the previous one. With another `total` it begins a new count.
/// Whenever `total` changes, the part of the bar that is still empty is spread over the units that
/// are still to come.
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
        set_progress(job, Progress { done, total }, words, || Place::Unknown)
    })
}

/// As dcc_job_set_progress, with the place of the call in the source for the poll trace. Any thread
/// may call this. `file` ends with NUL, or is NULL if the place is not known. In C
/// dcc_job_set_progress is a macro that passes its place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_set_progress_at(
    job: *const dcc_job,
    done: u64,
    total: u64,
    message: *const c_char,
    message_length: usize,
    file: *const c_char,
    line: u32,
) -> dcc_status {
    with_text(job, "message", message, message_length, |job, words| {
        let words = (!message.is_null()).then_some(words);
        // SAFETY: the C caller's promise: NULL or ended by NUL.
        set_progress(job, Progress { done, total }, words, || unsafe { place(file, line) })
    })
}

fn set_progress(
    job: &JobPin<'_>,
    progress: Progress,
    words: Option<&str>,
    place: impl FnOnce() -> Place,
) -> Outcome {
    let slots = thread::slots();
    let share = slots.map_or(NULL, ThreadSlots::current_share);
    library().shares().set_progress(job, share, progress, words)?;
    let token = jobs().token(job);
    let Some(slots) = slots else { return Ok(poll_layers(NULL, token, || 0, place)) };
    if slots.is_shielded() {
        return Ok(DCC_OK);
    }
    // The layer as the thread's own polls see it, so that the checks of jobs around this one are
    // asked, too.
    let layer = slots.job_layer();
    let seen = if layer.token() == token { layer.expected() } else { token };
    Ok(poll_layers(slots.token_layer().expected(), seen, || slots.thread_number(), place))
}

/// Writes how far a job is to `out_progress`. Any thread may call this. `done` and `total` are what
/// dcc_job_set_progress reported. From the moment when the job has shares or its total has changed,
/// they are millionths of the bar. The call also asks the counters of the job's shares to flush, so
/// the next call shows what they have counted until now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_read_progress(
    job: *const dcc_job,
    out_progress: *mut dcc_job_progress,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_progress", out_progress) }?;
        let bar = pinned(job)?.map_or_else(Bar::default, |job| jobs().bar(&job));
        to.write(&dcc_job_progress {
            struct_size: 0,
            reserved: 0,
            done: bar.count.done,
            total: bar.count.total,
            fraction: bar.fraction,
            time_left_ns: bar.time_left_ns.unwrap_or(DCC_NO_LIMIT),
            over: bar.over,
            late: bar.late,
        });
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

/// Writes what the job is doing: the newest message of the job and of those of its shares that have
/// not ended. The labels of the shares that the message belongs to stand before it, as in "Export >
/// Textures > 4k.exr". Any thread may call this. The buffer is filled as by
/// dcc_cancel_token_reason.
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

/// Writes the job's label. Any thread may call this. The buffer is filled as by
/// dcc_cancel_token_reason.
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

/// Writes the caller id that the job was created with. Any thread may call this. The buffer is
/// filled as by dcc_cancel_token_reason.
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

/// Writes the message of the job's end: why the job failed or was interrupted, or the error with
/// which the code of a cancelled job gave up (dcc_job_end_by_error). Without such a message the
/// text is empty. Any thread may call this. The buffer is filled as by dcc_cancel_token_reason.
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
