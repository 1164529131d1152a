//! Tokens: a cancellation flag with a cause, a reason and parents.
//!
//! One lock a token, a leaf, never two at a time. It guards the lists (children, signals, callbacks)
//! and the writing of the record (cause, time, reason), which is never written again once CANCELLED
//! is set: who has seen the flag with Acquire reads it without the lock.
//!
//! A dead token unlinks itself from its parents; a parent that dies by that is buried in the same
//! loop, chained by `next_dead`. No recursion: a chain of a million costs no stack.

use crate::error::Error;
use crate::handle::{CANCELLED, FLAGS, FOREIGN, Handle, Kind, NULL};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::pin::{Hold, Keeper, Lent, Pin};
use crate::memory::pool::NIL;
use crate::memory::slot::Holder;
use crate::memory::text::{TextId, Texts};
use crate::owner::Owners;
use crate::queue::Queues;
use crate::queue::posted::PostedId;
use crate::sys::callout::Payload;
use crate::sys::clock;
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};
use crate::token::cancel::Flagged;
use crate::token::deadline::Deadlines;
use crate::token::deferred::{Dead, Deferred};
use crate::token::diagnose::Diagnosis;
use crate::token::foreign::{Foreign, Foreigns};
use crate::token::link::{Added, LinkNode, Links};
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
    job_id: AtomicU32,
    foreign: AtomicU32,
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

/// What a look at a layer told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Quiet,
    /// Stop: cancelled.
    Cancelled,
    /// Stop: what was asked about is no more.
    Gone,
}

/// What a new token is made from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The id that a server gave the job.
    pub job_id: &'a str,
    /// A host's own check.
    pub foreign: Option<Foreign>,
    /// Its polls are watched: it is a job's, or a request's. One with a job id is, too.
    pub is_watched: bool,
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

impl<'a> Keeper<'a> for &'a Tokens {
    type Cold = TokenCold;
    type Live = TokenLive;

    fn arena(self) -> &'a Arena<TokenCold, TokenLive> {
        &self.arena
    }

    #[inline]
    fn bury(self, index: u32) {
        let slot = self.arena.slot(index);
        let live = slot.live();
        let word = |word: &AtomicU32| word.load(Ordering::Relaxed);
        let used = word(&slot.cold.job_id)
            | word(&slot.cold.foreign)
            | word(&slot.cold.watch)
            | word(&live.deadline)
            | word(&live.signals)
            | word(&live.callbacks);
        let flags = slot.state().load(Ordering::Relaxed) & FLAGS;
        if used == NIL && flags == 0 && !Links::any(live) {
            self.arena.bury(index, slot);
        } else {
            self.bury_with_parents(index);
        }
    }
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

    /// A token that is cancelled when any of its parents is; NULL parents are skipped. On an
    /// error nothing is left behind.
    #[inline]
    pub fn create(
        &self,
        parents: impl IntoIterator<Item = Handle>,
        origin: Origin<'_>,
        holder: Holder,
    ) -> Result<Handle, Error> {
        let (index, slot) = self.arena.take()?;
        let plain = origin.job_id.is_empty() && origin.foreign.is_none() && !origin.is_watched;
        if !plain && let Err(error) = self.equip(&slot.cold, origin) {
            self.arena.put_back(index);
            return Err(error);
        }
        let flags = if origin.foreign.is_some() { FOREIGN } else { 0 };
        let mut parents = parents.into_iter().filter(|parent| *parent != NULL).peekable();
        if parents.peek().is_none() {
            let handle = self.arena.publish(index, slot, flags, holder);
            if !plain {
                self.trace_published(handle);
            }
            return Ok(handle);
        }
        let handle = self.arena.publish_hidden(index, slot, flags, holder);
        let mut inherited = None;
        for parent in parents {
            if let Err(error) = self.link(parent, index, &mut inherited) {
                self.forget(inherited);
                // A cancel of a parent that was linked already may be visiting the child.
                if self.arena.unpublish(index, holder) {
                    self.bury(index);
                }
                return Err(error);
            }
        }
        if let Some(record) = inherited
            && self.flag_or_forget(index, record) != Flagged::Before
        {
            self.note_cancelled(index, &record, false);
        }
        if !plain && self.is_new_traced() {
            self.set_trace_flag(index, true);
        }
        self.arena.reveal(slot, handle);
        Ok(handle)
    }

    /// Gives a new token what plain ones lack. On an error nothing is left behind.
    #[cold]
    fn equip(&self, cold: &TokenCold, origin: Origin<'_>) -> Result<(), Error> {
        let result = self.try_equip(cold, origin);
        if result.is_err() {
            self.strip(cold);
        }
        result
    }

    fn try_equip(&self, cold: &TokenCold, origin: Origin<'_>) -> Result<(), Error> {
        if !origin.job_id.is_empty() {
            cold.job_id.store(self.texts.store(origin.job_id)?.0, Ordering::Relaxed);
        }
        if let Some(foreign) = origin.foreign {
            cold.foreign.store(self.foreigns.add(foreign)?, Ordering::Relaxed);
        }
        if origin.is_watched || !origin.job_id.is_empty() {
            let watch = self.diagnosis.watches.add(clock::now_ns());
            let watch = watch.map_err(|_| Error::Resources("memory for diagnosis"))?;
            cold.watch.store(watch, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes away what `equip` gave.
    fn strip(&self, cold: &TokenCold) {
        let take = |word: &AtomicU32| {
            let number = word.load(Ordering::Relaxed);
            if number != NIL {
                word.store(NIL, Ordering::Relaxed);
            }
            (number != NIL).then_some(number)
        };
        if let Some(job_id) = take(&cold.job_id) {
            self.texts.release(TextId(job_id));
        }
        if let Some(foreign) = take(&cold.foreign) {
            self.foreigns.remove(foreign);
        }
        if let Some(watch) = take(&cold.watch) {
            self.diagnosis.watches.remove(watch);
        }
        cold.posted.store(PostedId::NONE.0, Ordering::Relaxed);
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

    /// Links a child to one parent, or inherits the cancel of a parent that has one already.
    fn link(
        &self,
        parent: Handle,
        child: u32,
        inherited: &mut Option<Record>,
    ) -> Result<(), Error> {
        let held = TokenHold::new(self, parent)?;
        if inherited.is_some() {
            // The child is as good as cancelled; the handle had to be looked at all the same.
            return Ok(());
        }
        match self.links.add(&self.arena, held.index(), child) {
            Ok(Added::TookPin) => {
                held.leave();
            }
            Ok(Added::KeptPin) => (),
            Ok(Added::ParentCancelled) => *inherited = Some(self.share_record(&held)),
            Err(_) => return Err(Error::Resources("memory for links to parents")),
        }
        Ok(())
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

    /// Clears and buries a dead token and every parent that dies by that.
    #[inline(never)]
    fn bury_with_parents(&self, index: u32) {
        let mut dead = Dead::NOBODY;
        dead.add(&self.arena, index);
        while let Some(index) = dead.pop(&self.arena) {
            self.clear(index, &mut dead);
            self.arena.bury(index, self.arena.slot(index));
        }
    }

    /// Clears a dead token; parents that die by it are added to `dead`.
    fn clear(&self, index: u32, dead: &mut Dead) {
        let slot = self.arena.slot(index);
        let live = slot.live();
        // First of all: until then the timer may still look at the token.
        if live.deadline.load(Ordering::Relaxed) != NIL {
            self.deadlines.disarm(&self.arena, index);
        }
        self.drop_listeners(index);
        if Links::any(live) {
            self.links.remove_all(&self.arena, index, |parent| self.let_go(parent, dead));
        }
        if slot.state().load(Ordering::Relaxed) & CANCELLED != 0 {
            self.texts.release(slot.cold.record().reason);
            slot.cold.set_record(Record::default());
        }
        self.strip(&slot.cold);
    }

    /// Takes one owner away.
    #[inline]
    pub fn release(&self, token: Handle) -> Result<(), Error> {
        if let Some(index) = self.arena.release(token)? {
            self.bury(index);
        }
        Ok(())
    }

    /// One load and one compare: nothing is asked of this token. True for NULL once any token
    /// was made; false may mean anything.
    ///
    /// The flag bits are looked at because the state word of a cancelled token is equal to its
    /// handle with that bit set.
    #[inline(always)]
    pub fn is_quiet(&self, token: Handle) -> bool {
        token & FLAGS == 0
            && self
                .arena
                .peek(token)
                .is_some_and(|slot| slot.state().load(Ordering::Relaxed) == token)
    }

    /// What polls read for a token; whether it lives is not looked at. `None` for bits that no
    /// token can have, which must not be compared with a word either.
    pub fn word(&self, token: Handle) -> Option<&AtomicU64> {
        if token & FLAGS != 0 {
            return None;
        }
        Some(self.arena.peek(token)?.state())
    }

    /// Finds out what a differing state word means, and whether a foreign check could say more.
    /// Synchronises with the cancel if there was one. Takes no lock.
    pub fn look(&self, token: Handle) -> (Answer, bool) {
        if token == NULL {
            return (Answer::Quiet, false);
        }
        let Some(slot) = self.arena.peek(token) else { return (Answer::Gone, false) };
        let state = slot.state().load(Ordering::Acquire);
        if state & !FLAGS != token {
            (Answer::Gone, false)
        } else if state & CANCELLED != 0 {
            (Answer::Cancelled, false)
        } else {
            (Answer::Quiet, state & FOREIGN != 0)
        }
    }

    /// As `look`, and asks a foreign check if it is due; `thread` tells the asking thread's number.
    pub fn answer(&self, token: Handle, thread: impl FnOnce() -> u64) -> Answer {
        match self.look(token) {
            (Answer::Quiet, true) => self.ask_foreign(token, thread()),
            (answer, _) => answer,
        }
    }

    fn ask_foreign(&self, token: Handle, thread: u64) -> Answer {
        let number =
            self.arena.peek(token).map_or(NIL, |slot| slot.cold.foreign.load(Ordering::Relaxed));
        if number != NIL && !self.foreigns.is_due(number, thread, clock::now_ns) {
            // Again: this may have become another's slot in between.
            return self.look(token).0;
        }
        if crate::weakened!("asker_finds_room") {
            match self.arena.hold(token) {
                Ok(index) => drop(TokenPin::take_over(self, index)),
                Err(_) => return Answer::Gone,
            }
        }
        let pin = match TokenPin::new(self, token) {
            Ok(pin) => pin,
            // So many ask already: this one is told what is known.
            Err(Error::Resources(_)) => return self.look(token).0,
            Err(_) => return Answer::Gone,
        };
        let number = pin.slot().cold.foreign.load(Ordering::Relaxed);
        if number != NIL && self.foreigns.ask(&self.owners, number, thread, clock::now_ns()) {
            self.cancel(&pin, Cause::Foreign, "cancelled in the host");
        }
        if pin.slot().state().load(Ordering::Acquire) & CANCELLED != 0 {
            Answer::Cancelled
        } else {
            Answer::Quiet
        }
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

    /// Slots are used again last in, first out, so a handle can be foretold.
    #[test]
    fn a_token_is_no_parent_of_itself_and_its_slot_keeps_counting() {
        static TOKENS: Tokens = Tokens::new();
        let create = |parents: &[Handle]| {
            TOKENS.create(parents.iter().copied(), Origin::default(), Holder::Owner)
        };
        let parent = create(&[]).unwrap();
        let used = create(&[]).unwrap();
        TOKENS.release(used).unwrap();
        let foretold = used + (1 << crate::handle::GENERATION_SHIFT);
        let refused = Err(Error::InvalidHandle(Kind::Token, foretold));
        assert_eq!(create(&[parent, foretold]), refused);
        let after = create(&[parent]).unwrap();
        assert_eq!(after, foretold + (1 << crate::handle::GENERATION_SHIFT), "a use is a use");
        TOKENS.release(after).unwrap();
        TOKENS.release(parent).unwrap();
        assert_eq!(TOKENS.arena.live(), 0);
    }

    #[test]
    fn a_token_takes_one_slot_of_128_bytes() {
        assert_eq!(size_of::<crate::memory::slot::Slot<TokenCold, TokenLive>>(), 128);
    }
}
