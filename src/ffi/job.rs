//! `dcc_job_*`: what a job is, and its handles. The slot of the current job is in `current`.

use super::argument::{Versioned, descriptor, flags, handle, text};
use super::guard::{Outcome, guard, guard_creating, guard_value};
use super::limits::{DCC_MAX_CALLER_ID_LENGTH, DCC_MAX_TEXT_LENGTH};
use super::out::{HandleOut, ValueOut, pointer};
use super::owner::dcc_owner;
use super::status::{DCC_NOT_FOUND, DCC_OK, dcc_status};
use super::token::dcc_cancel_token;
use super::{library, thread};
use crate::handle::{Handle, NULL};
use crate::job::{JobOrigin, JobPin, JobState, Jobs};
use crate::memory::pin::Keeper;
use crate::owner::owned::OwnedId;
use crate::sys::callout::{ForeignCheck, Payload, UserData};
use crate::token::create::Origin;
use crate::token::foreign::Foreign;
use std::ffi::{c_char, c_void};

/// A job: one unit of a host's work. It is a token with an id, a label, a state and a progress, shared by
/// reference count. NULL is a job that does not exist.
pub struct dcc_job(());

/// State of a job: there is no job.
pub const DCC_JOB_NONE: i32 = 0;
/// State of a job: created and not begun.
pub const DCC_JOB_PENDING: i32 = 1;
/// State of a job: begun and not ended.
pub const DCC_JOB_RUNNING: i32 = 2;
/// State of a job that has ended: it did its work, whether or not it was asked to stop meanwhile.
pub const DCC_JOB_COMPLETED: i32 = 3;
/// State of a job that has ended: its work failed.
pub const DCC_JOB_FAILED: i32 = 4;
/// State of a job that has ended: it saw that it was asked to stop, and stopped.
pub const DCC_JOB_CANCELLED: i32 = 5;
/// State of a job that was ended from outside: its last reference was released before it ended, its
/// host gave it up (dcc_job_interrupt), or its dispatcher or owner was closed.
pub const DCC_JOB_INTERRUPTED: i32 = 6;

const _: () = {
    assert!(DCC_JOB_PENDING == JobState::Pending as i32);
    assert!(DCC_JOB_RUNNING == JobState::Running as i32);
    assert!(DCC_JOB_COMPLETED == JobState::Completed as i32);
    assert!(DCC_JOB_FAILED == JobState::Failed as i32);
    assert!(DCC_JOB_CANCELLED == JobState::Cancelled as i32);
    assert!(DCC_JOB_INTERRUPTED == JobState::Interrupted as i32);
};

/// Flag of a job: its `is_cancelled` function may be asked on any thread, not only on the creating
/// thread.
pub const DCC_JOB_ASK_ON_ANY_THREAD: u32 = 1;

/// Flag of a job without a `parent`: the job is below what is current on the creating thread
/// (chapter 3). A cancel of that token or job then cancels the new job. So a job that is created
/// inside another job's work stops with that job, and a job that is created for the request whose
/// token is current stops with that request. If a `parent` is given, the flag has no effect.
/// dcc_cancel.hpp and the Python package set the flag unless the job is to be detached. In an event
/// loop that a job runs, do not set the flag for work that has nothing to do with that job.
///
/// The current token or the current job may be below the other, for instance a current job below
/// the token of its request. Then only the lower of the two becomes the parent, here the current
/// job. So a seal of the current job keeps a cancel of the request from the new job, too; see
/// dcc_job_seal. After the current job has ended, a cancel from above it still reaches the new job,
/// unless the current job was sealed.
pub const DCC_JOB_BELOW_CURRENT: u32 = 2;

/// A function that ends the life of user data. It is called exactly once, after the last use of the
/// data.
pub type dcc_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A host's own check whether the work should stop, for instance because the user has pressed Esc.
/// 0: go on. Any other answer: stop. The function must not unwind or longjmp.
pub type dcc_is_cancelled_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

/// What a job is created from. Set all bytes to zero, then `struct_size` to sizeof, then the fields
/// that you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_job_desc {
    /// sizeof(dcc_job_desc)
    pub struct_size: u32,
    /// DCC_JOB_ASK_ON_ANY_THREAD, DCC_JOB_BELOW_CURRENT, both or 0.
    pub flags: u32,
    /// Name for people: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. May be NULL.
    pub label: *const c_char,
    /// Length of `label` in bytes, or DCC_NUL_TERMINATED.
    pub label_length: usize,
    /// Your own id for the job: UTF-8, up to DCC_MAX_CALLER_ID_LENGTH bytes, copied. May be NULL.
    pub caller_id: *const c_char,
    /// Length of `caller_id` in bytes, or DCC_NUL_TERMINATED.
    pub caller_id_length: usize,
    /// A token whose cancel cancels the job. With NULL no token does, unless `flags` has
    /// DCC_JOB_BELOW_CURRENT.
    pub parent: *const dcc_cancel_token,
    /// Passed to `destroy` and `is_cancelled`, and returned by dcc_job_user_data.
    pub user_data: *mut c_void,
    /// Called once with `user_data` when the job is gone, in the call that gave back its last
    /// reference; or in dcc_owner_close of `owner`. A call that must not run your code leaves this
    /// to the library's callback thread. `destroy` is not called if the create fails. It may use
    /// the library. May be NULL.
    pub destroy: dcc_destroy_fn,
    /// The host's own check. With it dcc_check_cancelled, polls of the job and waits ask this
    /// function, too, unless the function is running already. They ask it on the creating thread
    /// only, unless `flags` has DCC_JOB_ASK_ON_ANY_THREAD. Polls of a token or job that is made
    /// current on top of this job on such a thread, for instance by a library that the job calls,
    /// ask it as well, unless there is a mask (dcc_context_shield) in between. The first answer
    /// other than 0 cancels the job for good (DCC_CAUSE_FOREIGN); workers and children see that
    /// cancel. May be NULL.
    pub is_cancelled: dcc_is_cancelled_fn,
    /// Minimum number of nanoseconds between two calls of `is_cancelled`. Before they have passed,
    /// the function is not due, and polls do not ask it. With 0 each poll asks.
    pub min_interval_ns: u64,
    /// The plugin that `destroy` and `is_cancelled` belong to, see dcc_owner_close. NULL if they
    /// stay loaded.
    pub owner: *const dcc_owner,
}

// SAFETY: numbers, pointers and nullable functions, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_job_desc {
    const NAME: &'static str = "dcc_job_desc";
}

pub(super) fn jobs() -> Jobs<'static> {
    library().jobs()
}

/// The job, pinned for this call; `None` for NULL.
pub(super) fn pinned(job: *const dcc_job) -> Outcome<Option<JobPin<'static>>> {
    match handle(job) {
        NULL => Ok(None),
        job => JobPin::new(jobs(), job).map(Some),
    }
}

/// Runs a call on a job. For NULL nothing happens, and the answer is `DCC_OK`.
pub(super) fn with(
    job: *const dcc_job,
    call: impl FnOnce(&JobPin<'static>) -> Outcome,
) -> dcc_status {
    guard(|| pinned(job)?.map_or(Ok(DCC_OK), |job| call(&job)))
}

/// Creates a pending job and writes it to `out_job`. Any thread may call this. You get one
/// reference, which you release. If the call fails, nothing is left behind and `user_data` is still
/// yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_create(
    desc: *const dcc_job_desc,
    out_job: *mut *mut dcc_job,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_job", out_job) };
    guard_creating(|| {
        let to = to?;
        // SAFETY: the C caller's promise: a filled-in descriptor.
        to.write(unsafe { create(&descriptor("desc", desc)?) }?);
        Ok(())
    })
}

/// # Safety
/// The descriptor's pointers are what the header asks for.
unsafe fn create(desc: &dcc_job_desc) -> Outcome<Handle> {
    let known = "DCC_JOB_ASK_ON_ANY_THREAD | DCC_JOB_BELOW_CURRENT";
    let all = DCC_JOB_ASK_ON_ANY_THREAD | DCC_JOB_BELOW_CURRENT;
    flags("dcc_job_desc.flags", desc.flags, all, known)?;
    // SAFETY: the C caller's promise in the descriptor.
    let (label, caller_id) = unsafe {
        let name = "dcc_job_desc.label";
        let label = text(name, desc.label, desc.label_length, DCC_MAX_TEXT_LENGTH)?;
        let name = "dcc_job_desc.caller_id";
        (label, text(name, desc.caller_id, desc.caller_id_length, DCC_MAX_CALLER_ID_LENGTH)?)
    };
    let user_data = UserData::new(desc.user_data);
    let foreign = match desc.is_cancelled {
        None => None,
        Some(function) => {
            let any_thread = desc.flags & DCC_JOB_ASK_ON_ANY_THREAD != 0;
            let creator = thread::slots_and_record()?.1.number();
            Some(Foreign {
                // SAFETY: the C caller's promise in the descriptor.
                check: unsafe { ForeignCheck::new(function, user_data) },
                thread: (!any_thread).then_some(creator),
                min_interval_ns: desc.min_interval_ns,
                owned: OwnedId::NONE,
            })
        }
    };
    let is_implied = desc.parent.is_null() && desc.flags & DCC_JOB_BELOW_CURRENT != 0;
    let parents = if is_implied { thread::lowest() } else { [handle(desc.parent), NULL] };
    let origin = JobOrigin {
        label,
        caller_id,
        parents,
        token: Origin { foreign, is_watched: true, is_implied, ..Origin::default() },
        owner: handle(desc.owner),
    };
    // SAFETY: the C caller's promise in the descriptor. On an error the payload is dropped without
    // running its notify.
    let payload = unsafe { Payload::new(user_data, desc.destroy) };
    jobs().create(&origin, Some(payload)).map_err(|(error, _callers)| error)
}

/// Adds a reference, which you release. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_retain(job: *const dcc_job) -> dcc_status {
    guard(|| {
        if !job.is_null() {
            jobs().arena().retain(handle(job))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. Any thread may call this. The last release ends the life of the job: its
/// `destroy` is called, and a job that has not ended ends as interrupted. If the library still uses
/// the job, it lives on until the last such use: while it is posted and unfinished, current on a
/// thread, captured, or being listed.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_release(job: *mut dcc_job) -> dcc_status {
    guard(|| {
        if !job.is_null() {
            jobs().release(handle(job))?;
        }
        Ok(DCC_OK)
    })
}

/// Returns the id that the library gave the job. Any thread may call this. Ids are unique in the
/// process, below 2^53, and in no order. The id is 0 for NULL and for a bad handle.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_id(job: *const dcc_job) -> u64 {
    guard_value(0, || Ok(pinned(job)?.map_or(0, |job| jobs().id(&job))))
}

/// Finds a live job by its id and writes it to `out_job`. Any thread may call this. You get one
/// reference, which you release. DCC_NOT_FOUND, with NULL: no live job has this id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_find(id: u64, out_job: *mut *mut dcc_job) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_job", out_job) };
    guard(|| {
        let to = to?;
        let Some(job) = jobs().find(id) else { return Ok(DCC_NOT_FOUND) };
        to.write(job);
        Ok(DCC_OK)
    })
}

/// Returns the job's token, which is cancelled when the job is. Any thread may call this. The token
/// is lent as long as the job lives; retain it to keep it longer. For NULL and for a bad handle the
/// answer is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_token(job: *const dcc_job) -> *mut dcc_cancel_token {
    guard_value(std::ptr::null_mut(), || {
        Ok(pointer(pinned(job)?.map_or(NULL, |job| jobs().token(&job))))
    })
}

pub(super) fn with_text(
    job: *const dcc_job,
    what: &'static str,
    words: *const c_char,
    length: usize,
    call: impl FnOnce(&JobPin<'static>, &str) -> Outcome,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise about its text.
        let words = unsafe { text(what, words, length, DCC_MAX_TEXT_LENGTH) }?;
        pinned(job)?.map_or(Ok(DCC_OK), |job| call(&job, words))
    })
}

/// Writes the user data that the job was created with, or NULL. Any thread may call this. The data
/// lives as long as the job, so hold a reference of the job while you use it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_user_data(
    job: *const dcc_job,
    out_user_data: *mut *mut c_void,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_user_data", out_user_data, std::ptr::null_mut()) }?;
        if let Some(data) = pinned(job)?.and_then(|job| jobs().user_data(&job)) {
            to.write(data.pointer());
        }
        Ok(DCC_OK)
    })
}
