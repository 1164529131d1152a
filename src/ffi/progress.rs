//! `dcc_progress_*`: shares of the bar of a job.

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

/// A share of the bar of a job: a step, or what a library does in one. Shared by reference count. The pointer
/// is a handle, not an address; NULL is the share of nothing: all that is done to it is DCC_OK and does
/// nothing.
///
/// The code that knows the whole says what its steps are worth. The code of a step counts in units of its
/// own, and need not know that it is a part of something. `begin` fills in a dcc_progress_desc:
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
/// What is shown of it never falls: a total that changes spreads what is left of the share over what is left
/// to do. A share that has ended is full, however far it was, and what was begun below it counts no more; in
/// a job that was asked to stop it stays as it was. It keeps no job alive: if its job is gone, it is the
/// share of nothing.
pub struct dcc_progress(());

/// What a share begins with. Set all to zero, then `struct_size` to sizeof, then what you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_progress_desc {
    /// sizeof(dcc_progress_desc)
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The share that it is a part of. NULL: all of the share that is current on this thread; if none of the
    /// current job is, all of the current job.
    pub parent: *const dcc_progress,
    /// How many units of `parent` it is worth; 0 if that is NULL. Beyond the total of `parent` it is worth
    /// nothing.
    pub weight: u64,
    /// Its own units; 0 while unknown.
    pub total: u64,
    /// What to call it, for people: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. May be NULL.
    pub label: *const c_char,
    /// Bytes in `label`, or DCC_NUL_TERMINATED.
    pub label_length: usize,
}

// SAFETY: numbers and nullable pointers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_progress_desc {
    const NAME: &'static str = "dcc_progress_desc";
}

fn shares() -> Shares<'static> {
    library().shares()
}

/// The share pinned for this call; `None` for NULL.
pub(super) fn pinned(share: *const dcc_progress) -> Outcome<Option<SharePin<'static>>> {
    match handle(share) {
        NULL => Ok(None),
        share => SharePin::new(shares(), share).map(Some),
    }
}

/// Begins a share and writes it to `out_progress`: one reference, yours to release. Writes NULL, which is
/// good for all calls, where `parent` is NULL and no job is current on this thread, or the job is gone.
///
/// With a NULL `parent` it takes all of the current share, or of the current job, if nothing was counted
/// and no share begun there before. Else it is worth nothing: its messages are shown and its units are not,
/// so that nothing is counted twice. Once one that had it all has ended, the next one gets the little that
/// is left, or all of it if that one counted nothing. Who calls several libraries begins a share for each,
/// and makes it current. Any thread.
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

/// Adds a reference, which you release. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_retain(progress: *const dcc_progress) -> dcc_status {
    guard(|| {
        if !progress.is_null() {
            shares().arena().retain(handle(progress))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back; a share whose last one goes has ended. Contexts, and threads on which it is
/// current, have references of their own, so end what has to end now by dcc_progress_end. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_release(progress: *mut dcc_progress) -> dcc_status {
    guard(|| {
        if !progress.is_null() {
            shares().release(handle(progress))?;
        }
        Ok(DCC_OK)
    })
}

/// Ends a share: it is full, however far it was, unless its job was asked to stop; and it counts no more,
/// also for threads that still have it. To end it again does nothing. Flush your counters before. Your
/// reference stays. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_end(progress: *const dcc_progress) -> dcc_status {
    guard(|| {
        if let Some(share) = pinned(progress)? {
            shares().end(&share);
        }
        Ok(DCC_OK)
    })
}

/// Makes a share current on this thread: what counts by itself, a library or dcc_job_set_progress, counts in
/// it until dcc_progress_reset_current of the ticket. Contexts that are captured meanwhile carry it to other
/// threads. NULL masks what was, and so does a job that becomes current. Keeps a reference. On this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_progress_set_current(
    progress: *const dcc_progress,
    out_ticket: *mut dcc_ticket,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    guard_creating(|| unsafe { set(SlotName::Share, handle(progress), out_ticket) })
}

/// Makes current what was before the dcc_progress_set_current that gave this ticket; errors as
/// dcc_cancel_token_reset_current. On the thread of the set.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_reset_current(ticket: dcc_ticket) -> dcc_status {
    guard(|| reset(SlotName::Share, ticket))
}

/// The share that is current on this thread; borrowed, NULL for none. It may be one of another job than the
/// current one, and then nobody counts in it. Any thread, for itself.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_current() -> *const dcc_progress {
    guard_value(std::ptr::null(), || {
        let share = thread::slots().map_or(NULL, ThreadSlots::current_share);
        Ok(pointer::<dcc_progress>(share).cast_const())
    })
}

/// Counts `n` units of a share, and answers whether to stop, as dcc_job_set_progress does for its job.
/// DCC_POLL_GONE, which means stop, too: its job is gone. In loops dcc_progress_advance is far cheaper.
/// Units beyond its total are not shown. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_add(progress: *const dcc_progress, n: u64) -> dcc_status {
    guard(|| add(progress, n, || Place::Unknown))
}

/// As dcc_progress_add, with the place in the source where it stands, for the poll trace:
/// `file` ends with NUL, or is NULL if that is not known.
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

/// Changes how many units a share has in all, 0 while unknown. What is left of it is spread over the units
/// that are left. A total that was reached leaves a thousandth, which one that grows then has.
/// DCC_POLL_GONE: its job is gone. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_progress_set_total(progress: *const dcc_progress, total: u64) -> dcc_status {
    guard(|| {
        let Some(share) = pinned(progress)? else { return Ok(DCC_OK) };
        Ok(if shares().set_total(&share, total) { DCC_OK } else { DCC_POLL_GONE })
    })
}

/// Changes what a share says that it is at, for dcc_job_progress_message: UTF-8, up to DCC_MAX_TEXT_LENGTH
/// bytes, copied. DCC_POLL_GONE: its job is gone. Any thread.
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
