//! Tokens: a cancellation flag with a cause, a reason and parents.
//!
//! Each token has one lock. The lock guards the token's lists (children, signals, callbacks), the
//! count of registrations that keep it, and the writing of its record (cause, time, reason).
//!
//! 1. The record is never written again once CANCELLED is set. A thread that has seen the flag with
//!    Acquire reads the record without the lock.
//! 2. Two token locks are held together in two places only, and the parent's is always taken first:
//!    a cancel locks children under their parent's lock, and `Links::part` locks an ended job's
//!    token under its parent's lock. The graph has no rings, so this order has none either. A
//!    burial locks parents, and never while the child's lock is held.
//! 3. Under a token's lock these other locks may be taken: that of the deadlines, of a native event
//!    of the token, of its foreign check when the check ends, and of what is known of its polls.

use crate::diagnosis::Diagnosis;
use crate::handle::{CANCELLED, FOREIGN};
use crate::memory::arena::Arena;
use crate::memory::magazine::Shelved;
use crate::memory::pin::{Hold, Lent, Pin};
use crate::memory::pool::NIL;
use crate::memory::text::{TextId, Texts};
use crate::owner::Owners;
use crate::queue::Queues;
use crate::queue::posted::PostedId;
use crate::sys::callout::Payload;
use crate::sys::sync::{AtomicU32, Ordering, constructor};
use crate::token::cell::HAS_TRACE;
use crate::token::deadline::Deadlines;
use crate::token::deferred::Deferred;
use crate::token::foreign::Foreigns;
use crate::token::gathering::Gatherings;
use crate::token::link::Links;
use crate::token::registration::Registrations;
use crate::token::signal::Signals;

pub use crate::token::cell::{Cause, Record, TokenCold, TokenLive, TokenSlots};

/// A pinned token: it stays alive for the duration of one call.
pub type TokenPin<'a> = Pin<'a, &'a Tokens>;

/// A token that the library keeps alive beyond one call, by an internal reference.
pub type TokenHold<'a> = Hold<'a, &'a Tokens>;

/// A token borrowed from a pinned object that holds it.
pub type LentToken<'a> = Lent<'a, &'a Tokens>;

/// All tokens, and the tables of everything that hangs on them.
#[derive(Debug)]
pub struct Tokens {
    pub(crate) arena: TokenSlots,
    pub(crate) links: Links,
    pub(crate) texts: Texts,
    pub(crate) foreigns: Foreigns,
    pub(crate) registrations: Registrations,
    pub(crate) signals: Signals,
    pub(crate) gatherings: Gatherings,
    pub(crate) owners: Owners,
    pub(crate) deadlines: Deadlines,
    pub(crate) deferred: Deferred,
    pub(crate) diagnosis: Diagnosis,
    pub(crate) queues: Queues,
    /// Number of live tokens that have a trace. While it is 0, no lookup searches for one.
    pub(super) traces: AtomicU32,
}

impl Tokens {
    constructor! {
        pub fn new() -> Self {
            Self {
                arena: Arena::new(),
                links: Links::new(),
                texts: Texts::new(),
                foreigns: Foreigns::new(),
                registrations: Registrations::new(),
                signals: Signals::new(),
                gatherings: Gatherings::new(),
                owners: Owners::new(),
                deadlines: Deadlines::new(),
                deferred: Deferred::new(),
                diagnosis: Diagnosis::new(),
                queues: Queues::new(),
                traces: AtomicU32::new(0),
            }
        }
    }

    /// Calls `each` with each pool of which threads keep free cells ready (a magazine): the pools
    /// that a token, a callback, a wait or a post takes cells from.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(self.arena.shelved());
        self.links.each_shelved(each);
        self.texts.each_shelved(each);
        self.registrations.each_shelved(each);
        self.signals.each_shelved(each);
        self.owners.each_shelved(each);
        self.diagnosis.watches.each_shelved(each);
        self.queues.posted().each_shelved(each);
    }

    /// The job posted to a dispatcher under a token; `PostedId::NONE` if there is none. The caller
    /// has the token pinned, or walks over it in a cancel.
    pub(crate) fn posted(&self, index: u32) -> PostedId {
        PostedId(self.arena.slot(index).cold.posted.load(Ordering::Relaxed))
    }

    /// The dispatchers' queues.
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// The notes about polls and cancels.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Calls `reader` with a text of which the caller holds a reference.
    pub(crate) fn show_text<R>(&self, text: TextId, reader: impl FnOnce(&str) -> R) -> R {
        self.texts.show(text, reader)
    }

    /// The heap of armed deadlines.
    pub fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// The plugins that own callbacks.
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// Whether a pinned token has a foreign check.
    #[inline]
    pub(crate) fn has_foreign(&self, token: &TokenPin<'_>) -> bool {
        token.slot().cold.foreign.load(Ordering::Relaxed) != NIL
    }

    /// Ends the use of a pinned token's foreign check, because its user data goes; `payload` is the
    /// check's user data. Returns the payload for the caller to destroy. If the check is being
    /// asked at this moment it returns nothing, and the asking thread destroys the payload.
    #[inline]
    pub fn retire_foreign(
        &self,
        token: &TokenPin<'_>,
        payload: Option<Payload>,
    ) -> Option<Payload> {
        match token.slot().cold.foreign.load(Ordering::Relaxed) {
            NIL => payload,
            number => self.end_source(token, || {
                // From now on polls take the fast path again: there is no check left to ask.
                token.slot().state().fetch_and(!FOREIGN, Ordering::Relaxed);
                self.foreigns.retire(number, payload)
            }),
        }
    }

    /// Whether a pinned token is cancelled. Asks no foreign check.
    pub fn is_cancelled(&self, token: &TokenPin<'_>) -> bool {
        token.slot().state().load(Ordering::Acquire) & CANCELLED != 0
    }

    /// The time and the cause of a token's cancel; `Cause::None` if the token is not cancelled.
    pub fn record(&self, token: &TokenPin<'_>) -> (u64, Cause) {
        let record = self.record_of(token);
        (record.time_ns, record.cause)
    }

    /// Calls `reader` with the cancel's reason, or with an empty text if there is none.
    pub fn show_reason<R>(&self, token: &TokenPin<'_>, reader: impl FnOnce(&str) -> R) -> R {
        let record = self.share_record(token);
        let result = self.texts.show(record.reason, reader);
        self.texts.release(record.reason);
        result
    }

    /// Calls `reader` with the caller id given at creation, or with an empty text if there is none.
    pub fn show_caller_id<R>(&self, token: &TokenPin<'_>, reader: impl FnOnce(&str) -> R) -> R {
        if token.slot().mark.load(Ordering::Relaxed) & HAS_TRACE != 0 {
            return reader("");
        }
        let id = TextId(token.slot().cold.caller_id.load(Ordering::Relaxed));
        self.texts.show(id, reader)
    }
}
