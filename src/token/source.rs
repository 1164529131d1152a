//! Sources of cancels that need nobody who owns the token: a parent, one of all, a deadline that is armed, a
//! host's own check. As long as there is one, registrations may keep their token.
//!
//! A deadline that is over is no end of a source: the timer has the token pinned, and flags it.

use crate::handle::FOREIGN;
use crate::memory::pool::NIL;
use crate::memory::slot::Slot;
use crate::sys::sync::Ordering;
use crate::token::link::Links;
use crate::token::locked::LockedToken;
use crate::token::{TokenCold, TokenLive, TokenPin, Tokens};

/// Whether a token has one. Its lock is held.
fn has_source(slot: &Slot<TokenCold, TokenLive>) -> bool {
    let live = slot.live();
    Links::any(live)
        || live.link.sibling.load(Ordering::Relaxed) != NIL
        || live.deadline.load(Ordering::Relaxed) != NIL
        || slot.state().load(Ordering::Relaxed) & FOREIGN != 0
        || crate::weakened!("keeping_needs_a_source")
}

/// A keeping registration was listed in a token that the caller has locked. True: it holds the token by an
/// internal of the caller's.
pub fn add_keeper(slot: &Slot<TokenCold, TokenLive>) -> bool {
    slot.live().keepers.add(|| has_source(slot))
}

/// A source was added to a token that the caller has locked. True: as `add_keeper`.
pub fn add_source(slot: &Slot<TokenCold, TokenLive>) -> bool {
    slot.live().keepers.look_for_source(|| has_source(slot))
}

impl Tokens {
    /// Ends a source of a pinned token, under its lock.
    pub(super) fn end_source<R>(&self, token: &TokenPin<'_>, end: impl FnOnce() -> R) -> R {
        let locked = LockedToken::of_pinned(token);
        let result = end();
        let slot = locked.slot();
        let let_go = slot.live().keepers.lose_source(|| has_source(slot));
        locked.unlock_and_give_up(let_go);
        result
    }
}
