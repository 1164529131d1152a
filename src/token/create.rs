//! How a token is made: it gets the parts that plain tokens lack, is linked to its parents, and
//! then its handle becomes known.
//!
//! A token with several parents is hidden until it is linked to all of them. Otherwise a caller who
//! guesses its handle could make it its own ancestor, and such a ring would never be freed. A token
//! with one parent becomes known under that parent's lock.

use crate::diagnosis::trace_parent::TraceParent;
use crate::error::Error;
use crate::handle::{self, CANCELLED, FOREIGN, Handle, NULL};
use crate::memory::pin::Keeper;
use crate::memory::pool::NIL;
use crate::memory::slot::{Holder, Slot};
use crate::memory::text::TextId;
use crate::queue::posted::PostedId;
use crate::sys::sync::{AtomicU32, Ordering};
use crate::token::cell::{HAS_TRACE, IMPLIED, PART};
use crate::token::diagnose::Reached;
use crate::token::foreign::Foreign;
use crate::token::link::Added;
use crate::token::locked::LockedToken;
use crate::token::{LentToken, Record, TokenCold, TokenHold, TokenLive, Tokens};

/// The parts that a new token is made from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The id that a server gave the job. A token with a caller id is watched.
    pub caller_id: &'a str,
    /// The host's own check that the token gets, if any.
    pub foreign: Option<Foreign>,
    /// The token's polls are watched, because it belongs to a job or a request.
    pub is_watched: bool,
    /// The job posted under the token. A cancel of the token takes that job out of its queue. Has
    /// an effect only on a watched token.
    pub posted: PostedId,
    /// The token's parents were taken from what was current when it was made. When one of them is
    /// an ended job that no cancel can reach any more, the token goes on without it. Has an effect
    /// only on a watched token.
    pub is_implied: bool,
    /// The token stops a part of the work of a job. This is the token of that job, or NULL. Has an
    /// effect only on a watched token.
    pub part_of: Option<Handle>,
    /// The trace span that the token works for, if it is not the one that its parents work for.
    /// Only for a token without a caller id.
    pub trace_parent: Option<&'a TraceParent>,
}

impl Tokens {
    /// Makes a token that is cancelled when any of its parents is. NULL parents are skipped.
    /// `holder` says which references the new token has. On an error nothing is left behind.
    #[inline]
    pub fn create(
        &self,
        parents: impl IntoIterator<Item = Handle, IntoIter: Clone>,
        origin: Origin<'_>,
        holder: Holder,
    ) -> Result<Handle, Error> {
        let parents = parents.into_iter();
        let is_watched = origin.is_watched || !origin.caller_id.is_empty();
        let inherited_trace;
        let mut trace_parent = origin.trace_parent;
        if is_watched && self.has_traces() {
            inherited_trace = self.inherited_trace(&origin, parents.clone());
            trace_parent = inherited_trace.as_ref().or(trace_parent);
        }
        let (index, slot) = self.arena.take()?;
        let is_equipped =
            !origin.caller_id.is_empty() || origin.foreign.is_some() || trace_parent.is_some();
        if is_equipped && let Err(error) = self.equip(slot, Origin { trace_parent, ..origin }) {
            self.arena.put_back(index);
            return Err(error);
        }
        if is_watched {
            slot.cold.watched.begin();
            slot.cold.posted.store(origin.posted.0, Ordering::Relaxed);
            let is_of = |is_so, bit| if is_so { bit } else { 0 };
            let kind = is_of(origin.is_implied, IMPLIED) | is_of(origin.part_of.is_some(), PART);
            if let Some(job) = origin.part_of {
                slot.cold.job_id.store(self.job_id_of(job), Ordering::Relaxed);
            }
            if kind != 0 {
                let mark = slot.mark.load(Ordering::Relaxed) | kind;
                slot.mark.store(mark, Ordering::Relaxed);
            }
        }
        let flags = if origin.foreign.is_some() { FOREIGN } else { 0 };
        let mut parents = parents.filter(|parent| *parent != NULL);
        let first = parents.next();
        let second = parents.next();
        if let (Some(parent), None) = (first, second)
            && let Some(made) = self.create_child(parent, index, slot, flags, holder).transpose()
        {
            return made;
        }
        let mut parents = first.into_iter().chain(second).chain(parents).peekable();
        if parents.peek().is_none() {
            return Ok(self.arena.publish(index, slot, flags, holder));
        }
        let handle = self.arena.publish_hidden(index, slot, flags, holder);
        let mut inherited = None;
        for parent in parents {
            if let Err(error) = self.link(parent, index, &mut inherited) {
                self.forget(inherited);
                // A cancel of a parent that is already linked may be visiting the child.
                if self.arena.unpublish(index, holder) {
                    self.bury(index);
                }
                return Err(error);
            }
        }
        if let Some(record) = inherited
            && self.flag_or_forget(index, record).is_by_this_call()
        {
            self.note_cancelled(index, &record, Reached::AtBirth);
        }
        self.arena.reveal(slot, handle);
        Ok(handle)
    }

    /// As `create`, out of line, for an object that may have two parents.
    #[cold]
    #[inline(never)]
    pub fn create_below(
        &self,
        parents: [Handle; 2],
        origin: Origin<'_>,
        holder: Holder,
    ) -> Result<Handle, Error> {
        self.create(parents, origin, holder)
    }

    /// Makes a watched token that the library holds. It is cancelled when a parent that is not NULL
    /// is. A cancel of it takes `posted` out of its queue.
    #[inline(always)]
    pub fn create_watched(
        &self,
        parents: [Handle; 2],
        posted: PostedId,
        is_implied: bool,
    ) -> Result<LentToken<'_>, Error> {
        if parents != [NULL; 2] {
            let watched = Origin { is_watched: true, posted, is_implied, ..Origin::default() };
            let token = match parents {
                [parent, NULL] => self.create([parent], watched, Holder::Internal),
                parents => self.create_below(parents, watched, Holder::Internal),
            }?;
            return Ok(LentToken::new(self, handle::index(token)));
        }
        let (index, slot) = self.arena.take()?;
        slot.cold.watched.begin();
        slot.cold.posted.store(posted.0, Ordering::Relaxed);
        self.arena.publish(index, slot, 0, Holder::Internal);
        Ok(LentToken::of_slot(self, index, slot))
    }

    /// Makes a taken slot a token with one parent. `None`: the parent is cancelled and the new
    /// token is watched, so the caller has to make the token in the general way, which notes the
    /// cancel that it inherits.
    ///
    /// The token is put into its parent's list before other threads know it, and becomes known
    /// before the parent is unlocked. So a caller who guesses its handle finds it linked, and a
    /// cancel finds it alive. It cannot be its own ancestor: its parent was found before it was
    /// known.
    #[inline]
    fn create_child(
        &self,
        parent: Handle,
        index: u32,
        slot: &Slot<TokenCold, TokenLive>,
        flags: u64,
        holder: Holder,
    ) -> Result<Option<Handle>, Error> {
        let parent = match LockedToken::to_hold(self, parent) {
            Ok(parent) => parent,
            Err(error) => {
                self.strip(slot);
                self.arena.put_back(index);
                return Err(error);
            }
        };
        if parent.is_cancelled() && !crate::weakened!("child_looks_at_flag") {
            if slot.cold.watched.is_on() {
                return Ok(None);
            }
            slot.cold.set_record(self.share_record(&parent.into_pin()));
            return Ok(Some(self.arena.publish(index, slot, flags | CANCELLED, holder)));
        }
        let took_internal =
            self.links.add_only(&self.arena, parent.index(), parent.slot(), index, slot);
        let handle = self.arena.publish(index, slot, flags, holder);
        if took_internal {
            parent.leave();
        }
        Ok(Some(handle))
    }

    /// Gives a new token the parts that plain tokens lack. On an error nothing is left behind.
    #[cold]
    fn equip(&self, slot: &Slot<TokenCold, TokenLive>, origin: Origin<'_>) -> Result<(), Error> {
        let result = self.try_equip(slot, origin);
        if result.is_err() {
            self.strip(slot);
        }
        result
    }

    fn try_equip(
        &self,
        slot: &Slot<TokenCold, TokenLive>,
        origin: Origin<'_>,
    ) -> Result<(), Error> {
        let cold = &slot.cold;
        if !origin.caller_id.is_empty() {
            cold.caller_id.store(self.texts.store(origin.caller_id)?.0, Ordering::Relaxed);
        }
        if let Some(trace_parent) = origin.trace_parent {
            let text = self.texts.store(trace_parent.as_str())?;
            slot.cold.caller_id.store(text.0, Ordering::Relaxed);
            slot.mark.fetch_or(HAS_TRACE, Ordering::Relaxed);
            self.traces.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(foreign) = origin.foreign {
            cold.foreign.store(self.foreigns.add(foreign)?, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes away from a dead token, or from one that could not be made, the parts that `equip`
    /// gave.
    pub(super) fn strip(&self, slot: &Slot<TokenCold, TokenLive>) {
        let cold = &slot.cold;
        let take = |word: &AtomicU32| {
            let number = word.load(Ordering::Relaxed);
            if number != NIL {
                word.store(NIL, Ordering::Relaxed);
            }
            (number != NIL).then_some(number)
        };
        if slot.mark.load(Ordering::Relaxed) & HAS_TRACE != 0 {
            slot.mark.fetch_and(!HAS_TRACE, Ordering::Relaxed);
            self.traces.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(caller_id) = take(&cold.caller_id) {
            self.texts.release(TextId(caller_id));
        }
        if let Some(foreign) = take(&cold.foreign) {
            self.foreigns.remove(foreign);
        }
        self.diagnosis.watches.give_back(&cold.watched);
        cold.unwatch(&slot.mark);
    }

    /// Links a child to one parent. If the parent is cancelled, the child inherits its record. If
    /// the child has inherited a record already, only the parent's handle is checked.
    fn link(
        &self,
        parent: Handle,
        child: u32,
        inherited: &mut Option<Record>,
    ) -> Result<(), Error> {
        let held = TokenHold::new(self, parent)?;
        if inherited.is_some() {
            // The child will be cancelled, so it needs no link.
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
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::handle::Kind;

    /// A slot that was freed last is used again first, so the next handle can be predicted.
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
}
