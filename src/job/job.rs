//! Jobs: a token plus id, label, state and progress. What one is made of, how it comes to be, is found and
//! dies.
//!
//! Locks: one body lock a job. The library takes none under it; a reader of its texts or its progress may
//! take a dispatcher's caller ids, or a request's. A body in which nothing was ever written is not locked to
//! be read: `life` tells (see `life`).
//!
//! A dead job drops its token and runs its destroy-notify after its slot was buried, so the notify
//! may use the library as it likes.

use crate::diagnosis::events::EventText;
use crate::error::Error;
use crate::handle::{self, Handle, Kind, NULL};
use crate::job::ends::EndCounts;
pub use crate::job_state::JobState;
use crate::memory::arena::{Arena, LivePart};
use crate::memory::magazine::Shelved;
use crate::memory::pin::{Hold, Keeper, Lent, Pin};
use crate::memory::pool::NIL;
use crate::memory::slot::{Holder, Slot};
use crate::owner::owned::{Owned, OwnedId};
use crate::owner::{Thing, Things};
use crate::sys::callout::{Payload, UserData};
use crate::sys::fallible::try_string;
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};
use crate::sys::{clock, thread_identity};
use crate::token::create::Origin;
use crate::token::deferred::Duty;
use crate::token::foreign::Foreign;
use crate::token::{LentToken, TokenPin, Tokens};

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; 0 while unknown.
    pub total: u64,
}

#[derive(Debug, Default)]
pub(super) struct JobBody {
    pub(super) label: String,
    pub(super) caller_id: String,
    pub(super) failure: String,
    pub(super) message: String,
    pub(super) progress: Progress,
    pub(super) payload: Option<Payload>,
}

impl JobBody {
    fn event_label(&self) -> EventText {
        EventText::new(&self.label)
    }
}

/// In a word of life: something was written in the body.
pub(super) const WRITTEN: u32 = 1 << 8;

/// The state in a word of life.
#[inline]
pub(super) fn state_of(life: u32) -> JobState {
    JobState::from_number(life & !WRITTEN)
}

/// What is written while a job lives.
#[derive(Debug, Default)]
pub struct JobLive {
    /// Its state, and whether anything was written in its body.
    pub(super) life: AtomicU32,
    token: AtomicU64,
    /// When it was made, on the library's clock.
    made_ns: AtomicU64,
    pub(super) body: Mutex<JobBody>,
    /// What its owner knows it by; empty without an owner.
    owned: Owned,
    /// The next of those that are left to the callback thread.
    next_left: AtomicU32,
}

impl JobLive {
    /// Where it stands.
    #[inline]
    pub(super) fn state(&self) -> JobState {
        state_of(self.life.load(Ordering::Acquire))
    }

    /// Whether anything was written in its body.
    #[inline]
    pub(super) fn has_body(&self) -> bool {
        self.life.load(Ordering::Acquire) & WRITTEN != 0
    }
}

impl LivePart for JobLive {
    const KIND: Kind = Kind::Job;
    const NONE_LEFT: &'static str = "job slots or memory for them; release jobs that are done";
}

/// What a job is made from.
#[derive(Debug)]
pub struct JobOrigin<'a> {
    /// What it is called.
    pub label: &'a str,
    /// The caller's own id.
    pub caller_id: &'a str,
    /// A token whose cancel cancels the job; NULL for none.
    pub parent: Handle,
    /// What its token is made from.
    pub token: Origin<'a>,
    /// The owner of its functions; NULL for none.
    pub owner: Handle,
}

/// A pinned job.
pub type JobPin<'a> = Pin<'a, Jobs<'a>>;

/// A job that something keeps.
pub type JobHold<'a> = Hold<'a, Jobs<'a>>;

/// The job of something that holds it.
pub type LentJob<'a> = Lent<'a, Jobs<'a>>;

/// Where all jobs are. What is done with them is of [`Jobs`].
#[derive(Debug)]
pub struct JobTable {
    arena: Arena<(), JobLive>,
    pub(super) ends: EndCounts,
}

impl JobTable {
    constructor! {
        /// No jobs.
        pub fn new() -> Self {
            Self { arena: Arena::new(), ends: EndCounts::new() }
        }
    }

    /// Shows the pools of which threads have magazines.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(self.arena.shelved());
    }
}

/// All jobs, with the tokens that they use.
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'a> {
    pub(super) table: &'a JobTable,
    pub(super) tokens: &'a Tokens,
}

impl<'a> Keeper<'a> for Jobs<'a> {
    type Cold = ();
    type Live = JobLive;

    fn arena(self) -> &'a Arena<(), JobLive> {
        &self.table.arena
    }

    fn bury(self, index: u32) {
        let slot = self.table.arena.slot(index);
        let live = slot.live();
        let token = handle::index(live.token.load(Ordering::Relaxed));
        let mut body = live.has_body().then(|| std::mem::take(&mut *live.body.lock()));
        let token = TokenPin::take_over(self.tokens, token);
        if !live.state().is_terminal() {
            // Nobody can end it any more.
            self.table.ends.count(JobState::Interrupted);
            let id = id_of(self.table.arena.handle_of(index));
            let label = || body.as_ref().map_or_else(EventText::default, JobBody::event_label);
            self.tokens.note_state(token.index(), || id, JobState::Interrupted, label);
        }
        // Others may hold the token and poll it.
        let payload = body.as_mut().and_then(|body| body.payload.take());
        let payload = self.tokens.retire_foreign(&token, payload);
        let parting = live.owned.take();
        let call = self.tokens.owners().enter_last(parting, thread_identity::current());
        self.table.arena.bury(index, slot);
        drop(token);
        if let Some(payload) = payload {
            payload.destroy();
        }
        self.tokens.owners().leave(call);
    }
}

impl Things for Jobs<'_> {
    fn pin_thing(&self, thing: Thing) -> bool {
        matches!(thing, Thing::Job(index) if self.table.arena.pin_index(index))
    }

    fn end_thing(&self, thing: Thing) {
        if let Thing::Job(index) = thing {
            self.give_up(index);
        }
    }
}

impl<'a> Jobs<'a> {
    /// The jobs of a table, with their tokens.
    #[inline(always)]
    pub const fn new(table: &'a JobTable, tokens: &'a Tokens) -> Self {
        Self { table, tokens }
    }

    /// The tokens, of jobs and others.
    #[inline(always)]
    pub(crate) fn tokens(self) -> &'a Tokens {
        self.tokens
    }

    /// How jobs ended.
    pub fn ends(self) -> &'a EndCounts {
        &self.table.ends
    }

    /// A pending job. On an error the payload comes back: it is still the caller's.
    pub fn create(
        self,
        origin: &JobOrigin<'_>,
        payload: Option<Payload>,
    ) -> Result<Handle, (Error, Option<Payload>)> {
        self.create_held(origin, Holder::Owner, clock::now_ns(), payload)
    }

    /// As `create`, for this holder and at this time.
    pub(crate) fn create_held(
        self,
        origin: &JobOrigin<'_>,
        holder: Holder,
        now_ns: u64,
        payload: Option<Payload>,
    ) -> Result<Handle, (Error, Option<Payload>)> {
        let (index, slot) = match self.prepare(origin, now_ns) {
            Ok(prepared) => prepared,
            Err(error) => return Err((error, payload)),
        };
        let live = slot.live();
        if payload.is_some() {
            live.body.lock().payload = payload;
            live.life.store(JobState::Pending as u32 | WRITTEN, Ordering::Relaxed);
        }
        let token = handle::index(live.token.load(Ordering::Relaxed));
        let label = || EventText::new(origin.label);
        if origin.owner == NULL && holder != Holder::Owner {
            // Whoever guesses the handle gets at a job that is whole, and held.
            let handle = self.table.arena.publish(index, slot, 0, holder);
            self.tokens.note_state(token, || id_of(handle), JobState::Pending, label);
            return Ok(handle);
        }
        // Hidden until the last look: it must be this job that an owner's close has taken.
        let handle = self.table.arena.publish_hidden(index, slot, 0, holder);
        self.tokens.note_state(token, || id_of(handle), JobState::Pending, label);
        if self.tokens.owners().was_taken(live.owned.get()) && self.table.arena.pin_index(index) {
            // Its owner was closed before the job could be found.
            self.give_up(index);
        }
        self.table.arena.reveal(slot, handle);
        Ok(handle)
    }

    fn prepare(
        self,
        origin: &JobOrigin<'_>,
        now_ns: u64,
    ) -> Result<(u32, &'a Slot<(), JobLive>), Error> {
        let label = try_string(origin.label)?;
        let caller_id = try_string(origin.caller_id)?;
        let (index, slot) = self.table.arena.take()?;
        let owners = self.tokens.owners();
        let live = slot.live();
        if origin.owner != NULL {
            owners
                .adopt(origin.owner, Thing::Job(index), &live.owned)
                .inspect_err(|_| self.table.arena.put_back(index))?;
        }
        let owned = live.owned.get();
        // A parent that only this call still holds may die, and its notifies run.
        let entered = if crate::weakened!("making_is_inside") { OwnedId::NONE } else { owned };
        let in_hand = owners.enter(entered, thread_identity::current());
        let foreign = origin.token.foreign.map(|foreign| Foreign { owned, ..foreign });
        let token_origin = Origin { foreign, is_watched: true, ..origin.token };
        let token = self.tokens.create([origin.parent], token_origin, Holder::Internal);
        if token.is_err() {
            owners.disown(live.owned.take());
            self.table.arena.put_back(index);
        }
        owners.leave(in_hand);
        let token = token?;
        live.token.store(token, Ordering::Relaxed);
        live.made_ns.store(now_ns, Ordering::Relaxed);
        let is_named = !label.is_empty() || !caller_id.is_empty();
        if is_named {
            let mut body = live.body.lock();
            body.label = label;
            body.caller_id = caller_id;
        }
        let written = if is_named { WRITTEN } else { 0 };
        live.life.store(JobState::Pending as u32 | written, Ordering::Relaxed);
        Ok((index, slot))
    }

    /// Ends what a job has of an owner that is being closed: its check is asked no more, its
    /// destroy-notify runs, and if it has not begun it never will. Takes over an internal.
    fn give_up(self, index: u32) {
        let pin = JobPin::take_over(self, index);
        let live = pin.slot().live();
        let parting = live.owned.take();
        if parting.id().is_none() {
            // Whoever created the job saw the close, too, and does it.
            return;
        }
        if self.state(&pin) == JobState::Pending {
            let _ = self.end(&pin, JobState::Interrupted, "its owner was closed");
        }
        let payload = live.body.lock().payload.take();
        let token = handle::index(self.token(&pin));
        let payload = if self.tokens.arena().pin_index(token) {
            let token = TokenPin::take_over(self.tokens, token);
            self.tokens.retire_foreign(&token, payload)
        } else {
            payload
        };
        let call = self.tokens.owners().enter_last(parting, thread_identity::current());
        if let Some(payload) = payload {
            payload.destroy();
        }
        self.tokens.owners().leave(call);
    }

    /// Closes an owner: nothing of its functions is called any more when this returns. Inside one
    /// of its calls that is `WouldDeadlock`.
    pub fn close_owner(self, owner: Handle) -> Result<(), Error> {
        self.tokens.close_owner(owner, &self)
    }

    /// Takes one owner away; may run the destroy-notify.
    pub fn release(self, job: Handle) -> Result<(), Error> {
        if let Some(index) = self.table.arena.release(job)? {
            self.bury(index);
        }
        Ok(())
    }

    /// Gives a pin back on a thread that must not run a destroy-notify: the last one is left to the
    /// callback thread. So a job is in its queue at most once, and an owner's close need not wait for it.
    pub fn unpin_deferred(self, job: JobPin<'_>) {
        if !crate::weakened!("unpin_defers") && self.table.arena.unpin_unless_last(job.index()) {
            let _ = job.pass_on();
            return;
        }
        let next = &job.slot().live().next_left;
        if !crate::weakened!("unpin_defers") && self.tokens.defer_job(job.index(), next) {
            let _ = job.pass_on();
        }
    }

    /// Does what another thread left to the callback thread.
    pub fn do_deferred(self, work: Duty) {
        let mut job = self.tokens.do_deferred(work).unwrap_or(NIL);
        while job != NIL {
            let pin = JobPin::take_over(self, job);
            job = pin.slot().live().next_left.load(Ordering::Relaxed);
        }
    }

    /// The job's id: unique in the process, below 2^53, found again without a table.
    pub fn id(self, job: &JobPin<'_>) -> u64 {
        id_of(job.handle())
    }

    /// When the job was made, on the library's clock.
    pub fn made_ns(self, job: &JobPin<'_>) -> u64 {
        job.slot().live().made_ns.load(Ordering::Relaxed)
    }

    /// A new owner of the live job with this id.
    pub fn find(self, id: u64) -> Option<Handle> {
        let job = handle_of(id)?;
        self.table.arena.retain(job).ok().map(|()| job)
    }

    /// The live job with this id.
    pub(crate) fn pin_by_id(self, id: u64) -> Option<JobPin<'a>> {
        JobPin::new(self, handle_of(id)?).ok()
    }

    /// Index of the token of a job that the caller keeps alive.
    pub fn token_of(self, job: Handle) -> u32 {
        let live = self.table.arena.slot(handle::index(job)).live();
        handle::index(live.token.load(Ordering::Relaxed))
    }

    /// The job's token; borrowed.
    pub fn token(self, job: &JobPin<'_>) -> Handle {
        job.slot().live().token.load(Ordering::Relaxed)
    }

    /// The job's token, which needs no pin of its own.
    pub fn token_held_by<'j>(self, job: &'j JobPin<'_>) -> LentToken<'j>
    where
        'a: 'j,
    {
        LentToken::new(self.tokens, handle::index(self.token(job)))
    }

    /// Its user data, NULL without.
    pub fn user_data(self, job: &JobPin<'_>) -> Option<UserData> {
        job.slot().live().body.lock().payload.as_ref().map(Payload::user_data)
    }
}

/// The handle that a job of this id would have; `None`: no job can have it.
fn handle_of(id: u64) -> Option<Handle> {
    let index = id as u32 & ((1 << handle::INDEX_BITS) - 1);
    let generation = u32::try_from(id >> handle::INDEX_BITS).ok()?.checked_add(1)?;
    (generation <= handle::MAX_GENERATION).then(|| handle::pack(Kind::Job, index, generation))
}

/// Id of a job by its handle.
pub fn id_of(job: Handle) -> u64 {
    let generation = handle::generation(Kind::Job, job).unwrap_or(1);
    u64::from(generation - 1) << handle::INDEX_BITS | u64::from(handle::index(job))
}
