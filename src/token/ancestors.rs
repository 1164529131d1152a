//! The way from a token up to its ancestors, and the earliest deadline on it.
//!
//! A parent is pinned while its child is still in its list, under the parent's lock. So the pinned
//! object is that parent, and not a later token in the same slot. A cancel takes children out of
//! their lists, but a token that was taken out is cancelled or sealed. No deadline reaches a sealed
//! token, and none reaches a token below it by way of the sealed one.
//!
//! A token that was met on the way is remembered by its index only. It may die, and its slot may be
//! used again. This does no harm: a token's ancestors exist before the token does, so the later
//! token in that slot cannot be one of them. For the same reason there are no rings.
//!
//! A new object is made below both the current token and the current job. If one of these two is
//! below the other, the lower one alone becomes its parent. A cancel of either still reaches the
//! object, and an outer job answers for its own request. If the job is sealed, cancels from above
//! it stop at the job and do not reach the object.
//!
//! After a job has ended, only a cancel of its ancestors can still cancel its token. Objects made
//! while the job was current are then treated as follows. If the job has no ancestor that can be
//! cancelled, or is sealed, they go on without it. If it has one parent, they are left to that
//! parent. So a job that posts its successor again and again does not make an ever longer line of
//! ancestors. If it has several parents, they stay below it: each child has one link to it, and
//! would need one for each parent.

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

/// Indices of the tokens that were met. Callers cannot choose indices, so the hash needs no secret.
type Met = HashSet<u32, BuildHasherDefault<DefaultHasher>>;

const NO_MEMORY: Error = Error::Resources("memory for the way to all ancestors of the token");

/// Limit of ancestors that one search for a particular ancestor looks at.
const MOST_LOOKS: u32 = 64;

/// A walk from a token up to all its ancestors. `next` and `others` are the ancestors that are
/// still to be visited.
struct Way<'a> {
    tokens: &'a Tokens,
    met: Met,
    /// Whether a token with several parents was met. Ways can only meet again above such a token,
    /// so a long way of single parents takes no memory.
    has_parted: bool,
    next: Option<TokenPin<'a>>,
    others: Vec<TokenPin<'a>>,
}

impl<'a> Way<'a> {
    const fn new(tokens: &'a Tokens, met: Met) -> Self {
        Self { tokens, met, has_parted: false, next: None, others: Vec::new() }
    }

    /// Adds the parents of a pinned token to the ancestors that are still to be visited.
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
    /// The earliest deadline of a token and its ancestors. `None`: no deadline is armed, or the
    /// token is cancelled or sealed.
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

    /// The parents of a new object, from the current token and the token `job` of the current job:
    /// the lower of the two, or both if neither is below the other. NULL stands for none; a handle
    /// that is not NULL must live.
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
        // A cancel that has passed over a sealed job has taken the job out of the lists above it.
        let has_passed = || job_pin.slot().is_sealed() && self.is_cancelled(&token_pin);
        if self.is_below(&job_pin, &token_pin) || has_passed() {
            [job, NULL]
        } else if self.is_below(&token_pin, &job_pin) {
            [token, NULL]
        } else {
            [token, job]
        }
    }

    /// Separates the token of a job that has just ended from the objects that were made while the
    /// job was current. The module's head says when they get another parent, go on without one, or
    /// stay.
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

    /// Whether a token stops a part of the work of the job with token `job`, and not that job
    /// itself. This is so if `token` was made for that, or is below `job`. A cancel cuts the links
    /// between the two; after that only a token that was made for it is found. Accepts handles of
    /// dead tokens, for which the answer is false.
    pub fn stops_part(&self, token: Handle, job: Handle) -> bool {
        let (Ok(token), Ok(job)) = (TokenPin::new(self, token), TokenPin::new(self, job)) else {
            return false;
        };
        let id = job.slot().job_id();
        id != 0 && token.slot().part_of() == id || self.is_below(&token, &job)
    }

    /// The id of a token's job; 0 if it has none or is dead.
    pub(super) fn job_id_of(&self, token: Handle) -> u64 {
        TokenPin::new(self, token).map_or(0, |pin| pin.slot().job_id())
    }

    /// Calls `find` with one ancestor of a pinned token after the other, and returns its first
    /// answer that is `Some`. `None`: there was no such answer, the search would be too long, or
    /// memory ran out.
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

    /// Whether a cancel of `upper` would come down to `lower`. Both are pinned. False, too, if the
    /// search would be too long.
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
            // An ended job between the two may have left its children to `upper` after the look
            // above.
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

    /// Pins the parent in whose list a link of a pinned child still is. `None`: the link is in no
    /// list any more.
    fn pin_parent(&self, number: u32) -> Option<TokenPin<'_>> {
        let mut died = None;
        let parent = self.links.pin_parent(&self.arena, number, |parent| died = Some(parent));
        if let Some(parent) = died {
            self.bury(parent);
        }
        parent.map(|parent| TokenPin::take_over(self, parent))
    }
}
