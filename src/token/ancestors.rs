//! The way from a token up to its ancestors, and what it has of them: the earliest deadline.
//!
//! A parent is pinned while the child is still in its list, which is looked at under the parent's lock: so it
//! is that parent, and no later token of its slot. A cancel takes children out of lists, and a token that was
//! taken out is cancelled or sealed. What is sealed no deadline reaches any more, nor what is below it
//! through that.
//!
//! Parents are those that a token was made of, so there are no rings, and what has been left behind does not
//! become an ancestor again: it may be known by its index.
//!
//! What is made while a token and a job are current is below both. Where one of them is below the other that
//! one alone is its parent: a cancel of either reaches it, an outer job answers for its request itself, and
//! a sealed job passes it by. Once a job has ended nothing cancels it but what is above it. What was made
//! while it was current goes on without it if nothing is, or if it is sealed; and is left to its parent if it
//! has one. So a job that posts its successor again and again has no ancestors that become more and more. Of
//! a job with several parents nothing is left to them: there is one link of the child, and two are needed.

use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::memory::pin::Keeper;
use crate::memory::pool::NIL;
use crate::memory::slot::Slot;
use crate::sys::sync::Ordering;
use crate::token::cell::IMPLIED;
use crate::token::chain::Dead;
use crate::token::{TokenPin, Tokens};
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// Tokens that were met. Nobody chooses the indices, so the hash needs no secret.
type Met = HashSet<u32, BuildHasherDefault<DefaultHasher>>;

const NO_MEMORY: Error = Error::Resources("memory for the way to all ancestors of the token");

/// Most tokens above another that are looked at for one of them.
const MOST_LOOKS: u32 = 64;

/// What is left of a way up.
struct Way<'a> {
    tokens: &'a Tokens,
    met: Met,
    /// Whether a token with several parents was met: only above one can ways meet again. So a long way of
    /// single parents takes no memory.
    has_parted: bool,
    next: Option<TokenPin<'a>>,
    others: Vec<TokenPin<'a>>,
}

impl<'a> Way<'a> {
    const fn new(tokens: &'a Tokens, met: Met) -> Self {
        Self { tokens, met, has_parted: false, next: None, others: Vec::new() }
    }

    /// Goes on to the parents of a pinned token.
    fn add_parents(&mut self, child: u32) -> Result<(), Error> {
        let (tokens, slots) = (self.tokens, &self.tokens.arena);
        self.has_parted |= tokens.links.has_several_parents(slots, child);
        for number in tokens.links.of_child(slots, child) {
            let Some(parent) = tokens.pin_parent(number) else { continue };
            if self.has_parted {
                self.met.try_reserve(1).map_err(|_| NO_MEMORY)?;
                if !self.met.insert(parent.index()) {
                    continue;
                }
            }
            if let Some(other) = self.next.replace(parent) {
                self.others.try_reserve(1).map_err(|_| NO_MEMORY)?;
                self.others.push(other);
            }
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<TokenPin<'a>> {
        self.next.take().or_else(|| self.others.pop())
    }
}

impl Tokens {
    /// The earliest deadline of a token and of its ancestors. `None`: none is armed, or it is cancelled or
    /// sealed.
    pub fn deadline(&self, token: &TokenPin<'_>) -> Result<Option<u64>, Error> {
        let is_over = self.is_cancelled(token) || token.slot().is_sealed();
        if is_over || self.deadlines.count() == 0 {
            return Ok(None);
        }
        let mut earliest = self.deadlines.of(&self.arena, token.index());
        let mut way = Way::new(self, Met::default());
        way.add_parents(token.index())?;
        while let Some(ancestor) = way.pop() {
            let inherited = self.deadlines.of(&self.arena, ancestor.index());
            earliest = earliest.into_iter().chain(inherited).min();
            if !ancestor.slot().is_sealed() {
                way.add_parents(ancestor.index())?;
            }
        }
        Ok(earliest)
    }

    /// The parents of what is made where this token and the token of this job are current: both, or that of
    /// them which is below the other. NULL for none; what is not NULL lives.
    #[inline(always)]
    pub fn lowest(&self, token: Handle, job: Handle) -> [Handle; 2] {
        if token == NULL || job == NULL || token == job {
            return [if token == NULL { job } else { token }, NULL];
        }
        self.lowest_of_two(token, job)
    }

    #[inline(never)]
    fn lowest_of_two(&self, token: Handle, job: Handle) -> [Handle; 2] {
        let (Ok(token_pin), Ok(job_pin)) = (TokenPin::new(self, token), TokenPin::new(self, job))
        else {
            return [token, job];
        };
        // A cancel that has passed a sealed job has taken it out of the lists above.
        let has_passed = || job_pin.slot().is_sealed() && self.is_cancelled(&token_pin);
        if self.is_below(&job_pin, &token_pin) || has_passed() {
            [job, NULL]
        } else if self.is_below(&token_pin, &job_pin) {
            [token, NULL]
        } else {
            [token, job]
        }
    }

    /// Parts the token of a job that has ended, and hears of no cancel any more, from what was made while the
    /// job was current.
    #[inline]
    pub(crate) fn part_from_ended(&self, token: &TokenPin<'_>) {
        if token.slot().live().children.load(Ordering::Relaxed) != NIL {
            self.part_children(token);
        }
    }

    #[cold]
    fn part_children(&self, token: &TokenPin<'_>) {
        let mut above = self.links.of_child(&self.arena, token.index());
        let is_alone = above.all(|link| self.links.has_parted(&self.arena, link));
        let mut heir = None;
        if !is_alone && !token.slot().is_sealed() {
            if self.links.has_several_parents(&self.arena, token.index()) {
                return;
            }
            heir = self.pin_parent(token.index());
            if heir.is_none() {
                return;
            }
        }
        let is_implied = |child: &Slot<_, _>| child.mark.load(Ordering::Relaxed) & IMPLIED != 0;
        let heir = heir.as_ref().map(TokenPin::index);
        if self.links.part(&self.arena, token.index(), heir, is_implied) {
            let mut dead = Dead::NOBODY;
            self.let_go(token.index(), &mut dead);
            self.bury_all(dead);
        }
    }

    /// Whether a token stops a part of the work of the job of another, and not that job: it was made as one,
    /// or is below it, as far as a cancel has not cut the way. Both may be dead.
    pub fn stops_part(&self, token: Handle, job: Handle) -> bool {
        let (Ok(token), Ok(job)) = (TokenPin::new(self, token), TokenPin::new(self, job)) else {
            return false;
        };
        let id = job.slot().job_id();
        id != 0 && token.slot().part_of() == id || self.is_below(&token, &job)
    }

    /// The id of the job of a token; 0 for none, and of one that is dead.
    pub(super) fn job_id_of(&self, token: Handle) -> u64 {
        TokenPin::new(self, token).map_or(0, |pin| pin.slot().job_id())
    }

    /// What is found first on the way up from a pinned token. `None` if it is too far to look, too.
    pub(super) fn nearest_above<T>(
        &self,
        token: &TokenPin<'_>,
        mut find: impl FnMut(&TokenPin<'_>) -> Option<T>,
    ) -> Option<T> {
        let mut way = Way::new(self, Met::default());
        way.add_parents(token.index()).ok()?;
        for _ in 0..MOST_LOOKS {
            let ancestor = way.pop()?;
            if let Some(found) = find(&ancestor) {
                return Some(found);
            }
            way.add_parents(ancestor.index()).ok()?;
        }
        None
    }

    /// Whether a cancel of one pinned token would come down to another. False if it is too far to look, too.
    fn is_below(&self, lower: &TokenPin<'_>, upper: &TokenPin<'_>) -> bool {
        let is_parent = |child| {
            let mut links = self.links.of_child(&self.arena, child);
            links.any(|link| self.links.parent_at(&self.arena, link) == upper.index())
        };
        if is_parent(lower.index()) {
            return true;
        }
        let mut way = Way::new(self, Met::default());
        let mut is_lost = way.add_parents(lower.index()).is_err();
        for _ in 0..MOST_LOOKS {
            let Some(ancestor) = way.pop() else { break };
            // It became a parent of what was looked at before, when a job between the two had ended.
            if ancestor.index() == upper.index() {
                return true;
            }
            if is_lost || ancestor.slot().is_sealed() {
                continue;
            }
            if is_parent(ancestor.index()) {
                return true;
            }
            is_lost = way.add_parents(ancestor.index()).is_err();
        }
        false
    }

    /// The parent in whose list a link of a pinned child still is.
    fn pin_parent(&self, number: u32) -> Option<TokenPin<'_>> {
        let mut died = None;
        let parent = self.links.pin_parent(&self.arena, number, |parent| died = Some(parent));
        if let Some(parent) = died {
            self.bury(parent);
        }
        parent.map(|parent| TokenPin::take_over(self, parent))
    }
}
