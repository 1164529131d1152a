//! A token that was locked and pinned in one step, and is let go of in one.

use crate::error::Error;
use crate::handle::{CANCELLED, Handle};
use crate::memory::pin::Keeper;
use crate::memory::slot::Slot;
use crate::sys::sync::Ordering;
use crate::token::{TokenCold, TokenLive, TokenPin, Tokens};

/// Its lock, and an internal of it. Dropped, both are given back.
#[derive(Debug)]
pub(super) struct LockedToken<'a> {
    tokens: &'a Tokens,
    index: u32,
    slot: &'a Slot<TokenCold, TokenLive>,
}

impl<'a> LockedToken<'a> {
    /// Locks a live token for a call.
    #[inline]
    pub fn new(tokens: &'a Tokens, token: Handle) -> Result<Self, Error> {
        let (index, slot) = tokens.arena.lock(token)?;
        Ok(Self { tokens, index, slot })
    }

    /// Locks a live token; its internal may be left to something that stays.
    #[inline]
    pub fn to_hold(tokens: &'a Tokens, token: Handle) -> Result<Self, Error> {
        let (index, slot) = tokens.arena.lock_to_hold(token)?;
        Ok(Self { tokens, index, slot })
    }

    #[inline]
    pub fn index(&self) -> u32 {
        self.index
    }

    #[inline]
    pub fn slot(&self) -> &'a Slot<TokenCold, TokenLive> {
        self.slot
    }

    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.slot.state().load(Ordering::Acquire) & CANCELLED != 0
    }

    /// Unlocks it; it stays pinned.
    #[inline]
    pub fn into_pin(self) -> TokenPin<'a> {
        let (tokens, index) = (self.tokens, self.index);
        self.leave();
        TokenPin::take_over(tokens, index)
    }

    /// Unlocks it and leaves the internal to something.
    #[inline]
    pub fn leave(self) {
        self.slot.unlock_and_hold();
        std::mem::forget(self);
    }
}

impl Drop for LockedToken<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.slot.unlock_and_unpin(1) {
            self.tokens.bury(self.index);
        }
    }
}
