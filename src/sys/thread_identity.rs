//! A number that tells living threads apart and costs next to nothing to read. The system's own
//! number of a thread is in `system_thread`.

/// A number that no other living thread has; a later thread may get it again. Never 0.
#[cfg(not(loom))]
#[inline]
pub fn current() -> u64 {
    // On a platform without native thread-locals, a thread has no area late in its end. All such
    // threads share the number 1, which no other thread has.
    super::thread_slot::area().map_or(1, |area| area.addr() as u64)
}

/// A number that no other thread of the model has.
#[cfg(loom)]
pub fn current() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NUMBERS: AtomicU64 = AtomicU64::new(0);
    loom::thread_local! {
        static NUMBER: u64 = NUMBERS.fetch_add(1, Ordering::Relaxed) + 1;
    }
    NUMBER.with(|number| *number)
}
