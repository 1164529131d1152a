//! A mutex of four bytes and a condition variable of eight. They allocate nothing, so none of their
//! operations can fail. The mutex and its guard are parking_lot's `lock_api` over a word on which
//! threads sleep by `futex`. parking_lot's own word is not used: it allocates a record for each
//! sleeping thread, and the C library ends the process if it finds no memory to register that
//! record's destructor.
//!
//! Invariants:
//! 1. The word of a lock is FREE, HELD or AWAITED. AWAITED means that the lock is held and that a
//!    thread may be asleep on its word. A thread that gave up spinning takes the lock as AWAITED,
//!    because other threads may still sleep. A thread that finds AWAITED when it unlocks wakes one
//!    sleeper.
//! 2. A waiting thread raises a condition's `waiters` while it still holds the lock. So a thread
//!    that changes the awaited state under the same lock, and then notifies, sees that there is a
//!    waiter.
//! 3. `turns` changes with each notification that finds a waiter. A waiting thread reads it under
//!    the lock and sleeps only while it is unchanged, so a notification between unlock and sleep is
//!    not lost.

use super::futex;
use parking_lot::lock_api::{self, GuardNoSend, RawMutex};
use std::sync::atomic::{AtomicU32, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
const AWAITED: u32 = 2;

/// How often a thread looks at the word before it goes to sleep.
const LOOKS: u32 = 100;

/// A value that one thread at a time may use.
pub type Mutex<T> = lock_api::Mutex<Lock, T>;

/// Access to the value for one thread; dropping the guard unlocks the mutex.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, Lock, T>;

/// The word of a lock; invariant 1 says which values it has.
#[derive(Debug)]
pub struct Lock(AtomicU32);

// SAFETY: a thread returns from `lock`, or from `try_lock` with true, only if it itself changed the
// word from FREE. The word becomes FREE again only in that thread's `unlock`.
unsafe impl RawMutex for Lock {
    const INIT: Self = Self(AtomicU32::new(FREE));

    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock(&self) {
        let taken = self.0.compare_exchange_weak(FREE, HELD, Ordering::Acquire, Ordering::Relaxed);
        if taken.is_err() {
            self.wait();
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline]
    unsafe fn unlock(&self) {
        if self.0.swap(FREE, Ordering::Release) == AWAITED {
            futex::wake_one(&self.0);
        }
    }
}

impl Lock {
    #[cold]
    fn wait(&self) {
        for _ in 0..LOOKS {
            match self.0.load(Ordering::Relaxed) {
                FREE if self.try_lock() => return,
                // Other threads may be asleep already, so the lock is contended, and spinning would
                // be in vain.
                AWAITED => break,
                _ => std::hint::spin_loop(),
            }
        }
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            futex::wait(&self.0, AWAITED, None);
        }
    }
}

/// A condition variable; invariants 2 and 3 say why no notification is lost.
#[derive(Debug, Default)]
pub struct Condvar {
    turns: AtomicU32,
    waiters: AtomicU32,
}

impl Condvar {
    /// A condition variable on which no thread waits.
    pub const fn new() -> Self {
        Self { turns: AtomicU32::new(0), waiters: AtomicU32::new(0) }
    }

    /// Unlocks the mutex of `guard`, waits for a notification and locks again. May return without a
    /// notification.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        self.sleep(guard, None);
    }

    /// Waits as `wait` does, but at most until `time_ns` on the library's clock. True: that time
    /// has come.
    pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, time_ns: u64) -> bool {
        self.sleep(guard, Some(time_ns))
    }

    fn sleep<T>(&self, guard: &mut MutexGuard<'_, T>, until_ns: Option<u64>) -> bool {
        let turn = self.turns.load(Ordering::Relaxed);
        self.waiters.fetch_add(1, Ordering::Relaxed);
        MutexGuard::unlocked(guard, || {
            let is_late = futex::wait(&self.turns, turn, until_ns);
            self.waiters.fetch_sub(1, Ordering::Relaxed);
            is_late
        })
    }

    /// Wakes every waiting thread.
    #[inline]
    pub fn notify_all(&self) {
        if self.waiters.load(Ordering::Relaxed) != 0 {
            self.turns.fetch_add(1, Ordering::Relaxed);
            futex::wake_all(&self.turns);
        }
    }

    /// Wakes one waiting thread.
    #[inline]
    pub fn notify_one(&self) {
        if self.waiters.load(Ordering::Relaxed) != 0 {
            self.turns.fetch_add(1, Ordering::Relaxed);
            futex::wake_one(&self.turns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;
    use std::collections::VecDeque;

    #[test]
    fn it_is_as_small_as_a_slot_needs() {
        assert_eq!(size_of::<Mutex<()>>(), 4);
        assert_eq!(size_of::<Condvar>(), 8);
    }

    #[test]
    fn one_thread_at_a_time_has_the_value() {
        static COUNT: Mutex<u64> = Mutex::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50_000 {
                        let mut count = COUNT.lock();
                        *count = std::hint::black_box(*count) + 1;
                    }
                });
            }
        });
        assert_eq!(*COUNT.lock(), 200_000);
    }

    #[test]
    fn a_panic_under_the_lock_frees_it() {
        let mutex = Mutex::new(1);
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = mutex.lock();
            panic!("under the lock");
        }));
        assert!(broken.is_err());
        assert_eq!(*mutex.lock(), 1);
    }

    /// If a notification were lost, the takers and the giver would sleep for ever.
    #[test]
    fn each_of_many_values_wakes_one_who_takes_it() {
        const VALUES: u32 = 20_000;
        static QUEUE: Mutex<VecDeque<u32>> = Mutex::new(VecDeque::new());
        static CHANGED: Condvar = Condvar::new();
        static EMPTIED: Condvar = Condvar::new();
        std::thread::scope(|scope| {
            let taker = || {
                let mut sum = 0_u64;
                loop {
                    let mut queue = QUEUE.lock();
                    while queue.is_empty() {
                        CHANGED.wait(&mut queue);
                    }
                    let value = queue.pop_front().unwrap();
                    drop(queue);
                    EMPTIED.notify_all();
                    if value == u32::MAX {
                        return sum;
                    }
                    sum += u64::from(value);
                }
            };
            let takers = [scope.spawn(taker), scope.spawn(taker)];
            for value in (0..VALUES).chain([u32::MAX; 2]) {
                let mut queue = QUEUE.lock();
                while queue.len() >= 2 {
                    EMPTIED.wait(&mut queue);
                }
                queue.push_back(value);
                drop(queue);
                CHANGED.notify_one();
            }
            let sum: u64 = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
            assert_eq!(sum, u64::from(VALUES) * u64::from(VALUES - 1) / 2);
        });
    }

    #[test]
    fn a_wait_ends_when_its_time_comes() {
        let (mutex, changed) = (Mutex::new(()), Condvar::new());
        let until_ns = clock::now_ns() + 20_000_000;
        let mut guard = mutex.lock();
        while !changed.wait_until(&mut guard, until_ns) {}
        assert!(clock::now_ns() >= until_ns);
    }
}
