//! Waiting for the end of a job: `dcc_job_wait` and its native event.

use super::argument::handle;
use super::guard::{guard, guard_creating};
use super::job::{dcc_job, jobs, pinned};
use super::out::ValueOut;
use super::status::{DCC_NEVER, DCC_OK, DCC_POLL_GONE, DCC_TIMED_OUT, dcc_status};
use super::wait::{DCC_NO_NATIVE_EVENT, dcc_native_event, until};
use super::{library, thread};
use crate::job::wait::EndWaited;

/// Waits until a job has really ended, for at most `timeout_ns` nanoseconds. Any thread may call
/// this, but the host's UI thread should not wait long. With 0 it only looks; with DCC_NO_LIMIT it
/// waits without a limit. Use it to cancel a job, wait until it has stopped, and then free what it
/// works on: dcc_job_cancel only asks.
///
/// - DCC_OK: the job has ended, and everything that was written before its end is visible.
///   dcc_job_state tells how it ended. A NULL job is DCC_OK at once.
/// - DCC_TIMED_OUT: the job has not ended yet. With a timeout of 0 this is also the answer if a
///   longer wait would be refused.
/// - DCC_POLL_GONE: the job's last reference was released while it was unfinished, so nobody can
///   end it any more. Its destroy-notify has run.
/// - DCC_NEVER: the thread of the job's dispatcher has ended, so the job's completion never runs. A
///   timeout of 0 gets this answer, too. dcc_job_state tells whether the job itself has stopped.
/// - DCC_ERROR_WOULD_DEADLOCK: the end needs this thread, and the call did not wait; see below.
/// - DCC_ERROR_RESOURCES: no token was left for the wait. The first wait for a job, or its first
///   native event, takes a token of the library until the job is gone.
///
/// A job that is not posted ends in the call that ends it, such as dcc_job_complete or
/// dcc_job_fail. Make that call after the last use of what the job works on. A posted job ends
/// after its completion and its destroy-notify have run, or when they would have run if it has
/// none. They run on the dispatcher's thread, so the end comes only after that thread has pumped,
/// wherever the job itself ran. That holds even if the job was cancelled before it ran or its
/// dispatcher was shut down. If the job's owner is closed on another thread, the completion is left
/// out, and the job ends with that close.
///
/// The end needs this thread in these cases:
///
/// - The job is current on this thread, even if others were set on top of it or a context was
///   entered.
/// - The job is posted, and this is its dispatcher's thread.
/// - The thread that has to end the job waits in a call of the library, directly or through other
///   threads, for this thread.
///
/// If another thread's later wait would close the ring of waiting threads, that wait is refused
/// instead. The library does not see a thread that waits in its own way, nor a thread that has to
/// end the job without having it current; wait with a limit there.
///
/// The wait does not keep the job alive, but a reference that you hold does. If all others drop the
/// job unfinished while you hold a reference, it stays unfinished, and the wait goes on. So wait
/// with a limit. Or keep only the job's id: find the job by dcc_job_find for each short wait, and
/// release it afterwards. A cancel of what is current on this thread does not end the wait. The
/// wait asks `is_cancelled` functions as dcc_cancel_token_wait does, also that of this job. If a
/// worker of the library waits for a job that waits for a worker, it runs that job itself.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_wait(job: *const dcc_job, timeout_ns: u64) -> dcc_status {
    guard(|| {
        if job.is_null() {
            return Ok(DCC_OK);
        }
        let dispatchers = library().dispatchers();
        let waited = dispatchers.wait_for_end(thread::slots(), handle(job), until(timeout_ns))?;
        Ok(match waited {
            EndWaited::Ended => DCC_OK,
            EndWaited::TimedOut => DCC_TIMED_OUT,
            EndWaited::Gone => DCC_POLL_GONE,
            EndWaited::Never => DCC_NEVER,
        })
    })
}

/// Writes a native event that is set when dcc_job_wait would return: when the job has ended, is
/// gone unfinished, or can never end. Any thread may call this, even one that must not wait. To
/// learn which, call dcc_job_wait with a timeout of 0. For NULL, and for a job that has ended, the
/// event is set already. Otherwise it is like the event of dcc_cancel_token_native_event:
/// level-triggered, and your own duplicate, which you close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_native_event(
    job: *const dcc_job,
    out_native_event: *mut dcc_native_event,
) -> dcc_status {
    guard_creating(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to =
            unsafe { ValueOut::new("out_native_event", out_native_event, DCC_NO_NATIVE_EVENT) }?;
        to.write(jobs().end_event(pinned(job)?.as_ref())?);
        Ok(())
    })
}
