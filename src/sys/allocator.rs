//! The allocator of the library: the system's, with a reserve for code that has no answer to a full memory.
//!
//! Some crates end the process when they are refused. Looking for room before they are called would be
//! a race with the next allocation of another thread. So what they need is allocated first, by
//! [`with_reserve`], which can be refused; inside it what the system refuses to this thread comes from
//! there. A block of the reserve is one of the system's own, so who got it may give it back at any time, on
//! any thread.
//!
//! The reserve is looked at only when the system has refused: all else costs one comparison with NULL.
//!
//! Invariant: a block is in `kept` until it is handed out; what is in `kept` at the end is given back. What a
//! growing vector leaves behind when it moves is kept for the next one.

use super::fallible::OutOfMemory;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// What the library allocates with.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// The most blocks in a reserve.
const MOST_BLOCKS: usize = 32;

/// What the system aligns everything to, and takes back without being told how large it was.
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
    /// What serves this thread; NULL outside. Without a destructor, which would be registered in memory.
    static RESERVE: Cell<*const Reserve> = const { Cell::new(std::ptr::null()) };
}

/// Calls what allocates at most blocks of these sizes at the same time and cannot be refused. A vector that
/// grows needs one for each size that it grows through. Inside, what can be refused should not be asked
/// for: it would take from the reserve, too.
pub fn with_reserve<T>(
    sizes: impl IntoIterator<Item = usize>,
    call: impl FnOnce() -> T,
) -> Result<T, OutOfMemory> {
    let reserve = Reserve { kept: [const { Cell::new(None) }; MOST_BLOCKS] };
    let mut places = reserve.kept.iter();
    for size in sizes {
        let place = places.next().ok_or(OutOfMemory)?;
        let layout = Layout::from_size_align(size.max(1), ALIGNMENT).map_err(|_| OutOfMemory)?;
        // SAFETY: a size above 0.
        let address = NonNull::new(unsafe { system::alloc(layout) }).ok_or(OutOfMemory)?;
        place.set(Some(Block { address, size: layout.size() }));
    }
    let _scope = Scope::enter(&reserve);
    Ok(call())
}

/// The sizes that a vector of bytes grows through to hold so many.
pub fn growth(most: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(8_usize), move |size| (*size < most).then(|| 2 * size))
}

/// Calls what is not to be served from the reserve of the call that it is inside.
pub fn without_reserve<T>(call: impl FnOnce() -> T) -> T {
    let _scope = Scope::enter(std::ptr::null());
    call()
}

/// A reserve serves this thread until it is dropped, also by a panic.
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
            // SAFETY: allocated with this layout, and handed out to nobody.
            unsafe {
                let layout = Layout::from_size_align_unchecked(block.size, ALIGNMENT);
                system::dealloc(block.address.as_ptr(), layout);
            }
        }
    }
}

impl Reserve {
    /// The smallest block that fits.
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

    /// Keeps a block that was moved out of.
    fn keep(&self, address: *mut u8, layout: Layout) {
        let free = self.kept.iter().find(|place| place.get().is_none());
        match (free, NonNull::new(address)) {
            (Some(place), Some(address)) => {
                place.set(Some(Block { address, size: layout.size() }));
            }
            // SAFETY: the caller's to give back.
            _ => unsafe { system::dealloc(address, layout) },
        }
    }
}

/// What serves the calling thread.
fn reserve<'call>() -> Option<&'call Reserve> {
    let reserve = RESERVE.try_with(Cell::get).ok()?;
    // SAFETY: NULL, or a reserve further up on this thread's stack, which leaves the scope first.
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
    // SAFETY: both are as large as the smaller of the two sizes, and not the same.
    unsafe { new.as_ptr().copy_from_nonoverlapping(old, layout.size().min(size)) };
    reserve.keep(old, layout);
    new.as_ptr()
}

// SAFETY: memory of the system's allocator, or of the reserve, which is the system's as well: at
// least as large and as aligned as asked for, and for this alignment the system takes it back without
// looking at the size.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        let address = unsafe { system::alloc(layout) };
        if address.is_null() { from_reserve(layout) } else { address }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        let address = unsafe { system::alloc_zeroed(layout) };
        if !address.is_null() {
            return address;
        }
        let address = from_reserve(layout);
        if !address.is_null() {
            // SAFETY: a block that is large enough.
            unsafe { address.write_bytes(0, layout.size()) };
        }
        address
    }

    #[inline]
    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { system::dealloc(address, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        let grown = unsafe { system::realloc(address, layout, size) };
        if grown.is_null() {
            // SAFETY: as above; the system has left the old block as it was.
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
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    pub unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    pub unsafe fn dealloc(address: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(address, layout) }
    }

    #[inline]
    pub unsafe fn realloc(address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
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

    /// As a crate that cannot be refused.
    fn growing(most: usize) -> Vec<u8> {
        (0..most).map(|byte| byte as u8).filter(|_| true).collect()
    }

    #[test]
    fn what_cannot_be_refused_is_served_when_memory_is_full() {
        let values = with_reserve(growth(1000), || with_limits(NONE, || growing(1000))).unwrap();
        assert_eq!(values, growing(1000));
        // Outside, and on another thread, it is memory like any other.
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
            // A block of the reserve that was written to, and was left.
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
