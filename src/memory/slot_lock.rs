//! The lock of an object: a bit of its control word. One compare-and-swap takes the lock together
//! with the internal of a call, and one subtraction gives both back.
//!
//! Invariants:
//! 1. The thread that finds LOCKED clear sets it, and the same thread clears it. The object's
//!    module says what the lock guards.
//! 2. Locking a live object pins it in the same step. So a live object does not die while it is
//!    locked.
//! 3. A dead object whose burial has not ended can be locked, without a pin, by a thread that knows
//!    its generation. The end of the burial overwrites the bit without looking at it. So a thread
//!    that has locked a dead object may touch it only while something is left in it that the burial
//!    waits for. That thread clears the bit only in the generation in which it set it; later uses
//!    of the slot have other generations.
//! 4. Waiting threads are counted beside the control word. If a burial overwrites the bit, it wakes
//!    none of them. The thread that had set the bit wakes them when it unlocks, whatever the slot
//!    is used for by then. A thread that wakes in vain looks again.
//! 5. A thread may hold two locks at a time only if the objects have an order; the modules that do
//!    this say so.

use crate::memory::slot::{
    BY_A_CALL, BY_A_WALK, BY_NOBODY, BY_WHAT_STAYS, COUNTS, CountField, GENERATION_SHIFT, INTERNAL,
    LOCKED, Raise, Slot,
};
use crate::sys::parking::Parking;
use crate::sys::sync::{Ordering, yield_now};

/// The words of an object that has a lock.
pub trait Lockable {
    /// The word that the threads waiting for the lock are counted in.
    fn parking(&self) -> &Parking;
}

/// The state in which an object was locked. It decides how the object is unlocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it has to be unlocked"]
pub enum LockedAs {
    /// The object was alive, and locking has pinned it.
    Alive,
    /// The object was dead, not buried, and had this generation.
    Dead(u32),
}

/// Number of times that a thread looks at a taken lock before it goes to sleep.
#[cfg(not(loom))]
const LOOKS: u32 = 100;
#[cfg(loom)]
const LOOKS: u32 = 0;

/// Which object a thread wants to lock, and how locking pins it.
#[derive(Clone, Copy)]
struct Wanted {
    generation: Option<u32>,
    count: CountField,
    /// Whether a dead object that is not buried yet may be locked.
    or_dead: bool,
}

impl Wanted {
    /// The control word after locking, from the word `now`. An error if this object must not be
    /// locked.
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

    /// Waits until another thread has given the lock back, and returns the control word. The lock
    /// may be taken again by then.
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

    /// Locks and pins the live object of this generation, for one call.
    #[inline]
    pub(super) fn lock_generation(&self, generation: u32) -> Result<(), Raise> {
        let wanted = Wanted { generation: Some(generation), count: BY_A_CALL, or_dead: false };
        self.acquire(wanted).map(drop)
    }

    /// As `lock_generation`, but the pin may be left to a structure that stays.
    #[inline]
    pub(super) fn lock_to_hold(&self, generation: u32) -> Result<(), Raise> {
        let wanted = Wanted { generation: Some(generation), count: BY_WHAT_STAYS, or_dead: false };
        self.acquire(wanted).map(drop)
    }

    /// Locks and pins the live object in the slot, of any generation, for a walk. False: no live
    /// object is in the slot.
    #[inline]
    pub fn lock_live(&self) -> bool {
        loop {
            match self.acquire(Wanted { generation: None, count: BY_A_WALK, or_dead: false }) {
                Ok(_) => return true,
                Err(Raise::Dead) => return false,
                // A thousand walks have the object pinned at this moment, and will let go of it.
                Err(Raise::Overflow) => yield_now(),
            }
        }
    }

    /// Locks and pins the object of this generation. If the object is dead and not buried yet, only
    /// locks it. `None`: the object is buried.
    #[inline]
    pub(super) fn lock_dying(&self, generation: u32) -> Option<LockedAs> {
        let wanted = Wanted { generation: Some(generation), count: BY_A_WALK, or_dead: true };
        let before = self.acquire(wanted).ok()?;
        Some(if before & COUNTS == 0 { LockedAs::Dead(generation) } else { LockedAs::Alive })
    }

    /// Unlocks a live object and takes away `internals` references, among them that of the lock.
    /// True: the object died, and the caller has to bury it.
    #[inline]
    #[must_use]
    pub fn unlock_and_unpin(&self, internals: u64) -> bool {
        let before = self.line.control.fetch_sub(LOCKED + internals * INTERNAL, Ordering::AcqRel);
        debug_assert_ne!(before & LOCKED, 0, "unlocked more often than locked");
        self.live().parking().wake();
        before & COUNTS == internals * INTERNAL
    }

    /// Unlocks a live object and leaves it pinned.
    #[inline]
    pub fn unlock_and_hold(&self) {
        let died = self.unlock_and_unpin(0);
        debug_assert!(!died, "it has an internal");
    }

    /// Unlocks an object that was dead when it was locked, unless its burial has ended and cleared
    /// the lock.
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

    /// Locks an object that the caller has pinned or has to bury. It is unlocked when the result is
    /// dropped.
    #[inline]
    pub fn lock(&self) -> SlotLock<'_, Cold, Live> {
        let wanted = Wanted { generation: None, count: BY_NOBODY, or_dead: true };
        let before = self.acquire(wanted).ok();
        debug_assert!(before.is_some(), "nothing refuses it");
        SlotLock(self, before.unwrap_or_default())
    }
}

/// The lock of an object that its holder has pinned or has to bury, and the control word before
/// locking.
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
