//! References of the library itself to an object in an arena. They are given back when dropped.
//!
//! - A `Pin` has one internal reference for one call. A `Hold` has one for as long as a data
//!   structure needs it. Only a `Hold` may be left to a data structure. A `Pin` may be passed on to
//!   a structure that has room for one reference of each object.
//! - A `Lent` has no reference. Another object that is pinned for as long holds the object.
//!
//! Each has the object's slot at hand, so the slot is not looked up by number again.

use crate::error::Error;
use crate::handle::{FLAGS, Handle};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::slot::Slot;
use crate::sys::sync::Ordering;
use std::fmt::{Debug, Formatter};
use std::mem::ManuallyDrop;
use std::ops::Deref;

/// The module that keeps the objects of one arena and can clear a dead one. It is a reference to
/// that module's table, or a view of references: to the table, and to the tables that clearing
/// needs.
pub trait Keeper<'a>: Copy {
    /// Cold part of the slots.
    type Cold: Default + 'a;
    /// Live part of the slots.
    type Live: LivePart + 'a;
    /// The arena of the objects.
    fn arena(self) -> &'a Arena<Self::Cold, Self::Live>;
    /// Clears and buries the dead object of this index and slot. Runs destroy-notifies.
    fn bury_slot(self, index: u32, slot: &'a Slot<Self::Cold, Self::Live>);
    /// As `bury_slot`, for a caller that knows the index only.
    #[inline]
    fn bury(self, index: u32) {
        self.bury_slot(index, self.arena().slot(index));
    }
}

/// An internal reference of an object for one call, given back when dropped. If the object dies by
/// this, it is buried.
pub struct Pin<'a, K: Keeper<'a>> {
    keeper: K,
    index: u32,
    slot: &'a Slot<K::Cold, K::Live>,
}

impl<'a, K: Keeper<'a>> Debug for Pin<'a, K> {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Pin").field("handle", &self.handle()).finish()
    }
}

impl<'a, K: Keeper<'a>> Pin<'a, K> {
    /// Pins the live object of a handle. Error: the object is dead, or has too many references.
    #[inline]
    pub fn new(keeper: K, handle: Handle) -> Result<Self, Error> {
        let (index, slot) = keeper.arena().pin(handle)?;
        Ok(Self { keeper, index, slot })
    }

    /// Takes over an internal reference that `Hold::leave` left to a data structure, that `pass_on`
    /// passed on, or that was added by index.
    #[inline]
    pub fn take_over(keeper: K, index: u32) -> Self {
        Self { keeper, index, slot: keeper.arena().slot(index) }
    }

    /// As `take_over`, for a caller that has the object's slot.
    #[inline]
    pub fn take_over_slot(keeper: K, index: u32, slot: &'a Slot<K::Cold, K::Live>) -> Self {
        Self { keeper, index, slot }
    }

    /// Passes the internal reference on to a structure that ends with the call, or that has room
    /// for one reference of each object. `take_over` gets it back. A structure that stays needs a
    /// `Hold`.
    pub fn pass_on(self) -> u32 {
        let index = self.index;
        std::mem::forget(self);
        index
    }

    /// The keeper of the object.
    #[inline]
    pub fn keeper(&self) -> K {
        self.keeper
    }

    /// Index of the object's slot.
    #[inline]
    pub fn index(&self) -> u32 {
        self.index
    }

    #[inline]
    pub fn slot(&self) -> &'a Slot<K::Cold, K::Live> {
        self.slot
    }

    #[inline]
    pub fn handle(&self) -> Handle {
        self.slot.state().load(Ordering::Relaxed) & !FLAGS
    }
}

/// An internal reference of an object for a data structure that stays, given back when dropped
/// unless it was left (`leave`).
#[derive(Debug)]
#[must_use = "it is to be left to something"]
pub struct Hold<'a, K: Keeper<'a>>(Pin<'a, K>);

impl<'a, K: Keeper<'a>> Hold<'a, K> {
    /// Holds the live object of a handle. Error: the object is dead, or has too many references.
    #[inline]
    pub fn new(keeper: K, handle: Handle) -> Result<Self, Error> {
        let (index, slot) = keeper.arena().hold(handle)?;
        Ok(Self(Pin::take_over_slot(keeper, index, slot)))
    }

    /// Leaves the internal reference to a data structure. `Pin::take_over` gets it back.
    pub fn leave(self) -> u32 {
        self.0.pass_on()
    }
}

impl<'a, K: Keeper<'a>> Deref for Hold<'a, K> {
    type Target = Pin<'a, K>;

    #[inline]
    fn deref(&self) -> &Pin<'a, K> {
        &self.0
    }
}

/// A pin that has no reference of its own. Another object, which stays pinned for as long, holds
/// the object.
#[derive(Debug)]
pub struct Lent<'a, K: Keeper<'a>>(ManuallyDrop<Pin<'a, K>>);

impl<'a, K: Keeper<'a>> Lent<'a, K> {
    /// Lends an object that another object holds. `'a` must not outlive the pin of that other
    /// object.
    #[inline]
    pub fn new(keeper: K, index: u32) -> Self {
        Self::of_slot(keeper, index, keeper.arena().slot(index))
    }

    /// As `new`, for a caller that has the object's slot.
    #[inline]
    pub fn of_slot(keeper: K, index: u32, slot: &'a Slot<K::Cold, K::Live>) -> Self {
        Self(ManuallyDrop::new(Pin::take_over_slot(keeper, index, slot)))
    }
}

impl<'a, K: Keeper<'a>> Deref for Lent<'a, K> {
    type Target = Pin<'a, K>;

    #[inline]
    fn deref(&self) -> &Pin<'a, K> {
        &self.0
    }
}

impl<'a, K: Keeper<'a>> Drop for Pin<'a, K> {
    #[inline]
    fn drop(&mut self) {
        if self.slot.unpin() {
            self.keeper.bury_slot(self.index, self.slot);
        }
    }
}
