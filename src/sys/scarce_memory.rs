//! The system's allocator with limits: in debug builds a test can limit how much memory its own
//! thread is given.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What the calling thread may still allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many more allocations succeed.
    pub left: u64,
    /// Bytes of the largest allocation that succeeds.
    pub largest: usize,
}

impl Limits {
    pub const NONE: Self = Self { left: u64::MAX, largest: usize::MAX };
}

/// Bytes that a thread has allocated and not freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// The bytes at this moment. If the thread has freed blocks from before the measurement, the
    /// number may be below 0, which shows as a very large number.
    pub now: usize,
    /// The most bytes at any moment of the measurement.
    pub most: usize,
}

thread_local! {
    static LIMITS: Cell<Limits> = const { Cell::new(Limits::NONE) };
    static USED: Cell<Used> = const { Cell::new(Used { now: 0, most: 0 }) };
}

/// Runs a call under limits, which end with the call, also in a panic.
pub fn with_limits<T>(limits: Limits, call: impl FnOnce() -> T) -> T {
    struct Until(Limits);
    impl Drop for Until {
        fn drop(&mut self) {
            LIMITS.set(self.0);
        }
    }
    let _until = Until(LIMITS.replace(limits));
    call()
}

/// Runs a call and counts the most bytes that it held at a time.
pub fn measured<T>(call: impl FnOnce() -> T) -> (T, usize) {
    USED.set(Used::default());
    let result = call();
    (result, USED.get().most)
}

fn is_refused(size: usize) -> bool {
    let limits = LIMITS.get();
    if limits.left == 0 || size > limits.largest {
        return true;
    }
    LIMITS.set(Limits { left: limits.left - u64::from(limits.left != u64::MAX), ..limits });
    false
}

fn count(more: usize, less: usize) {
    let used = USED.get();
    let now = used.now.wrapping_add(more).wrapping_sub(less);
    let most = if now > usize::MAX / 2 { used.most } else { used.most.max(now) };
    USED.set(Used { now, most });
}

/// # Safety
/// As `GlobalAlloc::alloc`.
pub unsafe fn alloc(layout: Layout) -> *mut u8 {
    if is_refused(layout.size()) {
        return std::ptr::null_mut();
    }
    count(layout.size(), 0);
    // SAFETY: the caller makes the same promise.
    unsafe { System.alloc(layout) }
}

/// # Safety
/// As `GlobalAlloc::alloc_zeroed`.
pub unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
    if is_refused(layout.size()) {
        return std::ptr::null_mut();
    }
    count(layout.size(), 0);
    // SAFETY: the caller makes the same promise.
    unsafe { System.alloc_zeroed(layout) }
}

/// # Safety
/// As `GlobalAlloc::dealloc`.
pub unsafe fn dealloc(address: *mut u8, layout: Layout) {
    count(0, layout.size());
    // SAFETY: the caller makes the same promise.
    unsafe { System.dealloc(address, layout) }
}

/// # Safety
/// As `GlobalAlloc::realloc`.
pub unsafe fn realloc(address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    if is_refused(size) {
        return std::ptr::null_mut();
    }
    // Both blocks are allocated while the old one is copied.
    count(size, 0);
    count(0, layout.size());
    // SAFETY: the caller makes the same promise.
    unsafe { System.realloc(address, layout, size) }
}
