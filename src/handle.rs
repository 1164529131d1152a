//! The meaning of a handle's bits.
//!
//! ```text
//! 63..58  zero
//! 57..32  generation of the slot, from 1
//! 31..8   index of the slot, from 1
//!  7..4   kind
//!  3..0   flags, zero in a handle; the same bits of a state word tell what happened
//! ```
//!
//! A handle is never an address. NULL is 0 and stands for "none" of every kind.

/// The bits by which C code names an object.
pub type Handle = u64;

/// The handle of no object.
pub const NULL: Handle = 0;

/// State word flag: the token is cancelled.
pub const CANCELLED: u64 = 1;
/// State word flag: polls of the token are to be traced.
pub const TRACED: u64 = 1 << 1;
/// State word flag: the token has a foreign `is_cancelled`, which polls have to ask.
pub const FOREIGN: u64 = 1 << 2;
/// State word flag: the object has died.
pub const GONE: u64 = 1 << 3;
/// All flags of a state word.
pub const FLAGS: u64 = CANCELLED | TRACED | FOREIGN | GONE;

/// A flag in the word that a layer of a poll expects; it is never in a handle or a state word. It
/// says that the current value of the slot lies above another value, whose check this thread may
/// have to ask. Because the expected word differs from the state word then, each poll takes the
/// slow path.
pub const AROUND: u64 = 1 << 63;

const KIND_SHIFT: u32 = 4;
const INDEX_SHIFT: u32 = 8;
/// The lowest bit of the generation. The generation is the highest part of a handle.
pub const GENERATION_SHIFT: u32 = 32;

/// Bits of an index: there can be 16 million objects of a kind at a time.
pub const INDEX_BITS: u32 = GENERATION_SHIFT - INDEX_SHIFT;
/// Bits of a generation: a slot is used 67 million times before it is retired.
pub const GENERATION_BITS: u32 = 26;
/// The last generation of a slot. After it the slot is retired.
pub const MAX_GENERATION: u32 = (1 << GENERATION_BITS) - 1;

/// The kind of object that a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Token = 1,
    Job = 2,
    /// A captured context.
    Context = 3,
    /// A registration of a callback, a waiter or an event.
    Registration = 4,
    /// A plugin that function pointers belong to.
    Owner = 5,
    /// A queue of events that a caller drains.
    Observer = 6,
    /// A queue of jobs that a tick loop pumps.
    Dispatcher = 7,
    /// A peer's connection.
    Session = 8,
    Request = 9,
    /// A share of a job's progress.
    Share = 10,
}

impl Kind {
    /// The name of the kind in error texts.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Job => "job",
            Self::Context => "context",
            Self::Registration => "registration",
            Self::Owner => "owner",
            Self::Observer => "events object",
            Self::Dispatcher => "dispatcher",
            Self::Session => "session",
            Self::Request => "request",
            Self::Share => "share of progress",
        }
    }
}

/// The handle of an object of this kind in a slot of this generation.
pub const fn pack(kind: Kind, index: u32, generation: u32) -> Handle {
    (generation as u64) << GENERATION_SHIFT
        | (index as u64) << INDEX_SHIFT
        | (kind as u64) << KIND_SHIFT
}

/// The index in a handle. Any bits give a number that is safe to look up.
#[inline(always)]
pub const fn index(handle: Handle) -> u32 {
    handle as u32 >> INDEX_SHIFT
}

/// The generation in a handle. `None`: the bits are not those of a handle of this kind.
#[inline]
pub const fn generation(kind: Kind, handle: Handle) -> Option<u32> {
    let generation = (handle >> GENERATION_SHIFT) as u32;
    let same_kind = handle as u32 & 0xff == (kind as u32) << KIND_SHIFT;
    if same_kind && generation != 0 && generation <= MAX_GENERATION {
        Some(generation)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_gives_back_what_was_packed() {
        for (slot, age) in [(1, 1), (0xff_ffff, MAX_GENERATION), (77, 4242)] {
            let handle = pack(Kind::Job, slot, age);
            assert_eq!(index(handle), slot);
            assert_eq!(generation(Kind::Job, handle), Some(age));
            assert_eq!(generation(Kind::Token, handle), None, "other kind");
            assert_eq!(handle & FLAGS, 0);
            assert_eq!(handle >> 63, 0);
        }
    }

    #[test]
    fn flags_and_high_bits_make_a_handle_invalid() {
        let handle = pack(Kind::Token, 5, 9);
        for bit in (0..4).chain(58..64) {
            assert_eq!(generation(Kind::Token, handle | 1 << bit), None, "bit {bit}");
        }
    }
}
