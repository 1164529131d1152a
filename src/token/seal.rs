//! Sealing: what a token is of has passed the point of no return, and cannot be cancelled any more.
//!
//! Invariants:
//! - A token is decided once, under its lock: cancelled (`cancel`), or sealed. SEALED and CANCELLED exclude
//!   each other, and neither goes before the token's death. SEALED lies outside the state word, in the slot's
//!   mark, so polls of a sealed token take the fast way; FOREIGN is dropped in the same hold of the lock.
//! - Callbacks, waits and events are added under the lock by who has looked for SEALED there. So what the
//!   sealing thread drops after the decision is all there ever was. Children are added as before: what
//!   cancels them otherwise does so still.
//! - A deadline is armed under the lock by who has looked for SEALED there, and disarmed by the seal.
//! - ANSWERED is set in the tokens of the requests that a sealed job works for, under the job's lock and
//!   before that is free. A cancel of a request that finds the job sealed has had its lock; so after its walk
//!   it finds ANSWERED. A cancel that took the job's lock before has cancelled the job.
//!
//! Finding a job's requests under the job's lock: a token that is not decided is in the lists of all its
//! parents, since the walk that takes it out of one decides it first, under its lock. So the job's parents
//! live. A parent of those is pinned, and counts if the child is still in its list then. If it is in none, a
//! walk has taken the child, and is on its way to the job: then the cancel was first. If it is in another's,
//! an ended job has left it to its own parent, which is looked at instead.
//!
//! Only tokens are looked at that are neither a job's nor a request's: an outer job answers for itself.
//!
//! Under the lock is taken that of the deadlines, and no other token's.

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

/// What became of an attempt to seal a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// This call sealed it.
    ByThisCall,
    /// It was sealed before.
    Before,
    /// It is cancelled, or a cancel is on its way to it.
    Cancelled,
    /// What it is of cannot be sealed.
    Refused,
    /// Nothing happened: too much is above it to find all the requests that it works for.
    TooManyAbove,
}

/// Most requests that one job can answer.
const MOST_REQUESTS: usize = 32;

/// Most links above a job that are looked at.
const MOST_LOOKS: u32 = 256;

/// The requests that a job works for, pinned.
struct Above {
    found: [u32; MOST_REQUESTS],
    count: usize,
    looks: u32,
    dead: Dead,
}

/// Whether a token is a request's. Those of jobs have an id, others that are watched a caller's, or stop a
/// part of a job's work.
fn is_of_request(slot: &Slot<TokenCold, TokenLive>) -> bool {
    let mark = slot.mark.load(Ordering::Relaxed);
    slot.cold.watched.is_on()
        && mark & PART == 0
        && slot.job_id() == 0
        && (slot.cold.caller_id.load(Ordering::Relaxed) == NIL || mark & HAS_TRACE != 0)
}

impl Tokens {
    /// Seals the pinned token of a job or a request, unless it is cancelled, and ends what waits for its
    /// cancel. `may_seal` is asked under the token's lock, once nothing else is in the way.
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

    /// The decision, under the token's lock.
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
        // A store is enough: who writes flags of a token that is known holds its lock.
        if !crate::weakened!("seal_drops_foreign") {
            state.store(now & !FOREIGN, Ordering::Release);
        }
        self.deadlines.disarm(&self.arena, token.index());
        for request in &above.found[..above.count] {
            self.arena.slot(*request).mark.fetch_or(ANSWERED, Ordering::AcqRel);
        }
        Sealing::ByThisCall
    }

    /// Pins the requests above a token that lives. `Sealing::Cancelled`: one of its ancestors is cancelled,
    /// and the walk on its way.
    fn find_requests(&self, token: u32, above: &mut Above) -> Result<(), Sealing> {
        let mut links = self.links.of_child(&self.arena, token);
        links.try_for_each(|link| self.find_requests_by(link, above))
    }

    /// As `find_requests`, by one link of the token.
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
                // The parent has died, so the link has left it, for another or for good.
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

    /// Looks at a pinned ancestor of a job. Its pin is taken over if it is noted first.
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

    /// Ends what waits for the cancel of a token that was just sealed.
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
        // Callbacks alone are left.
        self.drop_listeners(index);
    }

    /// Ends a wait or an event that this thread has taken over and whose token is sealed.
    #[cold]
    fn end_unset(&self, index: u32) {
        match self.registrations.purpose(index) {
            Purpose::Callback | Purpose::KeepingCallback | Purpose::WakeJob(_) => (),
            Purpose::Wake { waiter, .. } => {
                self.signals.expect_one_less(waiter);
                self.signals.release_waiter(waiter);
            }
            Purpose::Event(event) => self.signals.forget_event(event),
            // It never leaves.
            Purpose::Leave(gathering) => self.gatherings.release(gathering),
        }
        if self.registrations.live(index).finish() {
            self.owners.waits().wake();
        }
        drop(RegistrationPin::take_over(&self.registrations, index));
    }

    /// What becomes of a new registration with a sealed token: it can never run, so it is over, unless it is
    /// a callback that is its caller's to unregister.
    #[cold]
    pub(super) fn keep_idle(&self, index: u32, is_named: bool) {
        let is_callback = self.registrations.purpose(index).is_callback();
        if is_callback {
            // As with no token at all.
            self.list(None, index, is_named, false);
        } else if self.registrations.begin_idle(index, self.inside_now()) {
            self.end_unset(index);
        }
    }

    /// Tells of a token that was just sealed; `label` is its job's.
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

    /// Whether a token is sealed. Takes no lock, and any handle. A yes is for good; a seal that comes at the
    /// same moment may be missed.
    pub fn is_sealed(&self, token: Handle) -> bool {
        if token == NULL {
            return false;
        }
        let Some(slot) = self.arena.peek(token) else { return false };
        let is_it = || slot.state().load(Ordering::Acquire) & !FLAGS == token;
        // Looked at on both sides: in between this may have become another's slot.
        is_it() && slot.is_sealed() && is_it()
    }

    /// Whether a job for the request of this token was sealed. Of a request that is cancelled: after the
    /// cancel came back.
    pub(crate) fn is_answered(&self, token: &TokenPin<'_>) -> bool {
        let mark = token.slot().mark.load(Ordering::Acquire);
        mark & ANSWERED != 0 && !crate::weakened!("sealed_job_answers")
    }
}
