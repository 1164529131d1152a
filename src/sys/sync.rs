//! Atomics, locks and once-cells; loom's own under `cfg(loom)`, so that models see every step.

#[cfg(loom)]
pub use model::*;
#[cfg(not(loom))]
pub use real::*;

/// A function that makes something of atomics and locks: `const`, as the one static `Library` needs it, but
/// in models, where loom makes them as the model runs.
#[cfg(not(loom))]
macro_rules! constructor {
    ($(#[$about:meta])* $sight:vis fn $name:ident() -> $made:ty $body:block) => {
        $(#[$about])*
        $sight const fn $name() -> $made $body
    };
}

/// As above. A model has no stack for a copy at each level.
#[cfg(loom)]
macro_rules! constructor {
    ($(#[$about:meta])* $sight:vis fn $name:ident() -> $made:ty $body:block) => {
        $(#[$about])*
        #[inline(always)]
        $sight fn $name() -> $made $body
    };
}

/// An array of such things: each is made by itself.
#[cfg(not(loom))]
macro_rules! each {
    [$made:expr; $count:expr] => {
        [const { $made }; $count]
    };
}

/// As above.
#[cfg(loom)]
macro_rules! each {
    [$made:expr; $count:expr] => {
        std::array::from_fn::<_, { $count }, _>(|_| $made)
    };
}

pub(crate) use {constructor, each};

#[cfg(not(loom))]
mod real {
    pub use crate::sys::lock::{Condvar, Mutex, MutexGuard};
    pub use crossbeam_queue::ArrayQueue;
    pub use once_cell::race::OnceBox;
    pub use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
    pub use std::thread::yield_now;
}

#[cfg(loom)]
mod model {
    pub use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
    pub use loom::thread::yield_now;

    use std::ops::{Deref, DerefMut};

    /// Loom's mutex with the shape of the real one.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    /// Loom's guard with the shape of the real one.
    #[derive(Debug)]
    pub struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>, &'a Mutex<T>);

    impl<T> Mutex<T> {
        /// Unlocked.
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        /// Waits until it is this thread's.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.take()), self)
        }

        /// It is this thread's, or another's.
        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            Some(MutexGuard(Some(self.0.try_lock().ok()?), self))
        }

        fn take(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("no model panics under a lock")
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.0.as_ref().expect("there but in a wait")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("there but in a wait")
        }
    }

    /// Loom's condition variable with the shape of the real one.
    #[derive(Debug, Default)]
    pub struct Condvar(loom::sync::Condvar);

    impl Condvar {
        /// Nobody waits.
        pub fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        /// Waits for a notification; the lock is free meanwhile.
        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let inner = guard.0.take().expect("there but in a wait");
            guard.0 = Some(self.0.wait(inner).expect("no model panics under a lock"));
        }

        /// Waits until others have had a turn: no time passes in a model, so who waits for a time looks
        /// again and again. Whether the time has come, as it has if it is that of all models.
        pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, time_ns: u64) -> bool {
            guard.0 = None;
            yield_now();
            guard.0 = Some(guard.1.take());
            time_ns <= crate::sys::clock::now_ns()
        }

        /// Wakes everyone who waits.
        pub fn notify_all(&self) {
            self.0.notify_all();
        }

        /// Wakes one who waits.
        pub fn notify_one(&self) {
            self.0.notify_one();
        }
    }

    /// The bounded queue. Its own races are `crossbeam_queue`'s affair and not modelled; that who
    /// pops sees what was done before the push, is.
    #[derive(Debug)]
    pub struct ArrayQueue<T> {
        capacity: usize,
        values: Mutex<std::collections::VecDeque<T>>,
    }

    impl<T> ArrayQueue<T> {
        /// Empty.
        pub fn new(capacity: usize) -> Self {
            Self { capacity, values: Mutex::new(std::collections::VecDeque::new()) }
        }

        /// Puts a value behind the others. If there is no room the first one goes for it.
        pub fn force_push(&self, value: T) -> Option<T> {
            let mut values = self.values.lock();
            let first = if values.len() == self.capacity { values.pop_front() } else { None };
            values.push_back(value);
            first
        }

        /// Takes the first value.
        pub fn pop(&self) -> Option<T> {
            self.values.lock().pop_front()
        }
    }

    /// The once-cell of a chunk. Its own race is `once_cell`'s affair and not modelled; that who
    /// reads the chunk sees it made, is.
    #[derive(Debug)]
    pub struct OnceBox<T> {
        chunk: std::sync::OnceLock<Box<T>>,
        made: AtomicU32,
        setting: Mutex<()>,
    }

    impl<T> Default for OnceBox<T> {
        fn default() -> Self {
            Self::new()
        }
    }

    impl<T> OnceBox<T> {
        /// Nothing made.
        pub fn new() -> Self {
            Self {
                chunk: std::sync::OnceLock::new(),
                made: AtomicU32::new(0),
                setting: Mutex::new(()),
            }
        }

        /// The chunk, once made.
        pub fn get(&self) -> Option<&T> {
            if self.made.load(Ordering::Acquire) == 0 {
                return None;
            }
            self.chunk.get().map(|chunk| &**chunk)
        }

        /// Makes it, or gives the chunk back if another was faster.
        pub fn set(&self, chunk: Box<T>) -> Result<(), Box<T>> {
            let _setting = self.setting.lock();
            let result = self.chunk.set(chunk);
            self.made.store(1, Ordering::Release);
            result
        }
    }
}
