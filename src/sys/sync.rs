//! Atomics, locks and once-cells; loom's own under `cfg(loom)`, so that models see every step.

#[cfg(loom)]
pub use model::*;
#[cfg(not(loom))]
pub use real::*;

#[cfg(not(loom))]
mod real {
    pub use once_cell::race::OnceBox;
    pub use parking_lot::Mutex;
    pub use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}

#[cfg(loom)]
mod model {
    pub use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};

    /// Loom's mutex with the shape of `parking_lot::Mutex`.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// Unlocked.
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        /// Waits until it is this thread's.
        pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("no model panics under a lock")
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
