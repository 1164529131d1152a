//! Objects behind handles: they are made in slots, found by their handles and buried, and then
//! their slots are used again.
//!
//! The generation of a slot changes only in `bury`. From then on all old handles of the slot are
//! refused. The references that keep an object alive, and their limits, are described in `slot`.

use crate::error::Error;
use crate::handle::{self, GONE, Handle, Kind};
use crate::memory::magazine::Shelved;
use crate::memory::pool::{Exhausted, Pool};
use crate::memory::slot::{
    BY_A_CALL, BY_A_WALK, BY_C_CODE, BY_WHAT_STAYS, COUNTS, CountField, GENERATION_SHIFT, Holder,
    INTERNAL, OWNER, OWNERS, Raise, Slot, generation_bits,
};
use crate::memory::slot_lock::{Lockable, LockedAs};
use crate::sys::sync::{Ordering, constructor};

/// The part of a slot that is written while an object lives. It names the kind of the object.
pub trait LivePart: Default {
    /// The kind of the objects.
    const KIND: Kind;
    /// Text for an error when no slot is left: what is missing, and what the caller can do.
    const NONE_LEFT: &'static str;
}

/// An object that died and that the caller has to bury: its index and its slot.
pub type Died<'a, Cold, Live> = (u32, &'a Slot<Cold, Live>);

/// The slots of one kind of object.
#[derive(Debug)]
pub struct Arena<Cold, Live> {
    slots: Pool<Slot<Cold, Live>>,
}

impl<Cold: Default, Live: LivePart> Arena<Cold, Live> {
    constructor! {
        pub fn new() -> Self {
            Self { slots: Pool::new() }
        }
    }

    /// The pool of the slots, for the caller that gives threads magazines of it.
    pub fn shelved(&self) -> &dyn Shelved
    where
        Cold: 'static,
        Live: 'static,
    {
        &self.slots
    }

    /// The slot of an index that is in use.
    #[inline]
    pub fn slot(&self, index: u32) -> &Slot<Cold, Live> {
        self.slots.cell(index)
    }

    /// Takes a free slot for a new object. The object is not alive before `publish`; a slot that is
    /// not published is given back by `put_back`.
    #[inline]
    pub fn take(&self) -> Result<(u32, &Slot<Cold, Live>), Error> {
        self.slots.take().map_err(|Exhausted| Error::Resources(Live::NONE_LEFT))
    }

    /// Makes a taken slot a live object with the reference that `holder` names, and with `flags`
    /// set in its state word. Returns its handle, which is accepted from now on.
    #[inline]
    pub fn publish(
        &self,
        index: u32,
        slot: &Slot<Cold, Live>,
        flags: u64,
        holder: Holder,
    ) -> Handle {
        let handle = self.name(index, slot, flags);
        let control = generation_bits(handle) | holder.count();
        slot.overwrite_control(control);
        handle
    }

    /// As `publish`, but the handle is refused until `reveal`. A caller who guesses the handle must
    /// not get at an object that is still being linked, least of all as its own parent. Only
    /// `pin_index` accepts the object before.
    #[inline]
    pub fn publish_hidden(
        &self,
        index: u32,
        slot: &Slot<Cold, Live>,
        flags: u64,
        holder: Holder,
    ) -> Handle {
        let handle = self.name(index, slot, flags);
        slot.overwrite_control(holder.count());
        handle
    }

    /// Ends the hiding of an object: from now on its handle is accepted.
    #[inline]
    pub fn reveal(&self, slot: &Slot<Cold, Live>, handle: Handle) {
        slot.line.control.fetch_add(generation_bits(handle), Ordering::Release);
    }

    /// Writes the state word of a new object, and returns the object's handle.
    fn name(&self, index: u32, slot: &Slot<Cold, Live>, flags: u64) -> Handle {
        let generation =
            ((slot.line.control.load(Ordering::Relaxed) >> GENERATION_SHIFT) as u32).max(1);
        let handle = handle::pack(Live::KIND, index, generation);
        slot.state.store(handle | flags, Ordering::Release);
        handle
    }

    /// Takes away the reference that `publish` or `publish_hidden` gave for `holder`. True: the
    /// object died, and the caller has to bury it.
    #[must_use]
    pub fn unpublish(&self, index: u32, holder: Holder) -> bool {
        let count = holder.count();
        let before = self.slot(index).line.control.fetch_sub(count, Ordering::AcqRel);
        before & COUNTS == count
    }

    /// Gives back a slot that was taken and not published, or that was buried and kept.
    pub fn put_back(&self, index: u32) {
        self.slots.free(index);
    }

    /// Ends the burial of a dead object whose contents are cleared.
    #[inline]
    pub fn bury(&self, index: u32, slot: &Slot<Cold, Live>) {
        if self.bury_and_keep(slot) {
            self.slots.free_cell(index, slot);
        }
    }

    /// As `bury`, but the slot is not used again until `put_back`. False: the slot is retired, and
    /// must not be put back.
    #[inline]
    pub fn bury_and_keep(&self, slot: &Slot<Cold, Live>) -> bool {
        // The generation is taken from the state word: an object that was never revealed has none
        // in its control word.
        let generation = (slot.state.load(Ordering::Relaxed) >> handle::GENERATION_SHIFT) as u32;
        // A retired slot keeps the counts 0/0 in its control word for ever.
        let is_used_again = generation < handle::MAX_GENERATION;
        if is_used_again {
            let next = u64::from(generation + 1) << GENERATION_SHIFT;
            // The control word changes before the state word. `is_past` reads them in the opposite
            // order, so at least one of them tells it that the object is dead.
            slot.overwrite_control(next);
        }
        slot.state.store(GONE, Ordering::Release);
        is_used_again
    }

    /// The slot that a handle points to, whether the object is alive or not. The handle may be made
    /// up.
    #[inline(always)]
    pub fn peek(&self, handle: Handle) -> Option<&Slot<Cold, Live>> {
        self.slots.get(handle::index(handle))
    }

    /// The slot of a handle of this kind, whether or not its object still lives there. The handle
    /// may be made up.
    #[inline]
    pub fn slot_of(&self, handle: Handle) -> Result<&Slot<Cold, Live>, Error> {
        self.find(handle).map(|(slot, _)| slot)
    }

    /// The slot of an index, if there is one. The number may be any.
    #[inline]
    pub fn slot_at(&self, index: u32) -> Option<&Slot<Cold, Live>> {
        self.slots.get(index)
    }

    fn find(&self, handle: Handle) -> Result<(&Slot<Cold, Live>, u32), Error> {
        handle::generation(Live::KIND, handle)
            .and_then(|generation| Some((self.peek(handle)?, generation)))
            .ok_or(Error::InvalidHandle(Live::KIND, handle))
    }

    fn raise(&self, handle: Handle, count: CountField) -> Result<(u32, &Slot<Cold, Live>), Error> {
        let (slot, generation) = self.find(handle)?;
        slot.raise(Some(generation), count).map_err(|why| Self::refusal(handle, why))?;
        Ok((handle::index(handle), slot))
    }

    #[cold]
    fn refusal(handle: Handle, why: Raise) -> Error {
        match why {
            Raise::Dead => Error::InvalidHandle(Live::KIND, handle),
            Raise::Overflow => Error::Resources("references to this object; release some"),
        }
    }

    /// Adds an internal reference to a live object, for a structure that stays. Returns the
    /// object's index and slot. Error: the object is dead, or its holds are at their limit.
    #[inline]
    pub fn hold(&self, handle: Handle) -> Result<(u32, &Slot<Cold, Live>), Error> {
        let sort = if crate::weakened!("calls_find_room") { BY_A_CALL } else { BY_WHAT_STAYS };
        self.raise(handle, sort)
    }

    /// As `hold`, for the object in a slot; the caller knows that it is the intended one. False:
    /// the object is dying, or its holds are at their limit.
    pub fn hold_index(&self, index: u32) -> bool {
        self.slot(index).raise(None, BY_WHAT_STAYS).is_ok()
    }

    /// Adds an internal reference to a live object, for one call. Returns the object's index and
    /// slot. Error: the object is dead, or its internals are at the limit for calls.
    #[inline]
    pub fn pin(&self, handle: Handle) -> Result<(u32, &Slot<Cold, Live>), Error> {
        self.raise(handle, BY_A_CALL)
    }

    /// Adds an internal reference, for a call or a walk, to the object in a slot; the caller knows
    /// that it is the intended one. False: the object is dying, or its internals are at their
    /// limit.
    #[inline]
    pub fn pin_index(&self, index: u32) -> bool {
        self.slot(index).raise(None, BY_A_WALK).is_ok()
    }

    /// Takes an internal reference of an object away. True: the object died, and the caller has to
    /// bury it.
    #[inline]
    #[must_use]
    pub fn unpin(&self, index: u32) -> bool {
        self.slot(index).unpin()
    }

    /// Takes an internal reference of an object away, unless it is the only reference left. False:
    /// it is the only one, and was left.
    pub fn unpin_unless_last(&self, index: u32) -> bool {
        let control = &self.slot(index).line.control;
        let mut now = control.load(Ordering::Relaxed);
        while now & COUNTS != INTERNAL {
            let new = now - INTERNAL;
            match control.compare_exchange_weak(now, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(other) => now = other,
            }
        }
        false
    }

    /// Adds an owner, a reference of C code, to a live object.
    pub fn retain(&self, handle: Handle) -> Result<(), Error> {
        self.raise(handle, BY_C_CODE).map(drop)
    }

    /// Takes an owner, a reference of C code, away. `Some`: the object with this index and slot
    /// died, and the caller has to bury it. Error: C code has no reference of such an object.
    #[inline]
    pub fn release(&self, handle: Handle) -> Result<Option<Died<'_, Cold, Live>>, Error> {
        let (slot, generation) = self.find(handle)?;
        let control = &slot.line.control;
        let mut now = control.load(Ordering::Relaxed);
        loop {
            if now >> GENERATION_SHIFT != u64::from(generation) || now & OWNERS == 0 {
                return Err(Error::InvalidHandle(Live::KIND, handle));
            }
            let new = now - OWNER;
            match control.compare_exchange_weak(now, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if new & COUNTS == 0 => return Ok(Some((handle::index(handle), slot))),
                Ok(_) => return Ok(None),
                Err(other) => now = other,
            }
        }
    }

    /// Whether this is the handle of an object that has died. The answer for a handle that was
    /// never given out means nothing. For the last object of a retired slot the answer is false
    /// once the object is buried. The handle may be made up.
    pub fn is_past(&self, handle: Handle) -> bool {
        self.find(handle).is_ok_and(|(slot, generation)| {
            let state = slot.state.load(Ordering::Acquire);
            let control = slot.line.control.load(Ordering::Acquire);
            // The object has no references any more, but its burial has not ended.
            let is_dying = control >> GENERATION_SHIFT == u64::from(generation)
                && control & COUNTS == 0
                && state & !handle::FLAGS == handle;
            control >> GENERATION_SHIFT > u64::from(generation) || is_dying
        })
    }

    /// Whether C code has a reference of the object of this handle at this moment. The handle may
    /// be made up.
    #[inline]
    pub fn is_owned(&self, handle: Handle) -> bool {
        self.find(handle).is_ok_and(|(slot, generation)| {
            let control = slot.line.control.load(Ordering::Acquire);
            control >> GENERATION_SHIFT == u64::from(generation) && control & OWNERS != 0
        })
    }

    /// Takes away an internal reference of the caller's, and also an owner if C code has one left.
    /// `Some`: the object in that slot died, and the caller has to bury it.
    #[inline]
    pub fn release_both(&self, handle: Handle) -> Option<u32> {
        let index = handle::index(handle);
        let control = &self.slot(index).line.control;
        let mut now = control.load(Ordering::Relaxed);
        loop {
            let owner = if now & OWNERS == 0 { 0 } else { OWNER };
            let new = now - owner - INTERNAL;
            match control.compare_exchange_weak(now, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return (new & COUNTS == 0).then_some(index),
                Err(other) => now = other,
            }
        }
    }

    /// Handle of the live object in a slot.
    pub fn handle_of(&self, index: u32) -> Handle {
        self.slot(index).state.load(Ordering::Relaxed) & !handle::FLAGS
    }

    /// The highest index that was ever used; 0 if none was.
    pub fn used(&self) -> u32 {
        self.slots.used()
    }

    /// All slots that were ever used, with their indices, whether alive or not.
    pub fn slots(&self) -> impl Iterator<Item = (u32, &Slot<Cold, Live>)> {
        self.slots.iter()
    }

    /// Number of live objects. Walks over all slots. The answer is exact only while nothing
    /// changes.
    pub fn live(&self) -> u64 {
        self.slots.iter().filter(|(_, slot)| slot.is_alive()).count() as u64
    }

    /// As `live`, but does not count hidden objects.
    pub fn known(&self) -> u64 {
        self.slots.iter().filter(|(_, slot)| slot.is_known()).count() as u64
    }

    /// Lets a test bring a free slot to its last generation.
    #[cfg(test)]
    fn age(&self, index: u32) {
        let last = u64::from(handle::MAX_GENERATION) << GENERATION_SHIFT;
        self.slot(index).line.control.store(last, Ordering::Relaxed);
    }
}

impl<Cold: Default, Live: LivePart + Lockable> Arena<Cold, Live> {
    /// Locks a live object and adds an internal reference, for one call. Returns the object's index
    /// and slot.
    #[inline]
    pub fn lock(&self, handle: Handle) -> Result<(u32, &Slot<Cold, Live>), Error> {
        let (slot, generation) = self.find(handle)?;
        slot.lock_generation(generation).map_err(|why| Self::refusal(handle, why))?;
        Ok((handle::index(handle), slot))
    }

    /// As `lock`, but the internal reference may be left to a structure that stays.
    #[inline]
    pub fn lock_to_hold(&self, handle: Handle) -> Result<(u32, &Slot<Cold, Live>), Error> {
        let (slot, generation) = self.find(handle)?;
        slot.lock_to_hold(generation).map_err(|why| Self::refusal(handle, why))?;
        Ok((handle::index(handle), slot))
    }

    /// Locks an object and adds an internal reference. If the object is dead and not buried yet,
    /// only locks it. `None`: the object is buried. `unlock_dying` undoes this.
    #[inline]
    pub fn lock_dying(&self, handle: Handle) -> Option<(&Slot<Cold, Live>, LockedAs)> {
        let (slot, generation) = self.find(handle).ok()?;
        Some((slot, slot.lock_dying(generation)?))
    }

    /// Undoes `lock_dying`, and gives up `internals` further references of the object; a dead
    /// object has none. True: the object died, and the caller has to bury it.
    #[inline]
    #[must_use]
    pub fn unlock_dying(&self, slot: &Slot<Cold, Live>, locked: LockedAs, internals: u64) -> bool {
        match locked {
            LockedAs::Alive => slot.unlock_and_unpin(1 + internals),
            LockedAs::Dead(generation) => {
                debug_assert_eq!(internals, 0, "it is dead");
                slot.unlock_dead(generation);
                false
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::memory::slot::{FOR_CALLS_AND_WALKS, FOR_WALKS, MAX_OWNERS, MOST_HOLDS};

    type Plain = Arena<u32, u32>;

    impl LivePart for u32 {
        const KIND: Kind = Kind::Token;
        const NONE_LEFT: &'static str = "slots of this test";
    }

    fn released(arena: &Plain, handle: Handle) -> Result<Option<u32>, Error> {
        Ok(arena.release(handle)?.map(|(index, _)| index))
    }

    fn create(arena: &Plain) -> Handle {
        let (index, slot) = arena.take().unwrap();
        arena.publish(index, slot, 0, Holder::Owner)
    }

    #[test]
    fn a_released_handle_is_refused_and_its_slot_used_again_under_another() {
        static ARENA: Plain = Arena::new();
        let first = create(&ARENA);
        let index = handle::index(first);
        assert_eq!(released(&ARENA, first), Ok(Some(index)));
        ARENA.bury(index, ARENA.slot(index));
        let second = create(&ARENA);
        assert_eq!(handle::index(first), handle::index(second));
        assert_ne!(first, second);
        assert_eq!(ARENA.retain(first), Err(Error::InvalidHandle(Kind::Token, first)));
        assert_eq!(released(&ARENA, first), Err(Error::InvalidHandle(Kind::Token, first)));
        assert_eq!(ARENA.retain(second), Ok(()));
    }

    #[test]
    fn a_release_never_takes_an_internal() {
        static ARENA: Plain = Arena::new();
        let handle = create(&ARENA);
        let (index, _) = ARENA.pin(handle).unwrap();
        assert_eq!(released(&ARENA, handle), Ok(None));
        assert!(ARENA.release(handle).is_err());
        assert_eq!(ARENA.live(), 1);
        assert!(ARENA.unpin(index), "the internal was the last");
        assert!(!ARENA.pin_index(index), "dead is dead");
    }

    #[test]
    fn too_many_owners_or_internals_are_an_answer() {
        static ARENA: Plain = Arena::new();
        let handle = create(&ARENA);
        for _ in 1..MAX_OWNERS {
            ARENA.retain(handle).unwrap();
        }
        assert!(matches!(ARENA.retain(handle), Err(Error::Resources(_))));
        let index = handle::index(handle);
        for _ in 0..MOST_HOLDS {
            ARENA.hold(handle).unwrap();
        }
        assert!(matches!(ARENA.hold(handle), Err(Error::Resources(_))));
        assert!(!ARENA.hold_index(index));
        for _ in FOR_WALKS..FOR_CALLS_AND_WALKS {
            ARENA.pin(handle).expect("a call gets in where nothing more may stay");
        }
        assert!(matches!(ARENA.pin(handle), Err(Error::Resources(_))));
        for _ in 0..FOR_WALKS {
            assert!(ARENA.pin_index(index), "a walk gets in where no call does");
        }
        assert!(!ARENA.pin_index(index));
        assert!(matches!(ARENA.retain(handle), Err(Error::Resources(_))), "the counts are apart");
        assert_eq!(released(&ARENA, handle), Ok(None), "the full counts did not spill over");
    }

    #[test]
    fn an_exhausted_generation_retires_the_slot() {
        static ARENA: Plain = Arena::new();
        let (index, slot) = ARENA.take().unwrap();
        ARENA.age(index);
        let last = ARENA.publish(index, slot, 0, Holder::Owner);
        assert_eq!(released(&ARENA, last), Ok(Some(index)));
        ARENA.bury(index, slot);
        assert!(ARENA.retain(last).is_err());
        assert_ne!(ARENA.take().unwrap().0, index, "the slot is not used again");
    }

    #[test]
    fn any_bits_are_refused() {
        static ARENA: Plain = Arena::new();
        let good = create(&ARENA);
        for bit in 0..64 {
            let bad = good ^ (1 << bit);
            assert!(ARENA.pin(bad).is_err(), "{bad:#x}");
        }
        for bad in [0, 1, u64::MAX, 0x7fff_ffff_ffff_ffff, 0xffff_ffff] {
            assert!(ARENA.pin(bad).is_err(), "{bad:#x}");
        }
    }
}
