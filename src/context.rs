//! What is installed on threads, and the references that it holds.
//!
//! A slot's value holds an internal of its token or job. Whatever leaves a slot is dropped here,
//! after the slots are consistent again: that may run a destroy-notify, which may use the slots.
//!
//! A captured context is an object of its own that holds internals of the pair, so that worker
//! threads can enter it while the capturing thread goes on.

use crate::arena::{Arena, Holder, Keeper, LivePart, Pin};
use crate::current::{Removed, SlotName, ThreadNumbers, ThreadRecord, ThreadSlots, Value, Words};
use crate::error::Error;
use crate::handle::{self, Handle, Kind, NULL};
use crate::job::{JobPin, JobText, Jobs};
use crate::sys::clock;
use crate::sys::sync::{AtomicU64, Ordering};
use crate::token::TokenPin;

/// The captured pair.
#[derive(Debug, Default)]
pub struct ContextLive {
    token: AtomicU64,
    job: AtomicU64,
    job_token: AtomicU64,
}

impl LivePart for ContextLive {
    const KIND: Kind = Kind::Context;
}

/// The calling thread, as what runs jobs on it wants it.
#[derive(Clone, Copy, Debug)]
pub struct ThisThread<'t, 'a> {
    /// Its slots.
    pub slots: &'t ThreadSlots<'a>,
    /// Its record.
    pub record: &'a ThreadRecord,
}

/// Tokens, jobs and what is installed on threads. The C boundary has the one static instance; tests make their own.
#[derive(Debug)]
pub struct Library {
    jobs: Jobs,
    contexts: Arena<(), ContextLive>,
    numbers: ThreadNumbers,
    leaks: AtomicU64,
    never: AtomicU64,
}

/// A pinned context.
pub type ContextPin<'a> = Pin<'a, Library>;

impl Keeper for Library {
    type Cold = ();
    type Live = ContextLive;

    fn arena(&self) -> &Arena<(), ContextLive> {
        &self.contexts
    }

    fn bury(&self, index: u32) {
        let slot = self.contexts.slot(index);
        let (token, job) = pair(slot.live());
        self.contexts.bury(index, slot);
        self.drop_value(SlotName::Job, job);
        self.drop_value(SlotName::Token, token);
    }
}

fn pair(live: &ContextLive) -> (Value, Value) {
    let read = |word: &AtomicU64| word.load(Ordering::Relaxed);
    let token = read(&live.token);
    let job = Value { object: read(&live.job), token: read(&live.job_token) };
    (Value { object: token, token }, job)
}

impl Library {
    /// A library with nothing in it.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self {
            jobs: Jobs::new(),
            contexts: Arena::new(),
            numbers: ThreadNumbers::new(),
            leaks: AtomicU64::new(0),
            never: AtomicU64::new(0),
        }
    }

    /// A library with nothing in it.
    #[cfg(loom)]
    #[inline(always)] // A model has no stack for a copy at each level.
    pub fn new() -> Self {
        Self {
            jobs: Jobs::new(),
            contexts: Arena::new(),
            numbers: ThreadNumbers::new(),
            leaks: AtomicU64::new(0),
            never: AtomicU64::new(0),
        }
    }

    /// The jobs.
    #[inline(always)]
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// What the timer thread does until it is stopped.
    pub fn run_timer(&self) {
        let tokens = self.jobs.tokens();
        loop {
            let now_ns = clock::now_ns();
            tokens.expire(now_ns);
            tokens.look_for_slow_cancels(now_ns);
            if !tokens.deadlines().wait(now_ns, || tokens.diagnosis().watchdog.next_due()) {
                return;
            }
        }
    }

    /// What the callback thread does until it is stopped and all is done.
    pub fn run_callbacks(&self) {
        let tokens = self.jobs.tokens();
        while let Some(work) = tokens.wait_deferred() {
            self.jobs.do_deferred(work);
        }
    }

    /// Numbers for threads.
    pub fn numbers(&self) -> &ThreadNumbers {
        &self.numbers
    }

    /// A word that is always 0.
    pub fn never(&self) -> &AtomicU64 {
        &self.never
    }

    /// Values that an unwind found left behind.
    pub fn leaks(&self) -> u64 {
        self.leaks.load(Ordering::Relaxed)
    }

    fn words(&self) -> Words<'_> {
        Words { tokens: self.jobs.tokens(), never: &self.never }
    }

    fn pin_token(&self, token: Handle) -> Result<Value, Error> {
        if token != NULL {
            let pin = TokenPin::new(self.jobs.tokens(), token)?;
            if !crate::weakened!("slot_holds_token") {
                pin.leave();
            }
        }
        Ok(Value { object: token, token })
    }

    fn pin_job(&self, job: Handle) -> Result<Value, Error> {
        if job == NULL {
            return Ok(Value::NONE);
        }
        let pin = JobPin::new(&self.jobs, job)?;
        let token = self.jobs.token(&pin);
        pin.leave();
        Ok(Value { object: job, token })
    }

    fn drop_value(&self, slot: SlotName, value: Value) {
        if value.object == NULL || crate::weakened!("slot_holds_token") {
            return;
        }
        let index = handle::index(value.object);
        match slot {
            SlotName::Token => drop(TokenPin::take_over(self.jobs.tokens(), index)),
            SlotName::Job => drop(JobPin::take_over(&self.jobs, index)),
        }
    }

    fn drop_removed(&self, removed: Removed) {
        self.drop_value(removed.slot, removed.value);
    }

    /// Makes a token or a job current on this thread; NULL masks what is. Returns the ticket.
    pub fn set<'a>(
        &'a self,
        slots: &ThreadSlots<'a>,
        record: &'a ThreadRecord,
        slot: SlotName,
        object: Handle,
    ) -> Result<u64, Error> {
        let value = match slot {
            SlotName::Token => self.pin_token(object)?,
            SlotName::Job => self.pin_job(object)?,
        };
        slots
            .set(record, &self.numbers, self.words(), slot, value)
            .inspect_err(|_| self.drop_value(slot, value))
    }

    /// Undoes a `set`. May run a destroy-notify.
    pub fn reset<'a>(
        &'a self,
        slots: &ThreadSlots<'a>,
        slot: SlotName,
        ticket: u64,
    ) -> Result<(), Error> {
        let removed = slots.reset(self.words(), slot, ticket)?;
        self.drop_removed(removed);
        Ok(())
    }

    /// Both current values as an object that other threads can enter.
    pub fn capture(&self, slots: &ThreadSlots<'_>) -> Result<Handle, Error> {
        let (index, slot) = self.contexts.take()?;
        let token = match self.pin_token(slots.token()) {
            Ok(token) => token,
            Err(error) => {
                self.contexts.put_back(index);
                return Err(error);
            }
        };
        let job = match self.pin_job(slots.current_job()) {
            Ok(job) => job,
            Err(error) => {
                self.drop_value(SlotName::Token, token);
                self.contexts.put_back(index);
                return Err(error);
            }
        };
        let live = slot.live();
        live.token.store(token.object, Ordering::Relaxed);
        live.job.store(job.object, Ordering::Relaxed);
        live.job_token.store(job.token, Ordering::Relaxed);
        Ok(self.contexts.publish(index, slot, 0, Holder::Owner))
    }

    /// Adds an owner to a context.
    pub fn retain_context(&self, context: Handle) -> Result<(), Error> {
        self.contexts.retain(context)
    }

    /// Takes an owner away.
    pub fn release_context(&self, context: Handle) -> Result<(), Error> {
        if let Some(index) = self.contexts.release(context)? {
            self.bury(index);
        }
        Ok(())
    }

    /// Installs a captured pair, an empty one for NULL, on this thread.
    pub fn enter<'a>(
        &'a self,
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

    /// Makes a token and a job current on this thread under one ticket, for `unwind`. NULL masks
    /// what was.
    pub fn install<'a>(
        &'a self,
        thread: ThisThread<'_, 'a>,
        token: Handle,
        job: Handle,
    ) -> Result<u64, Error> {
        let token = self.pin_token(token)?;
        let job = self.pin_job(job).inspect_err(|_| self.drop_value(SlotName::Token, token))?;
        let entered = thread.slots.enter(thread.record, &self.numbers, self.words(), token, job);
        entered.inspect_err(|_| {
            self.drop_value(SlotName::Job, job);
            self.drop_value(SlotName::Token, token);
        })
    }

    /// Undoes an `enter`. May run a destroy-notify.
    pub fn exit<'a>(&'a self, slots: &ThreadSlots<'a>, ticket: u64) -> Result<(), Error> {
        let removed = slots.exit(self.words(), ticket)?;
        removed.into_iter().for_each(|removed| self.drop_removed(removed));
        Ok(())
    }

    /// Undoes everything since and including the call that gave this ticket, and counts what
    /// others had left behind. Returns that count. May run destroy-notifies.
    pub fn unwind<'a>(&'a self, slots: &ThreadSlots<'a>, ticket: u64) -> Result<u64, Error> {
        slots.find_ticket(ticket)?;
        let mut leaks = 0;
        while let Some((removed, own)) = slots.unwind_one(self.words(), ticket) {
            leaks += u64::from(!own);
            self.drop_removed(removed);
        }
        self.leaks.fetch_add(leaks, Ordering::Relaxed);
        Ok(leaks)
    }

    /// Empties the slots of a thread that ends.
    pub fn clear<'a>(&'a self, slots: &ThreadSlots<'a>) {
        while let Some((removed, _)) = slots.unwind_one(self.words(), 0) {
            self.drop_removed(removed);
        }
    }

    /// Shows the id under which the outside world knows what this thread works on: the current
    /// token's job id, else the current job's caller id, else an empty text.
    pub fn show_job_id<R>(&self, slots: &ThreadSlots<'_>, reader: impl FnOnce(&str) -> R) -> R {
        let tokens = self.jobs.tokens();
        if let Ok(token) = TokenPin::new(tokens, slots.token())
            && tokens.show_job_id(&token, |id| !id.is_empty())
        {
            return tokens.show_job_id(&token, reader);
        }
        match JobPin::new(&self.jobs, slots.current_job()) {
            Ok(job) => self.jobs.show_text(&job, JobText::CallerId, reader),
            Err(_) => reader(""),
        }
    }
}
