//! Whether the process is one in which locks can be taken.
//!
//! Not in a fork of the process that used the library: it has one thread, locks that others held
//! stay locked for ever, and the library's threads are not there. Not at the end of a Windows
//! process either: all threads but one have been ended, wherever they were.

pub use system::{state, watch};

/// What can be done in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// Everything.
    Usable,
    /// It was forked after the library was used: nothing that takes a lock.
    Forked,
    /// It is at its end: nothing that takes a lock.
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

    /// Begins to notice forks, unless that was done. False: there is no memory for it.
    pub fn watch() -> bool {
        static WATCHED: AtomicBool = AtomicBool::new(false);
        if WATCHED.load(Ordering::Acquire) {
            return true;
        }
        // Two threads may come here at once; what is noticed twice is noticed.
        // SAFETY: the handler lives as long as the library, which is never unloaded, and only
        // writes a flag.
        let is_watched = unsafe { libc::pthread_atfork(None, None, Some(in_child)) } == 0;
        WATCHED.fetch_or(is_watched, Ordering::Release);
        is_watched
    }

    /// What can be done. A process that exits is usable to its last line: its threads run on.
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

    /// There is nothing to notice.
    pub fn watch() -> bool {
        true
    }

    /// What can be done.
    #[inline(always)]
    pub fn state() -> ProcessState {
        if RtlDllShutdownInProgress() == 0 { ProcessState::Usable } else { ProcessState::Ending }
    }
}
