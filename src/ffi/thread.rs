//! The calling thread's slots and record, which are kept in thread-local storage.

use super::library;
use crate::diagnosis::place::Place;
use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::job::JobPin;
use crate::sys::fallible::try_box;
use crate::sys::thread_slot::{self, Area};
use crate::sys::{instance, process, thread_exit, thread_rack};
use crate::thread::context::ThisThread;
use crate::thread::current::ErrorText;
use crate::thread::current::{ThreadRecord, ThreadSlots};
use crate::token::ask::Answer;
use crate::token::asking::Asker;
use std::fmt::{self, Write};
use std::mem::{align_of, offset_of, size_of};

/// The slots of the calling thread.
pub(super) type Slots = ThreadSlots<'static>;

// `Area` begins with the same words as `ThreadSlots`, as raw pointers instead of references. A
// `Cell` has the layout of its content, and `Option<&T>` is NULL for `None`. The fields stand in
// the order of `repr(C)`.
const _: () = assert!(size_of::<Slots>() == offset_of!(Area, rack));
const _: () = assert!(align_of::<Slots>() == align_of::<Area>());
const _: () = assert!(offset_of!(Area, record) == 32 && offset_of!(Area, job_word) == 16);

/// The calling thread's slots. `None`, which counts as nothing installed, is possible only if the
/// platform has no native thread-locals and the thread is at its very end.
///
/// The reference is good until the thread ends, and is used within one call only.
#[inline(always)]
pub(super) fn slots<'call>() -> Option<&'call Slots> {
    let area = thread_slot::area()?;
    // SAFETY: the area is this thread's own and lives until it ends; the layouts agree as asserted
    // above; its words point to `NEVER_CANCELLED` or to what `Slots` itself put there.
    Some(unsafe { &*area.cast::<Slots>() })
}

/// Whether this copy of the library is the first in the process. It also pins the module, so every
/// call that creates something calls it first.
#[inline(always)]
pub(super) fn is_first() -> Result<bool, Error> {
    Ok(instance::is_first(begin_with_magazines)?)
}

fn begin_with_magazines() {
    library().give_places();
    thread_rack::open(at_exit);
}

/// The calling thread as code that runs jobs on it needs it.
pub(super) fn this<'call>() -> Result<ThisThread<'call, 'static>, Error> {
    let (slots, record) = slots_and_record()?;
    Ok(ThisThread { slots, record })
}

/// The calling thread's number. 0, to which nothing can be bound, before the thread has a record.
pub(super) fn number() -> u64 {
    slots().map_or(0, ThreadSlots::thread_number)
}

/// The current token and the current job's token of the calling thread, both lent.
#[inline(always)]
pub(super) fn current() -> [Handle; 2] {
    slots().map_or([NULL; 2], |slots| [slots.token(), slots.job_layer().token()])
}

/// The parents for an object that is created below what is current on the calling thread.
pub(super) fn lowest() -> [Handle; 2] {
    let [token, job] = current();
    library().tokens().lowest(token, job)
}

/// The calling thread for a wait, which asks hosts' own checks meanwhile.
pub(super) fn asker() -> Asker {
    slots().map_or_else(Asker::default, |slots| slots.asker(library().tokens()))
}

/// Whether everything that was current on the calling thread is masked.
#[inline]
pub(super) fn is_shielded() -> bool {
    slots().is_some_and(ThreadSlots::is_shielded)
}

/// Whether what is current on the calling thread was set on top of something with a host's check.
#[inline]
pub(super) fn is_around_check() -> bool {
    slots().is_some_and(ThreadSlots::is_above_check)
}

/// Asks the due checks of what lies below what is current on the calling thread.
#[cold]
pub(super) fn ask_around() {
    let Some(slots) = slots() else { return };
    let tokens = library().tokens();
    for token in slots.checks_around::<8>(tokens) {
        _ = tokens.answer(token, || slots.thread_number());
    }
}

/// Notes that the calling thread was told to stop.
#[cold]
pub(super) fn note_told() {
    if let Some(slots) = slots() {
        slots.note_told();
    }
}

/// Whether a current token that says stop says so to the job whose token is `job`. It does not if
/// it stops only a part of the job's work while the job goes on.
#[cold]
pub(super) fn is_told_by_token(token: Handle, job: Handle) -> bool {
    let tokens = library().tokens();
    job == NULL || is_cancelled(job) || !tokens.stops_part(token, job)
}

fn is_cancelled(token: Handle) -> bool {
    library().tokens().look(token).0 == Answer::Cancelled
}

/// Notes that this token told the calling thread to stop, if that concerns the thread's current
/// job: the job is cancelled, or the token is current here and speaks to the job.
#[cold]
pub(super) fn note_told_by_token(token: Handle) {
    let Some(slots) = slots() else { return };
    let job = slots.job_layer().token();
    if job == NULL {
        return;
    }
    let is_current = || slots.tokens().any(|current| current == token);
    if is_cancelled(job) || is_current() && is_told_by_token(token, job) {
        slots.note_told();
    }
}

/// Notes that this job, which was asked, told the calling thread to stop. A job speaks to itself
/// and to what is below it.
#[cold]
pub(super) fn note_told_by_job(job: Handle) {
    if let Some(slots) = slots()
        && (is_cancelled(slots.job_layer().token()) || slots.jobs().any(|current| current == job))
    {
        slots.note_told();
    }
}

/// Notes that the calling thread was told to stop if a cancel that it made itself reached what is
/// current here.
pub(super) fn note_own_cancel() {
    let Some(slots) = slots() else { return };
    let (token, job) = (slots.token(), slots.job_layer().token());
    if job == NULL {
        return;
    }
    if is_cancelled(job) || is_cancelled(token) && is_told_by_token(token, job) {
        slots.note_told();
    }
}

/// Called when a job that was current here ends because it was told to stop. If the job around it
/// is cancelled, that job was told, too.
#[cold]
pub(super) fn tell_around(job: Handle) {
    let Some(slots) = slots() else { return };
    let Some(around) = slots.jobs().filter(|current| *current != job).last() else { return };
    let jobs = library().jobs();
    let Ok(token) = JobPin::new(jobs, around).map(|pin| jobs.token(&pin)) else { return };
    if is_cancelled(token) {
        slots.note_told_of(around);
        // So that other threads that work for the job around it know.
        library().tokens().note_poll(NULL, token, token, || Place::Unknown);
    }
}

fn late() -> Error {
    Error::Resources("thread-local storage: the thread is ending")
}

/// The calling thread's slots and record. The first call that needs a record creates it.
#[inline(always)]
pub(super) fn slots_and_record<'call>() -> Result<(&'call Slots, &'static ThreadRecord), Error> {
    let slots = slots().ok_or_else(late)?;
    if let Some(record) = slots.record() {
        return Ok((slots, record));
    }
    make_record(slots).map(|record| (slots, record))
}

#[cold]
fn make_record(slots: &Slots) -> Result<&'static ThreadRecord, Error> {
    let record = record_for_another()?;
    thread_exit::arm(at_exit).map_err(|_| Error::Resources("system keys for thread-exit hooks"))?;
    Ok(keep(slots, record))
}

fn keep(slots: &Slots, record: Box<ThreadRecord>) -> &'static ThreadRecord {
    let record: &'static ThreadRecord = Box::leak(record);
    slots.set_record(Some(record));
    record
}

/// A record for a thread that does not exist yet.
pub(super) fn record_for_another() -> Result<Box<ThreadRecord>, Error> {
    // A thread's exit hook is code of this module, so the module must not be unmapped before the
    // hook has run.
    is_first()?;
    Ok(try_box(ThreadRecord::new(library().contexts().numbers().next()?))?)
}

/// Gives a thread of the library that has just begun its record. Such a thread calls `at_exit`
/// itself, so it needs no exit hook, which the system might refuse.
pub(super) fn begin(record: Box<ThreadRecord>) {
    record.let_stray();
    if let Some(slots) = slots() {
        keep(slots, record);
    }
}

/// Empties the slots of a thread that ends, and takes its free cells back. Destroy-notifies that
/// this runs may use the library; whatever they install is removed as well.
pub(super) fn at_exit() {
    let Some(slots) = slots() else { return };
    if !process::is_usable() {
        return;
    }
    library().dispatchers().thread_ends(slots.thread_number());
    library().contexts().clear(slots);
    // SAFETY: no call of this thread is under way while the hook runs.
    unsafe { thread_rack::close(|rack| library().take_back(rack)) };
    if let Some(record) = slots.record() {
        slots.set_record(None);
        // SAFETY: the record comes from `Box::leak` in `keep`. The slots were its only holder, and
        // no call of this thread is under way while the hook runs.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(record).cast_mut()) });
    }
}

/// Keeps the text of the calling thread's last error.
pub(super) fn note_error(text: fmt::Arguments<'_>) {
    let Ok((_, record)) = slots_and_record() else { return };
    let mut kept = ErrorText::EMPTY;
    let _ = kept.write_fmt(text);
    *record.last_error.borrow_mut() = kept;
}

/// Shows the text of the calling thread's last error.
pub(super) fn show_error<R>(reader: impl FnOnce(&str) -> R) -> R {
    match slots().and_then(ThreadSlots::record) {
        Some(record) => reader(record.last_error.borrow().as_str()),
        None => reader(""),
    }
}
