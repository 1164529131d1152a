//! The slots of a thread: `set_current`, `reset_current`, `current`, and the probe.

use super::answer::poll_layers;
use super::argument::handle;
use super::guard::{Outcome, guard, guard_anywhere, guard_creating, guard_value};
use super::job::dcc_job;
use super::out::{ValueOut, pointer};
use super::status::{DCC_OK, dcc_status};
use super::token::dcc_cancel_token;
use super::{library, thread};
use crate::diagnosis::place::Place;
use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::thread::current::{NO_TICKET, ThreadSlots};
use crate::thread::value::SlotName;

/// A ticket: a `set`, an enter or a shield writes it, and the matching reset or exit takes it. It
/// is good once, on the thread that got it.
pub type dcc_ticket = u64;

/// # Safety
/// `out_ticket` is NULL or writable.
#[inline(always)]
pub(super) unsafe fn set(
    slot: SlotName,
    object: Handle,
    out_ticket: *mut dcc_ticket,
) -> Outcome<()> {
    // SAFETY: promised by the caller.
    let to = unsafe { ValueOut::new("out_ticket", out_ticket, NO_TICKET) }?;
    let (slots, record) = thread::slots_and_record()?;
    to.write(library().contexts().set(slots, record, slot, object)?);
    Ok(())
}

#[inline(always)]
pub(super) fn reset(slot: SlotName, ticket: dcc_ticket) -> Outcome {
    let slots = thread::slots().ok_or(Error::WrongThread(ticket))?;
    library().contexts().reset(slots, slot, ticket)?;
    Ok(DCC_OK)
}

/// Makes a token the current token of the calling thread, and writes the ticket for
/// dcc_cancel_token_reset_current. It is meant for dispatchers. Any thread may call this, for
/// itself; a new thread starts with nothing current.
///
/// The library holds the token until the reset, and your reference stays yours. A NULL token masks
/// an outer token until the reset. Calls nest. The slots for the token and the job are independent.
/// DCC_ERROR_RESOURCES: too many holders keep the token, see dcc_context_capture.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_set_current(
    token: *const dcc_cancel_token,
    out_ticket: *mut dcc_ticket,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    guard_creating(|| unsafe { set(SlotName::Token, handle(token), out_ticket) })
}

/// Restores the token that was current before the set that gave this ticket. Call it on the thread
/// of that set. It may release the last reference of a token.
///
/// These errors leave the slots as they are:
///
/// - DCC_ERROR_TICKET_USED: the ticket was used before, or was never given out.
/// - DCC_ERROR_WRONG_SLOT: the ticket is that of a job, a share or a context.
/// - DCC_ERROR_WRONG_THREAD: the ticket belongs to another thread.
/// - DCC_ERROR_WRONG_ORDER: a later set of this slot is still in force.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_reset_current(ticket: dcc_ticket) -> dcc_status {
    guard(|| reset(SlotName::Token, ticket))
}

/// Returns the current token of the calling thread, or NULL. Any thread may call this, for itself.
/// The token is lent until the reset that takes it off this thread; retain it to keep it longer.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_current() -> *mut dcc_cancel_token {
    guard_value(std::ptr::null_mut(), || {
        Ok(pointer(thread::slots().map_or(NULL, ThreadSlots::token)))
    })
}

/// Makes a job the current job of the calling thread, and writes the ticket for
/// dcc_job_reset_current. It is otherwise as dcc_cancel_token_set_current.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_set_current(
    job: *const dcc_job,
    out_ticket: *mut dcc_ticket,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    guard_creating(|| unsafe { set(SlotName::Job, handle(job), out_ticket) })
}

/// Restores the job that was current before the set that gave this ticket. It is otherwise as
/// dcc_cancel_token_reset_current. It may release the last reference of a job, and so call the
/// job's `destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_reset_current(ticket: dcc_ticket) -> dcc_status {
    guard(|| reset(SlotName::Job, ticket))
}

/// Returns the current job of the calling thread, or NULL. Any thread may call this, for itself.
/// The job is lent until the reset that takes it off this thread, as with dcc_cancel_token_current.
/// dcc_job_id gives its id.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_current() -> *mut dcc_job {
    guard_value(std::ptr::null_mut(), || {
        Ok(pointer(thread::slots().map_or(NULL, ThreadSlots::current_job)))
    })
}

/// The probe: tells whether the work of the calling thread should stop. Any thread may call this,
/// for itself. It is cheap, so call it in every iteration. `if (dcc_check_cancelled())` means stop.
///
/// - 0: go on. This is also the answer if nothing is current.
/// - DCC_CANCELLED_BY_TOKEN: the current token is cancelled.
/// - DCC_CANCELLED_BY_JOB: the current job is cancelled, and the current token is not.
///
/// It asks a current job's `is_cancelled` function when that is due.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_check_cancelled() -> dcc_status {
    match thread::slots() {
        Some(slots) if !slots.is_quiet() => probe(slots),
        _ => DCC_OK,
    }
}

/// Probes the current token alone, whatever the current job says. Any thread may call this, for
/// itself. The answer is 0 or DCC_CANCELLED_BY_TOKEN.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_check_current() -> dcc_status {
    match thread::slots() {
        Some(slots) if !slots.is_token_quiet() => probe_token(slots),
        _ => DCC_OK,
    }
}

// The slow paths are `extern "C"` functions, which never unwind, so the fast paths end in a jump.

#[cold]
#[inline(never)]
extern "C" fn probe_token(slots: &thread::Slots) -> dcc_status {
    guard_anywhere(|| {
        if library().tokens().is_sealed(slots.job_layer().token()) {
            return Ok(DCC_OK);
        }
        Ok(poll_layers(
            slots.token_layer().expected(),
            NULL,
            || slots.thread_number(),
            || Place::Unknown,
        ))
    })
}

#[cold]
#[inline(never)]
extern "C" fn probe(slots: &thread::Slots) -> dcc_status {
    guard_anywhere(|| {
        let (token, job) = (slots.token_layer().expected(), slots.job_layer().expected());
        Ok(poll_layers(token, job, || slots.thread_number(), || Place::Unknown))
    })
}
