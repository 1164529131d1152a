//! Recording what happens in the process, as a file for Perfetto: `dcc_timeline_*`.

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

/// Largest `max_entries` of dcc_timeline_begin.
pub const DCC_MAX_TIMELINE_ENTRIES: u64 = 1048576;

const _: () = assert!(DCC_MAX_TIMELINE_ENTRIES == MOST_MOMENTS as u64);

/// Maximum number of bytes of a path in the text of an error, which also needs room for the reason.
const SHOWN_PATH: usize = 120;

fn timeline() -> &'static Timeline {
    &library().diagnosis().timeline
}

/// Begins to record what happens in the process: ticks of dispatchers, posted jobs, cancels, and
/// each thread's first poll of a job that saw a cancel. Any thread may call this.
///
/// The latest `max_entries` entries, 1 to DCC_MAX_TIMELINE_ENTRIES, are kept, at about 200 bytes
/// each; older entries are only counted. An earlier recording is forgotten, even if it is still on.
/// If this call fails, the earlier recording stays. While nothing is recorded, no thread pays for
/// it.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_timeline_begin(max_entries: u64) -> dcc_status {
    guard_creating(|| {
        in_range("max_entries", max_entries, 1, DCC_MAX_TIMELINE_ENTRIES)?;
        timeline().start(max_entries as usize)
    })
}

/// Ends the recording. Any thread may call this. The entries stay until the next begin and can be
/// written. If nothing is recorded, this does nothing and answers DCC_OK.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_timeline_end() -> dcc_status {
    guard(|| {
        timeline().stop();
        Ok(DCC_OK)
    })
}

/// Writes the entries since the last begin to the file `path`: UTF-8 of `path_length` bytes, or
/// DCC_NUL_TERMINATED, up to DCC_MAX_TEXT_LENGTH. Any thread that may wait for a disk may call
/// this. The recording goes on meanwhile; no other thread waits for the file.
///
/// The file is written beside an existing one, which it then replaces in one step. DCC_ERROR_FILE:
/// an existing file is as it was; dcc_last_error names path and reason, on Windows also that
/// another program has the file open.
///
/// The file is JSON in Chrome's trace event format, to be opened in Perfetto: an object with
/// `displayTimeUnit` "ms", `otherData` {version, lost: how many entries were not kept} and
/// `traceEvents`, sorted by `ts`: microseconds on the library's clock, with the nanoseconds as a
/// fraction. Each has name, cat, ph, ts, pid, tid (the system's numbers) and args; slices, with
/// `ph` "X", also have `dur`, instants ("i") also `s`; entries with `ph` "M" name threads, if the
/// system knows their names. By `name`, with their args, in which a text is left out if it is
/// empty:
///
/// - "tick", a slice: executed, remaining, as in dcc_tick.
/// - a posted job's label, or "job", a slice on whatever thread runs it: job_id, label, goes_on
///   (whether another slice follows).
/// - the label of a dcc_progress, or "share", a slice from its start to its end, on the thread that
///   ends it: job_id, label.
/// - "posted": job_id, label, lane (DCC_LANE_), depth (jobs that wait, with this one).
/// - "completion", a slice: job_id, label, state (a job state's name).
/// - "cancel": job_id (left out for none), cause, reason, inherited (whether a cancel of a parent
///   reached it).
/// - "cancel seen": job_id, cause, reason, latency_ns since the cancel.
/// - "check not asked": job_id, silence_ns, why; see DCC_EVENT_CHECK_NOT_ASKED.
/// - "sealed": job_id (left out for a request), label; see dcc_job_seal.
///
/// Args may also have `traceparent`, see dcc_cancel_token_trace_parent. Later versions may add
/// members, args and names.
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
        // An `Error` has no room for a path and a reason, so the text is noted here.
        let cut = path.ceil_char_boundary(path.len().saturating_sub(SHOWN_PATH));
        let dots = if cut == 0 { "" } else { "..." };
        note_error(format_args!("cannot write {dots}{}: {reason}", Escaped(&path[cut..])));
        Ok(DCC_ERROR_FILE)
    })
}
