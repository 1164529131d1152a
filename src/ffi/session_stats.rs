//! `dcc_session_read_stats`: counts of a session.

use super::argument::Versioned;
use super::guard::guard;
use super::out::StructOut;
use super::session::{dcc_session, pinned};
use super::status::{DCC_OK, dcc_status};

/// Counts of a session. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_session_stats {
    /// sizeof(dcc_session_stats); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// 1 after a close.
    pub is_closed: i32,
    /// Requests in flight: begun and not ended, even after a close.
    pub live: u32,
    /// Other ids that are remembered; see `max_kept` of dcc_session_desc.
    pub kept: u32,
    /// Requests that were begun, whether or not they have ended.
    pub begun: u64,
    /// Requests whose first cancel came from the peer or from the close.
    pub cancelled: u64,
    /// Cancels that were held for their request.
    pub early: u64,
    /// Cancels that were ignored because no request in flight had their id, and that were not held.
    pub unknown: u64,
    /// Cancels of requests that were cancelled before, are sealed, or cannot be cancelled.
    pub without_effect: u64,
    /// Messages that were not JSON-RPC, or cancels that named no request.
    pub malformed: u64,
    /// Messages that were not cancels.
    pub others: u64,
    /// Ids that were not remembered because there was no room.
    pub forgotten: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_session_stats {
    const NAME: &'static str = "dcc_session_stats";
}

/// Fills in the counts of a session. Any thread may call this.
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
