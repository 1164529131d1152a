//! Slots: a cell for one object, with the two words that say whether the object lives.
//!
//! The two words lie on two cache lines.
//! - **state** (first line, read by polls): the handle, while the object lives and nothing has
//!   happened to it. Its low bits are the flags of `handle`. After the object's death it is GONE
//!   alone.
//! - **control** (second line, written all the time): generation | LOCKED | owners | internals.
//!   LOCKED is the lock of an object that has one, see `slot_lock`; it counts nothing.
//!
//! Invariants:
//! 1. An object is alive while owners + internals > 0. Once both are 0 they stay 0: an operation
//!    that raises a count checks the counts and the generation in the same compare-and-swap, and
//!    fails on 0/0 or on another generation. So exactly one caller learns that the object died, and
//!    the slot then belongs to that caller.
//! 2. `owners` are the references that C code retains and releases. A release never lowers
//!    internals. So a double release cannot end an object that the library still uses.
//! 3. There are three sorts of internals, each with a higher limit than the one before. Holds,
//!    which stay (values of slots, captured contexts, links, posted jobs, an owner's things, a
//!    session's requests), are refused first. Calls still find room then. Walks, which cannot
//!    report an error, still find room when calls do not. So holds never prevent an object from
//!    being cancelled, closed, waited for or asked.
//! 4. Flags of the state word change only under a pin. If the object has a lock, they change under
//!    the lock.

use crate::handle::{self, Handle};
use crate::memory::pool::Link;
use crate::sys::prefetch;
use crate::sys::sync::{AtomicU32, AtomicU64, Ordering};

pub(super) const INTERNAL: u64 = 1;
const INTERNAL_BITS: u32 = 18;
pub(super) const INTERNALS: u64 = (1 << INTERNAL_BITS) - 1;
pub(super) const OWNER: u64 = 1 << INTERNAL_BITS;
const OWNER_BITS: u32 = 19;
pub(super) const OWNERS: u64 = ((1 << OWNER_BITS) - 1) << INTERNAL_BITS;
pub(super) const LOCKED: u64 = 1 << (INTERNAL_BITS + OWNER_BITS);
pub(super) const GENERATION_SHIFT: u32 = INTERNAL_BITS + OWNER_BITS + 1;
pub(super) const COUNTS: u64 = OWNERS | INTERNALS;

/// Limit of the references that C code may own of one object.
pub const MAX_OWNERS: u64 = OWNERS >> INTERNAL_BITS;

/// Internals that holds leave free for calls and walks. No process has so many threads inside calls
/// on one object at a time.
pub(super) const FOR_CALLS_AND_WALKS: u64 = 4096;

/// Internals that calls leave free for walks: a cancel that walks down to a child must not be
/// refused.
pub(super) const FOR_WALKS: u64 = 1024;

/// Limit of holds of one object: contexts, values of slots, links, things of an owner and the like.
pub const MOST_HOLDS: u64 = INTERNALS - FOR_CALLS_AND_WALKS;

const _: () = assert!(GENERATION_SHIFT + handle::GENERATION_BITS == 64);

/// One slot. `Cold` shares the cache line of the state word, `Live` that of the control word.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub struct Slot<Cold, Live> {
    pub(super) state: AtomicU64,
    next: AtomicU32,
    /// A word for the object's own module, on the line of the state word. 0 while the slot is free.
    pub mark: AtomicU32,
    /// The object's words that are seldom written, on the line of the state word.
    pub cold: Cold,
    pub(super) line: BusyLine<Live>,
}

#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(super) struct BusyLine<Live> {
    pub(super) control: AtomicU64,
    live: Live,
}

impl<Cold, Live> Link for Slot<Cold, Live> {
    fn next(&self) -> &AtomicU32 {
        &self.next
    }
}

impl<Cold, Live> Slot<Cold, Live> {
    /// The state word, which polls read.
    #[inline(always)]
    pub fn state(&self) -> &AtomicU64 {
        &self.state
    }

    /// Asks the processor to load both lines, because they will be used soon.
    #[inline(always)]
    pub fn prefetch(&self) {
        prefetch::line(&self.state);
        prefetch::line(&self.line);
    }

    /// The object's words that are written while it lives, on the line of the control word.
    #[inline(always)]
    pub fn live(&self) -> &Live {
        &self.line.live
    }

    /// Whether a live object is in the slot at this moment.
    pub fn is_alive(&self) -> bool {
        self.line.control.load(Ordering::Acquire) & COUNTS != 0
    }

    /// As `is_alive`, but false for an object that is still hidden, whose handle is refused.
    pub fn is_known(&self) -> bool {
        self.is_alive() && self.line.control.load(Ordering::Acquire) >> GENERATION_SHIFT != 0
    }

    /// Chains dead objects that one thread has to bury: the index of the next one. May be used
    /// between the object's death and its burial only.
    pub fn next_dead(&self) -> &AtomicU32 {
        &self.next
    }

    /// Writes the control word of a slot without a live object. A thread that still tries to lock
    /// the old object may change the word at the same time, by a compare-and-swap from its old
    /// value.
    #[inline(always)]
    pub(super) fn overwrite_control(&self, value: u64) {
        #[cfg(not(loom))]
        self.line.control.store(value, Ordering::Release);
        // A compare-and-swap comes directly after the value that it read in the order of changes,
        // so a late compare-and-swap of such a thread never takes effect after this store. Loom
        // keeps this order only among read-modify-writes.
        #[cfg(loom)]
        self.line.control.swap(value, Ordering::Release);
    }

    /// Takes an internal reference of the object away. True: the object died, and the caller has to
    /// bury it.
    #[inline]
    #[must_use]
    pub(super) fn unpin(&self) -> bool {
        let before = self.line.control.fetch_sub(INTERNAL, Ordering::AcqRel);
        debug_assert_ne!(before & INTERNALS, 0, "unpinned more often than pinned");
        before & COUNTS == INTERNAL
    }

    /// Takes an internal reference away if it is the only reference of the object. True: the object
    /// died, and the caller has to bury it. False: there are other references, and nothing was
    /// done.
    #[inline]
    #[must_use]
    pub fn unpin_if_alone(&self) -> bool {
        let control = &self.line.control;
        let now = control.load(Ordering::Relaxed);
        let dead = now.wrapping_sub(INTERNAL);
        now & COUNTS == INTERNAL
            && control.compare_exchange(now, dead, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Raises one of the two counts of a live object. Error: the object is dead, has another
    /// generation, or the count is at its limit. Without a `generation`, a live object of any
    /// generation is accepted.
    pub(super) fn raise(&self, generation: Option<u32>, count: CountField) -> Result<(), Raise> {
        let control = &self.line.control;
        let mut now = control.load(Ordering::Relaxed);
        loop {
            let same = generation.is_none_or(|age| now >> GENERATION_SHIFT == u64::from(age));
            if !same || now & COUNTS == 0 && !crate::weakened!("dead_stays_dead") {
                return Err(Raise::Dead);
            }
            let new = count.raised(now)?;
            match control.compare_exchange_weak(now, new, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => now = other,
            }
        }
    }
}

pub(super) enum Raise {
    Dead,
    Overflow,
}

/// One of the counts of a control word, and how far it may be raised.
#[derive(Clone, Copy)]
pub(super) struct CountField {
    step: u64,
    mask: u64,
    limit: u64,
}

impl CountField {
    /// The control word `control` with this count raised by one; an error if the count is at its
    /// limit.
    #[inline(always)]
    pub(super) fn raised(self, control: u64) -> Result<u64, Raise> {
        if control & self.mask >= self.limit {
            Err(Raise::Overflow)
        } else {
            Ok(control + self.step)
        }
    }
}

/// For a lock that raises no count: the caller has the object pinned already, or has to bury it.
pub(super) const BY_NOBODY: CountField = CountField { step: 0, mask: 0, limit: 1 };
pub(super) const BY_C_CODE: CountField = CountField { step: OWNER, mask: OWNERS, limit: OWNERS };
pub(super) const BY_WHAT_STAYS: CountField =
    CountField { step: INTERNAL, mask: INTERNALS, limit: MOST_HOLDS };
pub(super) const BY_A_CALL: CountField =
    CountField { step: INTERNAL, mask: INTERNALS, limit: INTERNALS - FOR_WALKS };
pub(super) const BY_A_WALK: CountField =
    CountField { step: INTERNAL, mask: INTERNALS, limit: INTERNALS };

/// The first reference of a new object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A reference of C code, which will release it.
    Owner,
    /// An internal reference of the library.
    Internal,
    /// One reference of C code and one internal reference.
    Both,
}

impl Holder {
    pub(super) const fn count(self) -> u64 {
        match self {
            Self::Owner => OWNER,
            Self::Internal => INTERNAL,
            Self::Both => OWNER + INTERNAL,
        }
    }
}

/// The generation of a handle, shifted to its place in the control word.
pub(super) const fn generation_bits(handle: Handle) -> u64 {
    (handle >> handle::GENERATION_SHIFT) << GENERATION_SHIFT
}
