//! A hook that runs when a thread ends: a pthread key, on Windows a fiber-local callback.
//!
//! Not Rust's own thread-local destructors: those are registered per library with the C runtime
//! and run before C++ `thread_local` objects of some plugins, which may still hold scopes.

use std::sync::OnceLock;

/// The system has no key left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKey;

type Hook = fn();

/// Lets `hook` run at the end of the calling thread. Arming again changes nothing; arming inside
/// the hook lets it run again.
pub fn arm(hook: Hook) -> Result<(), NoKey> {
    static KEY: OnceLock<Option<system::Key>> = OnceLock::new();
    let key = KEY.get_or_init(system::create).ok_or(NoKey)?;
    system::arm(key, hook)
}

fn run(hook: Hook) {
    // The caller is the C runtime, which a panic must not reach.
    let _ = std::panic::catch_unwind(hook);
}

#[cfg(unix)]
mod system {
    use super::{Hook, NoKey};
    use std::ffi::c_void;

    pub type Key = libc::pthread_key_t;

    extern "C" fn at_exit(value: *mut c_void) {
        // SAFETY: the only value ever stored under the key is a `Hook`, by `arm` below.
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

    pub fn arm(key: Key, hook: Hook) -> Result<(), NoKey> {
        // SAFETY: the key was created and is never deleted.
        let status = unsafe { libc::pthread_setspecific(key, hook as *const c_void) };
        if status == 0 { Ok(()) } else { Err(NoKey) }
    }
}

#[cfg(windows)]
mod system {
    use super::{Hook, NoKey};
    use std::ffi::c_void;
    use windows_sys::Win32::System::Threading::{FLS_OUT_OF_INDEXES, FlsAlloc, FlsSetValue};

    pub type Key = u32;

    unsafe extern "system" fn at_exit(value: *const c_void) {
        if value.is_null() {
            return;
        }
        // SAFETY: the only value ever stored under the index is a `Hook`, by `arm` below.
        let hook = unsafe { std::mem::transmute::<*const c_void, Hook>(value) };
        super::run(hook);
    }

    pub fn create() -> Option<Key> {
        // SAFETY: the callback lives as long as the library, which is pinned.
        let key = unsafe { FlsAlloc(Some(at_exit)) };
        (key != FLS_OUT_OF_INDEXES).then_some(key)
    }

    pub fn arm(key: Key, hook: Hook) -> Result<(), NoKey> {
        // SAFETY: the index was allocated and is never freed.
        let done = unsafe { FlsSetValue(key, hook as *const c_void) };
        if done != 0 { Ok(()) } else { Err(NoKey) }
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
