//! `dcc_dispatcher_read_stats`.

use super::argument::Versioned;
use super::dispatcher::{DCC_NO_LIMIT, dcc_dispatcher, dispatchers, pinned};
use super::guard::guard;
use super::library;
use super::out::{StructOut, TextOut};
use super::status::{DCC_OK, dcc_status};
use crate::job_state::JobState;
use crate::sys::clock;
use std::ffi::c_char;

/// Counts and times of a dispatcher since it was created. Times are nanoseconds. A quantile such as
/// `wait_p95_ns` is right to two decimal digits, and 0 while nothing was measured. Set
/// `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_dispatcher_stats {
    /// sizeof(dcc_dispatcher_stats); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// 1 after a close.
    pub is_closed: i32,
    /// Jobs that wait for their turn, on whatever thread.
    pub depth: u32,
    /// Maximum number of jobs that may wait.
    pub capacity: u32,
    /// Jobs between two slices, on whatever thread, also those that wait to be woken.
    pub between_slices: u32,
    /// Jobs whose functions run right now, on whatever thread.
    pub running: u32,
    /// Jobs whose function is not called any more, and whose completion has not run yet.
    pub awaiting_completion: u32,
    /// 1 if `present_for_ns` is above `wedge_threshold_ns`.
    pub is_wedged: i32,
    /// Jobs that were accepted.
    pub posted: u64,
    /// Jobs whose function was called.
    pub executed: u64,
    /// Jobs that ended as completed.
    pub completed: u64,
    /// Jobs that ended as failed.
    pub failed: u64,
    /// Jobs that ended as cancelled.
    pub cancelled: u64,
    /// Jobs that ended as interrupted.
    pub interrupted: u64,
    /// Posts that were refused with DCC_ERROR_OVERLOADED.
    pub rejected: u64,
    /// Completions that were left out because their owner was closed on another thread.
    pub completions_dropped: u64,
    /// The longest time for which one of the jobs that wait now has waited.
    pub oldest_wait_ns: u64,
    /// From the post to the first call of the job's function: half of the jobs waited at most so
    /// long.
    pub wait_p50_ns: u64,
    /// 95 of 100 jobs waited at most so long.
    pub wait_p95_ns: u64,
    /// 99 of 100 jobs waited at most so long.
    pub wait_p99_ns: u64,
    /// The longest time that a job waited for its first call.
    pub wait_max_ns: u64,
    /// Slices on the dispatcher's thread (a job that is not sliced is one): half took at most so
    /// long.
    pub run_p50_ns: u64,
    /// 95 of 100 slices took at most so long.
    pub run_p95_ns: u64,
    /// 99 of 100 slices took at most so long.
    pub run_p99_ns: u64,
    /// Longest slice, exactly.
    pub run_max_ns: u64,
    /// Id of the job with the longest slice; dcc_dispatcher_longest_label has its label.
    pub longest_job_id: u64,
    /// Pumps so far.
    pub ticks: u64,
    /// Pumps that took longer than their budget.
    pub overruns: u64,
    /// How long the longest pump took.
    pub longest_tick_ns: u64,
    /// Id of the job that the dispatcher's thread is inside: inside its function, the `progress`
    /// that shows it, its completion or its destroy-notify. 0: none.
    pub present_job_id: u64,
    /// How long the thread has been inside that, or inside another function of the host in a pump,
    /// or waiting in a call of this library; 0: in none of these.
    pub present_for_ns: u64,
    /// How long ago the last pump ended; 0 inside a pump, DCC_NO_LIMIT before the first. If this
    /// grows while `present_job_id` is 0, the host keeps the thread busy, for instance with a modal
    /// dialog or loading a file. If `present_job_id` is not 0, the thread is inside that job.
    pub since_last_tick_ns: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_dispatcher_stats {
    const NAME: &'static str = "dcc_dispatcher_stats";
}

/// Fills in a dispatcher's counts and times. Any thread may call this. So another thread finds out
/// that a UI thread is stuck, and in which job.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_dispatcher_read_stats(
    dispatcher: *const dcc_dispatcher,
    out_stats: *mut dcc_dispatcher_stats,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_stats", out_stats) }?;
        let pin = pinned(dispatcher)?;
        let live = pin.slot().live();
        let statistics = live.statistics();
        let queues = library().queues();
        let queue = pin.queue();
        let counts = queues.counts(queue);
        let (wait, run) = statistics.summaries();
        let longest = statistics.longest();
        let now_ns = clock::now_ns();
        let since = |time_ns: u64| now_ns.saturating_sub(time_ns);
        let (present_job_id, busy_since_ns) = dispatchers().kept(queue);
        let present_for_ns = if busy_since_ns == 0 { 0 } else { since(busy_since_ns) };
        to.write(&dcc_dispatcher_stats {
            struct_size: 0,
            is_closed: i32::from(queues.is_closed(queue)),
            depth: counts.queued,
            capacity: queues.capacity(queue),
            between_slices: counts.between_slices,
            running: counts.running,
            awaiting_completion: counts.awaiting_completion,
            is_wedged: i32::from(live.wedge_ns().is_some_and(|wedge| present_for_ns > wedge)),
            posted: statistics.posted.read(),
            executed: statistics.executed.read(),
            completed: statistics.ends_of(JobState::Completed),
            failed: statistics.ends_of(JobState::Failed),
            cancelled: statistics.ends_of(JobState::Cancelled),
            interrupted: statistics.ends_of(JobState::Interrupted),
            rejected: statistics.rejected.read(),
            completions_dropped: statistics.completions_dropped.read(),
            oldest_wait_ns: queues.oldest_ns(queue).map_or(0, since),
            wait_p50_ns: wait.p50,
            wait_p95_ns: wait.p95,
            wait_p99_ns: wait.p99,
            wait_max_ns: wait.max,
            run_p50_ns: run.p50,
            run_p95_ns: run.p95,
            run_p99_ns: run.p99,
            run_max_ns: longest.nanoseconds,
            longest_job_id: longest.job_id,
            ticks: statistics.ticks.read(),
            overruns: statistics.overruns.read(),
            longest_tick_ns: statistics.longest_tick_ns(),
            present_job_id,
            present_for_ns,
            since_last_tick_ns: statistics.since_last_tick_ns(now_ns).unwrap_or(DCC_NO_LIMIT),
        });
        Ok(DCC_OK)
    })
}

/// Writes the label of the job with the longest slice so far on the dispatcher's thread. The label
/// is cut after 120 bytes. Any thread may call this. The buffer is filled as by
/// dcc_cancel_token_reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_dispatcher_longest_label(
    dispatcher: *const dcc_dispatcher,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise, see the comment.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        to.write(pinned(dispatcher)?.slot().live().statistics().longest().label.as_str());
        Ok(DCC_OK)
    })
}
