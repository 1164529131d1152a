//! A thread's own free cells of pools, in a rack with one shelf for each pool that has a place.
//! `memory::magazine` says how shelves are used.
//!
//! A thread gets a rack once it has moved `BATCH` cells one by one, so a thread that makes a token
//! or two pays nothing. The rack is freed by a hook at the thread's end. The hook is armed before
//! the rack is installed; if it cannot be armed, the thread gets no rack. A thread without a rack
//! moves cells one by one: after its hook ran, after the system has taken its words away, or if
//! there is no memory.
//!
//! The word `rack` of the thread's area is the number of cells moved so far, up to `BATCH`; or
//! `CLOSED`; or the rack's address.

use std::cell::Cell;

/// How many cells move between a shelf and its pool at a time.
#[cfg(not(loom))]
pub const BATCH: u32 = 15;
/// The batch of models. It is small, so that a model gets to the end of a batch.
#[cfg(loom)]
pub const BATCH: u32 = 2;

/// The number of shelves in a rack. The first shelf is not used: its place means "no shelf".
const PLACES: usize = 16;

/// One thread's free cells of one pool, at most twice `BATCH`. An empty shelf is all zero.
#[derive(Debug, Default)]
#[repr(align(32))]
pub struct Shelf {
    /// How many cells are chained from `first` to `last`.
    pub count: Cell<u32>,
    /// The cell that was put on the shelf last.
    pub first: Cell<u32>,
    /// The end of the chain.
    pub last: Cell<u32>,
    /// First cell of a second chain, of `BATCH` cells; 0 if there is none.
    pub spare_first: Cell<u32>,
    /// The end of the second chain.
    pub spare_last: Cell<u32>,
    /// The number of the first cell in a run of consecutive cells that were never used.
    pub unused: Cell<u32>,
    /// The number of cells in that run; 0 while there is a second chain.
    pub unused_count: Cell<u32>,
}

/// One thread's shelves.
#[derive(Debug, Default)]
pub struct Rack([Shelf; PLACES]);

/// The place of a pool's shelf, the same in every rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShelfPlace(u32);

impl ShelfPlace {
    /// The place of a pool that has no shelves.
    pub const NONE: Self = Self(0);

    /// All places that pools can have.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..PLACES as u32).map(Self)
    }

    /// The place as a word.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The place that `bits` returned as this word.
    #[inline(always)]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl Rack {
    /// The shelf at a place.
    #[inline(always)]
    pub fn shelf(&self, place: ShelfPlace) -> &Shelf {
        &self.0[place.0 as usize % PLACES]
    }
}

#[cfg(not(loom))]
pub use thread::{close, open, with_new_shelf, with_shelf};

#[cfg(not(loom))]
mod thread {
    use super::{BATCH, Rack, Shelf, ShelfPlace};
    use crate::sys::fallible::try_box;
    use crate::sys::{thread_exit, thread_slot};
    use std::ptr;
    use std::sync::OnceLock;

    /// The word of a thread whose hook has run.
    const CLOSED: usize = BATCH as usize + 1;

    /// The function that runs at a thread's end and calls `close`.
    static HOOK: OnceLock<fn()> = OnceLock::new();

    /// Lets threads have racks from now on. `hook` runs at the end of each thread that has a rack,
    /// and has to call `close`.
    pub fn open(hook: fn()) {
        let _ = HOOK.set(hook);
    }

    /// Calls `user` with the calling thread's shelf at a place. `None`: `user` was not called,
    /// because the thread has no rack or the pool has no place.
    ///
    /// `user` must not end the thread.
    #[inline(always)]
    pub fn with_shelf<R>(place: ShelfPlace, user: impl FnOnce(&Shelf) -> R) -> Option<R> {
        if place == ShelfPlace::NONE {
            return None;
        }
        let area = thread_slot::area()?;
        // SAFETY: the area is this thread's own and lives until the thread ends.
        let rack = unsafe { (*area).rack.get() };
        if rack.addr() <= CLOSED {
            return None;
        }
        // SAFETY: a word above CLOSED is the address of a box from `make`. Only `close` frees it,
        // and `close` does not run during `user`, which calls nothing but a pool.
        Some(user(unsafe { &*rack.cast::<Rack>() }.shelf(place)))
    }

    /// Does what `with_shelf` does. If the thread has no rack, first counts one moved cell; at the
    /// end of a batch the thread gets a rack.
    pub fn with_new_shelf<R>(place: ShelfPlace, user: impl FnOnce(&Shelf) -> R) -> Option<R> {
        if place != ShelfPlace::NONE {
            make();
        }
        with_shelf(place, user)
    }

    fn make() -> Option<()> {
        let area = thread_slot::area()?;
        // SAFETY: the area is this thread's own and lives until the thread ends.
        let word = unsafe { &(*area).rack };
        let count = word.get().addr();
        if count < BATCH as usize {
            word.set(ptr::without_provenance(count + 1));
        }
        if count != BATCH as usize {
            return None;
        }
        // If one of the next steps fails, the thread tries again after `BATCH` more cells.
        word.set(ptr::null());
        let rack = try_box(Rack::default()).ok()?;
        thread_exit::arm(*HOOK.get()?).ok()?;
        word.set(Box::into_raw(rack).cast_const().cast());
        Some(())
    }

    /// Frees the calling thread's rack, if it has one, after `empty` has emptied the rack. The
    /// thread never gets another rack.
    ///
    /// # Safety
    /// No `with_shelf` of this thread is running.
    pub unsafe fn close(empty: impl FnOnce(&Rack)) {
        let Some(area) = thread_slot::area() else { return };
        // SAFETY: the area is this thread's own and lives until the thread ends.
        let word = unsafe { &(*area).rack };
        let rack = word.replace(ptr::without_provenance(CLOSED));
        if rack.addr() > CLOSED {
            // SAFETY: the box from `make`. The word no longer names it, so it is freed once; and no
            // `with_shelf` runs.
            let rack = unsafe { Box::from_raw(rack.cast_mut().cast::<Rack>()) };
            empty(&rack);
        }
    }
}

/// Always `None`: models give their threads shelves themselves.
#[cfg(loom)]
pub fn with_shelf<R>(_place: ShelfPlace, _user: impl FnOnce(&Shelf) -> R) -> Option<R> {
    None
}

/// Always `None`: models give their threads shelves themselves.
#[cfg(loom)]
pub fn with_new_shelf<R>(_place: ShelfPlace, _user: impl FnOnce(&Shelf) -> R) -> Option<R> {
    None
}
