//! `dcc_control_*`: the endpoint by which other programs of the same user reach this process.

use super::argument::{Versioned, descriptor, flags, text};
use super::guard::guard;
use super::library::DCC_VERSION;
use super::limits::DCC_MAX_TEXT_LENGTH;
use super::out::TextOut;
use super::status::{
    DCC_ERROR_FILE, DCC_NOT_FOUND, DCC_OK, DCC_SECOND_INSTANCE, DCC_TIMED_OUT, dcc_status,
};
use super::thread::{self, note_error};
use super::{control_thread, library_threads};
use crate::control::HostName;
use crate::sys::allocator::with_reserve;
use crate::sys::fallible::try_string;
use std::ffi::c_char;

/// What the control endpoint is opened with. Set all bytes to zero, then `struct_size` to sizeof,
/// then the fields that you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_control_desc {
    /// sizeof(dcc_control_desc)
    pub struct_size: u32,
    /// Zero.
    pub flags: u32,
    /// Name of this host, for people, such as "Maya 2026, shot 12": UTF-8, up to
    /// DCC_MAX_TEXT_LENGTH bytes, copied. NULL: the name of the program's file.
    pub name: *const c_char,
    /// Length of `name` in bytes, or DCC_NUL_TERMINATED.
    pub name_length: usize,
}

// SAFETY: numbers and a pointer, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_control_desc {
    const NAME: &'static str = "dcc_control_desc";
}

/// The name of the program's file.
#[allow(clippy::disallowed_methods, reason = "called with what it needs")]
fn program() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_ref().and_then(|path| path.file_name());
    name.map_or("a host".into(), |name| name.to_string_lossy().into_owned())
}

/// Opens the control endpoint of this process, for the command line tool `dcc-control`. Any thread
/// may call this. The tool, run by the same user on the same machine, lists this process's jobs,
/// watches and cancels them and traces their polls, even when the host's own window hangs. No
/// endpoint is open unless this is called. `desc` may be NULL. If the endpoint is already open,
/// this does nothing and answers DCC_OK; the name given first stays.
///
/// The endpoint is a Unix socket in a folder that no other user can enter,
/// /run/user/USER/dcc-cancel or /tmp/dcc-cancel-USER, on Windows a named pipe; see
/// dcc_control_address. A thread of the library answers one client after the other. A client has
/// one second to send its request and one to take its answer; a silent client keeps others waiting
/// on Windows only.
///
/// The thread calls no function of yours. A client's cancel is as dcc_cancel_token_cancel_async. If
/// a job's last reference goes while the thread looks at it, its `destroy` runs on the library's
/// callback thread. DCC_ERROR_FILE: the endpoint could not be opened, dcc_last_error says why.
/// DCC_ERROR_SHUTDOWN: after dcc_shutdown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_control_open(desc: *const dcc_control_desc) -> dcc_status {
    guard(|| {
        let first = thread::is_first()?;
        let name = if desc.is_null() {
            ""
        } else {
            // SAFETY: the C caller's promise: a filled-in structure.
            let desc = unsafe { descriptor("desc", desc) }?;
            flags("dcc_control_desc.flags", desc.flags, 0, "")?;
            let name = "dcc_control_desc.name";
            // SAFETY: the C caller's promise about its text.
            unsafe { text(name, desc.name, desc.name_length, DCC_MAX_TEXT_LENGTH) }?
        };
        let name = if name.is_empty() {
            with_reserve(control_thread::room_for_paths(), program)?
        } else {
            try_string(name)?
        };
        library_threads::ensure_control_thread()?;
        let library = DCC_VERSION.to_str().unwrap_or_default();
        if let Err(reason) = control_thread::open(HostName { name, library })? {
            note_error(format_args!("cannot open the control endpoint: {reason}"));
            return Ok(DCC_ERROR_FILE);
        }
        Ok(if first { DCC_OK } else { DCC_SECOND_INSTANCE })
    })
}

/// Closes the control endpoint, whichever plugin opened it. Any thread may call this. The endpoint
/// may be opened again. A client that is being answered gets its answer before this returns.
/// DCC_TIMED_OUT: that answer takes more than some seconds; the endpoint is closed anyway. If no
/// endpoint is open, this does nothing and answers DCC_OK. A host that never calls this leaves a
/// file behind, which `dcc-control` removes.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_control_close() -> dcc_status {
    guard(|| Ok(if control_thread::close() { DCC_OK } else { DCC_TIMED_OUT }))
}

/// Writes the address of the control endpoint: the path of its socket or the name of its pipe. Any
/// thread may call this. The buffer is filled as by dcc_cancel_token_reason. DCC_NOT_FOUND, with an
/// empty text: no endpoint is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_control_address(
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise about its buffer.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        Ok(control_thread::show_address(|address| {
            to.write(address.unwrap_or_default());
            if address.is_some() { DCC_OK } else { DCC_NOT_FOUND }
        }))
    })
}
