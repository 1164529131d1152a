//! Tokens: a cancellation flag with a cause, a reason and parents.
//!
//! One lock a token, a leaf, never two at a time. It guards the lists (children, signals, callbacks)
//! and the writing of the record (cause, time, reason), which is never written again once CANCELLED
//! is set: who has seen the flag with Acquire reads it without the lock.

use crate::handle::{CANCELLED, Kind};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::pin::{Hold, Lent, Pin};
use crate::memory::pool::NIL;
use crate::memory::text::{TextId, Texts};
use crate::owner::Owners;
use crate::queue::Queues;
use crate::queue::posted::PostedId;
use crate::sys::callout::Payload;
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};
use crate::token::deadline::Deadlines;
use crate::token::deferred::Deferred;
use crate::token::diagnose::Diagnosis;
use crate::token::foreign::Foreigns;
use crate::token::link::{LinkNode, Links};
use crate::token::registration::Registrations;
use crate::token::signal::Signals;

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
    pub(super) job_id: AtomicU32,
    pub(super) foreign: AtomicU32,
    /// What is known of its polls; NIL if it is not watched.
    pub watch: AtomicU32,
    /// What is posted to a dispatcher under it; 0 for nothing. Written under the lock.
    pub posted: AtomicU64,
}

/// Beside the control word.
#[derive(Debug, Default)]
pub struct TokenLive {
    /// Guards the lists, and the writing of the record.
    pub lock: Mutex<()>,
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
}

impl TokenCold {
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

impl TokenLive {
    /// Whether anything is registered. Under the lock, or of a dead token.
    pub fn is_listened(&self) -> bool {
        self.signals.load(Ordering::Relaxed) | self.callbacks.load(Ordering::Relaxed) != NIL
    }
}

impl LivePart for TokenLive {
    const KIND: Kind = Kind::Token;
    const NONE_LEFT: &'static str = "token slots or memory for them; release tokens that are done";
}

/// A pinned token.
pub type TokenPin<'a> = Pin<'a, &'a Tokens>;

/// A token that something keeps.
pub type TokenHold<'a> = Hold<'a, &'a Tokens>;

/// The token of something pinned that holds it.
pub type LentToken<'a> = Lent<'a, &'a Tokens>;

/// All tokens.
#[derive(Debug)]
pub struct Tokens {
    pub(crate) arena: Arena<TokenCold, TokenLive>,
    pub(crate) links: Links,
    pub(crate) texts: Texts,
    pub(crate) foreigns: Foreigns,
    pub(crate) registrations: Registrations,
    pub(crate) signals: Signals,
    pub(crate) owners: Owners,
    pub(crate) deadlines: Deadlines,
    pub(crate) deferred: Deferred,
    pub(crate) diagnosis: Diagnosis,
    pub(crate) queues: Queues,
}

impl Tokens {
    constructor! {
        /// No tokens.
        pub fn new() -> Self {
            Self {
                arena: Arena::new(),
                links: Links::new(),
                texts: Texts::new(),
                foreigns: Foreigns::new(),
                registrations: Registrations::new(),
                signals: Signals::new(),
                owners: Owners::new(),
                deadlines: Deadlines::new(),
                deferred: Deferred::new(),
                diagnosis: Diagnosis::new(),
                queues: Queues::new(),
            }
        }
    }

    /// Notes what is posted under a token that its job keeps alive, so that its cancel takes that out
    /// of the queue. True: it is cancelled already, and the caller has to.
    pub fn attach_posted(&self, token: u32, id: PostedId) -> bool {
        let slot = self.arena.slot(token);
        let _lock = slot.live().lock.lock();
        // Release: a cancel that was before this one at the lock may read it without the lock.
        slot.cold.posted.store(id.0, Ordering::Release);
        slot.state().load(Ordering::Relaxed) & CANCELLED != 0
    }

    /// What is posted under a token that is pinned or in a walk.
    pub(crate) fn posted(&self, index: u32) -> PostedId {
        PostedId(self.arena.slot(index).cold.posted.load(Ordering::Acquire))
    }

    /// The queues of dispatchers.
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// What is known of polls and cancels.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Shows a text of which the caller holds a reference.
    pub(crate) fn show_text<R>(&self, text: TextId, reader: impl FnOnce(&str) -> R) -> R {
        self.texts.show(text, reader)
    }

    /// The deadlines.
    pub fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// The owners.
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// Ends the use of a pinned token's foreign check, whose user data `payload` ends. Gives the
    /// payload back to be destroyed, unless the check is being asked: then the asker does it.
    pub fn retire_foreign(
        &self,
        token: &TokenPin<'_>,
        payload: Option<Payload>,
    ) -> Option<Payload> {
        match token.slot().cold.foreign.load(Ordering::Relaxed) {
            NIL => payload,
            number => self.foreigns.retire(number, payload),
        }
    }

    /// Whether a pinned token is cancelled. Asks nobody.
    pub fn is_cancelled(&self, token: &TokenPin<'_>) -> bool {
        token.slot().state().load(Ordering::Acquire) & CANCELLED != 0
    }

    /// When and by what a token was cancelled; `Cause::None` while it is not.
    pub fn record(&self, token: &TokenPin<'_>) -> (u64, Cause) {
        let record = self.record_of(token);
        (record.time_ns, record.cause)
    }

    /// Shows the reason, empty if there is none.
    pub fn show_reason<R>(&self, token: &TokenPin<'_>, reader: impl FnOnce(&str) -> R) -> R {
        let record = self.share_record(token);
        let result = self.texts.show(record.reason, reader);
        self.texts.release(record.reason);
        result
    }

    /// Shows the job id given at creation, empty if there is none.
    pub fn show_job_id<R>(&self, token: &TokenPin<'_>, reader: impl FnOnce(&str) -> R) -> R {
        let id = TextId(token.slot().cold.job_id.load(Ordering::Relaxed));
        self.texts.show(id, reader)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_token_takes_one_slot_of_128_bytes() {
        assert_eq!(size_of::<crate::memory::slot::Slot<TokenCold, TokenLive>>(), 128);
    }
}
