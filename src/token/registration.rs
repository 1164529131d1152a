//! Registrations: what is to happen when a token is cancelled, each behind a handle of its own.
//!
//! Invariants:
//! - A registration that is listed lies in the list of its token that its `Purpose` names, and
//!   that list holds one internal of it.
//! - `life` goes Idle -> Listed -> Running -> Done, and may leave out Listed. It becomes Running by
//!   one compare-and-swap, or under the list's lock together with the removal from the list:
//!   whoever made it Running, and nobody else, calls and destroys what it carries and makes it Done.
//! - `runner` is written by that thread after `life`: others may see 0 for a moment, the thread
//!   itself never does. `waits_before` is written before `runner`.
//! - AWAITED is added to `life` by whoever is going to wait for Done, who therefore either sees
//!   Done or is woken.

use crate::handle::{self, Handle, Kind, NULL};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::list::{List, ListNode, ListNodes};
use crate::memory::magazine::Shelved;
use crate::memory::pin::{Keeper, Pin};
use crate::memory::pool::NIL;
use crate::memory::slot::Slot;
use crate::owner::owned::Owned;
use crate::owner::wait_graph::Inside;
use crate::queue::posted::PostedId;
use crate::sys::callout::CallbackCell;
use crate::sys::sync::{AtomicU32, AtomicU64, Ordering, constructor};
use crate::token::keep::Tie;

const IDLE: u32 = 0;
const LISTED: u32 = 1;
const RUNNING: u32 = 2;
const DONE: u32 = 3;
const STAGES: u32 = 3;
const AWAITED: u32 = 4;

/// Purposes, as a cell has them.
const TO_CALL: u32 = 0;
const TO_WAKE: u32 = 1;
const TO_SET: u32 = 2;
const TO_CALL_AND_KEEP: u32 = 3;
const TO_LEAVE: u32 = 4;
const TO_WAKE_JOB: u32 = 5;

/// What a registration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Calls a plugin's function, on the thread that cancels.
    Callback,
    /// As `Callback`, and keeps its token.
    KeepingCallback,
    /// Wakes a waiter of this number; the token is at this position of those it waits for.
    Wake {
        /// Number of the waiter.
        waiter: u32,
        /// Position of the token among those waited for.
        position: u32,
    },
    /// Sets the native event of this number.
    Event(u32),
    /// Leaves the gathering of this number.
    Leave(u32),
    /// Wakes a posted job. Its host is told of that, so its turn is among the callbacks.
    WakeJob(PostedId),
}

impl Purpose {
    /// What a callback is for.
    #[inline]
    pub fn of_callback(tie: Tie) -> Self {
        if tie == Tie::Keeping { Self::KeepingCallback } else { Self::Callback }
    }

    /// Whether it calls a plugin's function.
    #[inline]
    pub fn is_callback(self) -> bool {
        matches!(self, Self::Callback | Self::KeepingCallback)
    }

    /// Whether it is in the list of what calls out, and not in that of signals.
    pub const fn calls_out(self) -> bool {
        matches!(self, Self::Callback | Self::KeepingCallback | Self::WakeJob(_))
    }
}

/// Written before the registration is known to anyone.
#[derive(Debug, Default)]
pub struct RegistrationCold {
    purpose: AtomicU32,
    number: AtomicU32,
    position: AtomicU32,
    /// The token in whose list it is; NULL for none. Written under that one's lock. It names one life of the
    /// token, so a lock that is taken for it is never that of another.
    token: AtomicU64,
    /// How many waits had begun when it began to run.
    waits_before: AtomicU64,
}

impl RegistrationCold {
    /// The token in whose list it is; NULL for none.
    #[inline]
    pub fn listed_in(&self) -> Handle {
        self.token.load(Ordering::Acquire)
    }
}

/// What is written while it lives.
#[derive(Debug, Default)]
pub struct RegistrationLive {
    /// Its place in the token's list.
    pub node: ListNode,
    life: AtomicU32,
    runner: AtomicU64,
    /// The plugin's function.
    pub callback: CallbackCell,
    /// What its owner knows it by; empty without an owner.
    pub owned: Owned,
}

impl LivePart for RegistrationLive {
    const KIND: Kind = Kind::Registration;
    const NONE_LEFT: &'static str = "registration slots or memory for them; unregister some";
}

/// Where a registration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStage {
    /// Listed, or on its way there.
    Waiting,
    /// Its callback or its destroy-notify runs, on this thread; 0 while that is not known yet.
    Running(u64),
    /// Over.
    Done,
}

impl RegistrationLive {
    /// Lists it, under the list's lock. False: its owner was closed meanwhile and took it over.
    #[inline]
    pub fn begin_listed(&self, has_owner: bool) -> bool {
        if has_owner {
            return self.advance(IDLE, LISTED);
        }
        // Nobody else knows it yet.
        self.life.store(LISTED, Ordering::Release);
        true
    }

    fn advance(&self, from: u32, to: u32) -> bool {
        self.life.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Ends it. True: someone waits for this.
    #[must_use]
    pub fn finish(&self) -> bool {
        self.life.swap(DONE, Ordering::AcqRel) & AWAITED != 0
    }

    /// Where it stands. `wait` announces that the caller is going to wait.
    pub fn stage(&self, wait: bool) -> CallStage {
        let life = if wait {
            self.life.fetch_or(AWAITED, Ordering::AcqRel)
        } else {
            self.life.load(Ordering::Acquire)
        };
        match life & STAGES {
            DONE => CallStage::Done,
            RUNNING => CallStage::Running(self.runner.load(Ordering::Acquire)),
            _ => CallStage::Waiting,
        }
    }

    fn reset(&self) {
        self.life.store(IDLE, Ordering::Relaxed);
        self.runner.store(0, Ordering::Relaxed);
    }
}

/// A pinned registration.
pub type RegistrationPin<'a> = Pin<'a, &'a Registrations>;

/// All registrations.
#[derive(Debug)]
pub struct Registrations {
    arena: Arena<RegistrationCold, RegistrationLive>,
}

impl<'a> Keeper<'a> for &'a Registrations {
    type Cold = RegistrationCold;
    type Live = RegistrationLive;

    fn arena(self) -> &'a Arena<RegistrationCold, RegistrationLive> {
        &self.arena
    }

    fn bury_slot(self, index: u32, slot: &'a Slot<RegistrationCold, RegistrationLive>) {
        slot.live().reset();
        self.arena.bury(index, slot);
    }
}

impl ListNodes for Registrations {
    fn node(&self, number: u32) -> &ListNode {
        &self.arena.slot(number).live().node
    }
}

impl Registrations {
    constructor! {
        /// None.
        pub fn new() -> Self {
            Self { arena: Arena::new() }
        }
    }

    /// Shows the pools of which threads have magazines.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(self.arena.shelved());
    }

    /// What is written while a registration lives.
    pub fn live(&self, index: u32) -> &RegistrationLive {
        self.arena.slot(index).live()
    }

    /// Takes over what was never listed, for the running thread.
    pub fn begin_idle(&self, index: u32, inside: Inside) -> bool {
        let slot = self.arena.slot(index);
        let won = slot.live().advance(IDLE, RUNNING);
        if won {
            slot.cold.waits_before.store(inside.waits_before, Ordering::Relaxed);
            slot.live().runner.store(inside.thread, Ordering::Release);
        }
        won
    }

    /// The token in whose list it is; NULL for none.
    #[inline]
    pub fn listed_in(&self, index: u32) -> Handle {
        self.arena.slot(index).cold.listed_in()
    }

    /// Puts it in front of a list of a token that the caller has locked.
    #[inline]
    pub fn push(&self, first: &AtomicU32, index: u32, token: Handle) {
        self.arena.slot(index).cold.token.store(token, Ordering::Relaxed);
        List::new(self, first).push(index, handle::index(token));
    }

    /// Takes it out of a list of a token that the caller has locked.
    #[inline]
    pub fn remove(&self, first: &AtomicU32, index: u32) {
        List::new(self, first).remove(index);
        self.arena.slot(index).cold.token.store(NULL, Ordering::Release);
    }

    /// Ends what is listed and carries nothing but a function that is not called any more. The caller holds
    /// the list's lock. False: somebody's function has to be called for its end.
    #[inline]
    pub fn end_quietly(&self, index: u32) -> bool {
        let live = self.live(index);
        // The rest of its purpose does not matter here.
        let is_plain = match self.arena.slot(index).cold.purpose.load(Ordering::Relaxed) {
            TO_CALL | TO_CALL_AND_KEEP => {
                live.owned.get().is_none() && live.callback.forget_plain()
            }
            kind => kind == TO_WAKE_JOB,
        };
        if is_plain {
            // Nobody waits for what has not begun, so AWAITED is not set.
            live.life.store(DONE, Ordering::Release);
        }
        is_plain
    }

    /// Takes over what is listed, for the running thread, who holds the list's lock.
    #[inline]
    pub fn begin(&self, index: u32, inside: Inside) {
        let slot = self.arena.slot(index);
        slot.cold.waits_before.store(inside.waits_before, Ordering::Relaxed);
        slot.live().runner.store(inside.thread, Ordering::Relaxed);
        // Nobody waits for what has not begun, so AWAITED is not set.
        slot.live().life.store(RUNNING, Ordering::Release);
    }

    /// Who runs it; `None`: nobody, or it has not been noted yet.
    pub fn inside(&self, index: u32) -> Option<Inside> {
        let slot = self.arena.slot(index);
        let CallStage::Running(thread) = slot.live().stage(false) else { return None };
        let waits_before = slot.cold.waits_before.load(Ordering::Relaxed);
        (thread != 0).then_some(Inside { thread, waits_before })
    }

    /// Says what a new one is for.
    pub fn set_purpose(&self, index: u32, purpose: Purpose) {
        let (what, number, position) = match purpose {
            Purpose::Callback => (TO_CALL, NIL, 0),
            Purpose::KeepingCallback => (TO_CALL_AND_KEEP, NIL, 0),
            Purpose::Wake { waiter, position } => (TO_WAKE, waiter, position),
            Purpose::Event(event) => (TO_SET, event, 0),
            Purpose::Leave(gathering) => (TO_LEAVE, gathering, 0),
            Purpose::WakeJob(PostedId(id)) => (TO_WAKE_JOB, id as u32, (id >> 32) as u32),
        };
        let cold = &self.arena.slot(index).cold;
        cold.purpose.store(what, Ordering::Relaxed);
        cold.number.store(number, Ordering::Relaxed);
        cold.position.store(position, Ordering::Relaxed);
    }

    /// As `purpose(index).calls_out()`.
    #[inline]
    pub fn calls_out(&self, index: u32) -> bool {
        let kind = self.arena.slot(index).cold.purpose.load(Ordering::Relaxed);
        matches!(kind, TO_CALL | TO_CALL_AND_KEEP | TO_WAKE_JOB)
    }

    /// What it is for.
    #[inline]
    pub fn purpose(&self, index: u32) -> Purpose {
        let cold = &self.arena.slot(index).cold;
        let number = cold.number.load(Ordering::Relaxed);
        match cold.purpose.load(Ordering::Relaxed) {
            TO_CALL => Purpose::Callback,
            TO_CALL_AND_KEEP => Purpose::KeepingCallback,
            TO_WAKE => {
                Purpose::Wake { waiter: number, position: cold.position.load(Ordering::Relaxed) }
            }
            TO_SET => Purpose::Event(number),
            TO_WAKE_JOB => {
                let high = u64::from(cold.position.load(Ordering::Relaxed));
                Purpose::WakeJob(PostedId(high << 32 | u64::from(number)))
            }
            _ => Purpose::Leave(number),
        }
    }
}
