//! A thread's own free cells of pools: a shelf for each pool that has a place for one. `memory::magazine`
//! says how shelves are used.
//!
//! A thread gets a rack once it has moved as many cells one by one as a batch has, so one that makes a token
//! or two pays nothing. The rack goes when the hook at the thread's end runs, which is armed before the rack
//! is there; without a hook there is no rack. From then on the thread moves cells one by one, as it does
//! where the system has taken its words away, and where there is no memory for a rack.
//!
//! The word `rack` of the thread's area counts up to `BATCH`, is `CLOSED`, or is the rack's address.

use std::cell::Cell;

/// Cells that move between a shelf and its pool at a time.
#[cfg(not(loom))]
pub const BATCH: u32 = 15;
/// As above.
#[cfg(loom)]
pub const BATCH: u32 = 2;

/// Places for pools. The first stands for none.
const PLACES: usize = 16;

/// One thread's free cells of one pool: at most twice `BATCH`. All zero is empty.
#[derive(Debug, Default)]
#[repr(align(32))]
pub struct Shelf {
    /// How many cells are chained from `first` to `last`.
    pub count: Cell<u32>,
    /// The cell that was put here last.
    pub first: Cell<u32>,
    /// The end of the chain.
    pub last: Cell<u32>,
    /// First cell of a second chain of `BATCH`; 0 if there is none.
    pub spare_first: Cell<u32>,
    /// The end of that.
    pub spare_last: Cell<u32>,
    /// The first of some cells that follow each other and were never used.
    pub unused: Cell<u32>,
    /// How many those are; none while there is a second chain.
    pub unused_count: Cell<u32>,
}

/// One thread's shelves.
#[derive(Debug, Default)]
pub struct Rack([Shelf; PLACES]);

/// Which shelf of every rack is a pool's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShelfPlace(u32);

impl ShelfPlace {
    /// Of a pool without shelves.
    pub const NONE: Self = Self(0);

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..PLACES as u32).map(Self)
    }

    /// As a word.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The place that gave these bits.
    #[inline(always)]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl Rack {
    /// The shelf of a place.
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

    /// The thread's hook has run.
    const CLOSED: usize = BATCH as usize + 1;

    /// What runs at a thread's end and calls `close`.
    static HOOK: OnceLock<fn()> = OnceLock::new();

    /// Lets threads have racks. `hook` has to call `close`.
    pub fn open(hook: fn()) {
        let _ = HOOK.set(hook);
    }

    /// Uses the calling thread's shelf of a place. `None`: it has none.
    ///
    /// `user` must not end the thread.
    #[inline(always)]
    pub fn with_shelf<R>(place: ShelfPlace, user: impl FnOnce(&Shelf) -> R) -> Option<R> {
        if place == ShelfPlace::NONE {
            return None;
        }
        let area = thread_slot::area()?;
        // SAFETY: the area is this thread's own and lives until it ends.
        let rack = unsafe { (*area).rack.get() };
        if rack.addr() <= CLOSED {
            return None;
        }
        // SAFETY: what is neither a count nor CLOSED was a box of `make`, which only `close` takes away: not
        // while `user` runs, who calls nothing but a pool.
        Some(user(unsafe { &*rack.cast::<Rack>() }.shelf(place)))
    }

    /// As `with_shelf`, but a thread that has none may get it: counts one cell.
    pub fn with_new_shelf<R>(place: ShelfPlace, user: impl FnOnce(&Shelf) -> R) -> Option<R> {
        if place != ShelfPlace::NONE {
            make();
        }
        with_shelf(place, user)
    }

    fn make() -> Option<()> {
        let area = thread_slot::area()?;
        // SAFETY: the area is this thread's own and lives until it ends.
        let word = unsafe { &(*area).rack };
        let count = word.get().addr();
        if count < BATCH as usize {
            word.set(ptr::without_provenance(count + 1));
        }
        if count != BATCH as usize {
            return None;
        }
        // If this fails now, the thread tries it again after as many more.
        word.set(ptr::null());
        let rack = try_box(Rack::default()).ok()?;
        thread_exit::arm(*HOOK.get()?).ok()?;
        word.set(Box::into_raw(rack).cast_const().cast());
        Some(())
    }

    /// Takes the calling thread's rack away, if it has one, after `empty` has emptied it. It gets no other.
    ///
    /// # Safety
    /// No `with_shelf` of this thread is under way.
    pub unsafe fn close(empty: impl FnOnce(&Rack)) {
        let Some(area) = thread_slot::area() else { return };
        // SAFETY: the area is this thread's own and lives until it ends.
        let word = unsafe { &(*area).rack };
        let rack = word.replace(ptr::without_provenance(CLOSED));
        if rack.addr() > CLOSED {
            // SAFETY: the box of `make`, which nobody else takes back, and which nobody uses.
            let rack = unsafe { Box::from_raw(rack.cast_mut().cast::<Rack>()) };
            empty(&rack);
        }
    }
}

/// Models give their threads shelves themselves.
#[cfg(loom)]
pub fn with_shelf<R>(_place: ShelfPlace, _user: impl FnOnce(&Shelf) -> R) -> Option<R> {
    None
}

/// As above.
#[cfg(loom)]
pub fn with_new_shelf<R>(_place: ShelfPlace, _user: impl FnOnce(&Shelf) -> R) -> Option<R> {
    None
}
