//! The poll trace, a job's threads, and listings of the live jobs.

use super::argument::{Versioned, in_range};
use super::dispatcher::DCC_NO_LIMIT;
use super::guard::guard;
use super::job::{dcc_job, jobs, pinned};
use super::library;
use super::out::{ArrayOut, StructOut, TextOut, ValueOut};
use super::status::{DCC_NOT_FOUND, DCC_OK, dcc_status};
use crate::diagnosis::place::Place;
use crate::diagnosis::watch::ThreadReport;
use crate::error::Error;
use crate::job::JobPin;
use crate::job::pages::SLOTS_OF_A_SHORT_PAGE;
use crate::json::object::Object;
use std::ffi::{CStr, c_char};
use std::fmt::{self, Write};

/// Size of a file's name in these structures, with its NUL.
pub const DCC_FILE_SIZE: usize = 256;

/// The longest time that one thread of a traced job went without a poll. Set `struct_size` to
/// sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_poll_gap {
    /// sizeof(dcc_poll_gap); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// Line of the poll before the gap; 0 if `from_file` is in parentheses.
    pub from_line: u32,
    /// Line of the poll after the gap; 0 if `to_file` is in parentheses.
    pub to_line: u32,
    /// Zero.
    pub reserved: u32,
    /// Length of the gap.
    pub gap_ns: u64,
    /// The system's number of the thread.
    pub thread: u64,
    /// How often that thread polled while traced.
    pub polls: u64,
    /// File of the poll before the gap, ended by NUL; only its end if it is too long. "(begin)"
    /// means dcc_job_begin, "(end)" the job's end, "(unknown)" a poll that does not tell its place,
    /// such as dcc_check_cancelled.
    pub from_file: [c_char; DCC_FILE_SIZE],
    /// File of the poll after the gap, as `from_file`.
    pub to_file: [c_char; DCC_FILE_SIZE],
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_poll_gap {
    const NAME: &'static str = "dcc_poll_gap";
}

/// One thread that works, or has worked, for a job.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_job_thread {
    /// The system's number of the thread.
    pub thread: u64,
    /// Time from the cancel to the thread's first poll that saw it; DCC_NO_LIMIT while no poll of
    /// the thread has seen it.
    pub cancel_to_seen_ns: u64,
    /// How often the thread polled while traced.
    pub polls: u64,
    /// Time of the thread's last poll while traced, on the library's clock; 0 if there was none.
    pub last_poll_at_ns: u64,
    /// The thread's longest time without a poll while traced.
    pub longest_gap_ns: u64,
}

// A `stride` is checked against this size, so it stays as it is.
const _: () = assert!(size_of::<dcc_job_thread>() == 40);

/// A file's name, or the end of it that fits.
fn file_name(name: &str) -> [c_char; DCC_FILE_SIZE] {
    let start = name.len().saturating_sub(DCC_FILE_SIZE - 1);
    let start = (start..=name.len()).find(|at| name.is_char_boundary(*at)).unwrap_or(name.len());
    let mut room = [0; DCC_FILE_SIZE];
    for (to, from) in room.iter_mut().zip(name[start..].bytes()) {
        *to = from as c_char;
    }
    room
}

/// The place that a poll tells.
///
/// # Safety
/// `file` is NULL or ended by NUL.
pub(super) unsafe fn place(file: *const c_char, line: u32) -> Place {
    if file.is_null() {
        return Place::Unknown;
    }
    // SAFETY: promised by the caller.
    let Ok(name) = unsafe { CStr::from_ptr(file) }.to_str() else { return Place::Unknown };
    let files = &library().diagnosis().files;
    files.id(name).map_or(Place::Unknown, |file| Place::At(file, line))
}

fn reports(job: &JobPin<'_>, each: impl FnMut(&ThreadReport)) {
    let token = jobs().token_held_by(job);
    library().diagnosis().watches.threads(&token.slot().cold.watched, each);
}

/// Switches the poll trace of a job on (not 0) or off. Any thread may call this, even while the job
/// runs.
///
/// While it is on, every poll of the job notes its place and time, which costs some hundred
/// nanoseconds; jobs that are not traced pay nothing. Polls follow the switch at once. The notes
/// stay until the trace is switched on again. If `job` is NULL, nothing happens.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_job_trace(job: *const dcc_job, on: i32) -> dcc_status {
    guard(|| {
        let Some(job) = pinned(job)? else { return Ok(DCC_OK) };
        library().tokens().set_traced(&jobs().token_held_by(&job), on != 0);
        Ok(DCC_OK)
    })
}

/// Switches the poll trace on (not 0) or off for all live jobs and for all jobs that are created
/// from now on. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_trace_all(on: i32) -> dcc_status {
    guard(|| {
        library().tokens().trace_all(on != 0);
        Ok(DCC_OK)
    })
}

/// Fills in the longest gap between two polls of one thread that the trace of this job has seen:
/// between these lines the thread does not poll. Any thread may call this. DCC_NOT_FOUND: the job
/// was not traced, or polled less than twice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_poll_gap(
    job: *const dcc_job,
    out_gap: *mut dcc_poll_gap,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let out = unsafe { StructOut::new("out_gap", out_gap) }?;
        let mut longest = ThreadReport::default();
        if let Some(job) = pinned(job)? {
            reports(&job, |report| longest.keep_longer(report));
        }
        let gap = longest.longest_gap;
        let files = &library().diagnosis().files;
        let show = |place| files.show(place, |file, line| (file_name(file), line));
        let found = gap.nanoseconds != 0;
        let empty = ([0; DCC_FILE_SIZE], 0);
        let (from_file, from_line) = if found { show(gap.from) } else { empty };
        let (to_file, to_line) = if found { show(gap.to) } else { empty };
        out.write(&dcc_poll_gap {
            struct_size: 0,
            from_line,
            to_line,
            reserved: 0,
            gap_ns: gap.nanoseconds,
            thread: longest.thread,
            polls: longest.polls,
            from_file,
            to_file,
        });
        Ok(if found { DCC_OK } else { DCC_NOT_FOUND })
    })
}

/// Writes what is known of a job's threads to `threads`, an array of `capacity` entries that lie
/// `stride` bytes apart: sizeof(dcc_job_thread). Any thread may call this. A thread is known once
/// it saw a cancel or polled while traced; only 64 threads of a job are noted. `out_count` gets the
/// number of known threads, which may be greater than `capacity`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_job_threads(
    job: *const dcc_job,
    threads: *mut dcc_job_thread,
    stride: usize,
    capacity: usize,
    out_count: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a writable result, and `capacity` entries, `stride` bytes apart.
        let (to, threads) = unsafe {
            let to = ValueOut::new("out_count", out_count, 0)?;
            (to, ArrayOut::new("threads", "dcc_job_thread", threads, stride, capacity)?)
        };
        let mut count = 0;
        let Some(job) = pinned(job)? else { return Ok(DCC_OK) };
        reports(&job, |report| {
            let entry = dcc_job_thread {
                thread: report.thread,
                cancel_to_seen_ns: report.cancel_to_seen_ns.unwrap_or(DCC_NO_LIMIT),
                polls: report.polls,
                last_poll_at_ns: report.last_poll_ns,
                longest_gap_ns: report.longest_gap.nanoseconds,
            };
            threads.write(count, entry);
            count += 1;
        });
        to.write(count);
        Ok(DCC_OK)
    })
}

/// Writes all live jobs as a JSON array of objects. Any thread may call this. The buffer is filled
/// as by dcc_cancel_token_reason. The call is for people and tools, not for every tick: with very
/// many jobs it takes long, and dcc_stats_jobs_page does not. It keeps no lock from one job to the
/// next: no other thread waits for it, and jobs begin and end meanwhile.
///
/// Each job has id, label, caller_id, state, progress {done, total, fraction, time_left_ns (null
/// while unknown), over, late, message}, failure, age_ns, is_sealed (dcc_job_seal), cancelled
/// (null, or {cause, reason, since_ns, to_end_ns, is_seen}), is_traced, since_last_poll_ns and
/// longest_gap (null while nothing was traced, else {gap_ns, from {file, line}, to {file, line}}),
/// check_not_asked_ns (for how long the running job's own check was not asked; null unless that is
/// as long as DCC_EVENT_CHECK_NOT_ASKED says) and threads. Each thread has thread,
/// cancel_to_seen_ns, polls, since_last_poll_ns, last_poll_at {file, line} and longest_gap.
/// docs/job_facts.md says where else each member can be read. Later versions may add members.
///
/// Characters of texts that could control a terminal are escaped in JSON's way, so the text may be
/// printed. The call may run the `destroy` of a job that is released meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_stats_live_jobs(
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise about its buffer.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        let mut pieces = to.pieces();
        // A piece is never refused, so there is no error.
        let _ = jobs().write_listing(&mut pieces);
        pieces.end();
        Ok(DCC_OK)
    })
}

/// Maximum number of jobs in a page of dcc_stats_jobs_page.
pub const DCC_MAX_JOBS_PAGE: u32 = 64;

/// A page that is longer than so many bytes gets no further job.
const LONG_PAGE: usize = 32 * 1024;

/// Maximum number of bytes after the last job of a page.
const MOST_TAIL: usize = r#"],"next":}"#.len() + 20;

/// Writes one page of the live jobs as a JSON object {"jobs": [...], "next": number}, each job as
/// dcc_stats_live_jobs writes it. Any thread may call this. The call is for UI threads, and for
/// processes with very many jobs: a page takes well below a millisecond.
///
/// A page has at most `most` jobs, up to DCC_MAX_JOBS_PAGE; 0 means DCC_MAX_JOBS_PAGE. It has fewer
/// if the jobs have long texts or many threads, and may have none if there are many free places to
/// skip. `from` is 0 for the first page; for each later page it is the number that the call before
/// wrote to `out_next`. `out_next` is 0 after the last page and after a failure. A job that lives
/// from the first page to the last is in exactly one page.
///
/// Only whole jobs are written: a job that does not fit into `size` bytes is left to the next page.
/// If not even one fits, the answer is DCC_ERROR_INVALID_ARGUMENT, and `out_length`, unless that is
/// NULL, gets the bytes that the first job needs without the NUL. 16,384 bytes are mostly enough.
/// With a `size` of 0 the page is only measured. The call may run the `destroy` of a job that is
/// released meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_stats_jobs_page(
    from: u64,
    most: u32,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
    out_next: *mut u64,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result. It is 0 after each failure, so a loop
    // until 0 ends.
    let next = unsafe { ValueOut::new("out_next", out_next, 0) };
    guard(|| {
        let next = next?;
        in_range("most", most.into(), 0, DCC_MAX_JOBS_PAGE.into())?;
        // SAFETY: the C caller's promise about its buffer.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        let most = if most == 0 { DCC_MAX_JOBS_PAGE } else { most };
        let (mut pieces, mut count, mut needed) = (to.pieces(), 0, None);
        // A piece is never refused, so there is no error.
        let _ = pieces.write_str(r#"{"jobs":["#);
        let from = u32::try_from(from).unwrap_or(u32::MAX);
        let page = jobs().page(from, SLOTS_OF_A_SHORT_PAGE, |job| {
            if count == most || pieces.length() > LONG_PAGE {
                return false;
            }
            let before = pieces.length();
            let _ = write_entry(&mut pieces, &job, count == 0);
            let fits = pieces.has_room(MOST_TAIL);
            if fits {
                count += 1;
            } else if count == 0 {
                needed = Some(pieces.length() + MOST_TAIL);
            } else {
                pieces.take_back(before);
            }
            fits
        });
        let has_room = pieces.has_room(MOST_TAIL);
        if let Some(needed) = needed.or((!has_room).then(|| pieces.length() + MOST_TAIL)) {
            pieces.take_back(0);
            pieces.end();
            // SAFETY: promised to `TextOut::new`.
            unsafe { ValueOut::optional(out_length, needed) };
            return Err(Error::InvalidArgument(
                "the buffer has no room for a job; give it one byte more than out_length says",
            ));
        }
        let after = page.next.map_or(0, u64::from);
        let _ = write!(pieces, r#"],"next":{after}}}"#);
        pieces.end();
        next.write(after);
        Ok(DCC_OK)
    })
}

fn write_entry(out: &mut dyn Write, job: &JobPin<'_>, is_first: bool) -> fmt::Result {
    if !is_first {
        out.write_str(",\n")?;
    }
    jobs().write_members(job, Object::begin(out)?)
}
