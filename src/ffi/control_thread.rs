//! The thread that answers who asks from outside the process, and the endpoint that it serves.
//!
//! The thread serves whatever endpoint is open, and waits while none is. The lock guards which one that
//! is; it is a leaf, but that an endpoint is opened under it.

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
pub(super) fn room_for_paths() -> impl Iterator<Item = usize> {
    // A path grows to the system's longest; what is copied of it is as long, else short texts.
    growth(8192).chain([8192; 2]).chain([256; 14])
}

/// Opens the endpoint, unless one is open. An error inside: the system's reason why it cannot be.
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

/// Closes the endpoint, if one is open. False: who is being answered still is.
pub(super) fn close() -> bool {
    let mut state = STATE.lock();
    if let Some(open) = state.open.take() {
        open.endpoint.close();
    }
    wait_for_close(&mut state)
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

/// Shows where the endpoint is; `None`: none is open.
pub(super) fn show_address<R>(reader: impl FnOnce(Option<&str>) -> R) -> R {
    // Under the lock: an endpoint that somebody else holds would outlive its close.
    let state = STATE.lock();
    reader(state.open.as_ref().map(|open| open.endpoint.address()))
}
