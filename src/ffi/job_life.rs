//! How a job begins, ends and is asked to stop.

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

/// Asks a job to stop. Any thread may call this. The job's polls see the cancel; the job ends
/// itself, and may still complete.
///
/// - DCC_OK: this call was the first to ask.
/// - DCC_ALREADY_CANCELLED: another call was first, and its reason stays.
/// - DCC_ALREADY_ENDED, DCC_SEALED (see dcc_job_seal): too late, and nothing changes.
///
/// `reason` and callbacks are as in dcc_cancel_token_cancel. If the job ends at the same moment,
/// its end stays, and the answer may be DCC_OK or DCC_ALREADY_ENDED.
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

/// Tells whether a job was asked to stop. Any thread may call this. The answer is 0,
/// DCC_CANCELLED_BY_JOB, or a negative status for a bad handle. `if (dcc_job_is_cancelled(job))` is
/// right for the question whether to stop, `> 0` for the question whether somebody asked, as for
/// dcc_cancel_token_is_cancelled.
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

/// Writes the state of a job, one of the DCC_JOB_ states, to `out_state`. Any thread may call this.
/// The state of NULL is DCC_JOB_NONE.
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

/// Begins a pending job, which is running from then on. Any thread may call this. It does not make
/// the job current; dcc_job_set_current does.
///
/// - DCC_CANCELLED_BY_JOB: the job was asked to stop before it began, and stays pending. Do not run
///   it; call dcc_job_acknowledge_cancel.
/// - DCC_ERROR_WRONG_STATE: the job is not pending.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_begin(job: *const dcc_job) -> dcc_status {
    with(job, |job| {
        Ok(match jobs().begin(job)? {
            Begun::Running => DCC_OK,
            Begun::Cancelled => DCC_CANCELLED_BY_JOB,
        })
    })
}

/// Ends a running job as completed. Any thread may call this. A cancel that came before changes
/// nothing.
///
/// - DCC_OK: this call ended the job.
/// - DCC_ALREADY_ENDED: the job had ended before, and stays as it was.
/// - DCC_ERROR_WRONG_STATE: the job has not begun.
///
/// If several calls end the job at the same moment, exactly one of them succeeds.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_complete(job: *const dcc_job) -> dcc_status {
    with(job, |job| end(job, JobState::Completed, ""))
}

/// Ends a pending or running job as failed. Any thread may call this. `message` is for people:
/// UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied; it may be NULL. The answer is DCC_OK or
/// DCC_ALREADY_ENDED, as for dcc_job_complete.
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

/// Ends a pending or running job as cancelled: its code saw that the job or the current token was
/// asked to stop, and stopped. Any thread may call this. The answer is DCC_OK or DCC_ALREADY_ENDED,
/// as for dcc_job_complete, or DCC_SEALED: this call ended the job, but as failed, because the job
/// is sealed.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_acknowledge_cancel(job: *const dcc_job) -> dcc_status {
    with(job, |pin| {
        thread::tell_around(handle(job));
        end(pin, JobState::Cancelled, "")
    })
}

/// Ends a pending or running job whose code gave up with an error. Call it on the thread whose code
/// gave up, before or after the job stops being current there. If the code was told to stop before,
/// the job ends as cancelled, with the message: a library that throws because its callback asked it
/// to stop has not failed. Otherwise, and if the job is sealed, it ends as failed, as by
/// dcc_job_fail. The answer is DCC_OK or DCC_ALREADY_ENDED, as for dcc_job_complete.
///
/// The code was told to stop in each of these cases:
///
/// - `was_told` is not 0: the caller knows that the code was told.
/// - While the job was current on this thread, a poll or another question of this thread whether to
///   stop was answered with stop.
/// - A poll of another thread that has the job's context was answered with stop.
/// - This thread called the function that cancelled the job, while the job was current here.
///
/// If the job itself is not cancelled, the answer "stop" counts only if it came from the current
/// token beside the job. A token below the job does not count, because it stops only a part of the
/// job's work. A token or job that is not current here does not count either. Another job may be
/// current around this job on this thread. If that job is cancelled, too, it counts as told from
/// then on.
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

/// Ends a pending or running job from outside as interrupted, for instance because its host closes.
/// Any thread may call this. `message` says why, as in dcc_job_fail. The code that runs the job
/// does not see this end, so cancel the job before. The answer is DCC_OK or DCC_ALREADY_ENDED, as
/// for dcc_job_complete.
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
