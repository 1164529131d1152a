//! A thread of the library, started on first use.
//!
//! Signals of the host are blocked on it: a handler that expects one of the host's own threads must
//! not meet this one.

use super::sync::{Condvar, Mutex};
use super::thread_identity;
use std::sync::atomic::{AtomicBool, Ordering};

/// It could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// The system has no room for another thread.
    Resources,
    /// It has been stopped for good.
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Running,
    Stopping,
    Ended,
}

/// One thread.
#[derive(Debug)]
pub struct ServiceThread {
    name: &'static str,
    body: fn(),
    is_running: AtomicBool,
    state: Mutex<(State, u64)>,
    changed: Condvar,
}

impl ServiceThread {
    /// Not started. `body` returns when the thread is to end.
    pub const fn new(name: &'static str, body: fn()) -> Self {
        Self {
            name,
            body,
            is_running: AtomicBool::new(false),
            state: Mutex::new((State::New, 0)),
            changed: Condvar::new(),
        }
    }

    /// Starts it unless it runs.
    #[inline]
    pub fn ensure(&'static self) -> Result<(), NotStarted> {
        if self.is_running.load(Ordering::Acquire) { Ok(()) } else { self.start() }
    }

    #[cold]
    fn start(&'static self) -> Result<(), NotStarted> {
        let mut state = self.state.lock();
        match state.0 {
            State::Running => return Ok(()),
            State::Stopping | State::Ended => return Err(NotStarted::Stopped),
            State::New => (),
        }
        let _blocked = system::block_signals();
        let builder = std::thread::Builder::new().name(self.name.to_owned());
        builder.spawn(|| self.run()).map_err(|_| NotStarted::Resources)?;
        state.0 = State::Running;
        self.is_running.store(true, Ordering::Release);
        Ok(())
    }

    fn run(&'static self) {
        self.state.lock().1 = thread_identity::current();
        // Its work never panics but for a bug; neither the host nor the work may end with it.
        while std::panic::catch_unwind(self.body).is_err() {}
        *self.state.lock() = (State::Ended, 0);
        self.changed.notify_all();
    }

    /// Whether it runs, or did until it was stopped.
    pub fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Acquire)
    }

    /// Whether this is the thread.
    pub fn is_current(&self) -> bool {
        self.state.lock().1 == thread_identity::current()
    }

    /// Lets it end, never to be started again: `wake` makes its body return. False: it has not
    /// ended at `until_ns` on the library's clock.
    pub fn stop(&self, wake: impl FnOnce(), until_ns: u64) -> bool {
        let mut state = self.state.lock();
        if state.0 == State::New {
            state.0 = State::Ended;
        } else if state.0 == State::Running {
            state.0 = State::Stopping;
        }
        self.is_running.store(false, Ordering::Release);
        drop(state);
        wake();
        let mut state = self.state.lock();
        while state.0 != State::Ended {
            if self.changed.wait_until(&mut state, until_ns) {
                return state.0 == State::Ended;
            }
        }
        true
    }
}

#[cfg(unix)]
mod system {
    /// Restores the signals of the calling thread when dropped; threads made meanwhile inherit
    /// that all are blocked.
    pub struct Blocked(libc::sigset_t);

    pub fn block_signals() -> Blocked {
        // SAFETY: plain data, filled in by the calls that follow.
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        // SAFETY: both are writable sets.
        unsafe {
            libc::sigfillset(&mut all);
            // A fault of the thread itself has to reach the host's crash handler.
            for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT] {
                libc::sigdelset(&mut all, fault);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        }
        Blocked(before)
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            // SAFETY: the set that was in force before.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
        }
    }
}

#[cfg(windows)]
mod system {
    /// Windows has no signals.
    pub struct Blocked;

    pub fn block_signals() -> Blocked {
        Blocked
    }
}
