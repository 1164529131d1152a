//! `dcc_stats_*`: how many there are.

use super::LIBRARY;
use super::argument::{Versioned, write_struct};
use super::guard::guard;
use super::status::{DCC_OK, dcc_status};
use crate::arena::Keeper;
use crate::job::JobState;

/// Counts of the whole process. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_stats {
    /// sizeof(dcc_stats); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Tokens alive, those of jobs included.
    pub live_tokens: u64,
    /// Jobs alive, ended or not.
    pub live_jobs: u64,
    /// Captured contexts alive.
    pub live_contexts: u64,
    /// Jobs that ended as completed.
    pub jobs_completed: u64,
    /// Jobs that ended as failed.
    pub jobs_failed: u64,
    /// Jobs that ended as cancelled.
    pub jobs_cancelled: u64,
    /// Jobs that ended as interrupted.
    pub jobs_interrupted: u64,
    /// Values that dcc_context_unwind found left behind by others.
    pub context_leaks: u64,
    /// Registrations alive, those of waits and native events included.
    pub live_registrations: u64,
    /// Owners alive.
    pub live_owners: u64,
    /// Deadlines armed.
    pub armed_deadlines: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_stats {
    const NAME: &'static str = "dcc_stats";
    const FIRST_SIZE: usize = 72;
}

/// Fills in the counts. Walks over all objects, so it is for diagnosis, not for every tick; counts
/// that others change meanwhile may be of different moments. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_stats_read(out_stats: *mut dcc_stats) -> dcc_status {
    guard(|| {
        let ends = LIBRARY.jobs().ends();
        let tokens = LIBRARY.jobs().tokens();
        let stats = dcc_stats {
            struct_size: 0,
            reserved: 0,
            live_tokens: tokens.arena().live(),
            live_jobs: LIBRARY.jobs().arena().live(),
            live_contexts: LIBRARY.arena().live(),
            jobs_completed: ends.of(JobState::Completed),
            jobs_failed: ends.of(JobState::Failed),
            jobs_cancelled: ends.of(JobState::Cancelled),
            jobs_interrupted: ends.of(JobState::Interrupted),
            context_leaks: LIBRARY.leaks(),
            live_registrations: tokens.registrations().arena().live(),
            live_owners: tokens.owners().arena().live(),
            armed_deadlines: tokens.deadlines().count() as u64,
        };
        // SAFETY: the C caller's promise: writable for the size that it says.
        unsafe { write_struct(out_stats, &stats) }?;
        Ok(DCC_OK)
    })
}
