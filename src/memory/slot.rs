//! Slots: a cell for one object, with the two words that say what of it lives.
//!
//! A slot is a pool cell with two words on two cache lines.
//! - **state** (first line, what polls read): the handle while the object lives and nothing
//!   happened; its low bits are the flags of `handle`. GONE alone once it died.
//! - **control** (second line, written all the time): generation | LOCKED | owners | internals. LOCKED is the
//!   lock of an object that has one, `slot_lock`; it counts nothing.
//!
//! Invariants:
//! - An object is alive while owners + internals > 0. Both at 0 is final: every operation that
//!   raises a count fails on 0/0 or on another generation, in one compare-and-swap. So exactly one
//!   caller is told that it died, and that one has the slot for itself.
//! - `owners` are what C code retains and releases; a release never lowers internals, so a double release
//!   cannot end what the library itself still uses.
//! - Internals come in three sorts, each with a limit below the next one's. What stays (values of slots,
//!   captured contexts, links, posted jobs, an owner's things, a session's requests) is refused first. What
//!   ends with a call finds room beyond that, and a walk that has no answer to give beyond the calls. So
//!   nothing that stays keeps an object from being cancelled, closed, waited for or asked.
//! - Flags of the state word change only under a pin, and under the lock of an object that has one.

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

/// The most references that C code may own of one object.
pub const MAX_OWNERS: u64 = OWNERS >> INTERNAL_BITS;

/// Internals that what stays leaves to calls and walks. More than any process has threads inside calls
/// on one object at a time.
pub(super) const FOR_CALLS_AND_WALKS: u64 = 4096;

/// Internals that calls leave to walks: a cancel that walks down to a child must not be kept out.
pub(super) const FOR_WALKS: u64 = 1024;

/// The most references of one object that stay: contexts, values of slots, links, things of an owner and
/// the like.
pub const MOST_HOLDS: u64 = INTERNALS - FOR_CALLS_AND_WALKS;

const _: () = assert!(GENERATION_SHIFT + handle::GENERATION_BITS == 64);

/// One slot: `Cold` shares the line of the state word, `Live` that of the control word.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub struct Slot<Cold, Live> {
    pub(super) state: AtomicU64,
    next: AtomicU32,
    /// A word beside the state of which this room knows nothing; 0 while nothing lives here.
    pub mark: AtomicU32,
    /// What is written once in a while.
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
    /// What polls read.
    #[inline(always)]
    pub fn state(&self) -> &AtomicU64 {
        &self.state
    }

    /// Says that it will be used soon.
    #[inline(always)]
    pub fn prefetch(&self) {
        prefetch::line(&self.state);
        prefetch::line(&self.line);
    }

    /// What is written while the object lives.
    #[inline(always)]
    pub fn live(&self) -> &Live {
        &self.line.live
    }

    /// Whether it has a live object at this moment.
    pub fn is_alive(&self) -> bool {
        self.line.control.load(Ordering::Acquire) & COUNTS != 0
    }

    /// As `is_alive`, of an object whose handle is accepted.
    pub fn is_known(&self) -> bool {
        self.is_alive() && self.line.control.load(Ordering::Acquire) >> GENERATION_SHIFT != 0
    }

    /// Link to the next dead slot; only between death and burial.
    pub fn next_dead(&self) -> &AtomicU32 {
        &self.next
    }

    /// Writes the control word of a slot without a live object. Who tries to lock what was here may change it
    /// meanwhile, from what it was before.
    #[inline(always)]
    pub(super) fn overwrite_control(&self, value: u64) {
        #[cfg(not(loom))]
        self.line.control.store(value, Ordering::Release);
        // A change by such a one stands right behind what it read, so never behind this. Loom knows that of
        // read-modify-writes alone.
        #[cfg(loom)]
        self.line.control.swap(value, Ordering::Release);
    }

    /// Takes an internal away. True: the object died and the caller has to bury it.
    #[inline]
    #[must_use]
    pub(super) fn unpin(&self) -> bool {
        let before = self.line.control.fetch_sub(INTERNAL, Ordering::AcqRel);
        debug_assert_ne!(before & INTERNALS, 0, "unpinned more often than pinned");
        before & COUNTS == INTERNAL
    }

    /// Takes an internal away if it is all that keeps the object alive, which then died and is the caller's
    /// to bury. False: others keep it, too, and nothing was done.
    #[inline]
    #[must_use]
    pub fn unpin_if_alone(&self) -> bool {
        let control = &self.line.control;
        let now = control.load(Ordering::Relaxed);
        let dead = now.wrapping_sub(INTERNAL);
        now & COUNTS == INTERNAL
            && control.compare_exchange(now, dead, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Raises a count of a live object of this generation. `None`: it is not alive, or another.
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

/// One of the two counts of a control word.
#[derive(Clone, Copy)]
pub(super) struct CountField {
    step: u64,
    mask: u64,
    limit: u64,
}

impl CountField {
    /// The control word with one more of it.
    #[inline(always)]
    pub(super) fn raised(self, control: u64) -> Result<u64, Raise> {
        if control & self.mask >= self.limit {
            Err(Raise::Overflow)
        } else {
            Ok(control + self.step)
        }
    }
}

/// Counts nothing: the one who locks has the object pinned, or has to bury it.
pub(super) const BY_NOBODY: CountField = CountField { step: 0, mask: 0, limit: 1 };
pub(super) const BY_C_CODE: CountField = CountField { step: OWNER, mask: OWNERS, limit: OWNERS };
pub(super) const BY_WHAT_STAYS: CountField =
    CountField { step: INTERNAL, mask: INTERNALS, limit: MOST_HOLDS };
pub(super) const BY_A_CALL: CountField =
    CountField { step: INTERNAL, mask: INTERNALS, limit: INTERNALS - FOR_WALKS };
pub(super) const BY_A_WALK: CountField =
    CountField { step: INTERNAL, mask: INTERNALS, limit: INTERNALS };

/// Who holds a new object first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// C code, which will release it.
    Owner,
    /// Another object of the library.
    Internal,
    /// Both.
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

/// The generation of a handle where the control word has it.
pub(super) const fn generation_bits(handle: Handle) -> u64 {
    (handle >> handle::GENERATION_SHIFT) << GENERATION_SHIFT
}
