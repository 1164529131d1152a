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
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("no model panics under a lock")
        }
    }

    /// The once-cell of a chunk. Its own race is `once_cell`'s affair and not modelled.
    #[derive(Debug)]
    pub struct OnceBox<T>(std::sync::OnceLock<Box<T>>);

    impl<T> OnceBox<T> {
        pub const fn new() -> Self {
            Self(std::sync::OnceLock::new())
        }

        pub fn get(&self) -> Option<&T> {
            self.0.get().map(|chunk| &**chunk)
        }

        pub fn set(&self, chunk: Box<T>) -> Result<(), Box<T>> {
            self.0.set(chunk)
        }
    }
}
