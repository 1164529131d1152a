//! Tokens: a cancellation flag with a cause, a reason and parents.
//!
//! One lock a token. A cancel locks children under their parent's, in the order of the graph, which has no
//! rings; nobody else has two at a time, and a burial never takes a parent's under its child's. Under one is
//! taken that of the deadlines, of a native event of the token, of its foreign check when that ends, and of
//! what is known of its polls.
//! It guards the lists (children, signals, callbacks), who keeps it, and the writing of the record (cause,
//! time, reason), which is never written again once CANCELLED is set: who has seen the flag with Acquire
//! reads it without the lock.

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

/// A pinned token.
pub type TokenPin<'a> = Pin<'a, &'a Tokens>;

/// A token that something keeps.
pub type TokenHold<'a> = Hold<'a, &'a Tokens>;

/// The token of something pinned that holds it.
pub type LentToken<'a> = Lent<'a, &'a Tokens>;

/// All tokens.
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
    /// How many have a trace.
    pub(super) traces: AtomicU32,
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

    /// Shows the pools of which threads have magazines: what a token, a callback, a wait or a post takes.
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

    /// What is posted under a token that is pinned or in a walk.
    pub(crate) fn posted(&self, index: u32) -> PostedId {
        PostedId(self.arena.slot(index).cold.posted.load(Ordering::Relaxed))
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

    /// Whether a pinned token has a foreign check.
    #[inline]
    pub(crate) fn has_foreign(&self, token: &TokenPin<'_>) -> bool {
        token.slot().cold.foreign.load(Ordering::Relaxed) != NIL
    }

    /// Ends the use of a pinned token's foreign check, whose user data `payload` ends. Gives the
    /// payload back to be destroyed, unless the check is being asked: then the asker does it.
    #[inline]
    pub fn retire_foreign(
        &self,
        token: &TokenPin<'_>,
        payload: Option<Payload>,
    ) -> Option<Payload> {
        match token.slot().cold.foreign.load(Ordering::Relaxed) {
            NIL => payload,
            number => self.end_source(token, || {
                // Its polls need not find out each time that there is nobody to ask.
                token.slot().state().fetch_and(!FOREIGN, Ordering::Relaxed);
                self.foreigns.retire(number, payload)
            }),
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

    /// Shows the caller id given at creation, empty if there is none.
    pub fn show_caller_id<R>(&self, token: &TokenPin<'_>, reader: impl FnOnce(&str) -> R) -> R {
        if token.slot().mark.load(Ordering::Relaxed) & HAS_TRACE != 0 {
            return reader("");
        }
        let id = TextId(token.slot().cold.caller_id.load(Ordering::Relaxed));
        self.texts.show(id, reader)
    }
}
