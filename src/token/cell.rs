//! The words of one token: beside its state word and beside its control word, 128 bytes in all.

use crate::diagnosis::watch::Watched;
use crate::handle::Kind;
use crate::memory::arena::{Arena, LivePart};
use crate::memory::list::ListNode;
use crate::memory::pool::NIL;
use crate::memory::slot::Slot;
use crate::memory::slot_lock::Lockable;
use crate::memory::text::TextId;
use crate::queue::posted::PostedId;
use crate::sys::parking::Parking;
use crate::sys::sleepers::Sleepers;
use crate::sys::sync::{AtomicU32, AtomicU64, Ordering};
use crate::token::keep::Keepers;

/// The slots of all tokens.
pub type TokenSlots = Arena<TokenCold, TokenLive>;

/// One edge of the graph of parents and children.
#[derive(Debug, Default)]
pub struct LinkNode {
    pub(super) node: ListNode,
    pub(super) child: AtomicU32,
    /// In a link that is a pool cell: the child's next link. In the link in a child's slot: the
    /// number of the child's gathering.
    pub(super) sibling: AtomicU32,
}

/// Why a token is cancelled. A child takes over the cause of the ancestor that was cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Cause {
    /// The token is not cancelled.
    #[default]
    None = 0,
    /// A caller cancelled the token.
    Request = 1,
    /// The host's own check of the token said stop.
    Foreign = 2,
    /// The token's deadline was over.
    Deadline = 3,
}

impl Cause {
    const ALL: [Self; 4] = [Self::None, Self::Request, Self::Foreign, Self::Deadline];

    /// The word for the cause in reports and recordings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Request => "request",
            Self::Foreign => "foreign",
            Self::Deadline => "deadline",
        }
    }
}

/// Bit of a slot's mark: the token is sealed. Its job or request has passed the point of no return.
pub(super) const SEALED: u32 = 1;

/// Bit of a slot's mark: the token is a request's, and a job that works for the request is sealed.
pub(super) const ANSWERED: u32 = 2;

/// Bit of a slot's mark: the token is a job's, and its parents were taken from what was current
/// when it was made.
pub(super) const IMPLIED: u32 = 4;

/// Bit of a slot's mark: the token stops a part of a job's work, for example one thread, and not
/// the job. `job_id` is the id of that job.
pub(super) const PART: u32 = 8;

/// Bit of a slot's mark: `caller_id` is not a caller id but the trace that the token works for.
pub(super) const HAS_TRACE: u32 = 16;

/// What is remembered of a cancel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record {
    /// Time of the cancel, on the library's clock.
    pub time_ns: u64,
    /// The origin of the cancel.
    pub cause: Cause,
    /// The reason. The record holds one reference of this text.
    pub reason: TextId,
}

/// The words of a token on the cache line of its state word. They are written when the token is
/// made and when it is cancelled.
#[derive(Debug, Default)]
pub struct TokenCold {
    time_ns: AtomicU64,
    cause: AtomicU32,
    reason: AtomicU32,
    pub(super) caller_id: AtomicU32,
    pub(super) foreign: AtomicU32,
    /// Threads that wait for this token alone.
    pub sleepers: Sleepers,
    /// Whether the token's polls are watched, and what is known of them.
    pub watched: Watched,
    /// The id of the token's job, once it has one. With PART: the id of the job of which the token
    /// stops a part. 0 for none.
    pub(super) job_id: AtomicU64,
    /// The job that is posted to a dispatcher under this token; 0 for none. Written before other
    /// threads know the token.
    pub posted: AtomicU64,
}

/// The words of a token on the cache line of its control word.
#[derive(Debug, Default)]
pub struct TokenLive {
    parking: Parking,
    /// First link of the token's list of children.
    pub children: AtomicU32,
    /// First registration of the list `signals`, which calls no foreign code: it wakes a waiter,
    /// sets an event or leaves a gathering.
    pub signals: AtomicU32,
    /// First registration of the list `callbacks`, which runs foreign code: it calls a plugin's
    /// function or wakes a posted job.
    pub callbacks: AtomicU32,
    /// Link from the first parent to this token.
    pub link: LinkNode,
    /// First of the links from further parents to this token.
    pub further_links: AtomicU32,
    /// The next token of a walk or a chain. Belongs to the thread that set the token's CANCELLED
    /// flag.
    pub next_cancelled: AtomicU32,
    /// Place of the token's entry in the heap of deadlines; see `deadline` for the lock.
    pub deadline: AtomicU32,
    /// The registrations that keep the token alive.
    pub(super) keepers: Keepers,
}

impl TokenCold {
    /// Resets the watch of a dead token. The watch must have no cell any more. A token that has
    /// something posted, is sealed or stops a part is always watched, so its other words are reset
    /// here, too.
    #[inline]
    pub(super) fn unwatch(&self, mark: &AtomicU32) {
        if self.watched.is_on() {
            self.watched.end();
            self.job_id.store(0, Ordering::Relaxed);
            self.posted.store(PostedId::NONE.0, Ordering::Relaxed);
            mark.store(0, Ordering::Relaxed);
        }
    }

    /// The record of a dead token, or of a pinned token whose CANCELLED flag was seen.
    pub(crate) fn record(&self) -> Record {
        let cause = self.cause.load(Ordering::Relaxed) as usize;
        Record {
            time_ns: self.time_ns.load(Ordering::Relaxed),
            cause: Cause::ALL.get(cause).copied().unwrap_or_default(),
            reason: TextId(self.reason.load(Ordering::Relaxed)),
        }
    }

    pub(crate) fn set_record(&self, record: Record) {
        self.time_ns.store(record.time_ns, Ordering::Relaxed);
        self.cause.store(record.cause as u32, Ordering::Relaxed);
        self.reason.store(record.reason.0, Ordering::Relaxed);
    }
}

impl Slot<TokenCold, TokenLive> {
    /// The id of the token's job; 0 for none.
    #[inline]
    pub(super) fn job_id(&self) -> u64 {
        let is_part = self.mark.load(Ordering::Relaxed) & PART != 0;
        if is_part { 0 } else { self.cold.job_id.load(Ordering::Relaxed) }
    }

    /// The id of the job of which the token stops a part; 0 for none.
    pub(super) fn part_of(&self) -> u64 {
        let is_part = self.mark.load(Ordering::Relaxed) & PART != 0;
        if is_part { self.cold.job_id.load(Ordering::Relaxed) } else { 0 }
    }

    /// Whether the token is sealed. Under its lock the answer is exact. Without the lock a yes is
    /// final, but a no may be outdated.
    #[inline]
    pub fn is_sealed(&self) -> bool {
        self.mark.load(Ordering::Acquire) & SEALED != 0
    }
}

impl TokenLive {
    /// Whether the token has any registration. For a token that the caller has locked or buries.
    pub fn is_listened(&self) -> bool {
        self.signals.load(Ordering::Relaxed) | self.callbacks.load(Ordering::Relaxed) != NIL
    }
}

/// A token's lock guards its lists, and the writing of its record.
impl Lockable for TokenLive {
    #[inline(always)]
    fn parking(&self) -> &Parking {
        &self.parking
    }
}

impl LivePart for TokenLive {
    const KIND: Kind = Kind::Token;
    const NONE_LEFT: &'static str = "token slots or memory for them; release tokens that are done";
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_token_takes_one_slot_of_128_bytes() {
        assert_eq!(size_of::<crate::memory::slot::Slot<TokenCold, TokenLive>>(), 128);
    }
}
