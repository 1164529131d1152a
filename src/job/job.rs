//! Jobs: a token plus id, label, state and progress. This file says what a job is made of, and how
//! it is made, found and buried.
//!
//! Locks: each job has one lock, for its body. This room takes no other lock under it. Other rooms
//! are shown a job's texts or progress under it, and may then lock a dispatcher's caller ids or a
//! request's body. A body in which nothing was ever written needs no lock to be read; WRITTEN in
//! `life` tells whether something was.
//!
//! A dead job releases its token and runs its destroy-notify after its slot was buried, so the
//! notify may use the library freely.

use crate::diagnosis::events::EventText;
use crate::error::Error;
use crate::handle::{self, Handle, Kind, NULL};
use crate::job::ends::EndCounts;
use crate::job::epoch::Epoch;
use crate::job::running::Lookout;
use crate::job::share_table::ShareTable;
pub use crate::job_state::JobState;
use crate::memory::arena::{Arena, LivePart};
use crate::memory::magazine::Shelved;
use crate::memory::pin::{Hold, Keeper, Lent, Pin};
use crate::memory::pool::NIL;
use crate::memory::slot::{Holder, Slot};
use crate::owner::owned::{Owned, OwnedId};
use crate::owner::{Thing, Things};
pub use crate::progress::tree::Progress;
use crate::progress::tree::Tree;
use crate::queue::posted::PostedId;
use crate::sys::callout::{Payload, UserData};
use crate::sys::fallible::try_string;
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};
use crate::sys::{clock, thread_identity};
use crate::token::create::Origin;
use crate::token::deferred::Duty;
use crate::token::foreign::Foreign;
use crate::token::{LentToken, TokenPin, Tokens};

#[derive(Debug, Default)]
pub(super) struct JobBody {
    pub(super) label: String,
    pub(super) caller_id: String,
    pub(super) failure: String,
    /// The shares of the job's bar. The first report of progress makes the tree.
    pub(super) tree: Option<Box<Tree>>,
    pub(super) payload: Option<Payload>,
}

impl JobBody {
    fn event_label(&self) -> EventText {
        EventText::new(&self.label)
    }
}

/// In a word of life: the bits of the state.
const STATE: u32 = 0xff;

/// In a word of life: something was written in the body.
pub(super) const WRITTEN: u32 = 1 << 8;

/// In a word of life: the job is sealed.
pub(super) const SEALED: u32 = 1 << 9;

/// In a word of life: a thread waits for the job's end, or has its native event.
pub(super) const AWAITED: u32 = 1 << 10;

/// In a word of life: the job is posted, and its completion is still to come, even if the job has
/// ended.
pub(super) const OWED: u32 = 1 << 11;

/// In a word of life: all flags beside the state.
pub(super) const BESIDE: u32 = WRITTEN | SEALED | AWAITED | OWED;

/// The state in a word of life.
#[inline]
pub(super) fn state_of(life: u32) -> JobState {
    JobState::from_number(life & STATE)
}

/// The part of a job that is written while the job lives. The order of the fields puts those that
/// every job uses on the cache line of the control word.
#[derive(Debug, Default)]
#[repr(C)]
pub struct JobLive {
    /// The word of life: the state, and the flags `WRITTEN`, `SEALED`, `AWAITED` and `OWED`.
    pub(super) life: AtomicU32,
    /// The signal of the job's end, see `wait`; NIL while no thread has wanted one.
    pub(super) end: AtomicU32,
    /// The job's place with its owner; empty without an owner.
    owned: Owned,
    token: AtomicU64,
    /// When the job was made, on the library's clock.
    made_ns: AtomicU64,
    /// The next job in the list of those that are deferred to the callback thread.
    next_left: AtomicU32,
    pub(super) body: Mutex<JobBody>,
}

impl JobLive {
    /// The state of the job.
    #[inline]
    pub(super) fn state(&self) -> JobState {
        state_of(self.life.load(Ordering::Acquire))
    }

    /// Whether anything was written in the job's body.
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
    pub label: &'a str,
    /// The caller's own id for the job.
    pub caller_id: &'a str,
    /// The tokens whose cancel cancels the job; NULL for none.
    pub parents: [Handle; 2],
    /// What the job's own token is made from.
    pub token: Origin<'a>,
    /// The owner of the job's functions; NULL for none.
    pub owner: Handle,
}

pub type JobPin<'a> = Pin<'a, Jobs<'a>>;

/// A hold of a job.
pub type JobHold<'a> = Hold<'a, Jobs<'a>>;

/// A job that needs no pin, because something else holds it.
pub type LentJob<'a> = Lent<'a, Jobs<'a>>;

/// The storage of all jobs. Its operations are those of [`Jobs`].
#[derive(Debug)]
pub struct JobTable {
    arena: Arena<(), JobLive>,
    pub(super) ends: EndCounts,
    pub(super) lookout: Lookout,
    pub(super) epoch: Epoch,
    pub(super) shares: ShareTable,
}

impl JobTable {
    constructor! {
        pub fn new() -> Self {
            Self {
                arena: Arena::new(),
                ends: EndCounts::new(),
                lookout: Lookout::new(),
                epoch: Epoch::new(),
                shares: ShareTable::new(),
            }
        }
    }

    /// Calls `each` with every pool here that has magazines on threads.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(self.arena.shelved());
    }
}

/// A view of all jobs and of the tokens that they use.
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

    fn bury_slot(self, index: u32, slot: &'a Slot<(), JobLive>) {
        let live = slot.live();
        let token = handle::index(live.token.load(Ordering::Relaxed));
        let token = TokenPin::take_over(self.tokens, token);
        let life = live.life.load(Ordering::Acquire);
        let is_plain = life & (WRITTEN | AWAITED) == 0 && state_of(life).is_terminal();
        if is_plain && !self.tokens.has_foreign(&token) && live.owned.get().is_none() {
            self.table.arena.bury(index, slot);
        } else {
            self.bury_whole(index, slot, token);
        }
    }
}

/// A job's label and its caller id.
type JobNames<'a> = (&'a str, &'a str);

impl JobLive {
    /// Names a job that no other thread knows yet. Returns the flag that this sets in its word of
    /// life.
    #[inline]
    fn name(&self, names: JobNames<'_>) -> Result<u32, Error> {
        if names.0.is_empty() && names.1.is_empty() {
            return Ok(0);
        }
        self.write_names(names).map(|()| WRITTEN)
    }

    #[inline(never)]
    fn write_names(&self, (label, caller_id): JobNames<'_>) -> Result<(), Error> {
        let (label, caller_id) = (try_string(label)?, try_string(caller_id)?);
        let mut body = self.body.lock();
        (body.label, body.caller_id) = (label, caller_id);
        Ok(())
    }

    /// Takes the names back from a job that cannot be made.
    #[cold]
    fn forget_names(&self) {
        let body = std::mem::take(&mut *self.body.lock());
        drop(body);
    }

    /// Begins the life of a job that no other thread knows yet: writes its token, its time and its
    /// word of life. `beside`: the flags that the word begins with.
    #[inline]
    fn begin_life(&self, token: Handle, now_ns: u64, beside: u32) {
        self.token.store(token, Ordering::Relaxed);
        self.made_ns.store(now_ns, Ordering::Relaxed);
        self.life.store(JobState::Pending as u32 | beside, Ordering::Relaxed);
    }
}

impl<'a> Jobs<'a> {
    /// Buries a job that has more than its token, or that has not ended.
    #[inline(never)]
    fn bury_whole(self, index: u32, slot: &'a Slot<(), JobLive>, token: TokenPin<'a>) {
        let live = slot.live();
        let mut body = live.has_body().then(|| std::mem::take(&mut *live.body.lock()));
        let end = self.take_end(live);
        let has_ended = live.state().is_terminal();
        if !has_ended {
            // The job can end in no other way any more, so its death counts as its end.
            self.table.ends.count(JobState::Interrupted);
            let id = id_of(slot.state().load(Ordering::Relaxed) & !handle::FLAGS);
            let label = || body.as_ref().map_or_else(EventText::default, JobBody::event_label);
            self.tokens.note_state(&token, id, JobState::Interrupted, label);
        }
        // Other threads may still hold the token and poll it, so the token must not ask the job's
        // own check any more.
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
        if let Some(end) = end {
            self.drop_end(end, has_ended);
        }
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
    /// A view of the jobs in `table`.
    #[inline(always)]
    pub const fn new(table: &'a JobTable, tokens: &'a Tokens) -> Self {
        Self { table, tokens }
    }

    /// All tokens, those of jobs and others.
    #[inline(always)]
    pub(crate) fn tokens(self) -> &'a Tokens {
        self.tokens
    }

    /// The counts of jobs that ended.
    pub fn ends(self) -> &'a EndCounts {
        &self.table.ends
    }

    /// Makes a pending job. On an error the payload comes back and still belongs to the caller.
    pub fn create(
        self,
        origin: &JobOrigin<'_>,
        payload: Option<Payload>,
    ) -> Result<Handle, (Error, Option<Payload>)> {
        let (index, slot) = match self.prepare(origin) {
            Ok(prepared) => prepared,
            Err(error) => return Err((error, payload)),
        };
        let live = slot.live();
        if payload.is_some() {
            live.body.lock().payload = payload;
            live.life.store(JobState::Pending as u32 | WRITTEN, Ordering::Relaxed);
        }
        let token = handle::index(live.token.load(Ordering::Relaxed));
        let token = LentToken::new(self.tokens, token);
        // The handle stays hidden until we have looked for a close of the owner. Otherwise a thread
        // that guesses the handle could release the job, and we would look at the next job in the
        // slot.
        let handle = self.table.arena.publish_hidden(index, slot, 0, Holder::Owner);
        let label = || EventText::new(origin.label);
        self.tokens.note_state(&token, id_of(handle), JobState::Pending, label);
        if self.tokens.owners().was_taken(live.owned.get()) && self.table.arena.pin_index(index) {
            // The owner's close could not pin the job while it was being made, so it left the job
            // to us.
            self.give_up(index);
        }
        self.table.arena.reveal(slot, handle);
        Ok(handle)
    }

    /// Makes a pending job for a dispatcher, which has the functions and knows the job by `posted`.
    /// The dispatcher holds the job, and the poster does, too, if `is_kept`.
    #[inline]
    pub(crate) fn create_posted(
        self,
        names: JobNames<'_>,
        (parents, is_implied): ([Handle; 2], bool),
        posted: PostedId,
        is_kept: bool,
        now_ns: u64,
    ) -> Result<JobPin<'a>, Error> {
        let (index, slot) = self.table.arena.take()?;
        let live = slot.live();
        let made = live.name(names).and_then(|written| {
            let token = self.tokens.create_watched(parents, posted, is_implied);
            Ok((written, token.inspect_err(|_| live.forget_names())?))
        });
        let (written, token) = made.inspect_err(|_| self.table.arena.put_back(index))?;
        live.begin_life(token.handle(), now_ns, written | OWED);
        let holder = if is_kept { Holder::Both } else { Holder::Internal };
        // From here on a guessed handle reaches the job. The job is complete by now, and we hold
        // it.
        let handle = self.table.arena.publish(index, slot, 0, holder);
        let label = || EventText::new(names.0);
        self.tokens.note_state(&token, id_of(handle), JobState::Pending, label);
        Ok(JobPin::take_over_slot(self, index, slot))
    }

    fn prepare(self, origin: &JobOrigin<'_>) -> Result<(u32, &'a Slot<(), JobLive>), Error> {
        let (index, slot) = self.table.arena.take()?;
        let live = slot.live();
        let made = live.name((origin.label, origin.caller_id)).and_then(|written| {
            let token = self.prepare_token(origin, index, live);
            Ok((written, token.inspect_err(|_| live.forget_names())?))
        });
        let (written, token) = made.inspect_err(|_| self.table.arena.put_back(index))?;
        live.begin_life(token, clock::now_ns(), written);
        Ok((index, slot))
    }

    /// Makes the token of a job that no other thread knows yet. If the job has an owner, the owner
    /// adopts the job first.
    fn prepare_token(
        self,
        origin: &JobOrigin<'_>,
        index: u32,
        live: &JobLive,
    ) -> Result<Handle, Error> {
        let owners = self.tokens.owners();
        if origin.owner != NULL {
            owners.adopt(origin.owner, Thing::Job(index), &live.owned)?;
        }
        let owned = live.owned.get();
        // A parent that only this call still holds may die here, which runs notifies. So this
        // thread is inside the owner meanwhile.
        let entered = if crate::weakened!("making_is_inside") { OwnedId::NONE } else { owned };
        let in_hand = owners.enter(entered, thread_identity::current());
        let foreign = origin.token.foreign.map(|foreign| Foreign { owned, ..foreign });
        let token_origin = Origin { foreign, is_watched: true, ..origin.token };
        let token = match origin.parents {
            [parent, NULL] => self.tokens.create([parent], token_origin, Holder::Internal),
            parents => self.tokens.create_below(parents, token_origin, Holder::Internal),
        };
        if token.is_err() {
            owners.disown(live.owned.take());
        }
        owners.leave(in_hand);
        token
    }

    /// For the close of a job's owner: the job's check is asked no more, its destroy-notify runs,
    /// and a job that has not begun never will. The caller passes on an internal reference of the
    /// job.
    fn give_up(self, index: u32) {
        let pin = JobPin::take_over(self, index);
        let live = pin.slot().live();
        let parting = live.owned.take();
        if parting.id().is_none() {
            // The thread that makes the job saw the close, too, and has given the job up already.
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

    /// Closes an owner. After this has returned, none of the owner's functions is called any more.
    /// `WouldDeadlock`: this thread is inside one of them.
    pub fn close_owner(self, owner: Handle) -> Result<(), Error> {
        self.tokens.close_owner(owner, &self)
    }

    /// Takes an owner reference from a job. If no reference is left, this buries the job, which may
    /// run its destroy-notify.
    pub fn release(self, job: Handle) -> Result<(), Error> {
        if let Some((index, slot)) = self.table.arena.release(job)? {
            self.bury_slot(index, slot);
        }
        Ok(())
    }

    /// Gives a pin back on a thread that must not run a destroy-notify. A pin that is the job's
    /// last reference is deferred to the callback thread. Because only the last one is, a job is in
    /// that list at most once, and an owner's close need not wait for this pin.
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

    /// Runs work that was deferred to the callback thread.
    pub fn do_deferred(self, work: Duty) {
        let mut job = self.tokens.do_deferred(work).unwrap_or(NIL);
        while job != NIL {
            let pin = JobPin::take_over(self, job);
            job = pin.slot().live().next_left.load(Ordering::Relaxed);
        }
    }

    /// The job's id. It is unique in the process and below 2^53, and `find` needs no table for it.
    pub fn id(self, job: &JobPin<'_>) -> u64 {
        id_of(job.handle())
    }

    /// When the job was made, on the library's clock.
    pub fn made_ns(self, job: &JobPin<'_>) -> u64 {
        job.slot().live().made_ns.load(Ordering::Relaxed)
    }

    /// The live job with this id, with a new owner reference to it. `None`: no live job has this
    /// id.
    pub fn find(self, id: u64) -> Option<Handle> {
        let job = handle_of(id)?;
        self.table.arena.retain(job).ok().map(|()| job)
    }

    /// The live job with this id, pinned. `None`: no live job has this id.
    pub(crate) fn pin_by_id(self, id: u64) -> Option<JobPin<'a>> {
        JobPin::new(self, handle_of(id)?).ok()
    }

    /// The handle of the job's token, borrowed.
    pub fn token(self, job: &JobPin<'_>) -> Handle {
        job.slot().live().token.load(Ordering::Relaxed)
    }

    /// The job's token. It needs no pin of its own, because the pinned job holds it.
    #[inline]
    pub fn token_held_by<'j>(self, job: &'j JobPin<'_>) -> LentToken<'j>
    where
        'a: 'j,
    {
        LentToken::new(self.tokens, handle::index(self.token(job)))
    }

    /// The job's user data; `None`: the job was made without.
    pub fn user_data(self, job: &JobPin<'_>) -> Option<UserData> {
        job.slot().live().body.lock().payload.as_ref().map(Payload::user_data)
    }
}

/// The handle of a job with this id. `None`: no job can have this id.
fn handle_of(id: u64) -> Option<Handle> {
    let index = id as u32 & ((1 << handle::INDEX_BITS) - 1);
    let generation = u32::try_from(id >> handle::INDEX_BITS).ok()?.checked_add(1)?;
    (generation <= handle::MAX_GENERATION).then(|| handle::pack(Kind::Job, index, generation))
}

/// The id of the job with this handle.
pub fn id_of(job: Handle) -> u64 {
    let generation = handle::generation(Kind::Job, job).unwrap_or(1);
    u64::from(generation - 1) << handle::INDEX_BITS | u64::from(handle::index(job))
}
