//! A lock of four bytes and a condition variable of eight. They allocate nothing, so nothing about them
//! can fail: parking_lot's mutex and guard, over a word that sleeps by `futex`. parking_lot's own word
//! makes a record of each thread that sleeps, and the C library ends the process if the record's
//! destructor finds no memory.
//!
//! Invariants:
//! - The word of a lock is FREE, HELD, or AWAITED: held, and somebody may sleep. Who takes it after
//!   having slept leaves it AWAITED, since others may sleep still. Whoever finds AWAITED when unlocking
//!   wakes one.
//! - A condition's `waiters` is raised by who waits, under the lock, before it is unlocked. So who changes
//!   under the same lock what is waited for, and then notifies, sees that somebody waits.
//! - `turns` changes with each notification that finds a waiter. Who waits reads it under the lock and
//!   sleeps only while it is unchanged.

use super::futex;
use parking_lot::lock_api::{self, GuardNoSend, RawMutex};
use std::sync::atomic::{AtomicU32, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
const AWAITED: u32 = 2;

/// How often one looks before one goes to sleep.
const LOOKS: u32 = 100;

/// A value that one thread at a time has.
pub type Mutex<T> = lock_api::Mutex<Lock, T>;

/// The value is this thread's; dropped, it is free.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, Lock, T>;

/// The word of a lock.
#[derive(Debug)]
pub struct Lock(AtomicU32);

// SAFETY: who leaves `lock`, or `try_lock` with true, is the only one to have changed the word from FREE,
// and it is FREE again only after that one's `unlock`.
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
                // Others sleep already.
                AWAITED => break,
                _ => std::hint::spin_loop(),
            }
        }
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            futex::wait(&self.0, AWAITED, None);
        }
    }
}

/// A condition variable.
#[derive(Debug, Default)]
pub struct Condvar {
    turns: AtomicU32,
    waiters: AtomicU32,
}

impl Condvar {
    /// Nobody waits.
    pub const fn new() -> Self {
        Self { turns: AtomicU32::new(0), waiters: AtomicU32::new(0) }
    }

    /// Waits for a notification; the lock is free meanwhile.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        self.sleep(guard, None);
    }

    /// As `wait`, at most until a time on the library's clock. True: that time came.
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

    /// Wakes everyone who waits.
    #[inline]
    pub fn notify_all(&self) {
        if self.waiters.load(Ordering::Relaxed) != 0 {
            self.turns.fetch_add(1, Ordering::Relaxed);
            futex::wake_all(&self.turns);
        }
    }

    /// Wakes one who waits.
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

    /// A notification that was lost would leave both sides asleep for ever.
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
