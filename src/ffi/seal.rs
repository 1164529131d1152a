//! The point of no return of jobs and requests.

use super::answer::job_status;
use super::argument::handle;
use super::job::{dcc_job, jobs, with};
use super::request::{dcc_request, pinned};
use super::session::requests;
use super::status::{DCC_ALREADY_ENDED, DCC_CANCELLED_BY_TOKEN, DCC_OK, DCC_SEALED, dcc_status};
use super::{guard::guard, library, thread};
use crate::job::life::JobSealed;
use crate::peer::request::RequestSealed;
use crate::token::ask::Answer;

/// Lets a running job pass its point of no return, before it does what cannot be taken back: keeps an undo
/// step, writes the file. DCC_OK: go ahead; it is sealed, by this call or before, and no cancel reaches it
/// any more. DCC_CANCELLED_BY_JOB: a cancel was first; leave that out, and stop. DCC_ALREADY_ENDED: it has
/// ended. DCC_ERROR_WRONG_STATE: it has not begun, and nobody has asked it to stop. DCC_ERROR_RESOURCES: it
/// works for more than 32 requests, or is below more than 256 tokens of none; nothing happened. So
/// `if (dcc_job_seal(job)) return;` is right.
/// It is a question, too: a job's `is_cancelled` function is asked first if that is due.
///
/// A cancel and a seal at the same moment: one of them wins, and both callers are told the same. What comes
/// after the seal, of the job, a parent, a deadline or the job's `is_cancelled` function, which is not asked
/// any more, changes nothing: it answers DCC_SEALED where the job itself is meant, and passes the job by on
/// its way down. The deadline is cleared, callbacks of the job's token are dropped and their
/// destroy-notifies run in this call, waits for the token answer DCC_NEVER, native events of it stay unset.
/// What was made below the job keeps its own cancels, deadlines and other parents. Polls that have the job
/// as their job answer 0 from now on, whatever happens to the token of the same poll.
///
/// The request that the job works for (its token is the job's parent, or there are only tokens of no job or
/// of jobs that have ended in between) owes its result, even if a cancel of it comes after the seal; that
/// asks all else that works for the request to stop. Requests that only share a token of
/// dcc_cancel_token_create_all are not among them: each of them is told of its own cancel. A sealed job
/// ends as completed, failed or interrupted, never as cancelled. Shield what runs after this by
/// dcc_context_shield if it polls. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_seal(job: *const dcc_job) -> dcc_status {
    with(job, |job| {
        if !jobs().is_sealed(job) {
            if thread::is_around_check() {
                thread::ask_around();
            }
            library().tokens().answer(jobs().token(job), thread::number);
        }
        Ok(match jobs().seal(job)? {
            JobSealed::Yes => DCC_OK,
            JobSealed::Cancelled => job_status(handle(job), Answer::Cancelled),
            JobSealed::Ended => DCC_ALREADY_ENDED,
        })
    })
}

/// Whether a job has passed its point of no return, see dcc_job_seal: 0, DCC_SEALED, or a negative status for
/// a bad handle; so `if (dcc_job_is_sealed(job) > 0)` is right. Once it is sealed it stays so, also after its
/// end. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_is_sealed(job: *const dcc_job) -> dcc_status {
    with(job, |job| Ok(if jobs().is_sealed(job) { DCC_SEALED } else { DCC_OK }))
}

/// Lets a request pass its point of no return, for work that no job stands for: as dcc_job_seal, its peer
/// gets the result, and no cancel reaches its token any more, nor what is below it through that. DCC_OK: go
/// ahead; it, or a job for it, is sealed. DCC_CANCELLED_BY_TOKEN: a cancel was first. DCC_ALREADY_ENDED.
/// Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_request_seal(request: *const dcc_request) -> dcc_status {
    guard(|| {
        Ok(match requests().seal(&pinned(request)?) {
            RequestSealed::Yes => DCC_OK,
            RequestSealed::Cancelled => {
                thread::note_told();
                DCC_CANCELLED_BY_TOKEN
            }
            RequestSealed::Ended => DCC_ALREADY_ENDED,
        })
    })
}
