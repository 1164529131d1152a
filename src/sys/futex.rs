//! Sleeping until a word changes, without allocating memory in the process: neither when a thread
//! sleeps for the first time nor when the thread ends. The standard library and other crates
//! allocate for each thread that sleeps, and end the process if that fails.
//!
//! A wait may end early for no reason, so the caller looks at the word again.

use std::sync::atomic::AtomicU32;

/// Waits while the word is `expected`, at most until `until_ns` on the library's clock; `None` is
/// no limit. True: that time has come.
pub fn wait(word: &AtomicU32, expected: u32, until_ns: Option<u64>) -> bool {
    system::wait(word, expected, until_ns)
}

/// Wakes one thread that waits for this word, if there is one.
pub fn wake_one(word: &AtomicU32) {
    system::wake(word, 1);
}

/// Wakes all threads that wait for this word.
pub fn wake_all(word: &AtomicU32) {
    system::wake(word, i32::MAX);
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::ptr::null;
    use std::sync::atomic::AtomicU32;

    pub fn wait(word: &AtomicU32, expected: u32, until_ns: Option<u64>) -> bool {
        // FUTEX_WAIT_BITSET takes an absolute time on CLOCK_MONOTONIC, which is the library's
        // clock.
        let until = until_ns.map(|until_ns| libc::timespec {
            tv_sec: (until_ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (until_ns % 1_000_000_000) as _,
        });
        // SAFETY: the word is borrowed, so it is live; the time is a local or NULL.
        let status = unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                expected,
                until.as_ref().map_or(null(), std::ptr::from_ref),
                null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            )
        };
        status != 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ETIMEDOUT)
    }

    pub fn wake(word: &AtomicU32, most: i32) {
        let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: the system uses the address as a key and does not read the word.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, most) };
    }
}

#[cfg(windows)]
mod system {
    use crate::sys::clock;
    use std::ffi::c_void;
    use std::sync::atomic::AtomicU32;
    use windows_sys::Win32::Foundation::{ERROR_TIMEOUT, GetLastError};
    use windows_sys::Win32::System::Threading::{
        INFINITE, WaitOnAddress, WakeByAddressAll, WakeByAddressSingle,
    };

    pub fn wait(word: &AtomicU32, expected: u32, until_ns: Option<u64>) -> bool {
        let patience = until_ns.map_or(INFINITE, |until_ns| {
            let left_ns = until_ns.saturating_sub(clock::now_ns());
            u32::try_from(left_ns.div_ceil(1_000_000)).unwrap_or(INFINITE - 1).min(INFINITE - 1)
        });
        let address: *const c_void = word.as_ptr().cast();
        // SAFETY: the word is borrowed, so it is live, and is compared with a value of the same
        // four bytes.
        let woken = unsafe { WaitOnAddress(address, (&raw const expected).cast(), 4, patience) };
        // SAFETY: the call takes no arguments.
        woken == 0 && unsafe { GetLastError() } == ERROR_TIMEOUT
    }

    pub fn wake(word: &AtomicU32, most: i32) {
        let address: *const c_void = word.as_ptr().cast();
        // SAFETY: the system uses the address as a key and does not read the word.
        unsafe { if most == 1 { WakeByAddressSingle(address) } else { WakeByAddressAll(address) } }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
use super::futex_table as system;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    use crate::sys::futex_table as table;
    use std::sync::atomic::Ordering;

    type Wait = fn(&AtomicU32, u32, Option<u64>) -> bool;
    type Wake = fn(&AtomicU32, i32);

    fn ways() -> Vec<(Wait, Wake)> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return vec![(system::wait, system::wake), (table::wait, table::wake)];
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        return vec![(system::wait, system::wake)];
    }

    #[test]
    fn who_waits_for_a_word_sleeps_until_it_changes() {
        for (wait, wake) in ways() {
            let word = AtomicU32::new(0);
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| {
                    while word.load(Ordering::Acquire) == 0 {
                        assert!(!wait(&word, 0, None));
                    }
                });
                word.store(1, Ordering::Release);
                wake(&word, 1);
                waiting.join().unwrap();
            });
            assert!(!wait(&word, 0, None), "the word is another");
        }
    }

    #[test]
    fn all_who_wait_are_woken() {
        for (wait, wake) in ways() {
            let word = AtomicU32::new(0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        while word.load(Ordering::Acquire) == 0 {
                            wait(&word, 0, None);
                        }
                    });
                }
                word.store(1, Ordering::Release);
                wake(&word, i32::MAX);
            });
        }
    }

    #[test]
    fn a_time_that_comes_is_told() {
        for (wait, _) in ways() {
            let word = AtomicU32::new(0);
            let until_ns = clock::now_ns() + 20_000_000;
            while !wait(&word, 0, Some(until_ns)) {}
            assert!(clock::now_ns() >= until_ns);
        }
    }
}
