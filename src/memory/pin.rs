//! References that the library itself has to an object in an arena, given back when dropped.
//!
//! - `Pin` and `Hold` have one internal each: a pin is of a call, a hold of what stays. Only a `Hold` can be
//!   left to a data structure; a `Pin` can be passed on to what has room for one of each object.
//! - A `Lent` has none: what holds the object is pinned for as long.

use crate::error::Error;
use crate::handle::Handle;
use crate::memory::arena::{Arena, LivePart};
use crate::memory::slot::Slot;
use std::marker::PhantomData;
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
    /// Clears and buries the object of this index, which died. Runs destroy-notifies.
    fn bury(self, index: u32);
}

/// An internal reference for the length of a call, given back when dropped.
#[derive(Debug)]
pub struct Pin<'a, K: Keeper<'a>> {
    keeper: K,
    index: u32,
    kept: PhantomData<&'a ()>,
}

impl<'a, K: Keeper<'a>> Pin<'a, K> {
    /// Pins a live object.
    #[inline]
    pub fn new(keeper: K, handle: Handle) -> Result<Self, Error> {
        Ok(Self::take_over(keeper, keeper.arena().pin(handle)?))
    }

    /// Takes over an internal that was left to a data structure by `Hold::leave`, passed on, or added by
    /// index.
    #[inline]
    pub fn take_over(keeper: K, index: u32) -> Self {
        Self { keeper, index, kept: PhantomData }
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
        self.keeper.arena().slot(self.index)
    }

    /// The object's handle.
    pub fn handle(&self) -> Handle {
        self.keeper.arena().handle_of(self.index)
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
        Ok(Self(Pin::take_over(keeper, keeper.arena().hold(handle)?)))
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
    pub fn new(keeper: K, index: u32) -> Self {
        Self(ManuallyDrop::new(Pin::take_over(keeper, index)))
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
        if self.keeper.arena().unpin(self.index) {
            self.keeper.bury(self.index);
        }
    }
}
