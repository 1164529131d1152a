//! Tokens that are cancelled when all that they wait for have left: parents of which each is cancelled or
//! gone. For work that several wait for, and that stops when the last of them leaves.
//!
//! Such a token has a gathering, which counts who has not left. It is a registration with each parent, among
//! those that wake waiters, so it holds no parent alive, and no callback is before it. Who makes the count
//! zero has the token's cancel, with the record of the parent that left last.
//!
//! Invariants:
//! - A parent that is sealed gives its registration up and stays counted: it never leaves.
//! - `left` is changed under the gathering's lock. It may be 0 until the gathering has begun: when all
//!   first parents have joined, or, where there are none, when the first joins. Once it is 0 after that,
//!   nobody joins.
//! - The gathering has a reference of its token and one of each registration. The burial closes it, so who
//!   leaves later finds nothing to cancel; before that who leaves pins the token, unless it is dead
//!   already.
//! - The token that is to be cancelled is flagged and pinned where the count becomes zero, and what follows
//!   is done in a loop by who cancels, buries or registers. So a chain of such tokens costs no stack.
//!
//! The lock is a leaf, but a token's control word is changed under it.

use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::memory::pool::NIL;
use crate::memory::slot::Holder;
use crate::sys::clock;
use crate::sys::sync::Ordering;
use crate::token::cancel::{Flagged, Spread};
use crate::token::diagnose::Reached;
use crate::token::gathering::Gathering;
use crate::token::registration::{CallStage, Purpose, RegistrationPin};
use crate::token::{Cause, Record, TokenPin, Tokens};

/// Why a token is cancelled whose parents are all gone.
const NOBODY_LEFT: &str = "nobody waits for it any more";

/// What came of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It is waited for.
    Waits,
    /// All have left before, or the token was cancelled: too late.
    TooLate,
}

impl Tokens {
    /// A token that is cancelled when all of the parents are cancelled or gone, and those that join later.
    /// NULL stands for one that never leaves. On an error nothing is left behind.
    pub fn create_all(&self, parents: &[Handle]) -> Result<Handle, Error> {
        let (index, slot) = self.arena.take()?;
        let token = self.arena.publish(index, slot, 0, Holder::Internal);
        let pin = TokenPin::take_over_slot(self, index, slot);
        self.gather(&pin, parents)?;
        self.arena.retain(token)?;
        Ok(token)
    }

    fn gather(&self, token: &TokenPin<'_>, parents: &[Handle]) -> Result<(), Error> {
        let number = self.gatherings.add(token.index())?;
        // Whoever guesses the handle finds no gathering before, and joins this one after.
        token.slot().live().link.sibling.store(number, Ordering::Release);
        for parent in parents {
            self.join_as(token, *parent, false)?;
        }
        let Some(last) = parents.last() else { return Ok(()) };
        let is_over = self.gatherings.with(number, |gathering| {
            gathering.has_begun = true;
            gathering.is_over() && self.arena.pin_index(gathering.token)
        });
        if is_over {
            self.cancel_left(self.flag_left(token.index(), *last));
        }
        Ok(())
    }

    /// Lets a token of all wait for one more parent.
    pub fn join(&self, token: &TokenPin<'_>, parent: Handle) -> Result<Joined, Error> {
        self.join_as(token, parent, true)
    }

    fn join_as(&self, token: &TokenPin<'_>, parent: Handle, begins: bool) -> Result<Joined, Error> {
        let number = token.slot().live().link.sibling.load(Ordering::Acquire);
        if number == NIL {
            return Err(Error::InvalidArgument(
                "token waits for no others; make it by dcc_cancel_token_create_all",
            ));
        }
        let parent = match parent {
            NULL => None,
            parent => Some(TokenPin::new(self, parent)?),
        };
        let is_in_time = self.gatherings.with(number, |gathering| {
            let is_late = gathering.is_over() || self.is_cancelled(token);
            if is_late && !crate::weakened!("joins_look_for_the_last") {
                return Ok(false);
            }
            self.make_room(gathering)?;
            gathering.left += 1;
            gathering.has_begun |= begins;
            Ok::<_, Error>(true)
        })?;
        if !is_in_time {
            return Ok(Joined::TooLate);
        }
        let Some(parent) = parent else { return Ok(Joined::Waits) };
        self.gatherings.share(number);
        let registered = self.register_signal(Some(&parent), Purpose::Leave(number), true);
        let registration = match registered {
            Ok(registration) => registration,
            Err(error) => {
                // As if it had come and gone.
                self.cancel_left(self.leave(number, parent.handle()));
                return Err(error);
            }
        };
        let is_noted = self.gatherings.with(number, |gathering| {
            let list = gathering.registrations.get_or_make(|| Ok(Vec::new())).ok();
            let list = list.filter(|list| list.capacity() > list.len());
            list.map(|list| list.push(registration)).is_some()
        });
        if !is_noted {
            // Others took the room that was made.
            let _ = self.unregister(registration, false);
            return Err(Error::Resources("memory for tokens of all"));
        }
        Ok(Joined::Waits)
    }

    /// Makes room for one more registration, in place of those that are over if they are many.
    fn make_room(&self, gathering: &mut Gathering) -> Result<(), Error> {
        let left = gathering.left;
        let list = gathering.registrations.get_or_make(|| Ok(Vec::new()))?;
        if list.len() as u64 > 2 * left + 16 {
            list.retain(|registration| {
                let is_over = RegistrationPin::new(&self.registrations, *registration)
                    .is_ok_and(|pin| pin.slot().live().stage(false) == CallStage::Done);
                // That calls and waits for nothing.
                !(is_over && self.unregister(*registration, false).is_ok())
            });
        }
        // Several may come at a time.
        list.try_reserve(16).map_err(|_| Error::Resources("memory for tokens of all"))
    }

    /// One parent of a gathering has left. If it was the last, the gathering's token, flagged and pinned; it
    /// may have died by this.
    pub(super) fn leave(&self, number: u32, parent: Handle) -> Spread {
        let weakened = crate::weakened!("last_looks_under_lock");
        let before =
            if weakened { self.gatherings.with(number, |gathering| gathering.left) } else { 0 };
        let token = self.gatherings.with(number, |gathering| {
            if gathering.token == NIL {
                return NIL;
            }
            gathering.left -= 1;
            let is_last = if weakened { before == 1 } else { gathering.is_over() };
            let is_there = is_last && self.arena.pin_index(gathering.token);
            if is_there { gathering.token } else { NIL }
        });
        self.gatherings.release(number);
        if token == NIL { Spread::NOTHING } else { self.flag_left(token, parent) }
    }

    /// Flags a pinned token whose parents have left, this one last.
    fn flag_left(&self, token: u32, parent: Handle) -> Spread {
        let by = TokenPin::new(self, parent).ok().filter(|parent| self.is_cancelled(parent));
        let record = by.map_or_else(
            || {
                let reason = self.texts.store(NOBODY_LEFT).unwrap_or_default();
                Record { time_ns: clock::now_ns(), cause: Cause::Request, reason }
            },
            |parent| self.share_record(&parent),
        );
        let mut left = Spread::NOTHING;
        if matches!(self.flag_or_forget(token, record), Flagged::Before | Flagged::Sealed) {
            self.let_go(token, &mut left.dead);
        } else {
            self.note_cancelled(token, &record, Reached::First);
            left.chain.append(&self.arena, token);
        }
        left
    }

    /// Does all that follows what `leave` gave, on a thread that may run foreign code.
    pub(super) fn cancel_left(&self, left: Spread) {
        if left != Spread::NOTHING {
            let Spread { chain, dead } = self.spread_left(left);
            self.bury_all(dead);
            self.run_callbacks(chain);
        }
    }

    /// Carries the cancels of tokens that `leave` gave down, also over those that this leaves alone.
    pub(super) fn spread_left(&self, mut left: Spread) -> Spread {
        let mut all = Spread::NOTHING;
        while let Some(token) = left.chain.pop(&self.arena) {
            let record = self.arena.slot(token).cold.record();
            let spread = self.spread(token, record);
            left.join(&self.arena, self.signal(&spread.chain));
            all.join(&self.arena, spread);
            self.let_go(token, &mut all.dead);
        }
        all.join(&self.arena, left);
        all
    }

    /// Ends the gathering of a token that is buried.
    pub(super) fn close_gathering(&self, number: u32) {
        let registrations = self.gatherings.with(number, |gathering| {
            if !crate::weakened!("burial_closes_gathering") {
                gathering.token = NIL;
            }
            gathering.registrations.take()
        });
        for registration in registrations.into_iter().flat_map(|list| *list) {
            // One that runs at this moment finds the gathering closed.
            let _ = self.unregister(registration, false);
        }
        self.gatherings.release(number);
    }
}
