//! References that the library itself has to an object in an arena, given back when dropped.
//!
//! - `Pin` and `Hold` have one internal each: a pin is of a call, a hold of what stays. Only a `Hold` can be
//!   left to a data structure; a `Pin` can be passed on to what has room for one of each object.
//! - A `Lent` has none: what holds the object is pinned for as long.
//!
//! Each has the object's slot at hand, so that nothing of it is looked up by number again.

use crate::error::Error;
use crate::handle::{FLAGS, Handle};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::slot::Slot;
use crate::sys::sync::Ordering;
use std::fmt::{Debug, Formatter};
use std::mem::ManuallyDrop;
use std::ops::Deref;

/// A keeper of objects in an arena: knows how to clear one that died. It is a reference to them, or a view
/// that has such references: theirs, and those to what their end takes.
pub trait Keeper<'a>: Copy {
    /// Cold part of its slots.
    type Cold: Default + 'a;
    /// Live part of its slots.
    type Live: LivePart + 'a;
    /// Where they are.
    fn arena(self) -> &'a Arena<Self::Cold, Self::Live>;
    /// Clears and buries the object of this index and slot, which died. Runs destroy-notifies.
    fn bury_slot(self, index: u32, slot: &'a Slot<Self::Cold, Self::Live>);
    /// As `bury_slot`, where only the index is known.
    #[inline]
    fn bury(self, index: u32) {
        self.bury_slot(index, self.arena().slot(index));
    }
}

/// An internal reference for the length of a call, given back when dropped.
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
    /// Pins a live object.
    #[inline]
    pub fn new(keeper: K, handle: Handle) -> Result<Self, Error> {
        let (index, slot) = keeper.arena().pin(handle)?;
        Ok(Self { keeper, index, slot })
    }

    /// Takes over an internal that was left to a data structure by `Hold::leave`, passed on, or added by
    /// index.
    #[inline]
    pub fn take_over(keeper: K, index: u32) -> Self {
        Self { keeper, index, slot: keeper.arena().slot(index) }
    }

    /// As `take_over`, of an object whose slot the caller has at hand.
    #[inline]
    pub fn take_over_slot(keeper: K, index: u32, slot: &'a Slot<K::Cold, K::Live>) -> Self {
        Self { keeper, index, slot }
    }

    /// Passes the internal on to something that ends with the call, or that has room for one of each
    /// object; `take_over` gets it back. What stays takes a `Hold`.
    pub fn pass_on(self) -> u32 {
        let index = self.index;
        std::mem::forget(self);
        index
    }

    /// Who keeps the object.
    #[inline]
    pub fn keeper(&self) -> K {
        self.keeper
    }

    /// Index of the slot.
    #[inline]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The slot.
    #[inline]
    pub fn slot(&self) -> &'a Slot<K::Cold, K::Live> {
        self.slot
    }

    /// The object's handle.
    #[inline]
    pub fn handle(&self) -> Handle {
        self.slot.state().load(Ordering::Relaxed) & !FLAGS
    }
}

/// An internal reference for something that stays, given back when dropped.
#[derive(Debug)]
#[must_use = "it is to be left to something"]
pub struct Hold<'a, K: Keeper<'a>>(Pin<'a, K>);

impl<'a, K: Keeper<'a>> Hold<'a, K> {
    /// Holds a live object.
    #[inline]
    pub fn new(keeper: K, handle: Handle) -> Result<Self, Error> {
        let (index, slot) = keeper.arena().hold(handle)?;
        Ok(Self(Pin::take_over_slot(keeper, index, slot)))
    }

    /// Leaves the internal to a data structure; `Pin::take_over` gets it back.
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

/// A pin that counts nothing: something else that is pinned holds the object for as long.
#[derive(Debug)]
pub struct Lent<'a, K: Keeper<'a>>(ManuallyDrop<Pin<'a, K>>);

impl<'a, K: Keeper<'a>> Lent<'a, K> {
    /// Of an object that the holder of this one keeps; `'a` must not outlive the holder's pin.
    #[inline]
    pub fn new(keeper: K, index: u32) -> Self {
        Self::of_slot(keeper, index, keeper.arena().slot(index))
    }

    /// As `new`, of an object whose slot the caller has at hand.
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
