//! What a token is made of: the words beside its state word and beside its control word, 128 bytes in all.

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

/// All tokens' cells.
pub type TokenSlots = Arena<TokenCold, TokenLive>;

/// One edge of the graph.
#[derive(Debug, Default)]
pub struct LinkNode {
    pub(super) node: ListNode,
    pub(super) child: AtomicU32,
    /// The next link of the child, of one in a cell; the gathering of the child, of one in a slot.
    pub(super) sibling: AtomicU32,
}

/// Why a token is cancelled. A child has the cause of the ancestor that was cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Cause {
    /// It is not.
    #[default]
    None = 0,
    /// Someone called cancel.
    Request = 1,
    /// The host's own check said so.
    Foreign = 2,
    /// Its deadline was over.
    Deadline = 3,
}

impl Cause {
    const ALL: [Self; 4] = [Self::None, Self::Request, Self::Foreign, Self::Deadline];

    /// As texts call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Request => "request",
            Self::Foreign => "foreign",
            Self::Deadline => "deadline",
        }
    }
}

/// In the mark of a token's slot: it is sealed, past the point of no return of what it is of.
pub(super) const SEALED: u32 = 1;

/// In the mark of a token's slot: it is of a request, and a job for that request is sealed.
pub(super) const ANSWERED: u32 = 2;

/// In the mark of a token's slot: it is of a job whose parents are what was current when it was made.
pub(super) const IMPLIED: u32 = 4;

/// In the mark of a token's slot: it stops a part of the work of the job that it has the id of, as a thread,
/// and not that job.
pub(super) const PART: u32 = 8;

/// In the mark of a token's slot: what stands in the place of its caller id is the trace that it works for.
pub(super) const HAS_TRACE: u32 = 16;

/// What is remembered of a cancel. `reason` is a reference.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record {
    /// On the library's clock.
    pub time_ns: u64,
    /// Who.
    pub cause: Cause,
    /// Why; holds one reference of the text.
    pub reason: TextId,
}

/// Beside the state word: what is written when the token is made and when it is cancelled.
#[derive(Debug, Default)]
pub struct TokenCold {
    time_ns: AtomicU64,
    cause: AtomicU32,
    reason: AtomicU32,
    pub(super) caller_id: AtomicU32,
    pub(super) foreign: AtomicU32,
    /// Who waits for it alone.
    pub sleepers: Sleepers,
    /// Whether its polls are watched, and what is known of them.
    pub watched: Watched,
    /// The id of its job, once it has one, or of that which it stops a part of; 0 for none.
    pub(super) job_id: AtomicU64,
    /// What is posted to a dispatcher under it; 0 for nothing. Written before the token is known.
    pub posted: AtomicU64,
}

/// Beside the control word.
#[derive(Debug, Default)]
pub struct TokenLive {
    parking: Parking,
    /// First link of the list of children.
    pub children: AtomicU32,
    /// First registration that wakes a waiter or sets an event.
    pub signals: AtomicU32,
    /// First registration that calls a plugin's function.
    pub callbacks: AtomicU32,
    /// Link to the first parent.
    pub link: LinkNode,
    /// Links to further parents.
    pub further_links: AtomicU32,
    /// The next token of a walk or a chain; whoever set the flag may use it.
    pub next_cancelled: AtomicU32,
    /// Place of its deadline; `deadline` guards it.
    pub deadline: AtomicU32,
    /// The registrations that keep it.
    pub(super) keepers: Keepers,
}

impl TokenCold {
    /// Of a dead token, whose watch has no cell any more. What is posted, sealed or a part is watched.
    #[inline]
    pub(super) fn unwatch(&self, mark: &AtomicU32) {
        if self.watched.is_on() {
            self.watched.end();
            self.job_id.store(0, Ordering::Relaxed);
            self.posted.store(PostedId::NONE.0, Ordering::Relaxed);
            mark.store(0, Ordering::Relaxed);
        }
    }

    /// Of a pinned token whose flag was seen, or of a dead one.
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
    /// The id of the job that the token is of; 0 for none.
    #[inline]
    pub(super) fn job_id(&self) -> u64 {
        let is_part = self.mark.load(Ordering::Relaxed) & PART != 0;
        if is_part { 0 } else { self.cold.job_id.load(Ordering::Relaxed) }
    }

    /// The id of the job that the token stops a part of; 0 for none.
    pub(super) fn part_of(&self) -> u64 {
        let is_part = self.mark.load(Ordering::Relaxed) & PART != 0;
        if is_part { self.cold.job_id.load(Ordering::Relaxed) } else { 0 }
    }

    /// Whether the token is sealed. Under its lock; elsewhere a yes is for good, a no may be too late.
    #[inline]
    pub fn is_sealed(&self) -> bool {
        self.mark.load(Ordering::Acquire) & SEALED != 0
    }
}

impl TokenLive {
    /// Whether anything is registered. Under the lock, or of a dead token.
    pub fn is_listened(&self) -> bool {
        self.signals.load(Ordering::Relaxed) | self.callbacks.load(Ordering::Relaxed) != NIL
    }
}

/// The lock guards the lists, and the writing of the record.
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
