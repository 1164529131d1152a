//! A hook that runs when a thread ends: the destructor of a pthread key, on Windows a fiber-local
//! callback.
//!
//! Destructors of Rust's `thread_local!` would run too early. They are registered per library with
//! the C runtime and run before the destructors of some plugins' C++ `thread_local` objects, which
//! may still hold scopes of this library.

use std::sync::OnceLock;

/// The system has no key left, or no memory to store a thread's value under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKey;

type Hook = fn();

/// Lets `hook` run at the end of the calling thread. A second call on the thread changes nothing.
/// If the hook itself calls `arm`, the hook runs once more on unix; on Windows such a call comes
/// too late and has no effect.
pub fn arm(hook: Hook) -> Result<(), NoKey> {
    system::arm(key()?, hook)
}

/// The library's key, created when it is first needed. If the system refuses, a later call tries
/// again.
fn key() -> Result<system::Key, NoKey> {
    static KEY: OnceLock<system::Key> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return Ok(*key);
    }
    let made = system::create().ok_or(NoKey)?;
    let key = *KEY.get_or_init(|| made);
    if key != made {
        // Another thread has created the key meanwhile, so this one is not needed.
        system::delete(made);
    }
    Ok(key)
}

fn run(hook: Hook) {
    // The caller is the C runtime or the system, into which a panic must not unwind.
    let _ = std::panic::catch_unwind(hook);
}

#[cfg(unix)]
mod system {
    use super::{Hook, NoKey};
    use std::ffi::c_void;

    pub type Key = libc::pthread_key_t;

    extern "C" fn at_exit(value: *mut c_void) {
        // SAFETY: `arm` below stores the only values under this key, and each is a `Hook`.
        let hook = unsafe { std::mem::transmute::<*mut c_void, Hook>(value) };
        super::run(hook);
    }

    pub fn create() -> Option<Key> {
        let mut key = 0;
        // SAFETY: `key` is writable; the destructor lives as long as the library, which is never
        // unloaded.
        let status = unsafe { libc::pthread_key_create(&mut key, Some(at_exit)) };
        (status == 0).then_some(key)
    }

    pub fn delete(key: Key) {
        // SAFETY: the key was just created, and no other code knows it.
        unsafe { libc::pthread_key_delete(key) };
    }

    pub fn arm(key: Key, hook: Hook) -> Result<(), NoKey> {
        // SAFETY: the key was created and is never deleted.
        let status = unsafe { libc::pthread_setspecific(key, hook as *const c_void) };
        if status == 0 { Ok(()) } else { Err(NoKey) }
    }
}

#[cfg(windows)]
mod system {
    use super::{Hook, NoKey};
    use crate::sys::fallible::try_box;
    use std::arch::asm;
    use std::ffi::c_void;
    use windows_sys::Win32::System::Threading::{
        FLS_OUT_OF_INDEXES, FlsAlloc, FlsFree, FlsGetValue, FlsSetValue, GetCurrentThreadId,
        IsThreadAFiber,
    };

    pub type Key = u32;

    /// The value that a thread stores under the index. The system also calls back when a living
    /// thread deletes one of its fibers; that must not be taken for the end of the thread.
    struct Armed {
        hook: Hook,
        key: Key,
        thread: u32,
        /// The fiber that the callback belongs to; 0 if the thread was not a fiber when it armed.
        fiber: usize,
    }

    /// The running fiber, as `GetCurrentFiber` of the system's C headers; 0 if the thread is not a
    /// fiber.
    fn current_fiber() -> usize {
        // SAFETY: the call takes no arguments.
        if unsafe { IsThreadAFiber() } == 0 {
            return 0;
        }
        let fiber;
        // SAFETY: only reads `FiberData` of the thread's NT_TIB.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!("mov {}, gs:[0x20]", out(reg) fiber, options(nostack, preserves_flags, readonly));
        }
        // SAFETY: only reads `FiberData` of the thread's NT_TIB.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            asm!("ldr {}, [x18, #0x20]", out(reg) fiber, options(nostack, preserves_flags, readonly));
        }
        fiber
    }

    unsafe extern "system" fn at_exit(value: *const c_void) {
        if value.is_null() {
            return;
        }
        // SAFETY: the only values ever stored under the index are boxes that `keep` gave away, and
        // the system hands each to one callback.
        let mut armed = unsafe { Box::from_raw(value.cast_mut().cast::<Armed>()) };
        // SAFETY: the call takes no arguments.
        if armed.thread != unsafe { GetCurrentThreadId() } {
            return;
        }
        let fiber = current_fiber();
        if armed.fiber == 0 || armed.fiber == fiber {
            super::run(armed.hook);
        } else {
            armed.fiber = fiber;
            let _ = keep(armed);
        }
    }

    fn keep(armed: Box<Armed>) -> Result<(), NoKey> {
        let key = armed.key;
        // SAFETY: the index was allocated and is never freed.
        if !unsafe { FlsGetValue(key) }.is_null() {
            return Ok(());
        }
        let value = Box::into_raw(armed);
        // SAFETY: as above.
        if unsafe { FlsSetValue(key, value.cast()) } != 0 {
            return Ok(());
        }
        // SAFETY: the system refused the value, so the box is still owned here.
        drop(unsafe { Box::from_raw(value) });
        Err(NoKey)
    }

    pub fn create() -> Option<Key> {
        // SAFETY: the callback lives as long as the library, which is pinned.
        let key = unsafe { FlsAlloc(Some(at_exit)) };
        (key != FLS_OUT_OF_INDEXES).then_some(key)
    }

    pub fn delete(key: Key) {
        // SAFETY: the index was just allocated, and no other code knows it.
        unsafe { FlsFree(key) };
    }

    pub fn arm(key: Key, hook: Hook) -> Result<(), NoKey> {
        // SAFETY: the call takes no arguments.
        let thread = unsafe { GetCurrentThreadId() };
        let armed = Armed { hook, key, thread, fiber: current_fiber() };
        keep(try_box(armed).map_err(|_| NoKey)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn the_hook_runs_once_for_an_armed_thread_and_never_for_another() {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        fn count() {
            RUNS.fetch_add(1, Ordering::SeqCst);
        }
        std::thread::spawn(|| ()).join().unwrap();
        assert_eq!(RUNS.load(Ordering::SeqCst), 0);
        std::thread::spawn(|| {
            arm(count).unwrap();
            arm(count).unwrap();
        })
        .join()
        .unwrap();
        assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    }
}
