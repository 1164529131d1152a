//! The control thread, which answers other programs, and the endpoint that it serves.
//!
//! The thread serves the open endpoint, and waits while none is open. The lock guards which
//! endpoint is open. It is a leaf, except that an endpoint is opened under it.

use super::library;
use crate::control::{self, HostName};
use crate::error::Error;
use crate::sys::allocator::{growth, with_reserve};
use crate::sys::clock;
use crate::sys::endpoint::{Endpoint, PATIENCE_NS};
use crate::sys::fallible::OutOfMemory;
use crate::sys::sync::{Condvar, Mutex, MutexGuard};
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// An open endpoint, and what it tells of this process.
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

/// The thread's work, until `stop`.
pub(super) fn serve() {
    while let Some(open) = next_open() {
        while let Some(mut client) = open.endpoint.next() {
            if let Ok(line) = client.read_line() {
                let answer = control::answer(library(), &open.host, &line);
                let _ = client.answer(answer.as_bytes());
            }
        }
        let mut state = STATE.lock();
        // Still open, so neither `close` nor `stop` ended it: the system has.
        if state.open.as_ref().is_some_and(|now| Arc::ptr_eq(now, &open)) {
            state.open = None;
        }
        drop(open);
    }
}

fn next_open() -> Option<Arc<Open>> {
    let mut state = STATE.lock();
    // Here, because this also runs after a panic in an answer: the thread then calls `serve` again.
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

/// Closes the endpoint for good, so that the thread ends.
pub(super) fn stop() {
    let mut state = STATE.lock();
    state.is_stopped = true;
    if let Some(open) = state.open.take() {
        open.endpoint.close();
    }
    CHANGED.notify_all();
}

/// Sizes of what the standard library allocates for paths of the program and of the endpoint: if
/// memory is out there, it ends the process.
pub(super) fn room_for_paths() -> impl Iterator<Item = usize> {
    // A path grows to the system's longest. Copies of it are as long; the rest are short texts.
    growth(8192).chain([8192; 2]).chain([256; 14])
}

/// Opens the endpoint, unless one is open. The inner error is the system's reason why the endpoint
/// cannot be opened.
pub(super) fn open(host: HostName) -> Result<io::Result<()>, Error> {
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
            Err(reason) => return Ok(Err(reason)),
        };
        let open = Open { endpoint, host };
        #[allow(clippy::disallowed_methods, reason = "called with what it needs")]
        let shared = with_reserve([size_of::<Open>() + 64], || Arc::new(open))?;
        state.open = Some(shared);
        CHANGED.notify_all();
    }
    Ok(Ok(()))
}

/// Closes the endpoint, if one is open. Returns false if a client is still being answered after a
/// while.
pub(super) fn close() -> bool {
    let mut state = STATE.lock();
    if let Some(open) = state.open.take() {
        open.endpoint.close();
    }
    wait_for_close(&mut state)
}

/// Waits until the thread has left a closed endpoint, or another is open. Returns false if that
/// takes too long.
fn wait_for_close(state: &mut MutexGuard<'_, State>) -> bool {
    let until_ns = clock::now_ns().saturating_add(4 * PATIENCE_NS);
    while state.is_serving && state.open.is_none() {
        if CHANGED.wait_until(state, until_ns) {
            return false;
        }
    }
    true
}

/// Shows the endpoint's address; `None` if none is open.
pub(super) fn show_address<R>(reader: impl FnOnce(Option<&str>) -> R) -> R {
    // Read under the lock: a clone of the endpoint would live on after its close.
    let state = STATE.lock();
    reader(state.open.as_ref().map(|open| open.endpoint.address()))
}
