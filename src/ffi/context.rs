//! `dcc_context_*`: carrying the current pair to other threads, and undoing what was left.

use super::argument::handle;
use super::current::dcc_ticket;
use super::guard::{guard, guard_creating};
use super::job::dcc_destroy_fn;
use super::out::{HandleOut, TextOut, ValueOut};
use super::status::{DCC_OK, dcc_status};
use super::{library, thread};
use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::sys::bound::Bound;
use crate::sys::callout::{Payload, UserData};
use crate::thread::current::NO_TICKET;
use std::ffi::{c_char, c_void};

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

/// What a thread runs, in the form of POSIX threads. Must not unwind or longjmp, which pthread_exit does:
/// return instead.
pub type dcc_thread_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> *mut c_void>;

/// Captures what is current on this thread together with what another thread is to run in it: for
/// pthread_create, or for a host's pool, which take a function and one pointer. A new thread has nothing
/// current, so that polls in it are never cancelled.
///
///     dcc_context *bound;
///     if (dcc_context_bind(smooth_half, &half, NULL, &bound) < 0 ||
///         pthread_create(&thread, NULL, dcc_context_run, bound) != 0)
///         dcc_context_release(bound);
///
/// Writes a context to `out_context`, one reference: dcc_context_run takes it. For a thread or a task that
/// never starts give it back by dcc_context_release. Retain it once for each further thread that runs it, at
/// the same time or later. Else it is as one of dcc_context_capture, and can be entered.
///
/// `destroy`, if not NULL, is called exactly once with `user_data` when the last reference is gone and no
/// thread is inside `function` any more, on the thread that makes it so. On an error nothing is called and
/// `user_data` is still yours. The functions must stay loaded until then: join your threads, and wait for
/// your tasks in a host's pool, before the plugin is unloaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_context_bind(
    function: dcc_thread_fn,
    user_data: *mut c_void,
    destroy: dcc_destroy_fn,
    out_context: *mut *mut dcc_context,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_context", out_context) };
    guard_creating(|| {
        let to = to?;
        let function = function.ok_or(Error::InvalidArgument(
            "function is NULL; pass the function that the thread is to run",
        ))?;
        // SAFETY: the C caller's promise about both functions.
        let bound =
            unsafe { Bound::new(function, Payload::new(UserData::new(user_data), destroy)) };
        let (slots, _) = thread::slots_and_record()?;
        to.write(library().contexts().bind(slots, bound)?);
        Ok(())
    })
}

/// Runs what was bound, in the context in which that was: `bound` is what dcc_context_bind wrote. Its type
/// and its answer are those that pthread_create wants. A pool whose tasks answer something else gets two
/// lines of yours:
///
///     static void task(void *bound) { dcc_context_run(bound); }
///
/// It takes one reference of `bound`, which is gone when it returns, and gives what the function answered.
/// What the function left current on this thread is undone, as by dcc_context_unwind. NULL, and
/// dcc_last_error says why: the function was not called, because `bound` is no such context or has no
/// reference left, or for want of memory for what this thread has current; then the reference was taken all
/// the same. Any thread. May run `destroy` and a job's `destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_run(bound: *mut c_void) -> *mut c_void {
    let mut answer = std::ptr::null_mut();
    guard(|| {
        answer = library().contexts().run(thread::this, handle(bound))?.pointer();
        Ok(DCC_OK)
    });
    answer
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
/// UI thread cancelled for ever. The tokens and jobs that others had left are counted in `context_leaks` of
/// dcc_stats. Their tickets are used up. On the thread of the ticket. May run a job's `destroy`.
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
