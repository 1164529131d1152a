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

/// Seals a running job: lets it pass its point of no return. Any thread may call this. Call it
/// right before a step that cannot be taken back, such as keeping an undo step or replacing a file.
/// `if (dcc_job_seal(job)) return;` is right.
///
/// - DCC_OK: go ahead. The job is sealed, by this call or before, and no cancel reaches it any
///   more.
/// - DCC_CANCELLED_BY_JOB: a cancel was first. Leave the irreversible step out, and stop.
/// - DCC_ALREADY_ENDED: the job has ended.
/// - DCC_ERROR_WRONG_STATE: the job has not begun, and nobody has asked it to stop.
/// - DCC_ERROR_RESOURCES: the job works for more than 32 requests, or more than 256 links to
///   ancestors would have to be followed. Nothing happened.
///
/// The call is also a question whether to stop: it first asks the job's `is_cancelled` function, if
/// there is one and it is due. If a cancel and a seal come at the same moment, one of them wins,
/// and both callers get the matching answer.
///
/// After the seal no cancel changes the job. A cancel of the job itself answers DCC_SEALED, and a
/// cancel of a parent does not reach the job. The job's `is_cancelled` function is not asked any
/// more. This call clears the deadline of the job's token, drops the token's callbacks and runs
/// their destroy-notifies. Waits for the token answer DCC_NEVER, and its native events stay unset.
/// Polls of the job answer 0 from now on, even if the token of the same poll is cancelled. What was
/// created below the job keeps its own cancels, deadlines and other parents.
///
/// A sealed job ends as completed, failed or interrupted, never as cancelled. If code after the
/// seal polls, put it behind dcc_context_shield.
///
/// If the job works for a request of a peer (chapter 10), the peer is owed the result, even if the
/// request is cancelled after the seal. Such a cancel asks everything else that works for the
/// request to stop. The job works for a request if the request's token is the job's parent, or if
/// only tokens of no job, or of jobs that have ended, lie in between. Requests that only share a
/// token of dcc_cancel_token_create_all do not count: each of them is told of its own cancel.
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

/// Tells whether a job is sealed, that is past its point of no return (dcc_job_seal). Any thread
/// may call this. The answer is 0, DCC_SEALED, or a negative status for a bad handle, so
/// `if (dcc_job_is_sealed(job) > 0)` is right. A sealed job stays sealed, even after its end.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_is_sealed(job: *const dcc_job) -> dcc_status {
    with(job, |job| Ok(if jobs().is_sealed(job) { DCC_SEALED } else { DCC_OK }))
}

/// Seals a request, for work that no job stands for. Any thread may call this. As with
/// dcc_job_seal, the peer gets the result, and no cancel reaches the request's token any more, or
/// goes through it to what is below.
///
/// - DCC_OK: go ahead. The request, or a job for it, is sealed.
/// - DCC_CANCELLED_BY_TOKEN: a cancel was first.
/// - DCC_ALREADY_ENDED: the request has ended.
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
