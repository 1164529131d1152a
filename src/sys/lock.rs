//! A lock of four bytes and a condition variable of eight. They allocate nothing, so nothing about them
//! can fail.
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
use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
const AWAITED: u32 = 2;

/// How often one looks before one goes to sleep.
const LOOKS: u32 = 100;

/// A value that one thread at a time has.
#[derive(Default)]
pub struct Mutex<T> {
    word: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value goes from one thread to another, but only one has it at a time.
unsafe impl<T: Send> Send for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Mutex<T> {}

/// The value is this thread's; dropped, it is free.
#[must_use = "the lock is free again when it is dropped"]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// Stays on its thread.
    bound: PhantomData<*const ()>,
}

// SAFETY: shared, it gives out shared references of the value only.
unsafe impl<T: Sync> Sync for MutexGuard<'_, T> {}

impl<T> Mutex<T> {
    /// Free.
    pub const fn new(value: T) -> Self {
        Self { word: AtomicU32::new(FREE), value: UnsafeCell::new(value) }
    }

    /// Waits until it is this thread's.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let taken =
            self.word.compare_exchange_weak(FREE, HELD, Ordering::Acquire, Ordering::Relaxed);
        if taken.is_err() {
            self.wait();
        }
        MutexGuard { mutex: self, bound: PhantomData }
    }

    #[cold]
    fn wait(&self) {
        for _ in 0..LOOKS {
            match self.word.load(Ordering::Relaxed) {
                FREE => {
                    let swap = self.word.compare_exchange_weak(
                        FREE,
                        HELD,
                        Ordering::Acquire,
                        Ordering::Relaxed,
                    );
                    if swap.is_ok() {
                        return;
                    }
                }
                // Others sleep already.
                AWAITED => break,
                _ => std::hint::spin_loop(),
            }
        }
        while self.word.swap(AWAITED, Ordering::Acquire) != FREE {
            futex::wait(&self.word, AWAITED, None);
        }
    }

    #[inline]
    fn unlock(&self) {
        if self.word.swap(FREE, Ordering::Release) == AWAITED {
            futex::wake_one(&self.word);
        }
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}

impl<T> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MutexGuard")
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the one that the lock let in.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the one that the lock let in, and borrowed alone.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.unlock();
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
        guard.mutex.unlock();
        let is_late = futex::wait(&self.turns, turn, until_ns);
        self.waiters.fetch_sub(1, Ordering::Relaxed);
        // The guard was this thread's and is so again.
        std::mem::forget(guard.mutex.lock());
        is_late
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
