//! `dcc_poll_*`: snapshots for loops, and the slow path of the inlined poll.

use super::argument::handle;
use super::current::{job_status, token_status};
use super::guard::{guard, guard_value};
use super::status::{DCC_OK, dcc_status};
use super::token::dcc_cancel_token;
use super::{LIBRARY, thread};
use crate::current::{LayerCell, ThreadSlots};
use crate::handle::NULL;
use crate::sys::thread_slot::NEVER_CANCELLED;
use crate::token::Tokens;
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

fn never() -> dcc_poll_layer {
    dcc_poll_layer { word: (&raw const NEVER_CANCELLED).cast(), expected: NULL }
}

fn layer(cell: &LayerCell<'static>) -> dcc_poll_layer {
    dcc_poll_layer { word: std::ptr::from_ref(cell.word()).cast(), expected: cell.token() }
}

/// A snapshot of what is current on this thread, to be polled in a loop by dcc_poll. A later set
/// or reset is not seen by it. It holds no reference: polling what has been released meanwhile
/// answers DCC_POLL_GONE, which means stop. It may be handed to other threads.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_poll_current() -> dcc_poll_pair {
    guard_value(dcc_poll_pair { token: never(), job: never() }, || {
        Ok(match thread::slots() {
            Some(slots) => {
                dcc_poll_pair { token: layer(slots.token_layer()), job: layer(slots.job_layer()) }
            }
            None => dcc_poll_pair { token: never(), job: never() },
        })
    })
}

/// A snapshot of the current token alone, to be polled by dcc_poll_one; as dcc_poll_current.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_poll_current_token() -> dcc_poll_layer {
    guard_value(never(), || {
        Ok(thread::slots().map_or_else(never, |slots| layer(slots.token_layer())))
    })
}

/// A snapshot of a given token, to be polled by dcc_poll_one. Holds no reference; NULL gives one
/// that is never cancelled, a bad handle one that answers DCC_POLL_GONE. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_poll_of(token: *const dcc_cancel_token) -> dcc_poll_layer {
    guard_value(never(), || {
        let expected = handle(token);
        if expected == NULL {
            return Ok(never());
        }
        // A bad handle never equals a word, so that every poll takes the slow path.
        let word = LIBRARY.jobs().tokens().word(expected).unwrap_or(&NEVER_CANCELLED);
        Ok(dcc_poll_layer { word: std::ptr::from_ref(word).cast(), expected })
    })
}

/// The slow path of dcc_poll and dcc_poll_one; they call it, you need not. Takes the `expected` of
/// both layers, 0 for none, and where the poll stands in the source.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_poll_slow(
    token: u64,
    job: u64,
    file: *const c_char,
    line: u32,
) -> dcc_status {
    guard(|| {
        // The place is part of the ABI from the start; what records it comes with tracing.
        let _place = (file, line);
        let tokens: &Tokens = LIBRARY.jobs().tokens();
        let thread = || thread::slots().map_or(0, ThreadSlots::thread_number);
        let by_token = token_status(tokens.answer(token, thread));
        if by_token != DCC_OK {
            return Ok(by_token);
        }
        Ok(job_status(tokens.answer(job, thread)))
    })
}
