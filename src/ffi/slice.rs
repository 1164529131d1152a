//! `dcc_slice_*`: when a job that runs in slices gives the tick back; `dcc_job_wake`: when one that sleeps
//! between two slices goes on.

use super::answer::poll_layers;
use super::dispatcher::{DCC_NO_LIMIT, dispatchers};
use super::guard::{Outcome, guard, guard_anywhere, guard_creating, guard_value};
use super::job::{dcc_job, jobs, pinned};
use super::out::HandleOut;
use super::post::DCC_RUN_AGAIN;
use super::registration::dcc_registration;
use super::status::{DCC_OK, dcc_status};
use super::token::{self, dcc_cancel_token, tokens};
use super::{argument, thread};
use crate::diagnosis::place::Place;
use crate::error::Error;
use crate::job::JobPin;
use crate::queue::posted::PostedId;
use crate::thread::current::ThreadSlots;
use crate::thread::slice_clock::NEVER;

const _: () = assert!(DCC_NO_LIMIT == NEVER);

/// Whether the function of a posted job should return now, to be called again in the next tick. For inner
/// loops: one call asks for a cancel, as dcc_check_cancelled does, and for the end of the slice, which is
/// the pump's budget, shared by the jobs that wait for this tick. 0: go on. DCC_RUN_AGAIN: the slice is
/// over. DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB: stop. `if (dcc_slice_is_over())` means give
/// the tick back. The function may return what it answers:
///
///     for (; state->next < state->count; state->next++) {
///         const dcc_status answer = dcc_slice_is_over();
///         if (answer != DCC_OK)
///             return answer;
///         relax(&state->vertices[state->next]);
///     }
///     return DCC_OK;
///
/// The first question of a slice is answered 0 unless the job was cancelled, so that work gets on however
/// short the budget is. The clock is read seldom: at the pace of the last iterations a slice ends at most
/// 50 microseconds late, or one iteration, if that is longer; where short iterations become long ones, up to
/// six of these. A slice has no end in a job that runs on another thread than the dispatcher's, that
/// dcc_dispatcher_post_and_wait runs at once, or in a pump without a budget: there only a cancel is
/// answered, and also outside of jobs. Any thread, for itself.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_slice_is_over() -> dcc_status {
    match thread::slots() {
        Some(slots) if slots.is_quiet() && !slots.has_to_look() => DCC_OK,
        Some(slots) => ask(slots),
        None => DCC_OK,
    }
}

/// As `probe`, it never unwinds, so that the fast way ends in a jump.
#[cold]
#[inline(never)]
extern "C" fn ask(slots: &thread::Slots) -> dcc_status {
    guard_anywhere(|| {
        if !slots.is_quiet() {
            let (token, job) = (slots.token_layer().expected(), slots.job_layer().expected());
            let answer = poll_layers(token, job, || slots.thread_number(), || Place::Unknown);
            if answer != DCC_OK {
                return Ok(answer);
            }
        }
        Ok(if slots.is_slice_over() { DCC_RUN_AGAIN } else { DCC_OK })
    })
}

/// When the slice ends that this thread runs, in nanoseconds on the clock of dcc_clock_now_ns: for work that
/// plans ahead. DCC_NO_LIMIT: there is none, or it has no end. Any thread, for itself.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_slice_ends_at_ns() -> u64 {
    guard_value(DCC_NO_LIMIT, || Ok(thread::slots().map_or(NEVER, ThreadSlots::slice_ends_ns)))
}

/// Lets a posted job go on that has answered DCC_RUN_WHEN_WOKEN or DCC_RUN_AWAY, in its dispatcher's next
/// tick; the host is woken. A wake that comes while the job's function runs is kept: the job does not sleep
/// after that slice. So register for what the job waits for, then answer DCC_RUN_WHEN_WOKEN, and look again
/// when the function is called: one wake may stand for several, and there may be one for nothing. A job that
/// waits for its turn anyhow, or is over, stays as it is. Nothing of the job runs inside this call, so
/// callbacks of a cancel may make it, too.
///
/// DCC_ERROR_WRONG_STATE: the job was not posted, or dcc_dispatcher_post_and_wait runs it at once. NULL:
/// nothing happens. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_wake(job: *const dcc_job) -> dcc_status {
    guard(|| {
        let Some(job) = pinned(job)? else { return Ok(DCC_OK) };
        if dispatchers().wake_job(&job) { Ok(DCC_OK) } else { Err(NOT_POSTED) }
    })
}

const NOT_POSTED: Error = Error::WrongState { verb: "wake", state: "not posted to a pump" };

/// What is to be woken. `None`: no job.
fn sleeper(job: *const dcc_job) -> Outcome<Option<(JobPin<'static>, PostedId)>> {
    let Some(job) = pinned(job)? else { return Ok(None) };
    let posted = dispatchers().posted_as(&job).ok_or(NOT_POSTED)?;
    Ok(Some((job, posted)))
}

/// Wakes `job`, as dcc_job_wake does, once when `token` is cancelled, or is gone; at once if it is cancelled
/// already. For a job that answers DCC_RUN_WHEN_WOKEN next and looks at the token when it is called
/// again. Unlike a callback that calls dcc_job_wake this runs no code of yours, so there is nothing to wait
/// for before that is unloaded.
///
/// Writes a registration to `out_registration`, yours to end by dcc_registration_unregister when `job` waits
/// no longer. It keeps neither the token nor the job. A sealed token, and NULL, is never cancelled.
///
/// DCC_ERROR_WRONG_STATE: the job was not posted, or dcc_dispatcher_post_and_wait runs it at once. NULL for
/// `job`: nothing happens, and NULL is written. Any thread; a cancel at the same moment wakes the job.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_wake_at_cancel(
    job: *const dcc_job,
    token: *const dcc_cancel_token,
    out_registration: *mut *mut dcc_registration,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_registration", out_registration) };
    guard_creating(|| {
        let to = to?;
        let token = token::pinned(token)?;
        let Some((_job, posted)) = sleeper(job)? else { return Ok(()) };
        to.write(tokens().wake_job_at_cancel(token.as_ref(), posted)?);
        Ok(())
    })
}

/// Wakes `job`, as dcc_job_wake does, once when dcc_job_wait for `awaited` would come back: when that has
/// really ended, is gone unfinished, or can never end. Ask dcc_job_wait with a timeout of 0, which, when
/// `job` is called again. This runs no code of yours. A cancel of `job` does not cancel `awaited`.
///
/// At once if it has ended, or is NULL. There is nothing to unregister: it keeps neither job, is noted once
/// for both however often you call it, and wakes nobody if `job` is over by then.
///
/// DCC_ERROR_WOULD_DEADLOCK: both are the same job, which would wait for its own end. Two jobs that wait for
/// each other in this way are not found; they sleep until one of them is cancelled. DCC_ERROR_WRONG_STATE:
/// `job` was not posted, or dcc_dispatcher_post_and_wait runs it at once. DCC_ERROR_RESOURCES as in
/// dcc_job_wait. NULL for `job`: nothing happens. Any thread; an end at the same moment
/// wakes the job.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_wake_at_end(job: *const dcc_job, awaited: *const dcc_job) -> dcc_status {
    guard(|| {
        let awaited_pin = pinned(awaited)?;
        let Some((_job, posted)) = sleeper(job)? else { return Ok(DCC_OK) };
        match awaited_pin {
            Some(_) if argument::handle(awaited) == argument::handle(job) => {
                return Err(Error::WouldDeadlock);
            }
            Some(awaited) => jobs().wake_at_end(&awaited, posted)?,
            None => tokens().wake_job(posted),
        }
        Ok(DCC_OK)
    })
}
