//! Waiting for the end of a job: `dcc_job_wait` and its native event.

use super::argument::handle;
use super::guard::{guard, guard_creating};
use super::job::{dcc_job, jobs, pinned};
use super::out::ValueOut;
use super::status::{DCC_NEVER, DCC_OK, DCC_POLL_GONE, DCC_TIMED_OUT, dcc_status};
use super::wait::{DCC_NO_NATIVE_EVENT, dcc_native_event, until};
use super::{library, thread};
use crate::job::wait::EndWaited;

/// Waits until a job has really ended, at most `timeout_ns` nanoseconds; 0 only looks, DCC_NO_LIMIT waits for
/// ever. For "cancel it, wait until it has stopped, then free what it works on": dcc_job_cancel only asks.
///
/// DCC_OK: it has ended, as dcc_job_state tells, and all that was written before that is visible. The end
/// of a job that is not posted is the call that ends it (dcc_job_complete, dcc_job_fail and so on): make
/// that call when the last use of what the job works on is over. The end of a posted job comes when its
/// completion and its destroy-notify have run as well, or would have if it had any: on its dispatcher's
/// thread, so not before that thread has pumped, wherever the job itself ran, and also if it was cancelled
/// before it ran or its dispatcher was shut down. If its owner is closed on another thread, the completion
/// is left out, and the end comes with that close. For NULL there is nothing to wait for: DCC_OK at once.
/// DCC_TIMED_OUT: it has not ended yet. With a timeout of 0 that is the answer wherever a longer one would
/// be refused or wait for ever.
/// DCC_POLL_GONE: its last reference was given back while it was unfinished, so nobody can end it any more;
/// its destroy-notify has run. The wait does not keep the job alive, but a reference that you hold does: a
/// job that was dropped unfinished by all others then stays unfinished, so wait with a limit, or ask again
/// by dcc_job_find.
/// DCC_NEVER: the thread of its dispatcher has ended, so its completion never runs; whether it has stopped
/// tells dcc_job_state. Also with a timeout of 0.
/// DCC_ERROR_WOULD_DEADLOCK: the end needs this thread, and nothing was waited for. The job is current on
/// it, also below others that were set since, or by a context that was entered; or the job is posted and
/// this is its dispatcher's thread; or the thread that has to end it waits, over however many others, for
/// this one in a call of the library. A wait that begins later and would close such a ring is refused
/// instead. A thread that waits in a way of its own is not seen, nor one that has to end the job without
/// having it current: use a limit there.
///
/// Checks of foreign jobs are asked meanwhile as dcc_cancel_token_wait asks them, that of this job, too. Any
/// thread but the host's UI thread, which should not wait long. A cancel of what is current on this
/// thread does not end the wait. A worker of the library that waits for a job that waits for a worker runs it
/// itself. The first wait for a job, or native event of it, takes a token of the library until the job is
/// gone: DCC_ERROR_RESOURCES if there is none.
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

/// Writes a native event that is set when dcc_job_wait would come back: when the job has ended, is gone
/// unfinished, or can never end. Then ask dcc_job_wait with a timeout of 0, which. For NULL, and for a job
/// that has ended, it is set already. Otherwise as dcc_cancel_token_native_event: level-triggered, your
/// duplicate, which you close. Any thread, also one that must not wait.
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
