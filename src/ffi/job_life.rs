//! How a job begins and ends, and is asked to.

use super::answer::job_status;
use super::argument::handle;
use super::guard::{Outcome, guard};
use super::job::{DCC_JOB_NONE, dcc_job, jobs, pinned, with, with_text};
use super::out::ValueOut;
use super::status::{
    DCC_ALREADY_CANCELLED, DCC_ALREADY_ENDED, DCC_CANCELLED_BY_JOB, DCC_OK, DCC_SEALED, dcc_status,
};
use super::{library, thread};
use crate::job::life::{Begun, Ended};
use crate::job::{JobPin, JobState};
use std::ffi::c_char;

/// Asks a job to stop: its polls see it. It does not end the job; the job itself does, and may
/// still complete. DCC_OK: this call was the first to ask. DCC_ALREADY_CANCELLED: another was.
/// DCC_ALREADY_ENDED, DCC_SEALED (see dcc_job_seal): too late, nothing changes. `reason` as in
/// dcc_cancel_token_cancel. Any thread; a job that ends at the same moment keeps its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_cancel(
    job: *const dcc_job,
    reason: *const c_char,
    reason_length: usize,
) -> dcc_status {
    with_text(job, "reason", reason, reason_length, |job, reason| {
        let cancelled = jobs().cancel(job, reason);
        thread::note_own_cancel();
        Ok(match cancelled {
            Ok(true) => DCC_OK,
            Ok(false) if jobs().is_sealed(job) => DCC_SEALED,
            Ok(false) => DCC_ALREADY_CANCELLED,
            Err(_) => DCC_ALREADY_ENDED,
        })
    })
}

/// Whether a job was asked to stop: 0, DCC_CANCELLED_BY_JOB, or a negative status for a bad
/// handle. `if (dcc_job_is_cancelled(job))` is right where it means stop, `> 0` where it means that
/// somebody has asked; as dcc_cancel_token_is_cancelled. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_is_cancelled(job: *const dcc_job) -> dcc_status {
    with(job, |pin| {
        let thread = thread::number;
        if thread::is_around_check() {
            thread::ask_around();
        }
        Ok(job_status(handle(job), library().tokens().answer(jobs().token(pin), thread)))
    })
}

/// Writes where a job stands to `out_state`: one of the DCC_JOB_ states, DCC_JOB_NONE for NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_state(job: *const dcc_job, out_state: *mut i32) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_state", out_state, DCC_JOB_NONE) }?;
        if let Some(job) = pinned(job)? {
            to.write(jobs().state(&job) as i32);
        }
        Ok(DCC_OK)
    })
}

/// Begins a pending job. DCC_CANCELLED_BY_JOB: it was asked to stop before it began and stays
/// pending; do not run it, acknowledge the cancel. DCC_ERROR_WRONG_STATE if it is not pending. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_begin(job: *const dcc_job) -> dcc_status {
    with(job, |job| {
        Ok(match jobs().begin(job)? {
            Begun::Running => DCC_OK,
            Begun::Cancelled => DCC_CANCELLED_BY_JOB,
        })
    })
}

/// Ends a running job as completed. DCC_OK: this call ended it. DCC_ALREADY_ENDED: it had ended,
/// and stays as it was. A cancel that came meanwhile changes nothing. Any thread; of several ends
/// at the same moment exactly one wins.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_complete(job: *const dcc_job) -> dcc_status {
    with(job, |job| end(job, JobState::Completed, ""))
}

/// Ends a pending or running job as failed, with a message for people (UTF-8, up to
/// DCC_MAX_TEXT_LENGTH bytes, copied; may be NULL). Answers as dcc_job_complete. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_fail(
    job: *const dcc_job,
    message: *const c_char,
    message_length: usize,
) -> dcc_status {
    with_text(job, "message", message, message_length, |job, message| {
        end(job, JobState::Failed, message)
    })
}

/// Ends a pending or running job as cancelled: it saw that it, or the current token, was asked to
/// stop, and stopped. Answers as dcc_job_complete; DCC_SEALED: this call ended it, but as failed, because
/// it is sealed. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_acknowledge_cancel(job: *const dcc_job) -> dcc_status {
    with(job, |pin| {
        thread::tell_around(handle(job));
        end(pin, JobState::Cancelled, "")
    })
}

/// Ends a pending or running job whose code has given up with an error, as dcc_job_fail does; but as
/// cancelled, with the message, if the code was told to stop before: `was_told` is not 0, or a poll or
/// another question of this thread, while the job was current here, or a poll of another thread that has
/// the job's context, has answered "stop", or this thread itself has cancelled it. What a library throws
/// because its callback asked it to stop is no failure; in a sealed job it is. As long as the job itself is
/// not cancelled, only a token that was current beside it counts: not one below the job, which stops a part
/// of its work, and not a token or job that is not current here. If the job is cancelled because one around
/// it on this thread was, that one was told, too. Answers as dcc_job_complete. On the thread whose code gave
/// up, before or after the job stops being current there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_end_by_error(
    job: *const dcc_job,
    was_told: i32,
    message: *const c_char,
    message_length: usize,
) -> dcc_status {
    with_text(job, "message", message, message_length, |pin, message| {
        let here = thread::slots().is_some_and(|slots| slots.was_told(handle(job)));
        let was_told = was_told != 0 || here || jobs().was_told(pin);
        if was_told {
            thread::tell_around(handle(job));
        }
        let is_cancelled = was_told && !jobs().is_sealed(pin);
        end(pin, if is_cancelled { JobState::Cancelled } else { JobState::Failed }, message)
    })
}

/// Ends a pending or running job as interrupted, from outside, for instance because its host
/// closes; `message` says why, as in dcc_job_fail. The code that runs it sees nothing of this:
/// cancel it too. Answers as dcc_job_complete. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_interrupt(
    job: *const dcc_job,
    message: *const c_char,
    message_length: usize,
) -> dcc_status {
    with_text(job, "message", message, message_length, |job, message| {
        end(job, JobState::Interrupted, message)
    })
}

fn end(job: &JobPin<'_>, state: JobState, text: &str) -> Outcome {
    Ok(match jobs().end(job, state, text)? {
        Ended::ByThisCall => DCC_OK,
        Ended::AsFailed => DCC_SEALED,
        Ended::Before(_) => DCC_ALREADY_ENDED,
    })
}
