//! `dcc_context_*`: carrying what is current to other threads, and undoing what was left current.

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

/// A context: the current token, job and share of progress of a thread, captured. It is shared by reference
/// count. NULL is the empty context.
pub struct dcc_context(());

/// Captures what is current on the calling thread, so that other threads can enter it, and writes
/// the context to `out_context`. Any thread may call this, for itself. You get one reference, which
/// you release. The context keeps the token and the job alive.
///
/// DCC_ERROR_RESOURCES: 258,047 contexts, thread slots and other holders already keep the token or
/// the job. All other calls on that object still work.
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

/// A function that a thread runs, in the form of POSIX threads. It must not unwind or longjmp.
/// pthread_exit unwinds, so return instead.
pub type dcc_thread_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> *mut c_void>;

/// Captures what is current on the calling thread together with a function that another thread runs
/// in it, and writes the context to `out_context`. Any thread may call this, for itself. It serves
/// pthread_create and host pools, which take a function and one pointer. Without it a new thread
/// has nothing current, so its polls are never cancelled.
///
///     dcc_context *bound;
///     if (dcc_context_bind(smooth_half, &half, NULL, &bound) < 0 ||
///         pthread_create(&thread, NULL, dcc_context_run, bound) != 0)
///         dcc_context_release(bound);
///
/// You get one reference, which dcc_context_run takes. If the thread or task never starts, release
/// it with dcc_context_release. Retain the context once for each further thread that runs it, at
/// the same time or later. The context can also be entered, as one of dcc_context_capture.
///
/// `destroy` may be NULL. Else it is called exactly once with `user_data` when the last reference
/// is gone and no thread is inside `function` any more, on the thread that causes this. If this
/// call fails, no function is called and `user_data` is still yours. The functions must stay loaded
/// until then: before the plugin is unloaded, join your threads and wait for your tasks in host
/// pools.
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

/// Runs the function of a bound context in that context; `bound` is what dcc_context_bind wrote.
/// Any thread may call this. Its type is that which pthread_create wants. For a pool whose tasks
/// have another type, write a function of your own:
///
///     static void task(void *bound) { dcc_context_run(bound); }
///
/// The call takes one reference of `bound` and returns what the function returned. Anything that
/// the function left current on this thread is undone, as by dcc_context_unwind. The call may run
/// `destroy`, and a job's `destroy`.
///
/// It returns NULL without calling the function, and dcc_last_error says why, in two cases:
///
/// - `bound` is not a bound context, or it has no reference left.
/// - There is no memory for what this thread has current. The reference was taken nevertheless.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_run(bound: *mut c_void) -> *mut c_void {
    let mut answer = std::ptr::null_mut();
    guard(|| {
        answer = library().contexts().run(thread::this, handle(bound))?.pointer();
        Ok(DCC_OK)
    });
    answer
}

/// Adds a reference, which you release. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_retain(context: *const dcc_context) -> dcc_status {
    guard(|| {
        if !context.is_null() {
            library().contexts().retain_context(handle(context))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. Any thread may call this. The last release lets the token and the job
/// go, and may call a job's `destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_release(context: *mut dcc_context) -> dcc_status {
    guard(|| {
        if !context.is_null() {
            library().contexts().release_context(handle(context))?;
        }
        Ok(DCC_OK)
    })
}

/// Makes a captured context current on the calling thread, all of it under one ticket, which
/// dcc_context_exit takes. Any thread may call this, any number of threads at the same time. A NULL
/// context masks what is current. If the thread ends without an exit, the library cleans up.
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

/// Masks what is current on the calling thread until dcc_context_exit, so that polls in between are
/// not cancelled. Any thread may call this, for itself. Use it for work that has to be done even
/// after a cancel, such as rolling back or closing files. It is as dcc_context_enter of NULL.
/// Contexts that are captured meanwhile carry the mask to other threads.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_context_shield(out_ticket: *mut dcc_ticket) -> dcc_status {
    guard_creating(|| {
        // SAFETY: the C caller's promise: a writable result.
        enter(NULL, unsafe { ValueOut::new("out_ticket", out_ticket, NO_TICKET) }?)
    })
}

/// Restores what was current before the enter or shield that gave this ticket. Call it on the
/// thread of the enter. The errors are those of dcc_cancel_token_reset_current.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_exit(ticket: dcc_ticket) -> dcc_status {
    guard(|| {
        let slots = thread::slots().ok_or(Error::WrongThread(ticket))?;
        library().contexts().exit(slots, ticket)?;
        Ok(DCC_OK)
    })
}

/// Restores what was current before the call that gave this ticket, whichever slot that call set.
/// Call it on the thread of the ticket. Everything that was set since then is undone, and its
/// tickets are used up, so a plugin that forgets a reset cannot leave a UI thread cancelled for
/// ever. Tokens and jobs that later calls left current are counted in `context_leaks` of dcc_stats.
/// The call may run a job's `destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_context_unwind(ticket: dcc_ticket) -> dcc_status {
    guard(|| {
        let slots = thread::slots().ok_or(Error::WrongThread(ticket))?;
        library().contexts().unwind(slots, ticket)?;
        Ok(DCC_OK)
    })
}

/// Writes the caller id of what the calling thread works on: that of the current token, else that
/// of the current job, else an empty text. Any thread may call this, for itself. The buffer is
/// filled as by dcc_cancel_token_reason.
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
