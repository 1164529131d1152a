//! The two slots of a thread: `set_current`, `reset_current`, `current`, and the probe.

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

/// What a `set` gives and the matching `reset` takes: good once, on the same thread.
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

/// Makes a token the current one of this thread, for dispatchers. The library holds it until the reset;
/// your reference stays yours. DCC_ERROR_RESOURCES as in dcc_context_capture. NULL masks an outer token:
/// nothing is current until the reset. Writes the ticket for dcc_cancel_token_reset_current. Calls nest;
/// the slots for token and job are independent. Per thread; new threads start with nothing current.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_set_current(
    token: *const dcc_cancel_token,
    out_ticket: *mut dcc_ticket,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    guard_creating(|| unsafe { set(SlotName::Token, handle(token), out_ticket) })
}

/// Restores what was current before the set that gave this ticket. On the thread of that set.
/// Errors leave the slots as they are: DCC_ERROR_TICKET_USED, DCC_ERROR_WRONG_SLOT (the ticket is
/// a job's or a context's), DCC_ERROR_WRONG_THREAD, DCC_ERROR_WRONG_ORDER (a later set of this
/// slot is still in force). May release the last reference of a token.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_reset_current(ticket: dcc_ticket) -> dcc_status {
    guard(|| reset(SlotName::Token, ticket))
}

/// The current token of this thread, NULL if none. Borrowed: good until it is reset; retain it to
/// keep it longer.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_current() -> *mut dcc_cancel_token {
    guard_value(std::ptr::null_mut(), || {
        Ok(pointer(thread::slots().map_or(NULL, ThreadSlots::token)))
    })
}

/// Makes a job the current one of this thread; as dcc_cancel_token_set_current.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_set_current(
    job: *const dcc_job,
    out_ticket: *mut dcc_ticket,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    guard_creating(|| unsafe { set(SlotName::Job, handle(job), out_ticket) })
}

/// Restores the job that was current before; as dcc_cancel_token_reset_current. May release the
/// last reference of a job and so run its `destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_reset_current(ticket: dcc_ticket) -> dcc_status {
    guard(|| reset(SlotName::Job, ticket))
}

/// The current job of this thread, NULL if none: its id is dcc_job_id of it. Borrowed, as
/// dcc_cancel_token_current.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_current() -> *mut dcc_job {
    guard_value(std::ptr::null_mut(), || {
        Ok(pointer(thread::slots().map_or(NULL, ThreadSlots::current_job)))
    })
}

/// The probe: whether the work of this thread should stop. 0: go on, also where nothing is
/// current. DCC_CANCELLED_BY_TOKEN if the current token is cancelled, else DCC_CANCELLED_BY_JOB
/// if the current job is. `if (dcc_check_cancelled())` means stop. Cheap: call it in every iteration.
/// Any thread, for itself. It asks a current job's `is_cancelled` function when that is due.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_check_cancelled() -> dcc_status {
    match thread::slots() {
        Some(slots) if !slots.is_quiet() => probe(slots),
        _ => DCC_OK,
    }
}

/// The probe of the current token alone, whatever the current job says. 0 or
/// DCC_CANCELLED_BY_TOKEN. Any thread, for itself.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_check_current() -> dcc_status {
    match thread::slots() {
        Some(slots) if !slots.is_token_quiet() => probe_token(slots),
        _ => DCC_OK,
    }
}

// The slow paths are `extern "C"`, which never unwinds, so that the fast ones end in a jump.

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
