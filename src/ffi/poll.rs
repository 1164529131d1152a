//! `dcc_poll_*`: snapshots for loops, and the slow path of the inlined poll.

use super::answer::poll_layers;
use super::argument::handle;
use super::guard::guard_anywhere;
use super::out::ValueOut;
use super::status::{DCC_OK, dcc_status};
use super::token::dcc_cancel_token;
use super::trace::place;
use super::{library, thread};
use crate::handle::NULL;
use crate::sys::thread_slot::NEVER_CANCELLED;
use crate::thread::current::LayerCell;
use std::ffi::c_char;

/// One layer of a poll. Frozen: inlined code compares `*word` with `expected`. Do not fill it in
/// or change it yourself.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_poll_layer {
    /// The state word; never NULL, readable for ever.
    pub word: *const u64,
    /// What it holds while nothing is asked.
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

const NEVER: dcc_poll_layer =
    dcc_poll_layer { word: (&raw const NEVER_CANCELLED).cast(), expected: NULL };
const NEVER_PAIR: dcc_poll_pair = dcc_poll_pair { token: NEVER, job: NEVER };

fn layer(cell: &LayerCell<'static>) -> dcc_poll_layer {
    dcc_poll_layer { word: std::ptr::from_ref(cell.word()).cast(), expected: cell.token() }
}

/// Writes a snapshot of what is current on this thread, for languages without inline functions; C
/// and C++ call dcc_poll_current. On this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_poll_read_current(out_pair: *mut dcc_poll_pair) -> dcc_status {
    guard_anywhere(|| {
        // SAFETY: the C caller's promise: a writable result.
        let to = unsafe { ValueOut::new("out_pair", out_pair, NEVER_PAIR) }?;
        if let Some(slots) = thread::slots() {
            let (token, job) = (layer(slots.token_layer()), layer(slots.job_layer()));
            to.write(dcc_poll_pair { token, job });
        }
        Ok(DCC_OK)
    })
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
        let expected = handle(token);
        // A bad handle never equals a word, so that every poll takes the slow path.
        let word = match expected {
            NULL => &NEVER_CANCELLED,
            token => library().tokens().word(token).unwrap_or(&NEVER_CANCELLED),
        };
        to.write(dcc_poll_layer { word: std::ptr::from_ref(word).cast(), expected });
        Ok(DCC_OK)
    })
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
        let thread = thread::number;
        // SAFETY: the C caller's promise: NULL or ended by NUL.
        Ok(poll_layers(token, job, thread, || unsafe { place(file, line) }))
    })
}
