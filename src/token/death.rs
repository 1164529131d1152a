//! How a token dies. A token without any reference can no longer be cancelled, listened to or
//! polled.
//!
//! The thread that takes the last reference away buries the token, in this order. The deadline is
//! disarmed: until then the timer may look at the token. Callbacks, waits and events are dropped,
//! and the waits end as gone. The token is unlinked from its parents, which may die by that. The
//! record of the cancel and the token's other parts are given back. Last, the slot is free.
//! Destroy-notifies run during this, so a thread that must not run foreign code leaves the burial
//! to the callback thread.
//!
//! A parent that dies is buried in the same loop, chained by `next_dead`. There is no recursion: a
//! chain of a million tokens needs no stack.

use crate::error::Error;
use crate::handle::{CANCELLED, FLAGS, Handle};
use crate::memory::arena::Arena;
use crate::memory::pin::Keeper;
use crate::memory::pool::NIL;
use crate::memory::slot::Slot;
use crate::sys::sync::{AtomicU32, Ordering};
use crate::token::chain::Dead;
use crate::token::link::Links;
use crate::token::{Record, TokenCold, TokenLive, Tokens};

impl<'a> Keeper<'a> for &'a Tokens {
    type Cold = TokenCold;
    type Live = TokenLive;

    fn arena(self) -> &'a Arena<TokenCold, TokenLive> {
        &self.arena
    }

    #[inline]
    fn bury_slot(self, index: u32, slot: &'a Slot<TokenCold, TokenLive>) {
        let live = slot.live();
        let word = |word: &AtomicU32| word.load(Ordering::Relaxed);
        let used = word(&slot.cold.caller_id)
            | word(&slot.cold.foreign)
            | word(&live.deadline)
            | word(&live.signals)
            | word(&live.callbacks)
            | word(&live.link.sibling);
        let flags = slot.state().load(Ordering::Relaxed) & FLAGS;
        // None of these words changes any more: cancelling, waiting and registering need a pin.
        let is_plain =
            used == NIL && flags == 0 && !slot.cold.watched.has_cell() && !slot.cold.sleepers.any();
        if is_plain && !Links::any(live) {
            slot.cold.unwatch(&slot.mark);
            self.arena.bury(index, slot);
        } else if is_plain && Links::at_most_one(live) {
            self.bury_child(index, slot);
        } else {
            self.bury_with_parents(index);
        }
    }
}

impl Tokens {
    /// Takes away one owner, a reference of C code. If it was the last reference, buries the token.
    #[inline]
    pub fn release(&self, token: Handle) -> Result<(), Error> {
        if let Some((index, slot)) = self.arena.release(token)? {
            self.bury_slot(index, slot);
        }
        Ok(())
    }

    /// Buries a dead token that has one parent and nothing else.
    #[inline(never)]
    fn bury_child(&self, index: u32, slot: &Slot<TokenCold, TokenLive>) {
        let mut dead = Dead::NOBODY;
        let mut died = |parent| dead.add(&self.arena, parent);
        self.links.remove_first(&self.arena, index, slot.live(), &mut died);
        slot.cold.unwatch(&slot.mark);
        self.arena.bury(index, slot);
        self.bury_dead(dead);
    }

    /// Clears and buries a dead token, and each parent that dies by that.
    #[inline(never)]
    fn bury_with_parents(&self, index: u32) {
        let mut dead = Dead::NOBODY;
        dead.add(&self.arena, index);
        self.bury_dead(dead);
    }

    /// Clears and buries dead tokens, and each parent that dies by that.
    #[inline]
    fn bury_dead(&self, mut dead: Dead) {
        while let Some(index) = dead.pop(&self.arena) {
            self.clear(index, &mut dead);
            self.end(index);
        }
    }

    /// Ends the burial of a cleared token, and the waits of threads that sleep for it, as gone. Its
    /// slot is not used again before these threads have left.
    fn end(&self, index: u32) {
        let slot = self.arena.slot(index);
        let sleepers = &slot.cold.sleepers;
        if !sleepers.any() {
            return self.arena.bury(index, slot);
        }
        if !self.arena.bury_and_keep(slot) {
            // The slot's generations are used up, so it must never be put back. The last sleeper to
            // leave would put it back, so one more is counted, which never leaves.
            sleepers.enter();
        }
        if sleepers.wake_gone() || crate::weakened!("sleepers_keep_slot") {
            self.arena.put_back(index);
        }
    }

    /// Takes apart a dead token for its burial: its deadline, registrations, links, record and
    /// other parts. Parents that die by it are added to `dead`.
    fn clear(&self, index: u32, dead: &mut Dead) {
        let slot = self.arena.slot(index);
        let live = slot.live();
        // This comes first: until the deadline is disarmed the timer may look at the token.
        if live.deadline.load(Ordering::Relaxed) != NIL {
            self.deadlines.disarm(&self.arena, index);
        }
        self.drop_listeners(index);
        let gathering = live.link.sibling.load(Ordering::Relaxed);
        if gathering != NIL {
            live.link.sibling.store(NIL, Ordering::Relaxed);
            self.close_gathering(gathering);
        }
        if Links::any(live) {
            self.links.remove_all(&self.arena, index, |parent| dead.add(&self.arena, parent));
        }
        if slot.state().load(Ordering::Relaxed) & CANCELLED != 0 {
            self.texts.release(slot.cold.record().reason);
            slot.cold.set_record(Record::default());
        }
        self.strip(slot);
    }

    /// Drops all registrations of a token that is dying or sealed. None can be added to either.
    pub(crate) fn drop_listeners(&self, token: u32) {
        let live = self.arena().slot(token).live();
        if !live.is_listened() {
            return;
        }
        while let Some(index) = self
            .take_first(token, |live| &live.signals)
            .or_else(|| self.take_first(token, |live| &live.callbacks))
        {
            self.end_registration(index, None);
        }
    }

    /// Takes an internal reference of a token away. If the token dies by it, the token is added to
    /// `dead` for the caller to bury.
    pub(crate) fn let_go(&self, index: u32, dead: &mut Dead) {
        if self.arena.unpin(index) {
            dead.add(&self.arena, index);
        }
    }

    /// Buries tokens that died when references of them were given up. Runs destroy-notifies.
    pub(crate) fn bury_all(&self, mut dead: Dead) {
        while let Some(token) = dead.pop(self.arena()) {
            self.bury(token);
        }
    }
}
