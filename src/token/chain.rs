//! Chains of tokens, linked by words in the tokens' own slots, so that a chain needs no memory. One
//! kind chains flagged tokens, each pinned; the other chains dead tokens.

use crate::memory::pool::NIL;
use crate::sys::sync::Ordering;
use crate::token::cell::TokenSlots;

/// Tokens chained by `next_cancelled`, each pinned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "the tokens are pinned"]
pub struct Chain {
    first: u32,
    last: u32,
}

impl Chain {
    pub const EMPTY: Self = Self { first: NIL, last: NIL };

    /// Appends a pinned token that is in no chain.
    pub fn append(&mut self, slots: &TokenSlots, token: u32) {
        let next = |index: u32| &slots.slot(index).live().next_cancelled;
        next(token).store(NIL, Ordering::Relaxed);
        if self.first == NIL {
            self.first = token;
        } else {
            next(self.last).store(token, Ordering::Relaxed);
        }
        self.last = token;
    }

    /// Appends all tokens of `other`, with their pins.
    pub fn join(&mut self, slots: &TokenSlots, other: Self) {
        if other.first == NIL {
            return;
        }
        if self.first == NIL {
            *self = other;
        } else {
            slots.slot(self.last).live().next_cancelled.store(other.first, Ordering::Relaxed);
            self.last = other.last;
        }
    }

    /// Takes the first token off; its pin is the caller's. `None`: the chain is empty.
    pub fn pop(&mut self, slots: &TokenSlots) -> Option<u32> {
        let token = self.first;
        if token == NIL {
            return None;
        }
        self.first = slots.slot(token).live().next_cancelled.load(Ordering::Relaxed);
        Some(token)
    }

    /// The tokens, first to last.
    pub fn iter<'a>(&self, slots: &'a TokenSlots) -> impl Iterator<Item = u32> + use<'a> {
        let number = |number: u32| (number != NIL).then_some(number);
        std::iter::successors(number(self.first), move |now: &u32| {
            number(slots.slot(*now).live().next_cancelled.load(Ordering::Relaxed))
        })
    }
}

/// Dead tokens that are still to be buried, chained by `next_dead`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "somebody has to bury them"]
pub struct Dead {
    first: u32,
}

impl Dead {
    pub const NOBODY: Self = Self { first: NIL };

    /// Adds a dead token that is in no chain.
    pub fn add(&mut self, slots: &TokenSlots, token: u32) {
        slots.slot(token).next_dead().store(self.first, Ordering::Relaxed);
        self.first = token;
    }

    /// Takes one token off, for the caller to bury. `None`: there is none.
    pub fn pop(&mut self, slots: &TokenSlots) -> Option<u32> {
        let token = self.first;
        if token == NIL {
            return None;
        }
        self.first = slots.slot(token).next_dead().load(Ordering::Relaxed);
        Some(token)
    }
}
