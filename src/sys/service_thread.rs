//! A thread of the library, started on first use.
//!
//! All signals but faults are blocked on the thread, because a signal handler of the host expects
//! to run on one of the host's own threads.
//!
//! The thread is started by a call of the system. The standard library's `spawn` allocates for each
//! thread, also on the new thread itself, and ends the process if that fails.
//!
//! Lock order: `state`, then `given`. The function `make`, which makes the value that the thread is
//! given, runs under `state`.

use super::sync::{Condvar, Mutex};
use super::thread_identity;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why a thread was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// The system has no room for another thread, or there was no memory for the value that the
    /// thread is given.
    Resources,
    /// `stop` was called, after which the thread is never started again.
    Stopped,
}

/// Bytes of the longest name of a thread that every system shows, with its NUL.
const NAME_ROOM: usize = 16;

/// Bytes of the thread's stack, as many as Rust gives its threads. Plugins' callbacks run on it.
const STACK_BYTES: usize = 2 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ThreadState {
    New,
    Running,
    Stopping,
    Ended,
}

/// What a thread of the library does. The thread gets all that it needs before it starts, so that
/// nothing can be refused later, when there is no caller left to be told.
#[derive(Debug)]
pub struct Life<T> {
    /// Runs first, on the new thread, and takes the value that was made for it.
    pub begin: fn(T),
    /// The thread's work. It returns when the thread is to end. If it panics, it is called again.
    pub body: fn(),
    /// Runs last, on the thread, after `body` has returned.
    pub end: fn(),
}

/// One thread of the library; a static.
#[derive(Debug)]
pub struct ServiceThread<T: 'static> {
    name: &'static str,
    life: Life<T>,
    is_running: AtomicBool,
    state: Mutex<(ThreadState, u64)>,
    /// The value for `Life::begin`, from before the start until the new thread takes it.
    given: Mutex<Option<T>>,
    changed: Condvar,
}

impl<T: Send + 'static> ServiceThread<T> {
    /// A thread that is not started.
    pub const fn new(name: &'static str, life: Life<T>) -> Self {
        Self {
            name,
            life,
            is_running: AtomicBool::new(false),
            state: Mutex::new((ThreadState::New, 0)),
            given: Mutex::new(None),
            changed: Condvar::new(),
        }
    }

    /// Starts the thread and gives it the value that `make` returns. If the thread is running,
    /// nothing happens and `make` is not called.
    #[inline]
    pub fn ensure(
        &'static self,
        make: impl FnOnce() -> Result<T, NotStarted>,
    ) -> Result<(), NotStarted> {
        if self.is_running.load(Ordering::Acquire) { Ok(()) } else { self.start(make) }
    }

    #[cold]
    fn start(
        &'static self,
        make: impl FnOnce() -> Result<T, NotStarted>,
    ) -> Result<(), NotStarted> {
        let mut state = self.state.lock();
        match state.0 {
            ThreadState::Running => return Ok(()),
            ThreadState::Stopping | ThreadState::Ended => return Err(NotStarted::Stopped),
            ThreadState::New => (),
        }
        *self.given.lock() = Some(make()?);
        let _blocked = system::block_signals();
        if !system::start(self) {
            let unused = self.given.lock().take();
            drop(state);
            drop(unused);
            return Err(NotStarted::Resources);
        }
        state.0 = ThreadState::Running;
        self.is_running.store(true, Ordering::Release);
        Ok(())
    }

    fn run(&'static self) {
        let mut name = [0; NAME_ROOM];
        name[..self.name.len()].copy_from_slice(self.name.as_bytes());
        system::name_this(&name);
        self.state.lock().1 = thread_identity::current();
        // The value is taken in a statement of its own: inside the condition of the `if`, the lock
        // would be held to the end of the block.
        let given = self.given.lock().take();
        if let Some(given) = given {
            (self.life.begin)(given);
        }
        // A panic of the body is a bug. It must end neither the host nor this thread's work, so the
        // body is begun anew.
        while std::panic::catch_unwind(self.life.body).is_err() {}
        let _ = std::panic::catch_unwind(self.life.end);
        *self.state.lock() = (ThreadState::Ended, 0);
        self.changed.notify_all();
    }

    /// Whether the thread was started and `stop` was not called.
    pub fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Acquire)
    }

    /// Whether the caller runs on this thread.
    pub fn is_current(&self) -> bool {
        self.state.lock().1 == thread_identity::current()
    }

    /// Makes the thread end, and waits for that until `until_ns` on the library's clock. The thread
    /// is never started again. `wake` has to make the thread's `body` return. False: the thread has
    /// not ended in time.
    pub fn stop(&self, wake: impl FnOnce(), until_ns: u64) -> bool {
        let mut state = self.state.lock();
        if state.0 == ThreadState::New {
            state.0 = ThreadState::Ended;
        } else if state.0 == ThreadState::Running {
            state.0 = ThreadState::Stopping;
        }
        self.is_running.store(false, Ordering::Release);
        drop(state);
        wake();
        let mut state = self.state.lock();
        while state.0 != ThreadState::Ended {
            if self.changed.wait_until(&mut state, until_ns) {
                return state.0 == ThreadState::Ended;
            }
        }
        true
    }
}

#[cfg(unix)]
mod system {
    use super::{NAME_ROOM, STACK_BYTES, ServiceThread};
    use std::ffi::c_void;

    /// Restores the calling thread's signal mask when dropped. A thread that is started in between
    /// inherits the mask in which all signals but faults are blocked.
    pub struct Blocked(libc::sigset_t);

    pub fn block_signals() -> Blocked {
        // SAFETY: a signal set is plain data, and the calls below fill both in.
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        // SAFETY: both sets are writable locals.
        unsafe {
            libc::sigfillset(&mut all);
            // A fault on the thread itself has to reach the host's crash handler.
            for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT] {
                libc::sigdelset(&mut all, fault);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        }
        Blocked(before)
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            // SAFETY: the set was filled in with the mask that was in force before.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
        }
    }

    extern "C" fn enter<T: Send + 'static>(thread: *mut c_void) -> *mut c_void {
        // SAFETY: `start` passed a static of this type.
        let thread: &'static ServiceThread<T> = unsafe { &*thread.cast() };
        thread.run();
        std::ptr::null_mut()
    }

    /// Starts the thread. False: the system has no room for it.
    pub fn start<T: Send + 'static>(thread: &'static ServiceThread<T>) -> bool {
        let argument = std::ptr::from_ref(thread).cast_mut().cast();
        // SAFETY: the attributes are initialised before they are used and destroyed after that.
        // `enter` has the signature that the system expects, and its argument is a static that it
        // only reads.
        unsafe {
            let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
            if libc::pthread_attr_init(&mut attributes) != 0 {
                return false;
            }
            // A system whose own minimum is larger refuses this size and keeps its default.
            libc::pthread_attr_setstacksize(&mut attributes, STACK_BYTES);
            libc::pthread_attr_setdetachstate(&mut attributes, libc::PTHREAD_CREATE_DETACHED);
            let mut made: libc::pthread_t = std::mem::zeroed();
            let status = libc::pthread_create(&mut made, &attributes, enter::<T>, argument);
            libc::pthread_attr_destroy(&mut attributes);
            status == 0
        }
    }

    /// Names the calling thread, where the system can.
    pub fn name_this(name: &[u8; NAME_ROOM]) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the name ends with NUL.
        unsafe {
            libc::prctl(libc::PR_SET_NAME, name.as_ptr());
        }
        #[cfg(target_vendor = "apple")]
        // SAFETY: the name ends with NUL.
        unsafe {
            libc::pthread_setname_np(name.as_ptr().cast());
        }
        let _ = name;
    }
}

#[cfg(windows)]
mod system {
    use super::{NAME_ROOM, STACK_BYTES, ServiceThread};
    use std::ffi::c_void;
    use std::ptr::{null, null_mut};
    use windows_sys::Win32::Foundation::CloseHandle;
    use windows_sys::Win32::System::Threading::{
        CreateThread, GetCurrentThread, STACK_SIZE_PARAM_IS_A_RESERVATION, SetThreadDescription,
    };

    /// Stands in for the signal mask, which Windows does not have.
    pub struct Blocked;

    pub fn block_signals() -> Blocked {
        Blocked
    }

    unsafe extern "system" fn enter<T: Send + 'static>(thread: *mut c_void) -> u32 {
        // SAFETY: `start` passed a static of this type.
        let thread: &'static ServiceThread<T> = unsafe { &*thread.cast() };
        thread.run();
        0
    }

    /// Starts the thread. False: the system has no room for it.
    pub fn start<T: Send + 'static>(thread: &'static ServiceThread<T>) -> bool {
        let argument: *const c_void = std::ptr::from_ref(thread).cast();
        let flags = STACK_SIZE_PARAM_IS_A_RESERVATION;
        // SAFETY: `enter` has the signature that the system expects, and its argument is a static
        // that it only reads. The new handle is known here alone and closed once.
        unsafe {
            let made =
                CreateThread(null(), STACK_BYTES, Some(enter::<T>), argument, flags, null_mut());
            !made.is_null() && CloseHandle(made) != 0
        }
    }

    pub fn name_this(name: &[u8; NAME_ROOM]) {
        let wide = name.map(u16::from);
        // SAFETY: the name ends with NUL; GetCurrentThread returns a constant that needs no
        // closing.
        unsafe { SetThreadDescription(GetCurrentThread(), wide.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;
    use std::sync::atomic::AtomicU32;

    static STEPS: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    static CAN_END: AtomicU32 = AtomicU32::new(0);
    static THREAD: ServiceThread<&str> = ServiceThread::new(
        "dcc-test",
        Life {
            begin: |given| STEPS.lock().push(given),
            body: || {
                if STEPS.lock().len() == 1 {
                    STEPS.lock().push("body");
                    panic!("a bug");
                }
                while CAN_END.load(Ordering::Acquire) == 0 {
                    std::thread::yield_now();
                }
            },
            end: || STEPS.lock().push("end"),
        },
    );

    #[test]
    fn it_begins_with_what_it_was_given_works_on_after_a_panic_and_ends() {
        assert_eq!(THREAD.ensure(|| Err(NotStarted::Resources)), Err(NotStarted::Resources));
        assert!(!THREAD.is_running());
        assert_eq!(THREAD.ensure(|| Ok("given")), Ok(()));
        assert_eq!(THREAD.ensure(|| unreachable!("it runs")), Ok(()));
        assert!(!THREAD.is_current());
        let until_ns = clock::now_ns() + 60_000_000_000;
        assert!(THREAD.stop(|| CAN_END.store(1, Ordering::Release), until_ns));
        assert_eq!(*STEPS.lock(), ["given", "body", "end"]);
        assert_eq!(THREAD.ensure(|| unreachable!("stopped")), Err(NotStarted::Stopped));
    }
}
