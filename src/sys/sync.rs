//! Atomics, locks and once-cells. Under `cfg(loom)` they are loom's own, so that models see every
//! step.

#[cfg(loom)]
pub use model::*;
#[cfg(not(loom))]
pub use real::*;

/// Declares a function that constructs an object made of atomics and locks. The function is
/// `const`, because the static `Library` needs that. In models it is not `const`, because loom
/// creates these objects while the model runs.
#[cfg(not(loom))]
macro_rules! constructor {
    ($(#[$about:meta])* $sight:vis fn $name:ident() -> $made:ty $body:block) => {
        $(#[$about])*
        $sight const fn $name() -> $made $body
    };
}

/// The form of `constructor` for models. The function is inlined, because a model's stack has no
/// room for a copy of the object at each level of calls.
#[cfg(loom)]
macro_rules! constructor {
    ($(#[$about:meta])* $sight:vis fn $name:ident() -> $made:ty $body:block) => {
        $(#[$about])*
        #[inline(always)]
        $sight fn $name() -> $made $body
    };
}

/// Makes an array of objects made of atomics and locks, each constructed by itself.
#[cfg(not(loom))]
macro_rules! each {
    [$made:expr; $count:expr] => {
        [const { $made }; $count]
    };
}

/// The form of `each` for models.
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
        /// An unlocked mutex.
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        /// Waits until the lock is free and takes it.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.take()), self)
        }

        /// Takes the lock if it is free; `None` if another thread holds it.
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
        /// A condition variable on which no thread waits.
        pub fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        /// Unlocks the mutex of `guard`, waits for a notification and locks again.
        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let inner = guard.0.take().expect("there but in a wait");
            guard.0 = Some(self.0.wait(inner).expect("no model panics under a lock"));
        }

        /// Lets other threads take a turn, instead of waiting. No time passes in a model, so a
        /// caller that waits for a time looks again and again. True: the time has come. That is so
        /// only for times up to the constant time of models.
        pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, time_ns: u64) -> bool {
            guard.0 = None;
            yield_now();
            guard.0 = Some(guard.1.take());
            time_ns <= crate::sys::clock::now_ns()
        }

        /// Wakes every waiting thread.
        pub fn notify_all(&self) {
            self.0.notify_all();
        }

        /// Wakes one waiting thread.
        pub fn notify_one(&self) {
            self.0.notify_one();
        }
    }

    /// The bounded queue of models. The races inside the queue are left to `crossbeam_queue` and
    /// not modelled. In a model, a thread that pops a value sees what was done before the push.
    #[derive(Debug)]
    pub struct ArrayQueue<T> {
        capacity: usize,
        values: Mutex<std::collections::VecDeque<T>>,
    }

    impl<T> ArrayQueue<T> {
        /// An empty queue.
        pub fn new(capacity: usize) -> Self {
            Self { capacity, values: Mutex::new(std::collections::VecDeque::new()) }
        }

        /// Appends a value. If the queue is full, the first value is removed for it and returned.
        pub fn force_push(&self, value: T) -> Option<T> {
            let mut values = self.values.lock();
            let first = if values.len() == self.capacity { values.pop_front() } else { None };
            values.push_back(value);
            first
        }

        /// Takes the first value; `None` if the queue is empty.
        pub fn pop(&self) -> Option<T> {
            self.values.lock().pop_front()
        }
    }

    /// The once-cell of a chunk, for models. The race inside the cell is left to `once_cell` and
    /// not modelled. In a model, a thread that reads the chunk sees it initialised.
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
        /// An empty cell.
        pub fn new() -> Self {
            Self {
                chunk: std::sync::OnceLock::new(),
                made: AtomicU32::new(0),
                setting: Mutex::new(()),
            }
        }

        /// The chunk; `None` until it was made.
        pub fn get(&self) -> Option<&T> {
            if self.made.load(Ordering::Acquire) == 0 {
                return None;
            }
            self.chunk.get().map(|chunk| &**chunk)
        }

        /// Stores the chunk, or gives it back if another thread was faster.
        pub fn set(&self, chunk: Box<T>) -> Result<(), Box<T>> {
            let _setting = self.setting.lock();
            let result = self.chunk.set(chunk);
            self.made.store(1, Ordering::Release);
            result
        }
    }
}
