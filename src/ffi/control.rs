//! `dcc_control_*`: the endpoint through which other programs of this user reach the process.
//!
//! Its thread serves whatever endpoint is open, and waits while none is. The lock guards which one that
//! is; it is a leaf, but that an endpoint is opened under it.

use super::argument::{TextOut, Versioned, descriptor, flags, text};
use super::guard::guard;
use super::library::DCC_VERSION;
use super::status::{
    DCC_ERROR_FILE, DCC_NOT_FOUND, DCC_OK, DCC_SECOND_INSTANCE, DCC_TIMED_OUT, dcc_status,
};
use super::thread::note_error;
use super::token::DCC_MAX_TEXT_LENGTH;
use super::{library, service};
use crate::control::{self, HostName};
use crate::error::Error;
use crate::sys::allocator::{growth, with_reserve};
use crate::sys::clock;
use crate::sys::endpoint::{Endpoint, PATIENCE_NS};
use crate::sys::instance;
use crate::sys::memory::{OutOfMemory, try_string};
use crate::sys::sync::{Condvar, Mutex, MutexGuard};
use std::ffi::c_char;
use std::io::ErrorKind;
use std::sync::Arc;

/// What the control endpoint is opened with. Set all to zero, then `struct_size` to sizeof, then what
/// you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_control_desc {
    /// sizeof(dcc_control_desc)
    pub struct_size: u32,
    /// Zero.
    pub flags: u32,
    /// What to call this host, for people, such as "Maya 2026, shot 12": UTF-8, up to
    /// DCC_MAX_TEXT_LENGTH bytes, copied. NULL: the name of the program's file.
    pub name: *const c_char,
    /// Length of `name` in bytes, or DCC_NUL_TERMINATED.
    pub name_length: usize,
}

// SAFETY: numbers and a pointer, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_control_desc {
    const NAME: &'static str = "dcc_control_desc";
    const FIRST_SIZE: usize = 24;
}

/// An endpoint that is open, and what it says of this process.
struct Open {
    endpoint: Endpoint,
    host: HostName,
}

struct State {
    open: Option<Arc<Open>>,
    is_serving: bool,
    is_stopped: bool,
}

static STATE: Mutex<State> = Mutex::new(State { open: None, is_serving: false, is_stopped: false });
static CHANGED: Condvar = Condvar::new();

/// What the thread does until it is stopped.
pub(super) fn serve() {
    while let Some(open) = next_open() {
        while let Some(mut client) = open.endpoint.next() {
            if let Ok(line) = client.read_line() {
                let answer = control::answer(library(), &open.host, &line);
                let _ = client.answer(answer.as_bytes());
            }
        }
        let mut state = STATE.lock();
        // Closed by nobody: the system let it down.
        if state.open.as_ref().is_some_and(|now| Arc::ptr_eq(now, &open)) {
            state.open = None;
        }
        drop(open);
    }
}

fn next_open() -> Option<Arc<Open>> {
    let mut state = STATE.lock();
    // Also after a panic in an answer.
    state.is_serving = false;
    CHANGED.notify_all();
    loop {
        if state.is_stopped {
            return None;
        }
        if let Some(open) = state.open.clone() {
            state.is_serving = true;
            return Some(open);
        }
        CHANGED.wait(&mut state);
    }
}

/// Closes it for good, so that the thread ends.
pub(super) fn stop() {
    let mut state = STATE.lock();
    state.is_stopped = true;
    if let Some(open) = state.open.take() {
        open.endpoint.close();
    }
    CHANGED.notify_all();
}

/// What the standard library allocates for paths of the program and of the endpoint, and has no answer to.
fn room_for_paths() -> impl Iterator<Item = usize> {
    // A path grows to the system's longest; what is copied of it is as long, else short texts.
    growth(8192).chain([8192; 2]).chain([256; 14])
}

/// The name of the program's file.
#[allow(clippy::disallowed_methods, reason = "called with what it needs")]
fn program() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_ref().and_then(|path| path.file_name());
    name.map_or("a host".into(), |name| name.to_string_lossy().into_owned())
}

/// Opens the control endpoint of this process, so that the command line tool `dcc-control`, run by the
/// same user on the same machine, lists its jobs, watches and cancels them and traces their polls: also
/// when the host's own window answers no more. Nothing is open unless this is called. `desc` may be NULL.
/// Fine also when it is open; its name stays.
///
/// It is a Unix socket in a folder that nobody else can enter, /run/user/USER/dcc-cancel or
/// /tmp/dcc-cancel-USER, on Windows a named pipe; see dcc_control_address. A thread of the library
/// answers, one client after the other; who says nothing or takes no answer is shown out after a second each,
/// and keeps others waiting on Windows only. It calls no function of yours. A cancel
/// from there is as dcc_cancel_token_cancel_async. A job that is let go of while it is being looked at runs
/// its `destroy` on the library's callback thread. DCC_ERROR_FILE: it could not be opened,
/// dcc_last_error says why. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_control_open(desc: *const dcc_control_desc) -> dcc_status {
    guard(|| {
        let first = instance::is_first()?;
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
            with_reserve(room_for_paths(), program)?
        } else {
            try_string(name)?
        };
        service::ensure_control_thread()?;
        let mut state = STATE.lock();
        wait_for_close(&mut state);
        if state.is_stopped {
            return Err(Error::ShutDown);
        }
        if state.open.is_none() {
            let endpoint = match with_reserve(room_for_paths(), Endpoint::open)? {
                Ok(endpoint) => endpoint,
                Err(reason) if reason.kind() == ErrorKind::OutOfMemory => {
                    return Err(OutOfMemory.into());
                }
                Err(reason) => {
                    drop(state);
                    note_error(format_args!("cannot open the control endpoint: {reason}"));
                    return Ok(DCC_ERROR_FILE);
                }
            };
            let library = DCC_VERSION.to_str().unwrap_or_default();
            let open = Open { endpoint, host: HostName { name, library } };
            #[allow(clippy::disallowed_methods, reason = "called with what it needs")]
            let shared = with_reserve([size_of::<Open>() + 64], || Arc::new(open))?;
            state.open = Some(shared);
            CHANGED.notify_all();
        }
        Ok(if first { DCC_OK } else { DCC_SECOND_INSTANCE })
    })
}

/// Closes the control endpoint, for whoever opened it; it may be opened again. Who is being answered has
/// his answer before this returns. Fine also when none is open. A host that never calls it leaves a file
/// behind, which the tool clears away. DCC_TIMED_OUT: the answer takes longer than it should. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_control_close() -> dcc_status {
    guard(|| {
        let mut state = STATE.lock();
        if let Some(open) = state.open.take() {
            open.endpoint.close();
        }
        Ok(if wait_for_close(&mut state) { DCC_OK } else { DCC_TIMED_OUT })
    })
}

/// Waits until an endpoint that was closed is gone, or another open. False: it takes too long.
fn wait_for_close(state: &mut MutexGuard<'_, State>) -> bool {
    let until_ns = clock::now_ns().saturating_add(4 * PATIENCE_NS);
    while state.is_serving && state.open.is_none() {
        if CHANGED.wait_until(state, until_ns) {
            return false;
        }
    }
    true
}

/// Writes the address of the control endpoint, `snprintf`-like: the path of its socket or the name of its
/// pipe. DCC_NOT_FOUND with an empty text: none is open. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_control_address(
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise about its buffer.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        // Under the lock: an endpoint that somebody else holds would outlive its close.
        let state = STATE.lock();
        to.write(state.open.as_ref().map_or("", |open| open.endpoint.address()));
        Ok(if state.open.is_some() { DCC_OK } else { DCC_NOT_FOUND })
    })
}
