//! Tokens of all: such a token is cancelled when all parents that it waits for have left. A parent
//! leaves by being cancelled or gone. This is for work that several callers wait for, and that
//! stops when the last of them leaves.
//!
//! A token of all has a gathering, which counts the parents that have not left. The gathering has a
//! registration with each parent, among those that wake waiters. So it keeps no parent alive, and
//! it comes before any callback. The thread that brings the count to zero cancels the token, with
//! the record of the parent that left last.
//!
//! Invariants:
//! 1. A sealed parent gives its registration up and stays counted: it never leaves.
//! 2. `left` changes under the gathering's lock. It may be 0 until the gathering has begun. The
//!    gathering begins when all first parents have joined. If there are no first parents, it begins
//!    when the first parent joins. Once `left` is 0 after that, no parent can join.
//! 3. The token has one reference of the gathering, and each registration has one. The token's
//!    burial closes the gathering, so a parent that leaves later finds nothing to cancel. Before
//!    that, the last parent to leave pins the token, unless the token is dead already.
//! 4. The token is flagged and pinned by the thread that brings the count to zero. The thread that
//!    cancels, buries or registers does the rest in a loop. So a chain of such tokens needs no
//!    stack.
//!
//! No lock is taken under the gathering's lock, but the control word of the token may change under
//! it.

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

/// The reason of the cancel if the last parent was gone, not cancelled.
const NOBODY_LEFT: &str = "nobody waits for it any more";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The token waits for the parent.
    Waits,
    /// Too late: all parents had left, or the token was cancelled.
    TooLate,
}

impl Tokens {
    /// Makes a token that is cancelled when all of `parents`, and all that join later, are
    /// cancelled or gone. NULL stands for a parent that never leaves. On an error nothing is left
    /// behind.
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
        // A thread that guesses the handle finds no gathering before this store. After it, the
        // thread joins this gathering.
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

    /// Lets a token of all wait for one more parent; NULL stands for a parent that never leaves. An
    /// error if the token was not made by `create_all`.
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
                // Undo the count, as if the parent had joined and left.
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
            // Other threads have used up the room that `make_room` made.
            let _ = self.unregister(registration, false);
            return Err(Error::Resources("memory for tokens of all"));
        }
        Ok(Joined::Waits)
    }

    /// Makes room for one more registration in a gathering, whose lock the caller holds. If the
    /// gathering has many registrations that are over, drops those first.
    fn make_room(&self, gathering: &mut Gathering) -> Result<(), Error> {
        let left = gathering.left;
        let list = gathering.registrations.get_or_make(|| Ok(Vec::new()))?;
        if list.len() as u64 > 2 * left + 16 {
            list.retain(|registration| {
                let is_over = RegistrationPin::new(&self.registrations, *registration)
                    .is_ok_and(|pin| pin.slot().live().stage(false) == CallStage::Done);
                // Unregistering a registration that is over calls nothing and does not wait.
                !(is_over && self.unregister(*registration, false).is_ok())
            });
        }
        // Several threads may join at a time, each after it has made room, so there has to be room
        // for more than one.
        list.try_reserve(16).map_err(|_| Error::Resources("memory for tokens of all"))
    }

    /// Notes that one parent of a gathering has left, and gives up the reference of the gathering
    /// that this parent's registration had. If it was the last parent, returns the gathering's
    /// token, flagged and pinned. If that token was cancelled or sealed before, it is let go of,
    /// and is in `dead` if it died.
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

    /// Cancels the pinned token of a gathering whose parents have all left; `parent` left last.
    /// Returns the token for `spread_left`, which carries the cancel on.
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

    /// Carries the cancels that `leave` returned down to the descendants, and runs their callbacks.
    /// Only for a thread that may run foreign code.
    pub(super) fn cancel_left(&self, left: Spread) {
        if left != Spread::NOTHING {
            let Spread { chain, dead } = self.spread_left(left);
            self.bury_all(dead);
            self.run_callbacks(chain);
        }
    }

    /// Carries the cancels that `leave` returned down to the descendants, and to further tokens of
    /// `create_all` that lose their last parent by this.
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

    /// Ends the gathering of a token that is being buried.
    pub(super) fn close_gathering(&self, number: u32) {
        let registrations = self.gatherings.with(number, |gathering| {
            if !crate::weakened!("burial_closes_gathering") {
                gathering.token = NIL;
            }
            gathering.registrations.take()
        });
        for registration in registrations.into_iter().flat_map(|list| *list) {
            // A registration that runs at this moment finds the gathering closed.
            let _ = self.unregister(registration, false);
        }
        self.gatherings.release(number);
    }
}
