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

/// The bits in `expected` of a dcc_poll_layer that are the token's handle.
pub const DCC_POLL_HANDLE: u64 = 0x7FFF_FFFF_FFFF_FFFF;
const _: () = assert!(DCC_POLL_HANDLE == !AROUND);

/// One layer of a poll, a snapshot of a token. Its layout never changes: inlined code compares
/// `*word` with `expected`. Do not fill it in or change it yourself.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_poll_layer {
    /// The token's state word; never NULL, and readable for ever.
    pub word: *const u64,
    /// The value of `*word` while there is nothing to ask: no cancel, no poll trace, no
    /// `is_cancelled` function. `expected & DCC_POLL_HANDLE` is the token's handle.
    pub expected: u64,
}

/// Both layers of a poll: of the current token and of the current job.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_poll_pair {
    /// The layer of the current token.
    pub token: dcc_poll_layer,
    /// The layer of the current job.
    pub job: dcc_poll_layer,
}

pub(super) const NEVER: dcc_poll_layer =
    dcc_poll_layer { word: (&raw const NEVER_CANCELLED).cast(), expected: NULL };
const NEVER_PAIR: dcc_poll_pair = dcc_poll_pair { token: NEVER, job: NEVER };

fn layer(cell: &LayerCell<'static>) -> dcc_poll_layer {
    dcc_poll_layer { word: std::ptr::from_ref(cell.word()).cast(), expected: cell.expected() }
}

/// A snapshot of what is current on a thread.
pub(super) fn pair(slots: &thread::Slots) -> dcc_poll_pair {
    dcc_poll_pair { token: layer(slots.token_layer()), job: layer(slots.job_layer()) }
}

/// Writes a snapshot of what is current on the calling thread, for languages without inline
/// functions; C and C++ use dcc_poll_current. Any thread may call this, for itself. It is as
/// dcc_poll_read_current_at without a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_poll_read_current(out_pair: *mut dcc_poll_pair) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    unsafe { read_current(out_pair, std::ptr::null(), 0) }
}

/// Writes a snapshot of what is current on the calling thread, with the place of the call in the
/// source. Any thread may call this, for itself. `file` ends with NUL, or is NULL if the place is
/// not known.
///
/// The place helps to find polls that are never cancelled, because nothing is current on their
/// thread although jobs run. Such a thread was typically started for a job without the job's
/// context (dcc_context_bind). These snapshots are counted in `polls_without_job` of dcc_stats;
/// dcc_stats_polls_without_job and `dcc-control list` and `trace` name their file and line.
/// Snapshots behind dcc_context_shield or another mask are not counted, nor are those of a thread
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

/// The slow path of `read_current`, for when nothing is current. An `extern "C"` function never
/// unwinds, so the fast path ends in a jump.
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

/// Counts a snapshot of nothing if any job runs.
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

/// Writes a snapshot of a token; C and C++ use dcc_poll_of. Any thread may call this. A poll of the
/// snapshot of a bad handle answers DCC_POLL_GONE.
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
    // A bad handle becomes a value that no word can have, so that every poll takes the slow path.
    let expected = if expected & AROUND != 0 { FLAGS } else { expected };
    let word = match expected {
        NULL => &NEVER_CANCELLED,
        token => library().tokens().word(token).unwrap_or(&NEVER_CANCELLED),
    };
    dcc_poll_layer { word: std::ptr::from_ref(word).cast(), expected }
}

/// The slow path of dcc_poll and dcc_poll_one, which call it; you need not. Any thread may call
/// this. It takes `expected` of both layers, 0 for none, and the place of the poll in the source:
/// `file` ends with NUL, or is NULL if the place is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_poll_slow(
    token: u64,
    job: u64,
    file: *const c_char,
    line: u32,
) -> dcc_status {
    guard_anywhere(|| {
        // The snapshot was taken before the shield, whose code must not be stopped by it. A poll of
        // a single token is still answered.
        if thread::is_shielded() && job != NULL && job != token {
            return Ok(DCC_OK);
        }
        let thread = thread::number;
        // SAFETY: the C caller's promise: NULL or ended by NUL.
        Ok(poll_layers(token, job, thread, || unsafe { place(file, line) }))
    })
}
