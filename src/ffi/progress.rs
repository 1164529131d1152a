//! `dcc_progress_*`: shares of a job's bar.

use super::answer::poll_layers;
use super::argument::{Versioned, descriptor, handle, in_range, reserved, text};
use super::current::{dcc_ticket, reset, set};
use super::guard::{Outcome, guard, guard_creating, guard_value};
use super::limits::DCC_MAX_TEXT_LENGTH;
use super::out::{HandleOut, pointer};
use super::status::{DCC_OK, DCC_POLL_GONE, dcc_status};
use super::trace::place;
use super::{library, thread};
use crate::diagnosis::place::Place;
use crate::handle::{Handle, NULL};
use crate::job::share::{ShareOf, SharePin, Shares};
use crate::memory::pin::Keeper;
use crate::thread::current::ThreadSlots;
use crate::thread::value::SlotName;
use std::ffi::c_char;

/// A share: a part of the progress bar of a job. It is for a step, or for what a library does in a
/// step. It is shared by reference count. NULL is a share in which nothing counts; dcc_progress_add
/// still answers for it whether what is current should stop.
///
/// The code that knows the whole work says what each step is worth. The code of a step counts in
/// its own units and need not know that it is a part of something. In this example `begin` fills in
/// a dcc_progress_desc:
///
///     dcc_progress *all = begin(NULL, 0, 100);          // the current job's, in 100 units
///     dcc_progress *step = begin(all, 25, 0);           // 25 of these
///     dcc_progress_set_current(step, &ticket);
///     collect();                                        // takes the step, and counts as it likes:
///
///         dcc_progress *mine = begin(NULL, 0, count);
///         dcc_progress_counter counter = dcc_progress_counter_of(mine);
///         for (size_t i = 0; i < count && !dcc_progress_advance(&counter, 1); ++i)
///             collect_one(i);
///         dcc_progress_flush(&counter);
///         dcc_progress_end(mine);
///         dcc_progress_release(mine);
///
///     dcc_progress_reset_current(ticket);
///     dcc_progress_end(step);
///     dcc_progress_release(step);
///
/// The shown progress never falls. If a total changes, the part of the share that is still empty is
/// spread over the units that are still to come. A share that has ended is full, however far it
/// was, and shares that were begun below it no longer count. If the job was asked to stop, a share
/// that ends stays as full as it was. A share does not keep its job alive; when the job is gone,
/// nothing counts in the share any more.
pub struct dcc_progress(());

/// What a share begins with. Set all bytes to zero, then `struct_size` to sizeof, then the fields
/// that you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_progress_desc {
    /// sizeof(dcc_progress_desc)
    pub struct_size: u32,
    /// Reserved; must be 0.
    pub reserved: u32,
    /// The share that the new share is a part of. NULL: the new share takes the whole of the share
    /// that is current on this thread or, if that does not belong to the current job, of the
    /// current job.
    pub parent: *const dcc_progress,
    /// How many units of `parent` the share is worth; 0 if `parent` is NULL. Units beyond the total
    /// of `parent` are worth nothing.
    pub weight: u64,
    /// Units of the share itself, 0 while unknown.
    pub total: u64,
    /// Name for people: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. May be NULL.
    pub label: *const c_char,
    /// Length of `label` in bytes, or DCC_NUL_TERMINATED.
    pub label_length: usize,
}

// SAFETY: numbers and nullable pointers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_progress_desc {
    const NAME: &'static str = "dcc_progress_desc";
}

fn shares() -> Shares<'static> {
    library().shares()
}

/// The share, pinned for this call; `None` for NULL.
pub(super) fn pinned(share: *const dcc_progress) -> Outcome<Option<SharePin<'static>>> {
    match handle(share) {
        NULL => Ok(None),
        share => SharePin::new(shares(), share).map(Some),
    }
}

/// Begins a share and writes it to `out_progress`. Any thread may call this. You get one reference,
/// which you release. The share is NULL, which all calls accept, if `parent` is NULL and no job is
/// current on this thread, or if the job is gone.
///
/// With a NULL `parent` the share takes all of the current share or job, if that has no total,
/// nothing was counted in it, and no other share was begun in it. Otherwise the new share is worth
/// nothing: its messages are shown and its units are not, so nothing is counted twice. After a
/// share that took everything has ended, the next one gets the little that is left, or everything
/// if the first one counted nothing. Code that calls several libraries begins a share for each of
/// them, and makes it current.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_progress_begin(
    desc: *const dcc_progress_desc,
    out_progress: *mut *mut dcc_progress,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_progress", out_progress) };
    guard_creating(|| {
        let to = to?;
        // SAFETY: the C caller's promise: a filled-in descriptor.
        to.write(unsafe { begin(&descriptor("desc", desc)?) }?);
        Ok(())
    })
}

/// # Safety
/// The descriptor's pointers are what the header asks for.
unsafe fn begin(desc: &dcc_progress_desc) -> Outcome<Handle> {
    reserved::<dcc_progress_desc>(desc.reserved)?;
    if desc.parent.is_null() {
        in_range("dcc_progress_desc.weight without a parent", desc.weight, 0, 0)?;
    }
    let name = "dcc_progress_desc.label";
    // SAFETY: the C caller's promise in the descriptor.
    let label = unsafe { text(name, desc.label, desc.label_length, DCC_MAX_TEXT_LENGTH) }?;
    if let Some(parent) = pinned(desc.parent)? {
        return shares().begin(ShareOf::Share(&parent, desc.weight), desc.total, label);
    }
    let slots = thread::slots();
    let job = slots.map_or(NULL, ThreadSlots::current_job);
    if job == NULL {
        return Ok(NULL);
    }
    let share = slots.map_or(NULL, ThreadSlots::current_share);
    shares().begin(ShareOf::Current(share, job), desc.total, label)
}

/// Adds a reference, which you release. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_retain(progress: *const dcc_progress) -> dcc_status {
    guard(|| {
        if !progress.is_null() {
            shares().arena().retain(handle(progress))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. Any thread may call this. The last release ends the share. Contexts, and
/// threads on which the share is current, have references of their own, so call dcc_progress_end
/// for a share that has to end now.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_release(progress: *mut dcc_progress) -> dcc_status {
    guard(|| {
        if !progress.is_null() {
            shares().release(handle(progress))?;
        }
        Ok(DCC_OK)
    })
}

/// Ends a share. Any thread may call this. Your reference stays. The share is then full, however
/// far it was, unless its job was asked to stop. From then on nothing counts in it, not even from
/// threads that still have it, so flush your counters first. A second end does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_end(progress: *const dcc_progress) -> dcc_status {
    guard(|| {
        if let Some(share) = pinned(progress)? {
            shares().end(&share);
        }
        Ok(DCC_OK)
    })
}

/// Makes a share current on the calling thread, and writes the ticket for
/// dcc_progress_reset_current. Any thread may call this, for itself. Until the reset,
/// dcc_job_set_progress counts in this share, and a library's share without a `parent` becomes a
/// part of it. The library holds the share until then. Contexts that are captured meanwhile carry
/// the share to other threads. A NULL share masks an outer share; so does another job that becomes
/// current.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_progress_set_current(
    progress: *const dcc_progress,
    out_ticket: *mut dcc_ticket,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    guard_creating(|| unsafe { set(SlotName::Share, handle(progress), out_ticket) })
}

/// Restores the share that was current before the dcc_progress_set_current that gave this ticket.
/// Call it on the thread of that set. The errors are those of dcc_cancel_token_reset_current.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_reset_current(ticket: dcc_ticket) -> dcc_status {
    guard(|| reset(SlotName::Share, ticket))
}

/// Returns the share that is current on the calling thread, or NULL. Any thread may call this, for
/// itself. The share is lent. It may belong to a job other than the current one; then the work of
/// the current job does not count in it.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_current() -> *const dcc_progress {
    guard_value(std::ptr::null(), || {
        let share = thread::slots().map_or(NULL, ThreadSlots::current_share);
        Ok(pointer::<dcc_progress>(share).cast_const())
    })
}

/// Counts `n` units of a share, and answers whether to stop. Any thread may call this. In loops
/// dcc_progress_advance is far cheaper. Units beyond the share's total are not shown. The answer is
/// that of dcc_job_set_progress for the share's job, or DCC_POLL_GONE, which means stop: the job is
/// gone.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_add(progress: *const dcc_progress, n: u64) -> dcc_status {
    guard(|| add(progress, n, || Place::Unknown))
}

/// As dcc_progress_add, with the place of the call in the source for the poll trace. Any thread may
/// call this. `file` ends with NUL, or is NULL if the place is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_progress_add_at(
    progress: *const dcc_progress,
    n: u64,
    file: *const c_char,
    line: u32,
) -> dcc_status {
    // SAFETY: the C caller's promise: NULL or ended by NUL.
    guard(|| add(progress, n, || unsafe { place(file, line) }))
}

fn add(progress: *const dcc_progress, n: u64, place: impl FnOnce() -> Place) -> Outcome {
    let slots = thread::slots();
    let token = match pinned(progress)? {
        None => slots.map_or(NULL, |slots| slots.job_layer().expected()),
        Some(share) => match shares().add(&share, n) {
            Some(token) => token,
            None => return Ok(DCC_POLL_GONE),
        },
    };
    if slots.is_some_and(ThreadSlots::is_shielded) {
        return Ok(DCC_OK);
    }
    let current = slots.map_or(NULL, |slots| slots.token_layer().expected());
    let number = || slots.map_or(0, ThreadSlots::thread_number);
    Ok(poll_layers(current, token, number, place))
}

/// Changes how many units a share has in all, 0 while unknown. Any thread may call this. The part
/// of the share that is still empty is spread over the units that are still to come. A total that
/// is reached leaves about a thousandth of the share unfilled; units of a larger total that is set
/// afterwards fill that rest. DCC_POLL_GONE: the share's job is gone.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_set_total(progress: *const dcc_progress, total: u64) -> dcc_status {
    guard(|| {
        let Some(share) = pinned(progress)? else { return Ok(DCC_OK) };
        Ok(if shares().set_total(&share, total) { DCC_OK } else { DCC_POLL_GONE })
    })
}

/// Changes the message of a share, which dcc_job_progress_message shows. Any thread may call this.
/// `message` is UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. DCC_POLL_GONE: the share's job is
/// gone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_progress_set_message(
    progress: *const dcc_progress,
    message: *const c_char,
    message_length: usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise about its text.
        let words = unsafe { text("message", message, message_length, DCC_MAX_TEXT_LENGTH) }?;
        let Some(share) = pinned(progress)? else { return Ok(DCC_OK) };
        Ok(if shares().set_message(&share, words)? { DCC_OK } else { DCC_POLL_GONE })
    })
}
