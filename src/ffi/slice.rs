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

/// Answers whether the function of a posted job should return now, to be called again in the next
/// tick. For inner loops. Any thread, about its own slice. `if (x)` means: give the tick back.
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
/// this tick. The first call in a slice answers DCC_OK unless the job was cancelled: so work goes
/// on, however short the budget. The clock is not read in each call. So a slice ends at most 50
/// microseconds late, or one iteration if that takes longer; up to six iterations if they suddenly
/// become longer.
///
/// A slice has no end in a pump without a budget, in a job that runs on another thread than the
/// dispatcher's, and in one that dcc_dispatcher_post_and_wait runs at once; there is none outside
/// of jobs. Then only a cancel is answered.
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

/// Answers when this thread's slice ends, on the clock of dcc_clock_now_ns, for work that plans
/// ahead. DCC_NO_LIMIT: there is no slice, or it has no end. Any thread, about its own slice.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_slice_ends_at_ns() -> u64 {
    guard_value(DCC_NO_LIMIT, || Ok(thread::slots().map_or(NEVER, ThreadSlots::slice_ends_ns)))
}

/// Lets a posted job that has answered DCC_RUN_WHEN_WOKEN or DCC_RUN_AWAY go on in its dispatcher's
/// next tick, and wakes the host. Any thread, also callbacks of a cancel: nothing of the job runs
/// inside this call.
///
/// A wake that comes while the job's function runs is kept: the job does not sleep after that
/// slice. So the function first registers for the event that it waits for, then answers
/// DCC_RUN_WHEN_WOKEN, and checks for the event in its next call. One wake may stand for several,
/// and a wake may come without an event. A job that waits for its turn, or is over, is not changed.
///
/// DCC_ERROR_WRONG_STATE: the job was not posted, or dcc_dispatcher_post_and_wait runs it at once.
/// NULL: nothing happens.
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
/// cancelled already. Any thread; a cancel at the same moment wakes the job. A dcc_shutdown that
/// clears the token's deadline wakes it, too.
///
/// For a job that answers DCC_RUN_WHEN_WOKEN next and asks the token in its next call. In contrast
/// to a callback that calls dcc_job_wake, this runs no code of yours, so nothing has to be waited
/// for before your code is unloaded. A sealed token is never cancelled, nor is NULL.
///
/// Writes a registration to `out_registration`: end it by dcc_registration_unregister when `job` no
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
/// `awaited` has really ended, is gone unfinished, or can never end. At once if it has ended or is
/// NULL. Any thread; an end at the same moment wakes the job. NULL for `job`: nothing happens.
///
/// - DCC_ERROR_WOULD_DEADLOCK: `job` and `awaited` are the same, so `job` would wait for its own
///   end. Two jobs that wait for each other in this way are not detected: they sleep until one of
///   them is cancelled.
/// - DCC_ERROR_WRONG_STATE: `job` was not posted, or dcc_dispatcher_post_and_wait runs it at once.
/// - DCC_ERROR_RESOURCES: as for dcc_job_wait.
///
/// In its next call `job` asks dcc_job_wait with a timeout of 0 how `awaited` ended. This runs no code of
/// yours. It keeps neither job alive. Calls with the same two jobs count as one, and need not be
/// undone: if `job` is over by then, nothing happens. A cancel of `job` does not cancel `awaited`.
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
