//! Counts and latencies of the whole process: `dcc_stats_*`.

use super::argument::Versioned;
use super::dispatcher::dispatchers;
use super::guard::guard;
use super::library;
use super::out::{StructOut, TextOut};
use super::status::{DCC_OK, dcc_status};
use crate::diagnosis::latency::Summary;
use crate::error::Error;
use crate::job::JobState;
use crate::json::object::Object;
use crate::memory::pin::Keeper;
use crate::sys::clock;
use std::ffi::c_char;

/// Counts of the whole process. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_stats {
    /// sizeof(dcc_stats); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Live tokens, also those of jobs.
    pub live_tokens: u64,
    /// Live jobs, ended or not.
    pub live_jobs: u64,
    /// Contexts that are captured and not released.
    pub live_contexts: u64,
    /// Jobs that ended as completed.
    pub jobs_completed: u64,
    /// Jobs that ended as failed.
    pub jobs_failed: u64,
    /// Jobs that ended as cancelled.
    pub jobs_cancelled: u64,
    /// Jobs that ended as interrupted.
    pub jobs_interrupted: u64,
    /// Tokens and jobs that were left current on a thread, found by dcc_context_unwind or by the
    /// library on its own threads.
    pub context_leaks: u64,
    /// Live registrations, also those of waits and native events.
    pub live_registrations: u64,
    /// Live owners.
    pub live_owners: u64,
    /// Deadlines that are set and have not come.
    pub armed_deadlines: u64,
    /// Live dispatchers, also those that only wait for their thread to run the last completions.
    pub live_dispatchers: u64,
    /// Posted jobs that were accepted and whose completion or destroy-notify has not returned.
    pub unfinished_posts: u64,
    /// Live sessions.
    pub live_sessions: u64,
    /// Live requests, ended or not.
    pub live_requests: u64,
    /// How often the check of a running job was not asked for too long, see
    /// DCC_EVENT_CHECK_NOT_ASKED.
    pub checks_not_asked: u64,
    /// Snapshots of dcc_poll_current that threads with nothing current took while jobs ran: a poll
    /// of such a snapshot is never cancelled. Carry the context to such threads, see
    /// dcc_context_bind and dcc_poll_read_current_at.
    pub polls_without_job: u64,
    /// Live shares of progress, ended or not.
    pub live_shares: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_stats {
    const NAME: &'static str = "dcc_stats";
}

/// Fills in the counts. Any thread may call this. It walks over all objects, so it is for
/// diagnosis, not for every tick. Counts that other threads change meanwhile may be of different
/// moments.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_stats_read(out_stats: *mut dcc_stats) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_stats", out_stats) }?;
        let ends = library().jobs().ends();
        let tokens = library().tokens();
        let mut unfinished_posts = 0;
        dispatchers().each(|pin| unfinished_posts += dispatchers().unfinished(pin));
        to.write(&dcc_stats {
            struct_size: 0,
            reserved: 0,
            live_tokens: tokens.arena().known(),
            live_jobs: library().jobs().arena().live(),
            live_contexts: library().contexts().arena().live(),
            jobs_completed: ends.of(JobState::Completed),
            jobs_failed: ends.of(JobState::Failed),
            jobs_cancelled: ends.of(JobState::Cancelled),
            jobs_interrupted: ends.of(JobState::Interrupted),
            context_leaks: library().contexts().leaks(),
            live_registrations: tokens.registrations().arena().live() + tokens.waits_for_one(),
            live_owners: tokens.owners().arena().live(),
            armed_deadlines: tokens.deadlines().count() as u64,
            live_dispatchers: dispatchers().arena().live(),
            unfinished_posts,
            live_sessions: library().sessions().arena().live(),
            live_requests: library().requests().arena().live(),
            checks_not_asked: tokens.silence_count(clock::now_ns()),
            polls_without_job: library().diagnosis().strays.count(),
            live_shares: library().shares().arena().live(),
        });
        Ok(DCC_OK)
    })
}

/// Writes the snapshots that `polls_without_job` of dcc_stats counts as a JSON object {"count":
/// number, "places": [{file, line, count}]}. Any thread may call this. The buffer is filled as by
/// dcc_cancel_token_reason. At these lines the context is missing. Only the first sixteen places
/// are kept. "(unknown)" is a snapshot that does not tell its place. A snapshot that comes while
/// another is being noted has no place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_stats_polls_without_job(
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise about its buffer.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        let (mut pieces, diagnosis) = (to.pieces(), library().diagnosis());
        // A piece is never refused, so there is no error.
        let _ = Object::begin(&mut pieces)
            .and_then(|strays| diagnosis.strays.write(&diagnosis.files, strays));
        pieces.end();
        Ok(DCC_OK)
    })
}

/// A latency: from a cancel to the first poll of each thread of a job that saw it.
pub const DCC_LATENCY_CANCEL_TO_SEEN: i32 = 1;
/// A latency: from the cancel of a job to its end.
pub const DCC_LATENCY_CANCEL_TO_END: i32 = 2;

/// A latency of the whole process, in nanoseconds, right to two decimal digits; more than an hour
/// counts as an hour. All 0 while nothing was measured. Set `struct_size` to sizeof before the
/// call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_latency {
    /// sizeof(dcc_latency); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// How many cancels were measured.
    pub count: u64,
    /// Half of the cancels took at most so long.
    pub p50_ns: u64,
    /// 95 of 100 cancels took at most so long.
    pub p95_ns: u64,
    /// 99 of 100 cancels took at most so long.
    pub p99_ns: u64,
    /// The longest that was measured.
    pub max_ns: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_latency {
    const NAME: &'static str = "dcc_latency";
}

/// Fills in the latency `which`, one of the DCC_LATENCY_ constants. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_stats_latency(
    which: i32,
    out_latency: *mut dcc_latency,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_latency", out_latency) }?;
        let diagnosis = library().diagnosis();
        let latency = match which {
            DCC_LATENCY_CANCEL_TO_SEEN => &diagnosis.cancel_to_seen,
            DCC_LATENCY_CANCEL_TO_END => &diagnosis.cancel_to_end,
            given => {
                let known = "one of the DCC_LATENCY_ constants";
                return Err(Error::UnknownValue { what: "which", given, known });
            }
        };
        let Summary { count, p50, p95, p99, max } = latency.summary();
        to.write(&dcc_latency {
            struct_size: 0,
            reserved: 0,
            count,
            p50_ns: p50,
            p95_ns: p95,
            p99_ns: p99,
            max_ns: max,
        });
        Ok(DCC_OK)
    })
}
