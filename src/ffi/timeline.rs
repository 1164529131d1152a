//! `dcc_timeline_*`.

use super::argument::{in_range, text};
use super::guard::{guard, guard_creating};
use super::library;
use super::limits::DCC_MAX_TEXT_LENGTH;
use super::status::{DCC_ERROR_FILE, DCC_OK, dcc_status};
use super::thread::note_error;
use crate::diagnosis::timeline::{MOST_MOMENTS, Timeline};
use crate::error::Error;
use crate::printable::Escaped;
use crate::sys::file;
use std::ffi::c_char;
use std::io::ErrorKind;

/// Most events that a timeline can keep.
pub const DCC_MAX_TIMELINE_ENTRIES: u64 = 1048576;

const _: () = assert!(DCC_MAX_TIMELINE_ENTRIES == MOST_MOMENTS as u64);

/// Most bytes of a path in the text of an error, which has to name the reason, too.
const SHOWN_PATH: usize = 120;

fn timeline() -> &'static Timeline {
    &library().diagnosis().timeline
}

/// Records from now on what happens in the process: ticks of dispatchers, posted jobs, cancels, and
/// each thread's first poll of a job that saw one. The latest `max_entries`, 1 to
/// DCC_MAX_TIMELINE_ENTRIES, at about 200 bytes each, are kept, the others counted. What was recorded
/// before is forgotten, also when it is on already; on an error nothing is. While it is off nobody pays
/// for it. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_timeline_begin(max_entries: u64) -> dcc_status {
    guard_creating(|| {
        in_range("max_entries", max_entries, 1, DCC_MAX_TIMELINE_ENTRIES)?;
        timeline().start(max_entries as usize)
    })
}

/// Records no more. What was recorded stays, to be written, until the next begin. Fine also when
/// nothing is recorded. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_timeline_end() -> dcc_status {
    guard(|| {
        timeline().stop();
        Ok(DCC_OK)
    })
}

/// Writes what was recorded since the last begin to the file `path`: UTF-8 of `path_length` bytes, or
/// DCC_NUL_TERMINATED, up to DCC_MAX_TEXT_LENGTH. A file that is there is replaced at once when all is
/// written. DCC_ERROR_FILE leaves it as it was; dcc_last_error names path and reason, on Windows also
/// that another program has it open. Recording goes on meanwhile if it is on; nobody waits for the
/// file but the caller. Any thread that may wait for a disk.
///
/// The file is JSON, Chrome's trace event format, to be opened in Perfetto: an object with
/// `displayTimeUnit` "ms", `otherData` {version, lost: how many entries were not kept} and
/// `traceEvents`, sorted by `ts`: microseconds on the library's clock, with the nanoseconds as a
/// fraction. Each has name, cat, ph, ts, pid, tid (the system's numbers) and args; those with `ph`
/// "X" also `dur`, instants ("i") also `s`; rows with `ph` "M" name threads, where the system tells.
/// By `name`, with their args:
///
/// - "tick", a slice: executed, remaining, as dcc_tick has them.
/// - a posted job's label, a slice on whatever thread runs it: job_id, goes_on (whether it has another
///   slice to come).
/// - the label of a dcc_progress, or "share", a slice from its begin to its end, on the thread that ends it:
///   job_id.
/// - "posted": job_id, label, lane (DCC_LANE_), depth (jobs that wait, with this one).
/// - "completion", a slice: job_id, label, state (a job state's name).
/// - "cancel": job_id (left out for none), cause, reason, inherited (whether a cancel of a parent
///   reached it).
/// - "cancel seen": job_id, cause, reason, latency_ns since the cancel.
///
/// Later versions may add members, args and names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_timeline_write(path: *const c_char, path_length: usize) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise about its text.
        let path = unsafe { text("path", path, path_length, DCC_MAX_TEXT_LENGTH) }?;
        if path.is_empty() || path.contains('\0') {
            return Err(Error::InvalidArgument("path is empty or has a NUL in it"));
        }
        let recording = timeline().recording()?;
        let Err(reason) = file::replace(path, |out| recording.write(out)) else {
            return Ok(DCC_OK);
        };
        if reason.kind() == ErrorKind::OutOfMemory {
            return Err(Error::Resources("memory for writing a file"));
        }
        // Longer than what an `Error` can hold.
        let cut = path.ceil_char_boundary(path.len().saturating_sub(SHOWN_PATH));
        let dots = if cut == 0 { "" } else { "..." };
        note_error(format_args!("cannot write {dots}{}: {reason}", Escaped(&path[cut..])));
        Ok(DCC_ERROR_FILE)
    })
}
