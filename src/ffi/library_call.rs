//! `dcc_library_call_*`: a library that calls a function of yours now and then, which says whether to stop.

use super::answer::poll_layers;
use super::argument::{Versioned, checked_size, descriptor, handle, text};
use super::guard::{guard, guard_anywhere};
use super::job::{dcc_job, jobs, pinned};
use super::limits::DCC_MAX_TEXT_LENGTH;
use super::out::{StructOut, pointer};
use super::poll::note_stray;
use super::status::{
    DCC_CANCELLED_BY_JOB, DCC_CANCELLED_BY_TOKEN, DCC_LIBRARY_FAILED, DCC_OK, DCC_POLL_GONE,
    dcc_status,
};
use super::token::dcc_cancel_token;
use super::{library, thread};
use crate::diagnosis::place::Place;
use crate::error::Error;
use crate::handle::NULL;
use crate::job::JobState;
use crate::thread::current::ThreadSlots;
use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::sync::atomic::{AtomicI32, Ordering};

/// A call of a library that asks now and then whether to stop. Set `struct_size` to sizeof, and let
/// dcc_library_call_begin fill in the rest. It is yours, and holds nothing: keep it where it is until the
/// library has returned.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_library_call {
    /// sizeof(dcc_library_call); dcc_library_call_begin writes back how much of it was filled.
    pub struct_size: u32,
    /// What the library was told first, 0 while it was told to go on: DCC_CANCELLED_BY_TOKEN,
    /// DCC_CANCELLED_BY_JOB or DCC_POLL_GONE.
    pub told: dcc_status,
    /// The token that was current.
    pub token: *const dcc_cancel_token,
    /// The token of the job that was current.
    pub job_token: *const dcc_cancel_token,
    /// The job that was current: tell it how far the library is, by dcc_job_set_progress.
    pub job: *const dcc_job,
}

// SAFETY: numbers and pointers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_library_call {
    const NAME: &'static str = "dcc_library_call";
}

/// Begins a call of a library: what is current on this thread is what dcc_library_call_ask asks, on any
/// thread. Set a token or a job current around this alone where another is meant.
///
///     dcc_library_call call = {.struct_size = sizeof call};
///     dcc_library_call_begin(&call);
///     int result = denoise(image, dcc_library_call_ask, &call);
///     return dcc_library_call_end(&call, result == DENOISE_OK, result == DENOISE_ABORTED,
///                                 denoise_text(result), DCC_NUL_TERMINATED);
///
/// On this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_library_call_begin(out_call: *mut dcc_library_call) -> dcc_status {
    guard_anywhere(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_call", out_call) }?;
        let slots = thread::slots();
        if let Some(slots) = slots.filter(|slots| slots.is_empty()) {
            // SAFETY: NULL.
            unsafe { note_stray(slots, std::ptr::null(), 0) };
        }
        to.write(&dcc_library_call {
            struct_size: 0,
            told: DCC_OK,
            token: pointer(slots.map_or(NULL, ThreadSlots::token)),
            job_token: pointer(slots.map_or(NULL, |slots| slots.job_layer().token())),
            job: pointer(slots.map_or(NULL, ThreadSlots::current_job)),
        });
        Ok(DCC_OK)
    })
}

/// The function that the library calls, if it wants an `int (*)(void *)` whose answer stops it unless it
/// is 0; or what yours calls. `call` is the dcc_library_call. 0: go on; else why to stop, as dcc_poll. It
/// asks a current job's `is_cancelled` function where and when that may be asked, and notes the first answer
/// that is not 0. As cheap as dcc_cancel_token_is_cancelled: let the library call it as often as it can. Any
/// thread, also several at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_library_call_ask(call: *mut c_void) -> dcc_status {
    guard_anywhere(|| {
        if call.is_null() {
            return Err(Error::NullOut("call"));
        }
        let call = call.cast::<dcc_library_call>();
        // SAFETY: the C caller's promise: a structure that starts with its size.
        checked_size::<dcc_library_call>(unsafe { (*call).struct_size })?;
        // SAFETY: the C caller's promise: what dcc_library_call_begin has filled in. Nobody writes these two.
        let (token, job) = unsafe { (handle((*call).token), handle((*call).job_token)) };
        let tokens = library().tokens();
        if tokens.is_quiet(token) && tokens.is_quiet(job) {
            return Ok(DCC_OK);
        }
        let answer = poll_layers(token, job, thread::number, || Place::Unknown);
        if answer != DCC_OK {
            let told = call.wrapping_byte_add(offset_of!(dcc_library_call, told)).cast::<i32>();
            // SAFETY: the field of the caller's structure, which only this function writes after `begin`.
            let told = unsafe { AtomicI32::from_ptr(told) };
            let _ = told.compare_exchange(DCC_OK, answer, Ordering::Relaxed, Ordering::Relaxed);
        }
        Ok(answer)
    })
}

/// Says how the library has returned: `succeeded` is not 0 if it has done what it was to do, `was_aborted`
/// not 0 if it says itself that it was stopped, which an interrupt may have done without its having asked.
/// `words` is what it says of its end, as `message` of dcc_job_fail.
///
/// 0: go on; the job is as it was. DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE: the
/// library was told to stop, or says that it was aborted; the job that was current at the begin ends as
/// cancelled, with the words. It does not end if only a part of its work was told to stop, by a token below
/// the job: the rest of the job goes on. DCC_LIBRARY_FAILED: neither; that job ends as failed, with the
/// words. A job that had ended stays as it was. Each is a good answer of a dcc_job_fn. Any thread, after the
/// library has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_library_call_end(
    call: *const dcc_library_call,
    succeeded: i32,
    was_aborted: i32,
    words: *const c_char,
    words_length: usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a filled-in structure.
        let call = unsafe { descriptor("call", call) }?;
        // SAFETY: the C caller's promise about its text.
        let words = unsafe { text("words", words, words_length, DCC_MAX_TEXT_LENGTH) }?;
        if !matches!(
            call.told,
            DCC_OK | DCC_CANCELLED_BY_TOKEN | DCC_CANCELLED_BY_JOB | DCC_POLL_GONE
        ) {
            let known = "what dcc_library_call_begin and dcc_library_call_ask wrote";
            return Err(Error::UnknownValue {
                what: "dcc_library_call.told",
                given: call.told,
                known,
            });
        }
        let job = pinned(call.job)?;
        let (state, answer) = match (call.told, was_aborted != 0, succeeded != 0) {
            (DCC_OK, false, true) => return Ok(DCC_OK),
            (DCC_OK, false, false) => (JobState::Failed, DCC_LIBRARY_FAILED),
            (DCC_OK, true, _) => (JobState::Cancelled, why(&call)),
            (told, ..) => (JobState::Cancelled, told),
        };
        if answer == DCC_CANCELLED_BY_TOKEN
            && !thread::is_told_by_token(handle(call.token), handle(call.job_token))
        {
            return Ok(answer);
        }
        if let Some(job) = job {
            jobs().end(&job, state, words)?;
        }
        Ok(answer)
    })
}

/// Why a library was stopped that had not asked.
fn why(call: &dcc_library_call) -> dcc_status {
    let (token, job) = (handle(call.token), handle(call.job_token));
    match poll_layers(token, job, thread::number, || Place::Unknown) {
        DCC_OK => DCC_CANCELLED_BY_JOB,
        why => why,
    }
}
