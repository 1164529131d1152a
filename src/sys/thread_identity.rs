//! Which of the living threads this is, as a number of the library's own that costs next to nothing. What the
//! system calls the thread is in `system_thread`.

/// A number that no other living thread has; a later thread may get it again. Never 0.
#[cfg(not(loom))]
#[inline]
pub fn current() -> u64 {
    // Late in the end of a thread of a platform without native thread-locals it is one of those
    // few; they are told apart from all others.
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
