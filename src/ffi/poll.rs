//! `dcc_poll_*`: snapshots for loops, and the slow path of the inlined poll.

use super::answer::poll_layers;
use super::argument::handle;
use super::guard::guard_anywhere;
use super::out::ValueOut;
use super::status::{DCC_OK, dcc_status};
use super::token::dcc_cancel_token;
use super::trace::place;
use super::{library, thread};
use crate::handle::{AROUND, FLAGS, Handle, NULL};
use crate::sys::process;
use crate::sys::thread_slot::NEVER_CANCELLED;
use crate::thread::current::LayerCell;
use std::ffi::c_char;
use std::ptr::NonNull;

/// The bits of `expected` of a dcc_poll_layer that are the handle of the token.
pub const DCC_POLL_HANDLE: u64 = 0x7FFF_FFFF_FFFF_FFFF;
const _: () = assert!(DCC_POLL_HANDLE == !AROUND);

/// One layer of a poll. Frozen: inlined code compares `*word` with `expected`. Do not fill it in
/// or change it yourself.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_poll_layer {
    /// The state word; never NULL, readable for ever.
    pub word: *const u64,
    /// What it holds while nothing is asked. Its bits that DCC_POLL_HANDLE has are the handle of the token.
    pub expected: u64,
}

/// Both layers of a poll: the current token and the current job.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_poll_pair {
    /// The token's.
    pub token: dcc_poll_layer,
    /// The job's.
    pub job: dcc_poll_layer,
}

pub(super) const NEVER: dcc_poll_layer =
    dcc_poll_layer { word: (&raw const NEVER_CANCELLED).cast(), expected: NULL };
const NEVER_PAIR: dcc_poll_pair = dcc_poll_pair { token: NEVER, job: NEVER };

fn layer(cell: &LayerCell<'static>) -> dcc_poll_layer {
    dcc_poll_layer { word: std::ptr::from_ref(cell.word()).cast(), expected: cell.expected() }
}

/// What is current on a thread.
pub(super) fn pair(slots: &thread::Slots) -> dcc_poll_pair {
    dcc_poll_pair { token: layer(slots.token_layer()), job: layer(slots.job_layer()) }
}

/// Writes a snapshot of what is current on this thread, for languages without inline functions; C
/// and C++ call dcc_poll_current. On this thread. As dcc_poll_read_current_at without a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_poll_read_current(out_pair: *mut dcc_poll_pair) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    unsafe { read_current(out_pair, std::ptr::null(), 0) }
}

/// As dcc_poll_read_current, with the place in the source where it stands: `file` ends with NUL, or is NULL
/// if that is not known. On this thread.
///
/// The place is for polls that are never cancelled: where nothing is current while jobs run, as on a thread
/// that was started for one without its context (dcc_context_bind). Such snapshots are counted in
/// `polls_without_job` of dcc_stats; dcc_stats_polls_without_job and `dcc-control list` and `trace` name them
/// with file and line. Left out are those behind dcc_context_shield or another mask, and those of a thread
/// that has pumped a dispatcher: between its jobs it does the host's work.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_poll_read_current_at(
    out_pair: *mut dcc_poll_pair,
    file: *const c_char,
    line: u32,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result, and NULL or a text ended by NUL.
    unsafe { read_current(out_pair, file, line) }
}

/// # Safety
/// `out_pair` is NULL or writable, `file` NULL or ended by NUL.
#[inline(always)]
unsafe fn read_current(out_pair: *mut dcc_poll_pair, file: *const c_char, line: u32) -> dcc_status {
    match (NonNull::new(out_pair), thread::slots()) {
        (Some(to), Some(slots)) if !slots.is_empty() => {
            // SAFETY: promised by the caller.
            unsafe { to.write(pair(slots)) };
            DCC_OK
        }
        // SAFETY: promised by the caller.
        _ => unsafe { read_nothing(out_pair, file, line) },
    }
}

/// The same where nothing is current. `extern "C"`, which never unwinds, so that the fast way ends in a jump.
///
/// # Safety
/// As for `read_current`.
#[cold]
#[inline(never)]
unsafe extern "C" fn read_nothing(
    out_pair: *mut dcc_poll_pair,
    file: *const c_char,
    line: u32,
) -> dcc_status {
    guard_anywhere(|| {
        // SAFETY: promised by the caller.
        let to = unsafe { ValueOut::new("out_pair", out_pair, NEVER_PAIR) }?;
        if let Some(slots) = thread::slots() {
            to.write(pair(slots));
            // SAFETY: promised by the caller.
            unsafe { note_stray(slots, file, line) };
        }
        Ok(DCC_OK)
    })
}

/// Notes a snapshot of nothing, if a job runs somewhere.
///
/// # Safety
/// `file` is NULL or ended by NUL.
#[cold]
#[inline(never)]
pub(super) unsafe fn note_stray(slots: &thread::Slots, file: *const c_char, line: u32) {
    if slots.is_astray() && process::is_usable() && library().jobs().is_any_running() {
        // SAFETY: promised by the caller.
        library().diagnosis().strays.note(|| unsafe { place(file, line) });
    }
}

/// Writes a snapshot of a token; C and C++ call dcc_poll_of. A bad handle gives one whose poll
/// answers DCC_POLL_GONE. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_poll_read_token(
    token: *const dcc_cancel_token,
    out_layer: *mut dcc_poll_layer,
) -> dcc_status {
    guard_anywhere(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_layer", out_layer, NEVER) }?;
        to.write(layer_of(handle(token)));
        Ok(DCC_OK)
    })
}

/// A snapshot of a token.
pub(super) fn layer_of(expected: Handle) -> dcc_poll_layer {
    // A bad handle never equals a word, so that every poll takes the slow path.
    let expected = if expected & AROUND != 0 { FLAGS } else { expected };
    let word = match expected {
        NULL => &NEVER_CANCELLED,
        token => library().tokens().word(token).unwrap_or(&NEVER_CANCELLED),
    };
    dcc_poll_layer { word: std::ptr::from_ref(word).cast(), expected }
}

/// The slow path of dcc_poll and dcc_poll_one; they call it, you need not. Takes the `expected` of
/// both layers, 0 for none, and where the poll stands in the source: `file` ends with NUL, or is NULL if
/// that is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_poll_slow(
    token: u64,
    job: u64,
    file: *const c_char,
    line: u32,
) -> dcc_status {
    guard_anywhere(|| {
        // A snapshot that was taken before the shield; a token by itself is asked as ever.
        if thread::is_shielded() && job != NULL && job != token {
            return Ok(DCC_OK);
        }
        let thread = thread::number;
        // SAFETY: the C caller's promise: NULL or ended by NUL.
        Ok(poll_layers(token, job, thread, || unsafe { place(file, line) }))
    })
}
