//! What is installed on threads, and the references that it holds.
//!
//! A slot's value has an internal of its token or job that stays, if a caller set it; none if the pump lent
//! it, which keeps both until it has taken them out again. Whatever leaves a slot is dropped here, after the
//! slots are consistent again: that may run a destroy-notify, which may use the slots.
//!
//! A captured context is an object of its own that holds internals of the pair, so that worker
//! threads can enter it while the capturing thread goes on.

use crate::error::Error;
use crate::handle::{self, Handle, Kind, NULL};
use crate::job::texts::JobText;
use crate::job::{JobHold, JobPin, Jobs};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::magazine::Shelved;
use crate::memory::pin::{Keeper, Lent, Pin};
use crate::memory::slot::Holder;
use crate::sys::sync::{AtomicU64, Ordering, constructor};
use crate::thread::current::{ThreadNumbers, ThreadRecord, ThreadSlots, Words};
use crate::thread::value::{Removed, Shown, SlotName, SlotValue};
use crate::token::{TokenHold, TokenPin, Tokens};

/// The captured pair.
#[derive(Debug, Default)]
pub struct ContextLive {
    token: AtomicU64,
    job: AtomicU64,
    job_token: AtomicU64,
}

impl LivePart for ContextLive {
    const KIND: Kind = Kind::Context;
    const NONE_LEFT: &'static str =
        "context slots or memory for them; release contexts that are done";
}

/// The calling thread, as what runs jobs on it wants it.
#[derive(Clone, Copy, Debug)]
pub struct ThisThread<'t, 'a> {
    /// Its slots.
    pub slots: &'t ThreadSlots<'a>,
    /// Its record.
    pub record: &'a ThreadRecord,
}

/// Where captured contexts are, and what all threads share. What is done with them is of [`Contexts`].
#[derive(Debug)]
pub struct ContextTable {
    arena: Arena<(), ContextLive>,
    numbers: ThreadNumbers,
    leaks: AtomicU64,
    never: AtomicU64,
}

impl ContextTable {
    constructor! {
        /// No contexts.
        pub fn new() -> Self {
            Self {
                arena: Arena::new(),
                numbers: ThreadNumbers::new(),
                leaks: AtomicU64::new(0),
                never: AtomicU64::new(0),
            }
        }
    }

    /// Shows the pools of which threads have magazines.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(self.arena.shelved());
    }
}

/// What is installed on threads, and captured, with the jobs and tokens that it holds.
#[derive(Clone, Copy, Debug)]
pub struct Contexts<'a> {
    table: &'a ContextTable,
    jobs: Jobs<'a>,
}

/// A pinned context.
pub type ContextPin<'a> = Pin<'a, Contexts<'a>>;

impl<'a> Keeper<'a> for Contexts<'a> {
    type Cold = ();
    type Live = ContextLive;

    fn arena(self) -> &'a Arena<(), ContextLive> {
        &self.table.arena
    }

    fn bury(self, index: u32) {
        let slot = self.table.arena.slot(index);
        let (token, job) = pair(slot.live());
        self.table.arena.bury(index, slot);
        self.drop_value(SlotName::Job, job);
        self.drop_value(SlotName::Token, token);
    }
}

fn pair(live: &ContextLive) -> (SlotValue, SlotValue) {
    let read = |word: &AtomicU64| word.load(Ordering::Relaxed);
    let token = read(&live.token);
    let job = SlotValue { object: read(&live.job), token: read(&live.job_token) };
    (SlotValue { object: token, token }, job)
}

impl<'a> Contexts<'a> {
    /// The contexts of a table, with what they hold.
    #[inline(always)]
    pub const fn new(table: &'a ContextTable, jobs: Jobs<'a>) -> Self {
        Self { table, jobs }
    }

    /// The jobs.
    #[inline(always)]
    pub(crate) fn jobs(self) -> Jobs<'a> {
        self.jobs
    }

    /// The tokens.
    #[inline(always)]
    pub(crate) fn tokens(self) -> &'a Tokens {
        self.jobs.tokens()
    }

    /// Numbers for threads.
    pub fn numbers(self) -> &'a ThreadNumbers {
        &self.table.numbers
    }

    /// A word that is always 0.
    pub fn never(self) -> &'a AtomicU64 {
        &self.table.never
    }

    /// Counts values that somebody left behind.
    pub(super) fn count_leaks(self, leaks: u64) {
        self.table.leaks.fetch_add(leaks, Ordering::Relaxed);
    }

    /// Values that an unwind found left behind.
    pub fn leaks(self) -> u64 {
        self.table.leaks.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn words(self) -> Words<'a> {
        Words { tokens: self.tokens(), never: &self.table.never }
    }

    /// Nothing, which masks what was.
    #[inline(always)]
    fn nothing(self) -> Shown<'a> {
        Shown { value: SlotValue::NONE, word: &self.table.never }
    }

    #[inline(always)]
    fn token_value(self, token: Handle) -> Result<Shown<'a>, Error> {
        if token == NULL {
            return Ok(self.nothing());
        }
        let hold = TokenHold::new(self.tokens(), token)?;
        let word = hold.slot().state();
        _ = (!crate::weakened!("slot_holds_token")).then(|| hold.leave());
        Ok(Shown { value: SlotValue { object: token, token }, word })
    }

    #[inline(always)]
    fn job_value(self, job: Handle) -> Result<Shown<'a>, Error> {
        if job == NULL {
            return Ok(self.nothing());
        }
        let index = JobHold::new(self.jobs, job)?.leave();
        Ok(self.lent_job(&Lent::new(self.jobs, index)))
    }

    /// What a slot shows of a job that is kept.
    #[inline(always)]
    fn lent_job(self, job: &JobPin<'_>) -> Shown<'a> {
        let token = self.jobs.token(job);
        let word = self.tokens().word(token).unwrap_or(&self.table.never);
        Shown { value: SlotValue { object: job.handle(), token }, word }
    }

    #[inline(always)]
    fn drop_value(self, slot: SlotName, value: SlotValue) {
        if value.object == NULL || crate::weakened!("slot_holds_token") {
            return;
        }
        let index = handle::index(value.object);
        match slot {
            SlotName::Token => drop(TokenPin::take_over(self.tokens(), index)),
            SlotName::Job => drop(JobPin::take_over(self.jobs, index)),
        }
    }

    #[inline(always)]
    fn drop_removed(self, removed: Removed) {
        if !removed.is_lent {
            self.drop_value(removed.slot, removed.value);
        }
    }

    /// Makes a token or a job current on this thread; NULL masks what is. Returns the ticket.
    #[inline(always)]
    pub fn set(
        self,
        slots: &ThreadSlots<'a>,
        record: &'a ThreadRecord,
        slot: SlotName,
        object: Handle,
    ) -> Result<u64, Error> {
        let shown = match slot {
            SlotName::Token => self.token_value(object)?,
            SlotName::Job => self.job_value(object)?,
        };
        let ticket = slots.set(record, &self.table.numbers, slot, shown);
        ticket.inspect_err(|_| self.drop_value(slot, shown.value))
    }

    /// Undoes a `set`. May run a destroy-notify.
    #[inline(always)]
    pub fn reset(self, slots: &ThreadSlots<'a>, slot: SlotName, ticket: u64) -> Result<(), Error> {
        let Some(removed) = slots.reset_newest(self.words(), slot, ticket) else {
            return self.reset_deeper(slots, slot, ticket);
        };
        self.drop_removed(removed);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn reset_deeper(
        self,
        slots: &ThreadSlots<'a>,
        slot: SlotName,
        ticket: u64,
    ) -> Result<(), Error> {
        let removed = slots.reset_deeper(self.words(), slot, ticket)?;
        self.drop_removed(removed);
        Ok(())
    }

    /// Both current values as an object that other threads can enter.
    pub fn capture(self, slots: &ThreadSlots<'_>) -> Result<Handle, Error> {
        let (index, slot) = self.table.arena.take()?;
        let token = match self.token_value(slots.token()) {
            Ok(token) => token.value,
            Err(error) => {
                self.table.arena.put_back(index);
                return Err(error);
            }
        };
        let job = match self.job_value(slots.current_job()) {
            Ok(job) => job.value,
            Err(error) => {
                self.drop_value(SlotName::Token, token);
                self.table.arena.put_back(index);
                return Err(error);
            }
        };
        let live = slot.live();
        live.token.store(token.object, Ordering::Relaxed);
        live.job.store(job.object, Ordering::Relaxed);
        live.job_token.store(job.token, Ordering::Relaxed);
        Ok(self.table.arena.publish(index, slot, 0, Holder::Owner))
    }

    /// Adds an owner to a context.
    pub fn retain_context(self, context: Handle) -> Result<(), Error> {
        self.table.arena.retain(context)
    }

    /// Takes an owner away.
    pub fn release_context(self, context: Handle) -> Result<(), Error> {
        if let Some(index) = self.table.arena.release(context)? {
            self.bury(index);
        }
        Ok(())
    }

    /// Installs a captured pair, an empty one for NULL, on this thread.
    pub fn enter(
        self,
        slots: &ThreadSlots<'a>,
        record: &'a ThreadRecord,
        context: Handle,
    ) -> Result<u64, Error> {
        let thread = ThisThread { slots, record };
        if context == NULL {
            return self.install(thread, NULL, NULL);
        }
        let pin = ContextPin::new(self, context)?;
        let (token, job) = pair(pin.slot().live());
        self.install(thread, token.object, job.object)
    }

    /// Makes a token and a job current on this thread under one ticket, for the caller, who keeps both and
    /// `unwind`s it. NULL masks what was.
    pub fn lend(
        self,
        thread: ThisThread<'_, 'a>,
        token: Handle,
        job: &JobPin<'_>,
    ) -> Result<u64, Error> {
        let word = if token == NULL { None } else { self.tokens().word(token) };
        let word = word.unwrap_or(&self.table.never);
        let token = Shown { value: SlotValue { object: token, token }, word };
        thread.slots.lend(thread.record, &self.table.numbers, token, self.lent_job(job))
    }

    fn install(self, thread: ThisThread<'_, 'a>, token: Handle, job: Handle) -> Result<u64, Error> {
        let token = self.token_value(token)?;
        let drop_token = || self.drop_value(SlotName::Token, token.value);
        let job = self.job_value(job).inspect_err(|_| drop_token())?;
        let entered = thread.slots.enter(thread.record, &self.table.numbers, token, job);
        entered.inspect_err(|_| {
            self.drop_value(SlotName::Job, job.value);
            drop_token();
        })
    }

    /// Undoes an `enter`. May run a destroy-notify.
    pub fn exit(self, slots: &ThreadSlots<'a>, ticket: u64) -> Result<(), Error> {
        let removed = slots.exit(self.words(), ticket)?;
        removed.into_iter().for_each(|removed| self.drop_removed(removed));
        Ok(())
    }

    /// Undoes everything since and including the call that gave this ticket, and counts what
    /// others had left behind. Returns that count. May run destroy-notifies.
    pub fn unwind(self, slots: &ThreadSlots<'a>, ticket: u64) -> Result<u64, Error> {
        if slots.take_lent(self.words(), ticket) {
            return Ok(0);
        }
        slots.find_ticket(ticket)?;
        let mut leaks = 0;
        while let Some((removed, own)) = slots.unwind_one(self.words(), ticket) {
            leaks += u64::from(!own);
            self.drop_removed(removed);
        }
        if leaks > 0 {
            self.count_leaks(leaks);
        }
        Ok(leaks)
    }

    /// Empties the slots of a thread that ends, or is done with one thing. How many values were left.
    pub fn clear(self, slots: &ThreadSlots<'a>) -> u64 {
        let mut left = 0;
        while let Some((removed, _)) = slots.unwind_one(self.words(), 0) {
            left += 1;
            self.drop_removed(removed);
        }
        left
    }

    /// Shows the id under which the outside world knows what this thread works on: the current
    /// token's caller id, else the current job's, else an empty text.
    pub fn show_caller_id<R>(self, slots: &ThreadSlots<'_>, reader: impl FnOnce(&str) -> R) -> R {
        let tokens = self.tokens();
        // The slots hold both for as long as `reader` runs; it is not the plugin's.
        if slots.token() != NULL {
            let token = Lent::new(tokens, handle::index(slots.token()));
            if tokens.show_caller_id(&token, |id| !id.is_empty()) {
                return tokens.show_caller_id(&token, reader);
            }
        }
        match slots.current_job() {
            NULL => reader(""),
            job => {
                let job = Lent::new(self.jobs, handle::index(job));
                self.jobs.show_text(&job, JobText::CallerId, reader)
            }
        }
    }
}
