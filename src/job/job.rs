//! Jobs: a token plus id, label, state and progress.
//!
//! Locks: one body lock a job, a leaf. The life of a job is decided by one compare-and-swap on
//! `life`, made under the body lock only where a text has to become visible with it. The outcome is
//! never derived from the token's flag.
//!
//! A dead job drops its token and runs its destroy-notify after its slot was buried, so the notify
//! may use the library as it likes.

use crate::diagnosis::events::EventText;
use crate::error::Error;
use crate::handle::{self, Handle, Kind, NULL};
pub use crate::job_state::JobState;
use crate::memory::arena::{Arena, LivePart};
use crate::memory::pin::{Hold, Keeper, Pin};
use crate::memory::pool::NIL;
use crate::memory::slot::{Holder, Slot};
use crate::owner::owned::{Owned, OwnedId};
use crate::owner::{Thing, Things};
use crate::sys::callout::{Payload, UserData};
use crate::sys::memory::{replace_string, try_string};
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor, each};
use crate::sys::thread_identity;
use crate::token::create::Origin;
use crate::token::deferred::Work;
use crate::token::foreign::Foreign;
use crate::token::{Cause, LentToken, TokenPin, Tokens};

/// What a `begin` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It runs now.
    Running,
    /// It was cancelled before; it stays pending and should be acknowledged.
    Cancelled,
}

/// Whether an ending call was the one that ended the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Yes.
    ByThisCall,
    /// It had ended before.
    Before(JobState),
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; 0 while unknown.
    pub total: u64,
}

/// The texts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobText {
    /// What it is called.
    Label,
    /// The caller's own id.
    CallerId,
    /// Why it failed or was interrupted.
    Failure,
    /// The message of its progress.
    ProgressMessage,
}

#[derive(Debug, Default)]
struct Body {
    label: String,
    caller_id: String,
    failure: String,
    message: String,
    progress: Progress,
    payload: Option<Payload>,
}

/// What is written while a job lives.
#[derive(Debug, Default)]
pub struct JobLive {
    life: AtomicU32,
    token: AtomicU64,
    body: Mutex<Body>,
    /// What its owner knows it by; empty without an owner.
    owned: Owned,
    /// The next of those that are left to the callback thread.
    next_left: AtomicU32,
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

/// How many jobs ended in which way.
#[derive(Debug)]
pub struct EndCounts([AtomicU64; JobState::ENDS.len()]);

impl EndCounts {
    constructor! {
        /// All zero.
        pub fn new() -> Self {
            Self(each![AtomicU64::new(0); JobState::ENDS.len()])
        }
    }

    fn count(&self, state: JobState) {
        if let Some(end) = state.end() {
            self.0[end].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many jobs ended in this terminal state.
    pub fn of(&self, state: JobState) -> u64 {
        state.end().map_or(0, |end| self.0[end].load(Ordering::Relaxed))
    }
}

/// Where all jobs are. What is done with them is of [`Jobs`].
#[derive(Debug)]
pub struct JobTable {
    arena: Arena<(), JobLive>,
    ends: EndCounts,
}

impl JobTable {
    constructor! {
        /// No jobs.
        pub fn new() -> Self {
            Self { arena: Arena::new(), ends: EndCounts::new() }
        }
    }
}

/// All jobs, with the tokens that they use.
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'a> {
    table: &'a JobTable,
    tokens: &'a Tokens,
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
        let body = std::mem::take(&mut *live.body.lock());
        let token = TokenPin::take_over(self.tokens, token);
        if !state_of(live).is_terminal() {
            // Nobody can end it any more.
            self.table.ends.count(JobState::Interrupted);
            let id = id_of(self.table.arena.handle_of(index));
            let label = || EventText::new(&body.label);
            self.tokens.note_state(token.index(), id, JobState::Interrupted, label);
        }
        // Others may hold the token and poll it.
        let payload = self.tokens.retire_foreign(&token, body.payload);
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

fn state_of(live: &JobLive) -> JobState {
    JobState::from_number(live.life.load(Ordering::Acquire))
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
        let (index, slot) = match self.prepare(origin) {
            Ok(prepared) => prepared,
            Err(error) => return Err((error, payload)),
        };
        let live = slot.live();
        live.body.lock().payload = payload;
        let token = live.token.load(Ordering::Relaxed);
        // Hidden until the last look: it must be this job that an owner's close has taken.
        let handle = self.table.arena.publish_hidden(index, slot, 0, Holder::Owner);
        let label = || EventText::new(origin.label);
        self.tokens.note_state(handle::index(token), id_of(handle), JobState::Pending, label);
        if self.tokens.owners().was_taken(live.owned.get()) && self.table.arena.pin_index(index) {
            // Its owner was closed before the job could be found.
            self.give_up(index);
        }
        self.table.arena.reveal(slot, handle);
        Ok(handle)
    }

    fn prepare(self, origin: &JobOrigin<'_>) -> Result<(u32, &'a Slot<(), JobLive>), Error> {
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
        live.life.store(JobState::Pending as u32, Ordering::Relaxed);
        let mut body = live.body.lock();
        body.label = label;
        body.caller_id = caller_id;
        drop(body);
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
    pub fn do_deferred(self, work: Work) {
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

    /// Where it stands.
    pub fn state(self, job: &JobPin<'_>) -> JobState {
        state_of(job.slot().live())
    }

    /// Whether the job that a slot has, or had last, is over. Without a pin: for a count.
    pub(crate) fn has_ended(slot: &Slot<(), JobLive>) -> bool {
        state_of(slot.live()).is_terminal()
    }

    /// Its user data, NULL without.
    pub fn user_data(self, job: &JobPin<'_>) -> Option<UserData> {
        job.slot().live().body.lock().payload.as_ref().map(Payload::user_data)
    }

    /// Asks it to stop. `Some(state)`: it had ended, nothing was done. Else whether this call was
    /// the first to ask.
    pub fn cancel(self, job: &JobPin<'_>, reason: &str) -> Result<bool, JobState> {
        let state = self.state(job);
        if state.is_terminal() {
            return Err(state);
        }
        Ok(self.tokens.cancel(&self.token_held_by(job), Cause::Request, reason))
    }

    /// Whether its token is cancelled; asks no foreign check.
    pub(crate) fn is_cancelled(self, job: &JobPin<'_>) -> bool {
        self.tokens
            .word(self.token(job))
            .is_some_and(|word| word.load(Ordering::Acquire) & handle::CANCELLED != 0)
    }

    /// Pending to running, unless it is cancelled already.
    pub fn begin(self, job: &JobPin<'_>) -> Result<Begun, Error> {
        let live = job.slot().live();
        let wrong = |state: JobState| Error::WrongState { verb: "begin", state: state.name() };
        let state = state_of(live);
        if state != JobState::Pending {
            return Err(wrong(state));
        }
        if self.is_cancelled(job) {
            return Ok(Begun::Cancelled);
        }
        live.life
            .compare_exchange(
                JobState::Pending as u32,
                JobState::Running as u32,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .map_err(|now| wrong(JobState::from_number(now)))?;
        self.note_state(job, JobState::Running);
        Ok(Begun::Running)
    }

    /// Tells the diagnosis of a state that a job has got into.
    fn note_state(self, job: &JobPin<'_>, state: JobState) {
        let label = || self.show_text(job, JobText::Label, EventText::new);
        self.tokens.note_state(handle::index(self.token(job)), self.id(job), state, label);
    }

    /// Ends a job. Completing takes a running one; the other ends also take a pending one.
    pub fn end(self, job: &JobPin<'_>, end: JobState, text: &str) -> Result<Ended, Error> {
        let live = job.slot().live();
        let text = try_string(text)?;
        // The lock makes the text visible together with the state; the swap decides.
        let mut now = state_of(live);
        let mut body = live.body.lock();
        loop {
            if now.is_terminal() {
                return Ok(Ended::Before(now));
            }
            if now == JobState::Pending && end == JobState::Completed {
                return Err(Error::WrongState { verb: "complete", state: now.name() });
            }
            let mut expected = now as u32;
            if crate::weakened!("end_by_swap") {
                expected = live.life.load(Ordering::Acquire);
            }
            let swap = live.life.compare_exchange(
                expected,
                end as u32,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match swap {
                Ok(_) => break,
                Err(other) => now = JobState::from_number(other),
            }
        }
        let old = std::mem::replace(&mut body.failure, text);
        drop(body);
        drop(old);
        self.table.ends.count(end);
        self.note_state(job, end);
        Ok(Ended::ByThisCall)
    }

    /// Notes progress of a running job. A report that lags behind another thread's is left out.
    pub fn set_progress(
        self,
        job: &JobPin<'_>,
        progress: Progress,
        message: Option<&str>,
    ) -> Result<(), Error> {
        let live = job.slot().live();
        let mut body = live.body.lock();
        let state = state_of(live);
        if state != JobState::Running {
            return Err(Error::WrongState { verb: "set progress of", state: state.name() });
        }
        if progress.done < body.progress.done {
            return Ok(());
        }
        if let Some(message) = message {
            replace_string(&mut body.message, message)?;
        }
        body.progress = progress;
        Ok(())
    }

    /// How far it is.
    pub fn progress(self, job: &JobPin<'_>) -> Progress {
        job.slot().live().body.lock().progress
    }

    /// Shows how far it is, with the message that goes with that.
    pub fn show_progress<R>(self, job: &JobPin<'_>, reader: impl FnOnce(Progress, &str) -> R) -> R {
        let body = job.slot().live().body.lock();
        reader(body.progress, &body.message)
    }

    /// Shows one of its texts, empty if it has none.
    pub fn show_text<R>(
        self,
        job: &JobPin<'_>,
        which: JobText,
        reader: impl FnOnce(&str) -> R,
    ) -> R {
        let body = job.slot().live().body.lock();
        reader(match which {
            JobText::Label => &body.label,
            JobText::CallerId => &body.caller_id,
            JobText::Failure => &body.failure,
            JobText::ProgressMessage => &body.message,
        })
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
