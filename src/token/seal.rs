//! Sealing: the job or request of a token has passed the point of no return, and the token can no
//! longer be cancelled.
//!
//! Invariants:
//! 1. A token is decided once, under its lock: it is cancelled (`cancel`) or sealed. SEALED and
//!    CANCELLED exclude each other, and neither is cleared before the token's death. SEALED lies
//!    outside the state word, in the slot's mark, so polls of a sealed token take the fast path.
//!    FOREIGN is cleared while the same lock is held.
//! 2. Callbacks, waits and events are added under the lock, and only after looking at SEALED. So
//!    after the decision the sealing thread finds all of them and drops them. Children are added as
//!    before: they can still be cancelled themselves, or through another parent.
//! 3. A deadline is armed under the lock, and only after looking at SEALED. The seal disarms it.
//! 4. A seal of a job sets ANSWERED in the tokens of the requests that the job works for, before it
//!    gives back the lock of the job's token. A cancel of a request whose walk found the job sealed
//!    has held that lock afterwards, so it finds ANSWERED after its walk. A cancel whose walk held
//!    the lock before the seal has cancelled the job.
//!
//! How a job's requests are found while its token is locked: a walk decides a token, under the
//! token's lock, before it takes the token out of a parent's list. So a token that is not decided
//! is still in the lists of all its parents, and its parents live. Further up, a parent is pinned,
//! and counts if the child is still in its list then. If the child is in no list, a walk has taken
//! it and is on its way down to the job: the cancel was first. If the child is in another parent's
//! list, an ended job has left it to its own parent, and that parent is looked at instead.
//!
//! The search stops at requests and at jobs that have not ended: an outer job answers for its own
//! requests.
//!
//! While the token's lock is held, the lock of the deadlines is taken, and no other token's lock.

use crate::diagnosis::events::{Event, EventKind, EventText};
use crate::diagnosis::moment::{Moment, MomentKind};
use crate::handle::{CANCELLED, FLAGS, FOREIGN, Handle, NULL};
use crate::memory::pool::NIL;
use crate::memory::slot::Slot;
use crate::sys::sync::{Ordering, yield_now};
use crate::sys::{clock, system_thread};
use crate::token::cell::{ANSWERED, HAS_TRACE, PART, SEALED, TokenCold, TokenLive};
use crate::token::chain::Dead;
use crate::token::link::PARTED;
use crate::token::registration::{Purpose, RegistrationPin};
use crate::token::{TokenPin, Tokens};

/// Outcome of an attempt to seal a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// This call sealed the token.
    ByThisCall,
    /// The token was sealed before.
    Before,
    /// The token is cancelled, or a cancel is on its way down to it.
    Cancelled,
    /// The job or request of the token is in a state in which it cannot be sealed.
    Refused,
    /// Nothing happened: there are too many tokens above to find all requests that the job works
    /// for.
    TooManyAbove,
}

/// Limit of requests that one job can answer. They are kept in an array on the stack.
const MOST_REQUESTS: usize = 32;

/// Limit of links above a job that are looked at while its token is locked.
const MOST_LOOKS: u32 = 256;

/// The requests that a job works for. Each is pinned.
struct Above {
    found: [u32; MOST_REQUESTS],
    count: usize,
    looks: u32,
    dead: Dead,
}

/// Whether a token is a request's. All watched tokens are of four sorts: a job's token has a job
/// id, some have a caller id, some stop a part of a job's work, and the rest are requests'.
fn is_of_request(slot: &Slot<TokenCold, TokenLive>) -> bool {
    let mark = slot.mark.load(Ordering::Relaxed);
    slot.cold.watched.is_on()
        && mark & PART == 0
        && slot.job_id() == 0
        && (slot.cold.caller_id.load(Ordering::Relaxed) == NIL || mark & HAS_TRACE != 0)
}

impl Tokens {
    /// Seals the pinned token of a job or a request, unless it is cancelled, and ends everything
    /// that waits for its cancel. `may_seal` is called under the token's lock, when nothing else
    /// prevents the seal.
    pub fn seal(&self, token: &TokenPin<'_>, may_seal: impl FnOnce() -> bool) -> Sealing {
        let mut above =
            Above { found: [NIL; MOST_REQUESTS], count: 0, looks: 0, dead: Dead::NOBODY };
        let sealing = {
            let _lock = (!crate::weakened!("seal_under_lock")).then(|| token.slot().lock());
            self.decide_seal(token, may_seal, &mut above)
        };
        for request in &above.found[..above.count] {
            self.let_go(*request, &mut above.dead);
        }
        self.bury_all(above.dead);
        if sealing == Sealing::ByThisCall {
            self.end_listening(token);
        }
        sealing
    }

    /// Does the part of `seal` under the token's lock, which the caller holds. The requests above
    /// the token are pinned in `above`, for the caller to let go.
    fn decide_seal(
        &self,
        token: &TokenPin<'_>,
        may_seal: impl FnOnce() -> bool,
        above: &mut Above,
    ) -> Sealing {
        let slot = token.slot();
        let state = slot.state();
        let now = state.load(Ordering::Acquire);
        if now & CANCELLED != 0 && !crate::weakened!("seal_looks_for_cancel") {
            return Sealing::Cancelled;
        }
        if slot.is_sealed() {
            return Sealing::Before;
        }
        if !is_of_request(slot)
            && let Err(hindrance) = self.find_requests(token.index(), above)
        {
            return hindrance;
        }
        if !may_seal() {
            return Sealing::Refused;
        }
        slot.mark.fetch_or(SEALED, Ordering::AcqRel);
        // A plain store is enough. The flags of a token that other threads know are written under
        // its lock only.
        if !crate::weakened!("seal_drops_foreign") {
            state.store(now & !FOREIGN, Ordering::Release);
        }
        self.deadlines.disarm(&self.arena, token.index());
        for request in &above.found[..above.count] {
            self.arena.slot(*request).mark.fetch_or(ANSWERED, Ordering::AcqRel);
        }
        Sealing::ByThisCall
    }

    /// Finds the requests that a live token works for, and pins them in `above`. The error says why
    /// the token cannot be sealed. `Sealing::Cancelled`: an ancestor is cancelled, and the cancel's
    /// walk is on its way down to the token.
    fn find_requests(&self, token: u32, above: &mut Above) -> Result<(), Sealing> {
        let mut links = self.links.of_child(&self.arena, token);
        links.try_for_each(|link| self.find_requests_by(link, above))
    }

    /// As `find_requests`, but follows only one of the token's links to parents.
    fn find_requests_by(&self, link: u32, above: &mut Above) -> Result<(), Sealing> {
        loop {
            let parent = self.links.parent_at(&self.arena, link);
            if parent == PARTED {
                return Ok(());
            }
            if parent == NIL {
                let is_late = crate::weakened!("walk_on_its_way_wins");
                return if is_late { Ok(()) } else { Err(Sealing::Cancelled) };
            }
            above.looks += 1;
            if above.looks > MOST_LOOKS {
                return Err(Sealing::TooManyAbove);
            }
            if !self.arena.pin_index(parent) {
                // The parent has died, so the link has left the parent's list, for another list or
                // for good.
                yield_now();
                continue;
            }
            let count = above.count;
            let is_still = self.links.parent_at(&self.arena, link) == parent;
            let found = if is_still { self.note_above(parent, above) } else { Ok(()) };
            let is_noted = above.count > count && above.found[count] == parent;
            if !is_noted {
                self.let_go(parent, &mut above.dead);
            }
            if is_still {
                return found;
            }
        }
    }

    /// Looks at a pinned ancestor of a job. If it is a request that was not noted yet, notes it in
    /// `above`, which takes over the caller's pin. If it is neither a request nor a job that goes
    /// on, looks further up.
    fn note_above(&self, ancestor: u32, above: &mut Above) -> Result<(), Sealing> {
        let slot = self.arena.slot(ancestor);
        if slot.job_id() != 0 && !self.diagnosis.watches.course(&slot.cold.watched).has_ended {
            return Ok(());
        }
        if !is_of_request(slot) {
            return self.find_requests(ancestor, above);
        }
        let known = &above.found[..above.count];
        if known.contains(&ancestor) {
            return Ok(());
        }
        if known.len() == MOST_REQUESTS {
            return Err(Sealing::TooManyAbove);
        }
        above.found[above.count] = ancestor;
        above.count += 1;
        Ok(())
    }

    /// Ends everything that waits for the cancel of a token that was just sealed.
    fn end_listening(&self, token: &TokenPin<'_>) {
        let index = token.index();
        let check = token.slot().cold.foreign.load(Ordering::Relaxed);
        if check != NIL {
            self.note_check_over(check, clock::now_ns());
        }
        let sleepers = &token.slot().cold.sleepers;
        if sleepers.any() {
            sleepers.wake_never();
        }
        while let Some(signal) = self.take_first(index, |live| &live.signals) {
            self.end_unset(signal);
        }
        // Of the token's registrations only callbacks are left.
        self.drop_listeners(index);
    }

    /// Ends a registration that this thread has taken over and whose token is sealed: a waiter is
    /// told that one token fewer can end its wait, and an event is never set.
    #[cold]
    fn end_unset(&self, index: u32) {
        match self.registrations.purpose(index) {
            Purpose::Callback | Purpose::KeepingCallback | Purpose::WakeJob(_) => (),
            Purpose::Wake { waiter, .. } => {
                self.signals.expect_one_less(waiter);
                self.signals.release_waiter(waiter);
            }
            Purpose::Event(event) => self.signals.forget_event(event),
            // A sealed parent never leaves, so it stays counted.
            Purpose::Leave(gathering) => self.gatherings.release(gathering),
        }
        if self.registrations.live(index).finish() {
            self.owners.waits().wake();
        }
        drop(RegistrationPin::take_over(&self.registrations, index));
    }

    /// Handles a new registration with a sealed token. It can never run, so it is over at once,
    /// unless it is a callback whose caller has to unregister it (`is_named`).
    #[cold]
    pub(super) fn keep_idle(&self, index: u32, is_named: bool) {
        let is_callback = self.registrations.purpose(index).is_callback();
        if is_callback {
            // The callback is treated as if it had been registered without a token.
            self.list(None, index, is_named, false);
        } else if self.registrations.begin_idle(index, self.inside_now()) {
            self.end_unset(index);
        }
    }

    /// Reports that a token was just sealed. `label` is the label of its job.
    pub(crate) fn note_sealed(&self, token: &TokenPin<'_>, label: impl Fn() -> EventText) {
        let diagnosis = self.diagnosis();
        let job_id = token.slot().job_id();
        diagnosis.timeline.note(|| Moment::now(MomentKind::Seal, job_id, label()));
        diagnosis.observers.emit(|| Event {
            kind: EventKind::Sealed,
            time_ns: clock::now_ns(),
            job_id,
            token: token.handle(),
            thread: system_thread::current(),
            text: label(),
            ..Event::default()
        });
    }

    /// Whether a token is sealed. Takes no lock. Accepts any handle; false for a dead token. A yes
    /// stays true. A seal that happens at the same moment may be missed.
    pub fn is_sealed(&self, token: Handle) -> bool {
        if token == NULL {
            return false;
        }
        let Some(slot) = self.arena.peek(token) else { return false };
        let is_it = || slot.state().load(Ordering::Acquire) & !FLAGS == token;
        // The handle is compared before and after: in between, the slot may have been used again.
        is_it() && slot.is_sealed() && is_it()
    }

    /// Whether a job that works for the request of this token was sealed. If the request is
    /// cancelled, this may be asked only after that cancel has returned (invariant 4).
    pub(crate) fn is_answered(&self, token: &TokenPin<'_>) -> bool {
        let mark = token.slot().mark.load(Ordering::Acquire);
        mark & ANSWERED != 0 && !crate::weakened!("sealed_job_answers")
    }
}
