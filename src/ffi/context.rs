//! `dcc_context_*`: carrying the current pair to other threads, and undoing what was left.

use super::argument::handle;
use super::current::dcc_ticket;
use super::guard::{guard, guard_creating};
use super::out::{HandleOut, TextOut, ValueOut};
use super::status::{DCC_OK, dcc_status};
use super::{library, thread};
use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::thread::current::NO_TICKET;
use std::ffi::c_char;

/// A captured pair of current token and current job, shared by reference count. The pointer is a
/// handle, not an address; NULL is the empty pair.
pub struct dcc_context(());

/// Captures what is current on this thread, so that worker threads can enter it: writes a context
/// to `out_context`, one reference, yours to release. It keeps token and job alive. DCC_ERROR_RESOURCES once
/// 258,047 contexts, slots of threads and the like keep one of them; every other call on it goes on to work.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_context_capture(out_context: *mut *mut dcc_context) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_context", out_context) };
    guard_creating(|| {
        let to = to?;
        let (slots, _) = thread::slots_and_record()?;
        to.write(library().contexts().capture(slots)?);
        Ok(())
    })
}

/// Adds a reference, which you release. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_retain(context: *const dcc_context) -> dcc_status {
    guard(|| {
        if !context.is_null() {
            library().contexts().retain_context(handle(context))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back; the last one lets token and job go and may run a job's `destroy`. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_release(context: *mut dcc_context) -> dcc_status {
    guard(|| {
        if !context.is_null() {
            library().contexts().release_context(handle(context))?;
        }
        Ok(DCC_OK)
    })
}

/// Makes a captured pair current on this thread, both slots under one ticket, for
/// dcc_context_exit. NULL masks both. Any thread, any number of threads at a time; a thread that
/// ends without exit is cleaned up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_context_enter(
    context: *const dcc_context,
    out_ticket: *mut dcc_ticket,
) -> dcc_status {
    guard_creating(|| {
        // SAFETY: the C caller's promise: a writable result.
        enter(handle(context), unsafe { ValueOut::new("out_ticket", out_ticket, NO_TICKET) }?)
    })
}

fn enter(context: Handle, to: ValueOut<dcc_ticket>) -> Result<(), Error> {
    let (slots, record) = thread::slots_and_record()?;
    to.write(library().contexts().enter(slots, record, context)?);
    Ok(())
}

/// Masks both slots of this thread, for dcc_context_exit: polls here are not cancelled until then. For what
/// has to be done after a cancel, too: rolling back, closing what was opened. As dcc_context_enter of NULL;
/// contexts that are captured meanwhile carry the mask to other threads.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_context_shield(out_ticket: *mut dcc_ticket) -> dcc_status {
    guard_creating(|| {
        // SAFETY: the C caller's promise: a writable result.
        enter(NULL, unsafe { ValueOut::new("out_ticket", out_ticket, NO_TICKET) }?)
    })
}

/// Restores both slots to what they were before the enter or shield that gave this ticket; errors as
/// dcc_cancel_token_reset_current. On the thread of the enter.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_exit(ticket: dcc_ticket) -> dcc_status {
    guard(|| {
        let slots = thread::slots().ok_or(Error::WrongThread(ticket))?;
        library().contexts().exit(slots, ticket)?;
        Ok(DCC_OK)
    })
}

/// Restores both slots to what they were before the call that gave this ticket, of whichever slot,
/// and undoes with it everything set since, so that one plugin that forgets a reset cannot leave a
/// UI thread cancelled for ever. What others had left is counted in `context_leaks` of dcc_stats.
/// Their tickets are used up. On the thread of the ticket. May run a job's `destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_unwind(ticket: dcc_ticket) -> dcc_status {
    guard(|| {
        let slots = thread::slots().ok_or(Error::WrongThread(ticket))?;
        library().contexts().unwind(slots, ticket)?;
        Ok(DCC_OK)
    })
}

/// Writes the caller id of what this thread works on: the current token's, else the current job's,
/// else an empty text; `snprintf`-like, as dcc_cancel_token_reason. Any thread, for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_context_caller_id(
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise, see the comment.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        match thread::slots() {
            Some(slots) => library().contexts().show_caller_id(slots, |id| to.write(id)),
            None => to.write(""),
        }
        Ok(DCC_OK)
    })
}
