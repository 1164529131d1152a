//! `dcc_library_call_*`: a call of a library that now and then calls a function, whose answer says
//! whether to stop.

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
/// dcc_library_call_begin fill in the rest. The structure is yours and holds no references. Keep it
/// in place until the library has returned.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_library_call {
    /// sizeof(dcc_library_call); dcc_library_call_begin writes back how many bytes it filled.
    pub struct_size: u32,
    /// The first answer to the library that was not 0: DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB
    /// or DCC_POLL_GONE. 0 while all answers were 0.
    pub told: dcc_status,
    /// The token that was current at the beginning.
    pub token: *const dcc_cancel_token,
    /// The token of the job that was current at the beginning.
    pub job_token: *const dcc_cancel_token,
    /// The job that was current at the beginning. Report the library's progress to it with
    /// dcc_job_set_progress.
    pub job: *const dcc_job,
}

// SAFETY: numbers and pointers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_library_call {
    const NAME: &'static str = "dcc_library_call";
}

/// Begins a call of a library, and fills in `out_call`. Any thread may call this, for itself. What
/// is current on this thread now is what dcc_library_call_ask asks later, on any thread. To ask
/// another token or job, make it current around this call.
///
///     dcc_library_call call = {.struct_size = sizeof call};
///     dcc_library_call_begin(&call);
///     int result = denoise(image, dcc_library_call_ask, &call);
///     return dcc_library_call_end(&call, result == DENOISE_OK, result == DENOISE_ABORTED,
///                                 denoise_text(result), DCC_NUL_TERMINATED);
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_library_call_begin(out_call: *mut dcc_library_call) -> dcc_status {
    guard_anywhere(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_call", out_call) }?;
        let slots = thread::slots();
        if let Some(slots) = slots.filter(|slots| slots.is_empty()) {
            // SAFETY: the file name is NULL.
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

/// Answers a library's question whether to stop. Any thread may call this, also several at the same
/// time. Pass it to a library that wants an `int (*)(void *)` whose answer stops it unless it is 0,
/// or call it from a function of your own. `call` is the dcc_library_call.
///
/// The answer is 0 to go on, else why to stop, as of dcc_poll. The first answer that is not 0 is
/// noted in `call`. The function asks a current job's `is_cancelled` function if that is due and
/// may be asked on this thread. It is as cheap as dcc_cancel_token_is_cancelled, so let the library
/// call it as often as it can.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_library_call_ask(call: *mut c_void) -> dcc_status {
    guard_anywhere(|| {
        if call.is_null() {
            return Err(Error::NullOut("call"));
        }
        let call = call.cast::<dcc_library_call>();
        // SAFETY: the C caller's promise: a structure that starts with its size.
        checked_size::<dcc_library_call>(unsafe { (*call).struct_size })?;
        // SAFETY: the C caller's promise: `call` was filled by dcc_library_call_begin. Nothing
        // writes these two fields meanwhile.
        let (token, job) = unsafe { (handle((*call).token), handle((*call).job_token)) };
        let tokens = library().tokens();
        if tokens.is_quiet(token) && tokens.is_quiet(job) {
            return Ok(DCC_OK);
        }
        let answer = poll_layers(token, job, thread::number, || Place::Unknown);
        if answer != DCC_OK {
            let told = call.wrapping_byte_add(offset_of!(dcc_library_call, told)).cast::<i32>();
            // SAFETY: the field of the caller's structure, which only this function writes after
            // `begin`, and atomically.
            let told = unsafe { AtomicI32::from_ptr(told) };
            let _ = told.compare_exchange(DCC_OK, answer, Ordering::Relaxed, Ordering::Relaxed);
        }
        Ok(answer)
    })
}

/// Ends a call of a library, and answers with its outcome. Any thread may call this, after the
/// library has returned. Each answer is a valid answer of a dcc_job_fn.
///
/// `succeeded` is not 0 if the library did its work. `was_aborted` is not 0 if the library itself
/// says that it was stopped; an interrupt may have stopped it although it never asked. `words` is
/// what the library says of its end, as `message` of dcc_job_fail.
///
/// - 0: go on. The job is as it was.
/// - DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE: the library was told to stop,
///   or says that it was aborted. The job that was current at the beginning ends as cancelled, with
///   the words. But if a token below the job stopped only a part of the job's work, the job goes
///   on.
/// - DCC_LIBRARY_FAILED: the library failed for another reason. The job that was current at the
///   beginning ends as failed, with the words.
///
/// A job that had ended before stays as it was.
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

/// Why a library stopped that was never told to: it did not ask, or was interrupted.
fn why(call: &dcc_library_call) -> dcc_status {
    let (token, job) = (handle(call.token), handle(call.job_token));
    match poll_layers(token, job, thread::number, || Place::Unknown) {
        DCC_OK => DCC_CANCELLED_BY_JOB,
        why => why,
    }
}
