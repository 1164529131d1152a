//! A token that is locked and pinned in one step, and unlocked and unpinned in one step.

use crate::error::Error;
use crate::handle::{CANCELLED, Handle};
use crate::memory::pin::Keeper;
use crate::memory::slot::Slot;
use crate::sys::sync::Ordering;
use crate::token::{TokenCold, TokenLive, TokenPin, Tokens};

/// The lock of a token and an internal reference of it. Both are given back when this is dropped.
#[derive(Debug)]
pub(super) struct LockedToken<'a> {
    tokens: &'a Tokens,
    index: u32,
    slot: &'a Slot<TokenCold, TokenLive>,
}

impl<'a> LockedToken<'a> {
    /// Locks and pins a live token for one call.
    #[inline]
    pub fn new(tokens: &'a Tokens, token: Handle) -> Result<Self, Error> {
        let (index, slot) = tokens.arena.lock(token)?;
        Ok(Self { tokens, index, slot })
    }

    /// Locks and pins a live token. The internal reference may be left to an object that stays
    /// (`leave`).
    #[inline]
    pub fn to_hold(tokens: &'a Tokens, token: Handle) -> Result<Self, Error> {
        let (index, slot) = tokens.arena.lock_to_hold(token)?;
        Ok(Self { tokens, index, slot })
    }

    /// Locks a token that the caller has pinned already.
    #[inline]
    pub fn of_pinned(token: &TokenPin<'a>) -> Self {
        let locked = token.slot().lock_live();
        debug_assert!(locked, "it is pinned");
        Self { tokens: token.keeper(), index: token.index(), slot: token.slot() }
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

    #[inline]
    pub fn is_sealed(&self) -> bool {
        self.slot.is_sealed()
    }

    /// Unlocks the token and keeps it pinned.
    #[inline]
    pub fn into_pin(self) -> TokenPin<'a> {
        let Self { tokens, index, slot } = self;
        self.leave();
        TokenPin::take_over_slot(tokens, index, slot)
    }

    /// Unlocks the token. Its internal reference stays, and belongs to the structure that the
    /// caller leaves it to.
    #[inline]
    pub fn leave(self) {
        self.slot.unlock_and_hold();
        std::mem::forget(self);
    }
}

impl LockedToken<'_> {
    /// Unlocks the token, and gives up its own internal reference and `internals` further ones. If
    /// the token dies by this, buries it.
    #[inline]
    pub fn unlock_and_give_up(self, internals: u64) {
        let (tokens, index, slot) = (self.tokens, self.index, self.slot);
        std::mem::forget(self);
        if slot.unlock_and_unpin(1 + internals) {
            tokens.bury(index);
        }
    }
}

impl Drop for LockedToken<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.slot.unlock_and_unpin(1) {
            self.tokens.bury_slot(self.index, self.slot);
        }
    }
}
