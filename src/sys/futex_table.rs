//! The functions of `futex` for systems that have no call to sleep on a word. The address of a word
//! selects one of a few static condition variables; several words may share one.

use crate::sys::clock;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};

struct Bucket {
    lock: UnsafeCell<libc::pthread_mutex_t>,
    changed: UnsafeCell<libc::pthread_cond_t>,
}

// SAFETY: pthread mutexes and conditions are made to be used by several threads at once.
unsafe impl Sync for Bucket {}

static BUCKETS: [Bucket; 64] = [const {
    Bucket {
        lock: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
        changed: UnsafeCell::new(libc::PTHREAD_COND_INITIALIZER),
    }
}; 64];

fn bucket(word: &AtomicU32) -> &'static Bucket {
    &BUCKETS[word.as_ptr().addr() / 64 % BUCKETS.len()]
}

/// The time `left_ns` from now, on CLOCK_REALTIME, the clock of the system's condition variables.
fn deadline(left_ns: u64) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the result is writable, and every system has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut time) };
    // Capped so that the sum does not overflow; a deadline so far away is never reached.
    let left_ns = left_ns.min(1 << 60);
    let nanoseconds = time.tv_nsec as u64 + left_ns % 1_000_000_000;
    time.tv_sec += (left_ns / 1_000_000_000 + nanoseconds / 1_000_000_000) as libc::time_t;
    time.tv_nsec = (nanoseconds % 1_000_000_000) as _;
    time
}

pub fn wait(word: &AtomicU32, expected: u32, until_ns: Option<u64>) -> bool {
    let bucket = bucket(word);
    let (lock, changed) = (bucket.lock.get(), bucket.changed.get());
    // SAFETY: both are initialised statics; this thread holds the lock until it unlocks it.
    unsafe {
        libc::pthread_mutex_lock(lock);
        // `wake` takes the lock after the word was changed. So either this load sees the change, or
        // the thread waits before `wake` signals.
        if word.load(Ordering::SeqCst) == expected {
            match until_ns {
                None => _ = libc::pthread_cond_wait(changed, lock),
                Some(until_ns) => {
                    let time = deadline(until_ns.saturating_sub(clock::now_ns()));
                    libc::pthread_cond_timedwait(changed, lock, &time);
                }
            }
        }
        libc::pthread_mutex_unlock(lock);
    }
    until_ns.is_some_and(|until_ns| clock::now_ns() >= until_ns)
}

/// Wakes every thread that sleeps on the word's condition variable, whatever its word is. A thread
/// whose own word has not changed sleeps again.
pub fn wake(word: &AtomicU32, _most: i32) {
    let bucket = bucket(word);
    // SAFETY: both are initialised statics; this thread holds the lock until it unlocks it.
    unsafe {
        libc::pthread_mutex_lock(bucket.lock.get());
        libc::pthread_cond_broadcast(bucket.changed.get());
        libc::pthread_mutex_unlock(bucket.lock.get());
    }
}
