//! The lock of an object, a bit of its control word: taken together with the internal of a call by one
//! compare-and-swap, and given back with it by one subtraction.
//!
//! Invariants:
//! - LOCKED is set by whoever finds it clear, and cleared by the same thread. What it guards says the object.
//! - Who locks a live object pins it in the same step, so it does not die under a lock.
//! - A dead object whose burial has not ended can be locked by who knows its generation, without a pin. The
//!   burial does not look at the bit when it ends and takes it away. So who locked a dead object must not
//!   touch it once nothing is left in it that the burial waits for; and clears the bit only in the generation
//!   in which he set it, which no other use of the slot has.
//! - Who waits is counted beside the control word, so a bit that was taken away wakes nobody: who set it
//!   does, when he unlocks, whatever the slot is by then. Who wakes for nothing looks again.
//! - Two locks may be held at a time where the objects have an order; see who does that.

use crate::memory::slot::{
    BY_A_CALL, BY_A_WALK, BY_NOBODY, BY_WHAT_STAYS, COUNTS, CountField, GENERATION_SHIFT, INTERNAL,
    LOCKED, Raise, Slot,
};
use crate::sys::parking::Parking;
use crate::sys::sync::{Ordering, yield_now};

/// A live part that has room for those who wait for its lock.
pub trait Lockable {
    /// Who waits.
    fn parking(&self) -> &Parking;
}

/// How an object was locked, which says how it is unlocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it has to be unlocked"]
pub enum LockedAs {
    /// Alive, and pinned by this.
    Alive,
    /// Dead, in this generation.
    Dead(u32),
}

/// How often one looks before one goes to sleep.
#[cfg(not(loom))]
const LOOKS: u32 = 100;
#[cfg(loom)]
const LOOKS: u32 = 0;

/// Whose lock is wanted.
#[derive(Clone, Copy)]
struct Wanted {
    generation: Option<u32>,
    count: CountField,
    /// Also while it is dead and not buried.
    or_dead: bool,
}

impl Wanted {
    /// The control word once locked. An error: it must not be.
    #[inline(always)]
    fn locked(self, now: u64) -> Result<u64, Raise> {
        let age = now >> GENERATION_SHIFT;
        if self.generation.is_some_and(|wanted| age != u64::from(wanted)) {
            return Err(Raise::Dead);
        }
        if now & COUNTS == 0 && !crate::weakened!("dead_stays_dead") {
            return if self.or_dead { Ok(now | LOCKED) } else { Err(Raise::Dead) };
        }
        self.count.raised(now).map(|new| new | LOCKED)
    }
}

impl<Cold, Live: Lockable> Slot<Cold, Live> {
    #[inline(always)]
    fn acquire(&self, wanted: Wanted) -> Result<u64, Raise> {
        let control = &self.line.control;
        let mut now = control.load(Ordering::Relaxed);
        loop {
            let new = wanted.locked(now)?;
            if now & LOCKED != 0 {
                now = self.wait_for_lock();
                continue;
            }
            match control.compare_exchange_weak(now, new, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(now),
                Err(other) => now = other,
            }
        }
    }

    /// Waits until the lock is free, or a little. Comes back with the control word.
    #[cold]
    #[inline(never)]
    fn wait_for_lock(&self) -> u64 {
        let control = &self.line.control;
        for _ in 0..LOOKS {
            let now = control.load(Ordering::Relaxed);
            if now & LOCKED == 0 {
                return now;
            }
            std::hint::spin_loop();
        }
        let look = || control.fetch_or(0, Ordering::AcqRel);
        self.live().parking().sleep_while(|| look() & LOCKED != 0);
        control.load(Ordering::Relaxed)
    }

    /// Locks and pins the live object of this generation, for a call.
    #[inline]
    pub(super) fn lock_generation(&self, generation: u32) -> Result<(), Raise> {
        let wanted = Wanted { generation: Some(generation), count: BY_A_CALL, or_dead: false };
        self.acquire(wanted).map(drop)
    }

    /// As `lock_generation`; the pin may be left to something that stays.
    #[inline]
    pub(super) fn lock_to_hold(&self, generation: u32) -> Result<(), Raise> {
        let wanted = Wanted { generation: Some(generation), count: BY_WHAT_STAYS, or_dead: false };
        self.acquire(wanted).map(drop)
    }

    /// Locks and pins what lives here, whatever it is, for a walk. False: nothing does.
    #[inline]
    pub fn lock_live(&self) -> bool {
        loop {
            match self.acquire(Wanted { generation: None, count: BY_A_WALK, or_dead: false }) {
                Ok(_) => return true,
                Err(Raise::Dead) => return false,
                // A thousand walks have it pinned at this moment, and let go of it.
                Err(Raise::Overflow) => yield_now(),
            }
        }
    }

    /// Locks and pins the object of this generation, or locks it while it is dead and not yet buried.
    /// `None`: it is no more.
    #[inline]
    pub(super) fn lock_dying(&self, generation: u32) -> Option<LockedAs> {
        let wanted = Wanted { generation: Some(generation), count: BY_A_WALK, or_dead: true };
        let before = self.acquire(wanted).ok()?;
        Some(if before & COUNTS == 0 { LockedAs::Dead(generation) } else { LockedAs::Alive })
    }

    /// Unlocks a live object and takes so many internals away, that of the lock among them. True: it died
    /// and the caller has to bury it.
    #[inline]
    #[must_use]
    pub fn unlock_and_unpin(&self, internals: u64) -> bool {
        let before = self.line.control.fetch_sub(LOCKED + internals * INTERNAL, Ordering::AcqRel);
        debug_assert_ne!(before & LOCKED, 0, "unlocked more often than locked");
        self.live().parking().wake();
        before & COUNTS == internals * INTERNAL
    }

    /// Unlocks a live object; the internal of the lock stays.
    #[inline]
    pub fn unlock_and_hold(&self) {
        let died = self.unlock_and_unpin(0);
        debug_assert!(!died, "it has an internal");
    }

    /// Unlocks an object that was dead.
    #[cold]
    pub(super) fn unlock_dead(&self, generation: u32) {
        let control = &self.line.control;
        let mut now = control.load(Ordering::Relaxed);
        let is_same = |now: u64| {
            now >> GENERATION_SHIFT == u64::from(generation)
                || crate::weakened!("unlock_in_its_life")
        };
        while now & LOCKED != 0 && is_same(now) {
            let new = now & !LOCKED;
            match control.compare_exchange_weak(now, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(other) => now = other,
            }
        }
        self.live().parking().wake();
    }

    /// Locks an object that the caller has pinned, or has to bury; dropped, it is unlocked.
    #[inline]
    pub fn lock(&self) -> SlotLock<'_, Cold, Live> {
        let wanted = Wanted { generation: None, count: BY_NOBODY, or_dead: true };
        let before = self.acquire(wanted).ok();
        debug_assert!(before.is_some(), "nothing refuses it");
        SlotLock(self, before.unwrap_or_default())
    }
}

/// The lock of an object that cannot be buried meanwhile; and the control word from before.
#[derive(Debug)]
#[must_use = "dropped, it is unlocked"]
pub struct SlotLock<'a, Cold, Live: Lockable>(&'a Slot<Cold, Live>, u64);

impl<Cold, Live: Lockable> Drop for SlotLock<'_, Cold, Live> {
    #[inline]
    fn drop(&mut self) {
        if self.1 & COUNTS == 0 {
            self.0.unlock_dead((self.1 >> GENERATION_SHIFT) as u32);
        } else {
            let _ = self.0.unlock_and_unpin(0);
        }
    }
}
