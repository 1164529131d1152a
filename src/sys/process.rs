//! Whether locks can be taken in this process.
//!
//! They cannot be taken in a fork of a process that used the library. The fork has one thread;
//! locks that other threads held stay locked for ever, and the library's own threads are missing.
//! They cannot be taken at the end of a Windows process either: the system has ended all threads
//! but one, wherever they were.

pub use system::{state, watch};

/// What calls may do in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// Locks can be taken.
    Usable,
    /// The process was forked from one that used the library: a call must not take a lock.
    Forked,
    /// The process is at its end: a call must not take a lock.
    Ending,
}

/// Whether locks can be taken.
#[inline(always)]
pub fn is_usable() -> bool {
    state() == ProcessState::Usable
}

#[cfg(unix)]
mod system {
    use super::ProcessState;
    use std::sync::atomic::{AtomicBool, Ordering};

    static FORKED: AtomicBool = AtomicBool::new(false);

    extern "C" fn in_child() {
        FORKED.store(true, Ordering::Relaxed);
    }

    /// Begins to notice forks, if an earlier call has not done so. False: there is no memory to
    /// register the handler.
    pub fn watch() -> bool {
        static WATCHED: AtomicBool = AtomicBool::new(false);
        if WATCHED.load(Ordering::Acquire) {
            return true;
        }
        // Two threads that call this at the same moment may both register the handler; it does no
        // harm if it runs twice.
        // SAFETY: the handler lives as long as the library, which is never unloaded, and only
        // writes a flag.
        let is_watched = unsafe { libc::pthread_atfork(None, None, Some(in_child)) } == 0;
        WATCHED.fetch_or(is_watched, Ordering::Release);
        is_watched
    }

    /// What calls may do. Unlike on Windows, a process that exits stays usable: its threads run on.
    #[inline(always)]
    pub fn state() -> ProcessState {
        if FORKED.load(Ordering::Relaxed) { ProcessState::Forked } else { ProcessState::Usable }
    }
}

#[cfg(windows)]
mod system {
    use super::ProcessState;

    #[link(name = "ntdll")]
    unsafe extern "system" {
        safe fn RtlDllShutdownInProgress() -> u8;
    }

    /// Nothing has to be noticed: Windows does not fork processes.
    pub fn watch() -> bool {
        true
    }

    /// What calls may do.
    #[inline(always)]
    pub fn state() -> ProcessState {
        if RtlDllShutdownInProgress() == 0 { ProcessState::Usable } else { ProcessState::Ending }
    }
}
