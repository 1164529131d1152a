//! The library's allocator. It is the system's allocator with a reserve for code that aborts when
//! memory is full.
//!
//! Some crates end the process when an allocation is refused. To look for free memory before
//! calling them would be a race with other threads' allocations. So [`with_reserve`] allocates
//! beforehand what the call needs, and returns an error if there is no memory for it. During the
//! call, an allocation of this thread that the system refuses is served from the reserve. A block
//! of the reserve is an ordinary block of the system, so it may be freed at any time, on any
//! thread.
//!
//! The reserve is looked at only after the system has refused, so other allocations pay one
//! comparison with NULL.
//!
//! Invariant: a block of the reserve is in `kept` until it is handed out, and blocks that are still
//! in `kept` at the end of the call are freed. If a vector grows into a block of the reserve, its
//! old block goes into `kept` for the next allocation.

use super::fallible::OutOfMemory;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// The allocator of all Rust code in the library.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Maximum number of blocks that a reserve can hold.
const MOST_BLOCKS: usize = 32;

/// The alignment of every block of the reserve. Blocks of this alignment are freed by the system
/// without their size.
const ALIGNMENT: usize = 16;

#[derive(Clone, Copy)]
struct Block {
    address: NonNull<u8>,
    size: usize,
}

struct Reserve {
    kept: [Cell<Option<Block>>; MOST_BLOCKS],
}

thread_local! {
    /// The reserve that serves this thread; NULL outside of `with_reserve`. It has no destructor,
    /// because registering one takes memory.
    static RESERVE: Cell<*const Reserve> = const { Cell::new(std::ptr::null()) };
}

/// Calls a function that would abort on a refused allocation, with a reserve of memory. `sizes` are
/// the sizes of the blocks that the function needs at the same time at most; a growing vector needs
/// one block for each size that it grows through. An error: there is no memory for the reserve, and
/// `call` was not called. Allocations inside `call` that may fail should be made by
/// `without_reserve`, or they use up the reserve.
pub fn with_reserve<T>(
    sizes: impl IntoIterator<Item = usize>,
    call: impl FnOnce() -> T,
) -> Result<T, OutOfMemory> {
    let reserve = Reserve { kept: [const { Cell::new(None) }; MOST_BLOCKS] };
    let mut places = reserve.kept.iter();
    for size in sizes {
        let place = places.next().ok_or(OutOfMemory)?;
        let layout = Layout::from_size_align(size.max(1), ALIGNMENT).map_err(|_| OutOfMemory)?;
        // SAFETY: the size is at least 1.
        let address = NonNull::new(unsafe { system::alloc(layout) }).ok_or(OutOfMemory)?;
        place.set(Some(Block { address, size: layout.size() }));
    }
    let _scope = Scope::enter(&reserve);
    Ok(call())
}

/// The sizes that a vector of bytes grows through until it holds `most`.
pub fn growth(most: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(8_usize), move |size| (*size < most).then(|| 2 * size))
}

/// Calls a function whose allocations the reserve of the enclosing `with_reserve` does not serve.
pub fn without_reserve<T>(call: impl FnOnce() -> T) -> T {
    let _scope = Scope::enter(std::ptr::null());
    call()
}

/// While a scope lives, this thread's refused allocations are served from its reserve, or from
/// none. The scope's drop, also in a panic, makes the earlier reserve serve the thread again.
struct Scope(*const Reserve);

impl Scope {
    fn enter(reserve: *const Reserve) -> Self {
        Self(RESERVE.replace(reserve))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        RESERVE.set(self.0);
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        for block in self.kept.iter().filter_map(Cell::take) {
            // SAFETY: allocated with this layout, and never handed out.
            unsafe {
                let layout = Layout::from_size_align_unchecked(block.size, ALIGNMENT);
                system::dealloc(block.address.as_ptr(), layout);
            }
        }
    }
}

impl Reserve {
    /// Takes out the smallest block that fits; `None` if no block does.
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() > ALIGNMENT {
            return None;
        }
        let fits = |place: &&Cell<Option<Block>>| {
            place.get().is_some_and(|block| block.size >= layout.size())
        };
        let place =
            self.kept.iter().filter(fits).min_by_key(|place| place.get().map(|b| b.size))?;
        place.take().map(|block| block.address)
    }

    /// Keeps a block whose contents were moved to a larger one.
    fn keep(&self, address: *mut u8, layout: Layout) {
        let free = self.kept.iter().find(|place| place.get().is_none());
        match (free, NonNull::new(address)) {
            (Some(place), Some(address)) => {
                place.set(Some(Block { address, size: layout.size() }));
            }
            // SAFETY: the caller owns the block, and gives it up here.
            _ => unsafe { system::dealloc(address, layout) },
        }
    }
}

/// The reserve that serves the calling thread; `None` outside of `with_reserve`.
fn reserve<'call>() -> Option<&'call Reserve> {
    let reserve = RESERVE.try_with(Cell::get).ok()?;
    // SAFETY: the pointer is NULL, or a reserve further up on this thread's stack, whose scope ends
    // before it does.
    unsafe { reserve.as_ref() }
}

#[cold]
fn from_reserve(layout: Layout) -> *mut u8 {
    reserve().and_then(|reserve| reserve.take(layout)).map_or(null_mut(), NonNull::as_ptr)
}

/// # Safety
/// As `GlobalAlloc::realloc`.
#[cold]
unsafe fn grown_from_reserve(old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    let Some(reserve) = reserve() else { return null_mut() };
    let Ok(new_layout) = Layout::from_size_align(size, layout.align()) else { return null_mut() };
    let Some(new) = reserve.take(new_layout) else { return null_mut() };
    // SAFETY: both blocks have at least the smaller of the two sizes, and they do not overlap.
    unsafe { new.as_ptr().copy_from_nonoverlapping(old, layout.size().min(size)) };
    reserve.keep(old, layout);
    new.as_ptr()
}

// SAFETY: all blocks come from the system's allocator, also those of the reserve. They are as large
// and as aligned as asked for. A block of the reserve may be larger; for its alignment the system
// frees it without looking at the size.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: `GlobalAlloc`'s caller makes the same promise.
        let address = unsafe { system::alloc(layout) };
        if address.is_null() { from_reserve(layout) } else { address }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: `GlobalAlloc`'s caller makes the same promise.
        let address = unsafe { system::alloc_zeroed(layout) };
        if !address.is_null() {
            return address;
        }
        let address = from_reserve(layout);
        if !address.is_null() {
            // SAFETY: the block has at least that size.
            unsafe { address.write_bytes(0, layout.size()) };
        }
        address
    }

    #[inline]
    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        // SAFETY: `GlobalAlloc`'s caller makes the same promise.
        unsafe { system::dealloc(address, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: `GlobalAlloc`'s caller makes the same promise.
        let grown = unsafe { system::realloc(address, layout, size) };
        if grown.is_null() {
            // SAFETY: as above; a refused `realloc` has left the old block unchanged.
            unsafe { grown_from_reserve(address, layout, size) }
        } else {
            grown
        }
    }
}

/// The system's allocator.
#[cfg(not(debug_assertions))]
mod system {
    use std::alloc::{GlobalAlloc, Layout, System};

    #[inline]
    pub unsafe fn alloc(layout: Layout) -> *mut u8 {
        // SAFETY: the caller makes the same promise.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    pub unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
        // SAFETY: the caller makes the same promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    pub unsafe fn dealloc(address: *mut u8, layout: Layout) {
        // SAFETY: the caller makes the same promise.
        unsafe { System.dealloc(address, layout) }
    }

    #[inline]
    pub unsafe fn realloc(address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller makes the same promise.
        unsafe { System.realloc(address, layout, size) }
    }
}

#[cfg(debug_assertions)]
use super::scarce_memory as system;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scarce_memory::{Limits, with_limits};

    const NONE: Limits = Limits { left: 0, largest: usize::MAX };

    /// Allocates like a crate that aborts when it is refused.
    fn growing(most: usize) -> Vec<u8> {
        (0..most).map(|byte| byte as u8).filter(|_| true).collect()
    }

    #[test]
    fn what_cannot_be_refused_is_served_when_memory_is_full() {
        let values = with_reserve(growth(1000), || with_limits(NONE, || growing(1000))).unwrap();
        assert_eq!(values, growing(1000));
        // Outside of the call, and on another thread, the block is memory like any other.
        let mut values = values;
        values.extend(growing(100_000));
        std::thread::spawn(move || drop(values)).join().unwrap();
    }

    #[test]
    fn a_reserve_that_cannot_be_had_is_an_answer_and_nothing_is_called() {
        for left in 0..3 {
            let limits = Limits { left, largest: usize::MAX };
            let answer = with_limits(limits, || with_reserve([64; 3], || unreachable!("refused")));
            assert_eq!(answer, Err(OutOfMemory));
        }
    }

    #[test]
    fn what_a_vector_moved_out_of_is_there_for_the_next() {
        let three = || {
            let first = growing(60);
            (first, growing(30), growing(15))
        };
        let served = with_reserve(growth(60), || with_limits(NONE, three)).unwrap();
        assert_eq!(served, (growing(60), growing(30), growing(15)));
    }

    #[test]
    fn zeroed_memory_is_zeroed() {
        let dirty = || {
            // A block of the reserve that was written to, and then moved out of.
            let mut dirty = vec![0xff_u8; 64];
            dirty.extend([0xff; 64]);
            vec![0_u8; 64]
        };
        let zeros = with_reserve([64, 256], || with_limits(NONE, dirty)).unwrap();
        assert_eq!(zeros, [0; 64]);
    }

    #[test]
    fn the_inner_of_two_scopes_serves_and_then_the_outer_again() {
        let inner = || with_reserve(growth(100), || with_limits(NONE, || growing(100))).unwrap();
        let both = with_reserve(growth(200), || {
            let first = inner();
            let hidden = without_reserve(|| with_limits(NONE, || Vec::<u8>::new().try_reserve(1)));
            assert!(hidden.is_err());
            (first, with_limits(NONE, || growing(200)))
        });
        assert_eq!(both.unwrap(), (growing(100), growing(200)));
    }

    #[test]
    fn a_panic_leaves_the_scope() {
        let result = std::panic::catch_unwind(|| with_reserve([64], || panic!("inside")));
        assert!(result.is_err() && RESERVE.get().is_null());
    }
}
