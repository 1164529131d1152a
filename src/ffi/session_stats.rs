//! `dcc_session_stats`: what a session has seen.

use super::argument::Versioned;
use super::guard::guard;
use super::out::StructOut;
use super::session::{dcc_session, pinned};
use super::status::{DCC_OK, dcc_status};

/// What a session has seen. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_session_stats {
    /// sizeof(dcc_session_stats); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// 1 after a close.
    pub is_closed: i32,
    /// Requests in flight: begun and not ended, after a close, too.
    pub live: u32,
    /// Other ids of which something is remembered.
    pub kept: u32,
    /// Requests that began.
    pub begun: u64,
    /// Requests that the peer, or the close, was the first to cancel.
    pub cancelled: u64,
    /// Cancels that were held for their request.
    pub early: u64,
    /// Cancels of no request in flight that were ignored: late ones, and those that were not held.
    pub unknown: u64,
    /// Cancels of requests that had been cancelled, or that cannot be.
    pub without_effect: u64,
    /// Messages that were none, or cancellations of nothing.
    pub malformed: u64,
    /// Messages for somebody else.
    pub others: u64,
    /// What was forgotten for want of room.
    pub forgotten: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_session_stats {
    const NAME: &'static str = "dcc_session_stats";
}

/// Fills in what a session has seen. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_read_stats(
    session: *const dcc_session,
    out_stats: *mut dcc_session_stats,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_stats", out_stats) }?;
        let pin = pinned(session)?;
        let live = pin.slot().live();
        let (is_closed, in_flight, kept) = {
            let body = live.body.lock();
            (body.is_closed, body.live, body.kept())
        };
        let counts = &live.counts;
        to.write(&dcc_session_stats {
            struct_size: 0,
            is_closed: i32::from(is_closed),
            live: in_flight,
            kept,
            begun: counts.begun.read(),
            cancelled: counts.cancelled.read(),
            early: counts.early.read(),
            unknown: counts.unknown.read(),
            without_effect: counts.without_effect.read(),
            malformed: counts.malformed.read(),
            others: counts.others.read(),
            forgotten: counts.forgotten.read(),
        });
        Ok(DCC_OK)
    })
}
