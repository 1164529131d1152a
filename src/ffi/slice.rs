//! `dcc_slice_*`: when a job in slices gives the tick back. `dcc_job_wake*`: when a job that sleeps
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

/// Tells whether the function of a posted job should return now, to be called again in the next
/// tick. Any thread may call this, about its own slice. It is cheap enough for inner loops.
/// `if (dcc_slice_is_over())` is right for the question whether to return.
///
/// - DCC_OK: go on.
/// - DCC_RUN_AGAIN: the slice is over.
/// - DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB, DCC_POLL_GONE: stop, as dcc_check_cancelled
///   says.
///
/// The function may return the answer:
///
///     for (; state->next < state->count; state->next++) {
///         const dcc_status answer = dcc_slice_is_over();
///         if (answer != DCC_OK)
///             return answer;
///         relax(&state->vertices[state->next]);
///     }
///     return DCC_OK;
///
/// The slice is this job's part of the pump's budget, which is divided among the jobs that wait for
/// this tick. The first call in a slice answers DCC_OK unless the job was cancelled, so work goes
/// on, however short the budget. The clock is not read in each call. So a slice ends at most 50
/// microseconds late, or one iteration late if an iteration takes longer than that. If iterations
/// suddenly become longer, it may end six of them late.
///
/// A slice has no end in a pump without a budget, in a job that runs on another thread than the
/// dispatcher's, and in a job that dcc_dispatcher_post_and_wait runs at once. Outside of posted
/// jobs there is no slice. In all these cases the answer is DCC_OK until a cancel comes.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_slice_is_over() -> dcc_status {
    match thread::slots() {
        Some(slots) if slots.is_quiet() && !slots.has_to_look() => DCC_OK,
        Some(slots) => ask(slots),
        None => DCC_OK,
    }
}

/// Must not unwind, as `probe`: so the fast path ends in a jump instead of a call.
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

/// Returns when the slice of the calling thread ends, on the clock of dcc_clock_now_ns, for work
/// that plans ahead. Any thread may call this. DCC_NO_LIMIT: there is no slice, or it has no end.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_slice_ends_at_ns() -> u64 {
    guard_value(DCC_NO_LIMIT, || Ok(thread::slots().map_or(NEVER, ThreadSlots::slice_ends_ns)))
}

/// Lets a posted job that has answered DCC_RUN_WHEN_WOKEN or DCC_RUN_AWAY go on in its dispatcher's
/// next tick, and calls the dispatcher's `wake`. Any thread may call this, also a callback of a
/// cancel: no function of the job runs inside this call.
///
/// A wake that comes while the job's function runs is kept: the job does not sleep after that
/// slice. So the function first registers for the event that it waits for, then answers
/// DCC_RUN_WHEN_WOKEN, and checks for the event in its next call. Several wakes may lead to one
/// call of the function, and a call may come without an event. A wake does not change a job that
/// waits for its turn or has ended.
///
/// DCC_ERROR_WRONG_STATE: the job was not posted, or dcc_dispatcher_post_and_wait runs it at once.
/// For NULL nothing happens.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_wake(job: *const dcc_job) -> dcc_status {
    guard(|| {
        let Some(job) = pinned(job)? else { return Ok(DCC_OK) };
        if dispatchers().wake_job(&job) { Ok(DCC_OK) } else { Err(NOT_POSTED) }
    })
}

const NOT_POSTED: Error = Error::WrongState { verb: "wake", state: "not posted to a pump" };

/// The job to wake, and its id as a posted job. `None`: `job` is NULL.
fn sleeper(job: *const dcc_job) -> Outcome<Option<(JobPin<'static>, PostedId)>> {
    let Some(job) = pinned(job)? else { return Ok(None) };
    let posted = dispatchers().posted_as(&job).ok_or(NOT_POSTED)?;
    Ok(Some((job, posted)))
}

/// Wakes `job` once, as dcc_job_wake does, when `token` is cancelled or is gone; at once if it is
/// cancelled already. Any thread may call this. A cancel at the same moment wakes the job. A
/// dcc_shutdown that clears the token's deadline wakes the job, too.
///
/// It is meant for a job that answers DCC_RUN_WHEN_WOKEN next and asks the token in its next call.
/// A callback that calls dcc_job_wake would be code of yours; this runs none, so there is nothing
/// to wait for before your code is unloaded. NULL and a token of a sealed job are never cancelled,
/// so they never wake the job.
///
/// `out_registration` gets a registration. End it by dcc_registration_unregister when `job` no
/// longer waits. The registration keeps neither the token nor the job alive.
///
/// DCC_ERROR_WRONG_STATE: the job was not posted, or dcc_dispatcher_post_and_wait runs it at once.
/// NULL for `job`: nothing happens, and NULL is written.
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

/// Wakes `job` once, as dcc_job_wake does, when a dcc_job_wait for `awaited` would return: when
/// `awaited` has really ended, is gone unfinished, or can never end. It wakes `job` at once if
/// `awaited` has ended or is NULL. Any thread may call this. An end at the same moment wakes `job`.
/// If `job` is NULL, nothing happens.
///
/// - DCC_ERROR_WOULD_DEADLOCK: `job` and `awaited` are the same, so `job` would wait for its own
///   end. Two jobs that wait for each other in this way are not detected: they sleep until one of
///   them is cancelled.
/// - DCC_ERROR_WRONG_STATE: `job` was not posted, or dcc_dispatcher_post_and_wait runs it at once.
/// - DCC_ERROR_RESOURCES: as for dcc_job_wait.
///
/// In its next call `job` asks dcc_job_wait with a timeout of 0 how `awaited` ended. The call keeps
/// neither job alive, and runs no code of yours. Several calls with the same two jobs count as one.
/// The call need not be undone: if `job` has ended before `awaited`, nothing happens. A cancel of
/// `job` does not cancel `awaited`.
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
