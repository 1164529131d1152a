//! Cancelling: the flag, its way down to the descendants, and the consequences; now, by another
//! thread, or at a deadline.
//!
//! The steps of a cancel of one token: lock it. Unless CANCELLED is set, write the record, then set
//! CANCELLED with Release. See whether anything is in the token's lists. Unlock. A cancel that
//! loses the race sees the flag, either at its first look or under the lock. So it returns only
//! after the flag is visible, and the first reason wins. Nothing is added to the lists of a token
//! whose flag is set. So a token whose lists were empty needs no second visit.
//!
//! Children are locked and flagged under their parent's lock, a batch at a time. Then the flag
//! spreads further down, without recursion. The thread that set a token's flag may use the token's
//! `next_cancelled`. That word first chains the tokens whose children are still to be visited, and
//! later those whose callbacks are still to be run. Each chained token is pinned.

use crate::error::Error;
use crate::handle::CANCELLED;
use crate::memory::pool::NIL;
use crate::memory::slot::Slot;
use crate::queue::posted::{PostedId, Stage};
use crate::sys::clock;
use crate::sys::sync::Ordering;
use crate::token::chain::{Chain, Dead};
use crate::token::diagnose::Reached;
use crate::token::link::{MOST_CHILDREN, Taken};
use crate::token::locked::LockedToken;
use crate::token::source;
use crate::token::{Cause, Record, TokenCold, TokenLive, TokenPin, TokenSlots, Tokens};

/// The reason text of a cancel by a deadline.
const DEADLINE_EXCEEDED: &str = "deadline exceeded";

/// Outcome of an attempt to flag a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flagged {
    /// Another cancel was first.
    Before,
    /// The token is sealed, so the cancel is refused.
    Sealed,
    /// Flagged. The token's lists are empty.
    Alone,
    /// Flagged. The token's lists are empty, but threads sleep until it is cancelled.
    SleptFor,
    /// Flagged. The token has children, signals, callbacks or a posted job.
    WithLists,
}

impl Flagged {
    /// Whether this call cancelled the token.
    #[inline]
    pub fn is_by_this_call(self) -> bool {
        !matches!(self, Self::Before | Self::Sealed)
    }
}

/// Children that were flagged and need more work. Each is pinned.
struct Found {
    children: [(u32, Flagged); MOST_CHILDREN],
    count: usize,
}

/// Work that the walk of a cancel has left to its caller.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) struct Spread {
    /// Flagged tokens, each pinned, that have callbacks, signals, sleepers or a posted job.
    pub(super) chain: Chain,
    /// Tokens that died when the walk let go of them. They are to be buried.
    pub(super) dead: Dead,
}

impl Spread {
    pub(super) const NOTHING: Self = Self { chain: Chain::EMPTY, dead: Dead::NOBODY };

    /// Moves all tokens of `other` into `self`.
    pub(super) fn join(&mut self, slots: &TokenSlots, mut other: Self) {
        self.chain.join(slots, other.chain);
        while let Some(one) = other.dead.pop(slots) {
            self.dead.add(slots, one);
        }
    }
}

impl Tokens {
    /// The record of a pinned token; an empty record if the token is not cancelled.
    pub(crate) fn record_of(&self, pin: &TokenPin<'_>) -> Record {
        if self.is_cancelled(pin) { pin.slot().cold.record() } else { Record::default() }
    }

    /// A copy of a pinned token's record, with its own reference to the reason, which the caller
    /// has to give up.
    pub(crate) fn share_record(&self, pin: &TokenPin<'_>) -> Record {
        let record = self.record_of(pin);
        self.texts.share(record.reason, 1);
        record
    }

    pub(crate) fn forget(&self, record: Option<Record>) {
        if let Some(record) = record {
            self.texts.release(record.reason);
        }
    }

    pub(crate) fn flag_or_forget(&self, index: u32, record: Record) -> Flagged {
        let flagged = self.flag(index, record);
        if !flagged.is_by_this_call() {
            self.texts.release(record.reason);
        }
        flagged
    }

    /// Sets the CANCELLED flag of one token, under its lock. If this call won the race, the token
    /// takes over the record's reference to the reason.
    #[inline]
    fn flag(&self, index: u32, record: Record) -> Flagged {
        let slot = self.arena.slot(index);
        let _lock = (!crate::weakened!("flag_under_lock")).then(|| slot.lock());
        self.decide(index, slot, record)
    }

    /// Decides whether this call cancels a token that the caller has locked. Tokens become
    /// cancelled here and nowhere else. A token that is sealed was decided by `seal`.
    #[inline]
    fn decide(&self, index: u32, slot: &Slot<TokenCold, TokenLive>, record: Record) -> Flagged {
        let state = slot.state().load(Ordering::Relaxed);
        if state & CANCELLED != 0 {
            return Flagged::Before;
        }
        let live = slot.live();
        if slot.is_sealed() && !crate::weakened!("cancel_looks_for_seal") {
            return Flagged::Sealed;
        }
        slot.cold.set_record(record);
        // A plain store is enough. The flags of a token that other threads know are written under
        // its lock only.
        slot.state().store(state | CANCELLED, Ordering::Release);
        // No deadline can be armed after this: `arm` looks at the flag under the same lock.
        if live.deadline.load(Ordering::Relaxed) != NIL && !crate::weakened!("cancel_disarms") {
            self.deadlines.disarm(&self.arena, index);
        }
        if live.is_listened()
            || live.children.load(Ordering::Relaxed) != NIL
            || slot.cold.posted.load(Ordering::Relaxed) != PostedId::NONE.0
        {
            Flagged::WithLists
        } else if slot.cold.sleepers.any() {
            Flagged::SleptFor
        } else {
            Flagged::Alone
        }
    }

    /// Flags up to a batch of children under their parent's lock. Children that need more work are
    /// pinned and put into `found`.
    fn flag_children(
        &self,
        parent: u32,
        record: Record,
        found: &mut Found,
        dead: &mut Dead,
    ) -> Taken {
        self.texts.share(record.reason, MOST_CHILDREN as u32);
        let mut flagged_count = 0;
        let taken = self.links.take_children(&self.arena, parent, |child, slot| {
            // A dying child needs no cancel.
            if !slot.lock_live() {
                return;
            }
            let flagged = self.decide(child, slot, record);
            flagged_count += u32::from(flagged.is_by_this_call());
            let is_over = match flagged {
                Flagged::Before | Flagged::Sealed => true,
                Flagged::Alone => !slot.cold.watched.is_on(),
                Flagged::SleptFor | Flagged::WithLists => false,
            };
            if !is_over {
                slot.unlock_and_hold();
                found.children[found.count] = (child, flagged);
                found.count += 1;
            } else if slot.unlock_and_unpin(1) {
                dead.add(&self.arena, child);
            }
        });
        self.texts.release_some(record.reason, MOST_CHILDREN as u32 - flagged_count);
        taken
    }

    /// Cancels a token and all its descendants, then runs their callbacks. Skips sealed tokens, and
    /// descendants that are below sealed tokens only. True: this call cancelled the token. False:
    /// it was cancelled before, or is sealed.
    ///
    /// If there is no memory for the reason, the cancel goes on without it: stopping matters more
    /// than saying why.
    pub fn cancel(&self, token: &TokenPin<'_>, cause: Cause, reason: &str) -> bool {
        let Some(Spread { chain, dead }) = self.flag_all(token, cause, reason) else {
            return false;
        };
        self.bury_all(dead);
        self.run_callbacks(chain);
        true
    }

    /// As `cancel`, but leaves callbacks and destroy-notifies to the callback thread.
    pub fn cancel_deferred(&self, token: &TokenPin<'_>, cause: Cause, reason: &str) -> bool {
        let Some(Spread { chain, dead }) = self.flag_all(token, cause, reason) else {
            return false;
        };
        self.defer(chain, dead);
        true
    }

    /// Flags a token and its descendants, then wakes their waiters and sets their events. Returns
    /// the work that is left. `None`: the token was cancelled or sealed before.
    fn flag_all(&self, token: &TokenPin<'_>, cause: Cause, reason: &str) -> Option<Spread> {
        let state = token.slot().state().load(Ordering::Acquire);
        if state & CANCELLED != 0 {
            return None;
        }
        let reason = self.texts.store(reason).unwrap_or_default();
        let record = Record { time_ns: clock::now_ns(), cause, reason };
        let flagged = self.flag_or_forget(token.index(), record);
        if !flagged.is_by_this_call() {
            return None;
        }
        self.note_cancelled(token.index(), &record, Reached::First);
        self.leave_queue(token.index());
        if flagged == Flagged::SleptFor || crate::weakened!("sleepers_wake_last") {
            token.slot().cold.sleepers.wake_cancelled();
        }
        if flagged != Flagged::WithLists {
            return Some(Spread::NOTHING);
        }
        let mut spread = self.spread(token.index(), record);
        let left = self.signal(&spread.chain);
        if left != Spread::NOTHING {
            spread.join(&self.arena, self.spread_left(left));
        }
        Some(spread)
    }

    /// Carries a cancel down from a token that this thread has just flagged and keeps pinned.
    pub(super) fn spread(&self, origin: u32, record: Record) -> Spread {
        let slots = &self.arena;
        let mut spread = Spread::NOTHING;
        let mut to_visit = Chain::EMPTY;
        // The walk gives up one internal reference of each token that it visits. The caller keeps
        // its own pin, so the origin gets a further one here.
        let pinned = slots.pin_index(origin);
        debug_assert!(pinned, "the caller has it pinned");
        to_visit.append(slots, origin);
        let mut found = Found { children: [(NIL, Flagged::Before); MOST_CHILDREN], count: 0 };
        while let Some(current) = to_visit.pop(slots) {
            let listened = loop {
                found.count = 0;
                let taken = self.flag_children(current, record, &mut found, &mut spread.dead);
                for &(child, flagged) in &found.children[..found.count] {
                    self.note_cancelled(child, &record, Reached::ByWalk);
                    self.leave_queue(child);
                    if matches!(flagged, Flagged::WithLists | Flagged::SleptFor) {
                        to_visit.append(slots, child);
                    } else {
                        self.let_go(child, &mut spread.dead);
                    }
                }
                if taken.emptied {
                    self.let_go(current, &mut spread.dead);
                }
                if !taken.more {
                    break taken.listened;
                }
            };
            let is_slept_for = slots.slot(current).cold.sleepers.any();
            if listened || is_slept_for || self.posted(current) != PostedId::NONE {
                spread.chain.append(slots, current);
            } else {
                self.let_go(current, &mut spread.dead);
            }
        }
        spread
    }

    /// Takes a job out of its dispatcher's queue, if one was posted under this token, which was
    /// just flagged.
    fn leave_queue(&self, index: u32) {
        let posted = self.posted(index);
        if posted != PostedId::NONE {
            self.queues.claim(posted, Stage::Cancelled, true);
        }
    }

    /// Arms the token's deadline, or moves it. `None`: the token is cancelled or sealed, so nothing
    /// was armed. Otherwise the answer says whether a deadline was armed before.
    pub fn arm(&self, token: &TokenPin<'_>, time_ns: u64) -> Result<Option<bool>, Error> {
        let locked = LockedToken::of_pinned(token);
        let sealed = token.slot().is_sealed() && !crate::weakened!("arming_looks_for_seal");
        if sealed || locked.is_cancelled() && !crate::weakened!("arming_looks_at_flag") {
            return Ok(None);
        }
        let armed_before = self.deadlines.arm(&self.arena, token.index(), time_ns)?;
        let slot = token.slot();
        if !crate::weakened!("arming_holds") && source::add_source(slot) {
            locked.leave();
        }
        Ok(Some(armed_before))
    }

    /// As `arm`. If the time is over, this cancels the token now and runs the callbacks on this
    /// thread. False: the token was cancelled or sealed before.
    pub fn arm_or_cancel(
        &self,
        token: &TokenPin<'_>,
        time_ns: u64,
        now_ns: u64,
    ) -> Result<bool, Error> {
        if time_ns <= now_ns {
            return Ok(self.cancel(token, Cause::Deadline, DEADLINE_EXCEEDED));
        }
        Ok(self.arm(token, time_ns)?.is_some())
    }

    /// Disarms the token's deadline. False: no deadline was armed, or its time has come and the
    /// timer thread has taken it out.
    #[inline(always)]
    pub fn disarm(&self, token: &TokenPin<'_>) -> bool {
        let is_armed = token.slot().live().deadline.load(Ordering::Relaxed) != NIL;
        is_armed && self.disarm_armed(token)
    }

    #[inline(never)]
    fn disarm_armed(&self, token: &TokenPin<'_>) -> bool {
        self.end_source(token, || self.deadlines.disarm(&self.arena, token.index()))
    }

    /// Cancels each token whose deadline is over. Foreign code is left to the callback thread.
    pub fn expire(&self, now_ns: u64) {
        while let Some(index) = self.deadlines.pop_due(&self.arena, now_ns) {
            let token = TokenPin::take_over(self, index);
            self.cancel_deferred(&token, Cause::Deadline, DEADLINE_EXCEEDED);
            self.let_go_deferred(token);
        }
    }

    /// Disarms all deadlines when the timer thread is stopped. From now on new deadlines are
    /// refused. Posted jobs that sleep until a token with a deadline is cancelled are woken,
    /// because the deadline will not do so any more.
    pub fn stop_deadlines(&self) {
        self.deadlines.stop();
        while let Some(index) = self.deadlines.pop_stopped(&self.arena) {
            let token = TokenPin::take_over(self, index);
            self.end_source(&token, || ());
            self.wake_sleeping_jobs(&token);
        }
    }
}
