//! Sources of a cancel that do not need an owner of the token: a parent, a token of all's parents,
//! an armed deadline, and a host's own check. While a token has a source, registrations may keep it
//! alive.
//!
//! A deadline that is over does not count as a source that has ended: the timer has the token
//! pinned, and flags it.

use crate::handle::FOREIGN;
use crate::memory::pool::NIL;
use crate::memory::slot::Slot;
use crate::sys::sync::Ordering;
use crate::token::link::Links;
use crate::token::locked::LockedToken;
use crate::token::{TokenCold, TokenLive, TokenPin, Tokens};

/// Whether a token has a source of a cancel. The caller has locked the token.
fn has_source(slot: &Slot<TokenCold, TokenLive>) -> bool {
    let live = slot.live();
    Links::any(live)
        || live.link.sibling.load(Ordering::Relaxed) != NIL
        || live.deadline.load(Ordering::Relaxed) != NIL
        || slot.state().load(Ordering::Relaxed) & FOREIGN != 0
        || crate::weakened!("keeping_needs_a_source")
}

/// Notes that a keeping registration was listed in a token that the caller has locked. True: the
/// registration holds the token, and takes over an internal reference of the caller's.
pub fn add_keeper(slot: &Slot<TokenCold, TokenLive>) -> bool {
    slot.live().keepers.add(|| has_source(slot))
}

/// Notes that a source was added to a token that the caller has locked. True: as for `add_keeper`.
pub fn add_source(slot: &Slot<TokenCold, TokenLive>) -> bool {
    slot.live().keepers.look_for_source(|| has_source(slot))
}

impl Tokens {
    /// Calls `end`, which ends a source of a pinned token, under the token's lock. If it was the
    /// last source, registrations no longer keep the token alive.
    pub(super) fn end_source<R>(&self, token: &TokenPin<'_>, end: impl FnOnce() -> R) -> R {
        let locked = LockedToken::of_pinned(token);
        let result = end();
        let slot = locked.slot();
        let let_go = slot.live().keepers.lose_source(|| has_source(slot));
        locked.unlock_and_give_up(let_go);
        result
    }
}
