//! Registrations: each says what happens when a token is cancelled, and has a handle of its own.
//!
//! Invariants:
//! 1. A listed registration is in that list of its token which its `Purpose` names. The list holds
//!    one internal reference of the registration.
//! 2. `life` goes Idle -> Listed -> Running -> Done, and may skip Listed. It becomes Running by one
//!    compare-and-swap, or under the list's lock in the same step as the removal from the list. The
//!    thread that made it Running calls and destroys what the registration carries, and makes it
//!    Done. No other thread does.
//! 3. The thread that made it Running writes `runner` after `life`. Other threads may see 0 for a
//!    moment. The running thread itself never does. `waits_before` is written before `runner`.
//! 4. A thread that is going to wait for Done adds AWAITED to `life` first. So it either sees Done
//!    or is woken.

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

/// Purposes, as numbers in `RegistrationCold::purpose`.
const TO_CALL: u32 = 0;
const TO_WAKE: u32 = 1;
const TO_SET: u32 = 2;
const TO_CALL_AND_KEEP: u32 = 3;
const TO_LEAVE: u32 = 4;
const TO_WAKE_JOB: u32 = 5;

/// What a registration does when its token is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Calls a plugin's function: on the thread that cancels, or on the callback thread if the
    /// cancelling thread must not run foreign code.
    Callback,
    /// As `Callback`, and keeps its token alive.
    KeepingCallback,
    /// Wakes the waiter with this number.
    Wake {
        waiter: u32,
        /// Position of the token among the tokens that the waiter waits for.
        position: u32,
    },
    /// Sets the native event with this number.
    Event(u32),
    /// Tells the gathering with this number that the token, one of its parents, has left.
    Leave(u32),
    /// Wakes a posted job. This also calls a function of the job's host, so it has its turn among
    /// the callbacks.
    WakeJob(PostedId),
}

impl Purpose {
    /// The purpose of a callback with this tie.
    #[inline]
    pub fn of_callback(tie: Tie) -> Self {
        if tie == Tie::Keeping { Self::KeepingCallback } else { Self::Callback }
    }

    /// Whether the registration is a callback: it calls a function that a plugin gave when it
    /// registered.
    #[inline]
    pub fn is_callback(self) -> bool {
        matches!(self, Self::Callback | Self::KeepingCallback)
    }

    /// Whether the registration runs foreign code. If so, it belongs into the list `callbacks` of
    /// its token, otherwise into the list `signals`.
    pub const fn calls_out(self) -> bool {
        matches!(self, Self::Callback | Self::KeepingCallback | Self::WakeJob(_))
    }
}

/// The words of a registration that are seldom written. Purpose, number and position are written
/// before other threads know the registration.
#[derive(Debug, Default)]
pub struct RegistrationCold {
    purpose: AtomicU32,
    number: AtomicU32,
    position: AtomicU32,
    /// The token in whose list the registration is; NULL for none. Written under that token's lock.
    /// A handle names one life of its slot, so a lock taken through it is never the lock of a later
    /// token.
    token: AtomicU64,
    /// Number of waits (see `wait_graph`) that had begun when the registration began to run.
    waits_before: AtomicU64,
}

impl RegistrationCold {
    /// The token in whose list the registration is; NULL for none.
    #[inline]
    pub fn listed_in(&self) -> Handle {
        self.token.load(Ordering::Acquire)
    }
}

/// The words of a registration that are written while it lives.
#[derive(Debug, Default)]
pub struct RegistrationLive {
    /// The registration's place in its token's list.
    pub node: ListNode,
    life: AtomicU32,
    runner: AtomicU64,
    /// The plugin's function and its user data; empty if the registration is not a callback.
    pub callback: CallbackCell,
    /// The registration's cell with its owner; empty without an owner.
    pub owned: Owned,
}

impl LivePart for RegistrationLive {
    const KIND: Kind = Kind::Registration;
    const NONE_LEFT: &'static str = "registration slots or memory for them; unregister some";
}

/// The stage of a registration, for other threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStage {
    /// The registration has neither begun to run nor ended: it is listed, or about to be, or has no
    /// token.
    Waiting,
    /// The registration's callback or destroy-notify runs on the thread with this number; 0 while
    /// the number is not known yet.
    Running(u64),
    /// The registration is over: its callback and its destroy-notify will not run any more.
    Done,
}

impl RegistrationLive {
    /// Marks the registration as listed. The caller has locked the token. False: the registration's
    /// owner was closed meanwhile, and the close took the registration over.
    #[inline]
    pub fn begin_listed(&self, has_owner: bool) -> bool {
        if has_owner {
            return self.advance(IDLE, LISTED);
        }
        // No other thread knows the registration yet, so a plain store does.
        self.life.store(LISTED, Ordering::Release);
        true
    }

    fn advance(&self, from: u32, to: u32) -> bool {
        self.life.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Marks the registration as done. True: a thread waits for this, and the caller has to wake
    /// it.
    #[must_use]
    pub fn finish(&self) -> bool {
        self.life.swap(DONE, Ordering::AcqRel) & AWAITED != 0
    }

    /// The registration's stage. With `wait`, this announces that the caller is going to wait until
    /// it is done.
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

pub type RegistrationPin<'a> = Pin<'a, &'a Registrations>;

/// The table of all registrations.
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
        pub fn new() -> Self {
            Self { arena: Arena::new() }
        }
    }

    /// Calls `each` with each pool of this table of which threads keep free cells ready (a
    /// magazine).
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(self.arena.shelved());
    }

    /// The words of a registration that are written while it lives.
    pub fn live(&self, index: u32) -> &RegistrationLive {
        self.arena.slot(index).live()
    }

    /// Takes over a registration that was never listed, so that the calling thread has to end it.
    /// `inside` is the calling thread. False: another thread has taken the registration over, or it
    /// is listed.
    pub fn begin_idle(&self, index: u32, inside: Inside) -> bool {
        let slot = self.arena.slot(index);
        let won = slot.live().advance(IDLE, RUNNING);
        if won {
            slot.cold.waits_before.store(inside.waits_before, Ordering::Relaxed);
            slot.live().runner.store(inside.thread, Ordering::Release);
        }
        won
    }

    /// The token in whose list the registration is; NULL for none.
    #[inline]
    pub fn listed_in(&self, index: u32) -> Handle {
        self.arena.slot(index).cold.listed_in()
    }

    /// Puts the registration in front of one of the lists of `token`; `first` is the list's head.
    /// The caller has locked the token.
    #[inline]
    pub fn push(&self, first: &AtomicU32, index: u32, token: Handle) {
        self.arena.slot(index).cold.token.store(token, Ordering::Relaxed);
        List::new(self, first).push(index, handle::index(token));
    }

    /// Takes the registration out of the list of its token whose head is `first`. The caller has
    /// locked the token.
    #[inline]
    pub fn remove(&self, first: &AtomicU32, index: u32) {
        List::new(self, first).remove(index);
        self.arena.slot(index).cold.token.store(NULL, Ordering::Release);
    }

    /// Ends a listed registration if nothing has to be called or told for that: a callback without
    /// destroy-notify and owner, or one that wakes a posted job. The caller has locked the token.
    /// False: nothing was ended.
    #[inline]
    pub fn end_quietly(&self, index: u32) -> bool {
        let live = self.live(index);
        // Only the kind of the purpose matters here, not its number and position.
        let is_plain = match self.arena.slot(index).cold.purpose.load(Ordering::Relaxed) {
            TO_CALL | TO_CALL_AND_KEEP => {
                live.owned.get().is_none() && live.callback.forget_plain()
            }
            kind => kind == TO_WAKE_JOB,
        };
        if is_plain {
            // A thread only waits for a registration that has begun, so no thread has set AWAITED,
            // and a plain store does.
            live.life.store(DONE, Ordering::Release);
        }
        is_plain
    }

    /// Takes over a listed registration, so that the calling thread has to end it. `inside` is the
    /// calling thread, which has locked the token.
    #[inline]
    pub fn begin(&self, index: u32, inside: Inside) {
        let slot = self.arena.slot(index);
        slot.cold.waits_before.store(inside.waits_before, Ordering::Relaxed);
        slot.live().runner.store(inside.thread, Ordering::Relaxed);
        // A thread only waits for a registration that has begun, so no thread has set AWAITED, and
        // a plain store does.
        slot.live().life.store(RUNNING, Ordering::Release);
    }

    /// The thread that runs the registration's functions at this moment. `None`: no thread does, or
    /// the thread's number is not written yet.
    pub fn inside(&self, index: u32) -> Option<Inside> {
        let slot = self.arena.slot(index);
        let CallStage::Running(thread) = slot.live().stage(false) else { return None };
        let waits_before = slot.cold.waits_before.load(Ordering::Relaxed);
        (thread != 0).then_some(Inside { thread, waits_before })
    }

    /// Writes the purpose of a new registration.
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

    /// Whether the registration runs foreign code: as `purpose(index).calls_out()`, with one load.
    #[inline]
    pub fn calls_out(&self, index: u32) -> bool {
        let kind = self.arena.slot(index).cold.purpose.load(Ordering::Relaxed);
        matches!(kind, TO_CALL | TO_CALL_AND_KEEP | TO_WAKE_JOB)
    }

    /// The purpose of a registration.
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
