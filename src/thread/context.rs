//! What is installed on threads, the references that this holds, and captured contexts.
//!
//! The value of a slot has an internal reference of its token, job or share if a caller set it. It
//! has none if it was lent: the lender keeps the object until it has taken the value out again.
//! Values that leave a slot are dropped here, after the slots are consistent again, because the
//! drop may run a destroy-notify that uses the slots.
//!
//! A captured context is an object of its own. It holds internal references of what was current, so
//! worker threads can enter it while the capturing thread goes on. A bound context also has a
//! function, which stays as long as the context. The thread that runs it has a pin, and the burial
//! of the context calls the notify.

use crate::error::Error;
use crate::handle::{self, Handle, Kind, NULL};
use crate::job::share::{ShareHold, SharePin, Shares};
use crate::job::texts::JobText;
use crate::job::{JobHold, JobPin, Jobs};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::magazine::Shelved;
use crate::memory::pin::{Keeper, Lent, Pin};
use crate::memory::slot::{Holder, Slot};
use crate::sys::bound::{Bound, BoundCell};
use crate::sys::callout::UserData;
use crate::sys::sync::{AtomicU64, Ordering, constructor};
use crate::thread::current::{ThreadNumbers, ThreadRecord, ThreadSlots, Words};
use crate::thread::value::{Removed, Shown, SlotName, SlotValue};
use crate::token::{TokenHold, TokenPin, Tokens};

/// What a context has captured. It does not change after the context is published.
#[derive(Debug, Default)]
pub struct ContextLive {
    token: AtomicU64,
    job: AtomicU64,
    job_token: AtomicU64,
    share: AtomicU64,
    /// The function for threads to run in the context, if the context was bound.
    bound: BoundCell,
}

impl LivePart for ContextLive {
    const KIND: Kind = Kind::Context;
    const NONE_LEFT: &'static str =
        "context slots or memory for them; release contexts that are done";
}

/// The calling thread, for functions that run jobs on it.
#[derive(Clone, Copy, Debug)]
pub struct ThisThread<'t, 'a> {
    pub slots: &'t ThreadSlots<'a>,
    /// The thread's record, which exists already.
    pub record: &'a ThreadRecord,
}

/// The storage of captured contexts, and what all threads share. Its operations are those of
/// [`Contexts`].
#[derive(Debug)]
pub struct ContextTable {
    arena: Arena<(), ContextLive>,
    numbers: ThreadNumbers,
    leaks: AtomicU64,
    never: AtomicU64,
}

impl ContextTable {
    constructor! {
        pub fn new() -> Self {
            Self {
                arena: Arena::new(),
                numbers: ThreadNumbers::new(),
                leaks: AtomicU64::new(0),
                never: AtomicU64::new(0),
            }
        }
    }

    /// Calls `each` with every pool here that has magazines on threads.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(self.arena.shelved());
    }
}

/// A view of what is installed and captured, and of the jobs and tokens that this holds.
#[derive(Clone, Copy, Debug)]
pub struct Contexts<'a> {
    table: &'a ContextTable,
    shares: Shares<'a>,
}

pub type ContextPin<'a> = Pin<'a, Contexts<'a>>;

impl<'a> Keeper<'a> for Contexts<'a> {
    type Cold = ();
    type Live = ContextLive;

    fn arena(self) -> &'a Arena<(), ContextLive> {
        &self.table.arena
    }

    fn bury_slot(self, index: u32, slot: &'a Slot<(), ContextLive>) {
        let (token, job) = pair(slot.live());
        let share = share_of(slot.live());
        let payload = slot.live().bound.take();
        self.table.arena.bury(index, slot);
        self.drop_value(SlotName::Share, share);
        self.drop_value(SlotName::Job, job);
        self.drop_value(SlotName::Token, token);
        if let Some(payload) = payload {
            payload.destroy();
        }
    }
}

fn share_of(live: &ContextLive) -> SlotValue {
    SlotValue { object: live.share.load(Ordering::Relaxed), token: NULL }
}

fn pair(live: &ContextLive) -> (SlotValue, SlotValue) {
    let read = |word: &AtomicU64| word.load(Ordering::Relaxed);
    let token = read(&live.token);
    let job = SlotValue { object: read(&live.job), token: read(&live.job_token) };
    (SlotValue { object: token, token }, job)
}

impl<'a> Contexts<'a> {
    /// A view of the contexts in `table`.
    #[inline(always)]
    pub const fn new(table: &'a ContextTable, shares: Shares<'a>) -> Self {
        Self { table, shares }
    }

    /// The shares of jobs' progress.
    #[inline(always)]
    pub fn shares(self) -> Shares<'a> {
        self.shares
    }

    /// The jobs that contexts can hold.
    #[inline(always)]
    pub(crate) fn jobs(self) -> Jobs<'a> {
        self.shares.jobs()
    }

    /// The tokens that contexts can hold.
    #[inline(always)]
    pub(crate) fn tokens(self) -> &'a Tokens {
        self.jobs().tokens()
    }

    /// The source of threads' numbers.
    pub fn numbers(self) -> &'a ThreadNumbers {
        &self.table.numbers
    }

    /// A word that is always 0.
    pub fn never(self) -> &'a AtomicU64 {
        &self.table.never
    }

    /// Counts values that a caller has left in the slots of a thread.
    pub(super) fn count_leaks(self, leaks: u64) {
        self.table.leaks.fetch_add(leaks, Ordering::Relaxed);
    }

    /// How many values were found that callers had left in the slots of threads.
    pub fn leaks(self) -> u64 {
        self.table.leaks.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn words(self) -> Words<'a> {
        Words { tokens: self.tokens(), never: &self.table.never }
    }

    /// The empty value, which masks the values below it.
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
        let index = JobHold::new(self.jobs(), job)?.leave();
        Ok(self.lent_job(&Lent::new(self.jobs(), index)))
    }

    #[inline(always)]
    fn share_value(self, share: Handle) -> Result<Shown<'a>, Error> {
        if share != NULL {
            ShareHold::new(self.shares, share)?.leave();
        }
        Ok(self.lent_value(SlotValue { object: share, token: NULL }))
    }

    /// What a slot shows for a value whose object the caller keeps alive.
    #[inline(always)]
    fn lent_value(self, value: SlotValue) -> Shown<'a> {
        let word = if value.token == NULL { None } else { self.tokens().word(value.token) };
        Shown { value, word: word.unwrap_or(&self.table.never) }
    }

    /// What a slot shows for a job that the caller keeps alive.
    #[inline(always)]
    fn lent_job(self, job: &JobPin<'_>) -> Shown<'a> {
        self.lent_value(SlotValue { object: job.handle(), token: self.jobs().token(job) })
    }

    #[inline(always)]
    fn drop_value(self, slot: SlotName, value: SlotValue) {
        if value.object == NULL || crate::weakened!("slot_holds_token") {
            return;
        }
        let index = handle::index(value.object);
        match slot {
            SlotName::Token => drop(TokenPin::take_over(self.tokens(), index)),
            SlotName::Job => drop(JobPin::take_over(self.jobs(), index)),
            SlotName::Share => drop(SharePin::take_over(self.shares, index)),
        }
    }

    #[inline(always)]
    fn drop_removed(self, removed: Removed) {
        if !removed.is_lent {
            self.drop_value(removed.slot, removed.value);
        }
    }

    /// Makes a token, a job or a share current on this thread; NULL masks the current one. Returns
    /// the ticket for `reset`.
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
            SlotName::Share => self.share_value(object)?,
        };
        let ticket = slots.set(record, &self.table.numbers, slot, shown);
        if ticket.is_err() {
            // This is not in a closure, so that `slot` stays a constant where this function is
            // inlined.
            self.drop_value(slot, shown.value);
        }
        ticket
    }

    /// Undoes the `set` that gave this ticket. May run a destroy-notify.
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

    /// Captures what is current on this thread in a new context, which other threads can enter.
    /// Returns its handle, with an owner reference.
    pub fn capture(self, slots: &ThreadSlots<'_>) -> Result<Handle, Error> {
        self.capture_with(slots, |_| ())
    }

    /// As `capture`, with a function that `run` calls in the context. On an error the function's
    /// payload is still the caller's.
    pub fn bind(self, slots: &ThreadSlots<'_>, bound: Bound) -> Result<Handle, Error> {
        self.capture_with(slots, |live| live.bound.put(bound))
    }

    #[inline(always)]
    fn capture_with(
        self,
        slots: &ThreadSlots<'_>,
        fill: impl FnOnce(&ContextLive),
    ) -> Result<Handle, Error> {
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
        let share = match self.share_value(slots.current_share()) {
            Ok(share) => share.value,
            Err(error) => {
                self.drop_value(SlotName::Job, job);
                self.drop_value(SlotName::Token, token);
                self.table.arena.put_back(index);
                return Err(error);
            }
        };
        let live = slot.live();
        live.share.store(share.object, Ordering::Relaxed);
        live.token.store(token.object, Ordering::Relaxed);
        live.job.store(job.object, Ordering::Relaxed);
        live.job_token.store(job.token, Ordering::Relaxed);
        fill(live);
        Ok(self.table.arena.publish(index, slot, 0, Holder::Owner))
    }

    /// Adds an owner reference to a context.
    pub fn retain_context(self, context: Handle) -> Result<(), Error> {
        self.table.arena.retain(context)
    }

    /// Takes an owner reference from a context. The last one buries the context, unless a run has
    /// it pinned.
    pub fn release_context(self, context: Handle) -> Result<(), Error> {
        if let Some((index, slot)) = self.table.arena.release(context)? {
            self.bury_slot(index, slot);
        }
        Ok(())
    }

    /// Installs on this thread what a context has captured, and returns the ticket for `exit`. With
    /// NULL instead of a context it masks all that is current.
    pub fn enter(
        self,
        slots: &ThreadSlots<'a>,
        record: &'a ThreadRecord,
        context: Handle,
    ) -> Result<u64, Error> {
        let thread = ThisThread { slots, record };
        if context == NULL {
            return self.install(thread, NULL, NULL, NULL);
        }
        let pin = ContextPin::new(self, context)?;
        let (token, job) = pair(pin.slot().live());
        let share = share_of(pin.slot().live());
        self.install(thread, token.object, job.object, share.object)
    }

    /// Calls the function of a bound context in that context, and returns the function's answer. An
    /// error: the function was not called. The call uses up one owner reference of the context;
    /// from then on only the pin keeps the context until the function has returned.
    pub fn run<'t>(
        self,
        thread: impl FnOnce() -> Result<ThisThread<'t, 'a>, Error>,
        context: Handle,
    ) -> Result<UserData, Error>
    where
        'a: 't,
    {
        const UNBOUND: &str = "bound has no function; pass what dcc_context_bind wrote";
        if context == NULL {
            return Err(Error::InvalidArgument(UNBOUND));
        }
        let pin = ContextPin::new(self, context)?;
        let live = pin.slot().live();
        let function = live.bound.function().ok_or(Error::InvalidArgument(UNBOUND))?;
        let (token, job) = pair(live);
        let share = share_of(live).object;
        self.release_context(context)?;
        let thread = thread()?;
        let _pin = (!crate::weakened!("run_keeps_its_context")).then_some(pin);
        let (token, job) = (self.lent_value(token), self.lent_value(job));
        let ticket = thread.slots.lend(thread.record, &self.table.numbers, token, job)?;
        if share | thread.slots.current_share() != NULL {
            let set = self.set(thread.slots, thread.record, SlotName::Share, share);
            let share_ticket = set.inspect_err(|_| _ = self.unwind(thread.slots, ticket))?;
            let result = function.call();
            let _ = self.unwind(thread.slots, share_ticket);
            let _ = self.unwind(thread.slots, ticket);
            return Ok(result);
        }
        let result = function.call();
        // An error means that the function itself unwound to a ticket before this one, which has
        // restored the slots, too.
        let _ = self.unwind(thread.slots, ticket);
        Ok(result)
    }

    /// Makes a token and a job current on this thread under one ticket. The caller keeps both and
    /// has to `unwind` the ticket. NULL masks the current token.
    #[inline]
    pub fn lend(
        self,
        thread: ThisThread<'_, 'a>,
        token: Handle,
        job: &JobPin<'_>,
    ) -> Result<u64, Error> {
        let token = self.lent_value(SlotValue { object: token, token });
        thread.slots.lend(thread.record, &self.table.numbers, token, self.lent_job(job))
    }

    fn install(
        self,
        thread: ThisThread<'_, 'a>,
        token: Handle,
        job: Handle,
        share: Handle,
    ) -> Result<u64, Error> {
        let token = self.token_value(token)?;
        let drop_token = || self.drop_value(SlotName::Token, token.value);
        let job = self.job_value(job).inspect_err(|_| drop_token())?;
        let drop_both = || {
            self.drop_value(SlotName::Job, job.value);
            drop_token();
        };
        let is_shared = share | thread.slots.current_share() != NULL;
        let share = self.share_value(share).inspect_err(|_| drop_both())?;
        let numbers = &self.table.numbers;
        let shown = is_shared.then_some(share);
        let entered = thread.slots.enter(thread.record, numbers, [token, job], shown);
        entered.inspect_err(|_| {
            self.drop_value(SlotName::Share, share.value);
            drop_both();
        })
    }

    /// Undoes the `enter` that gave this ticket. May run destroy-notifies.
    pub fn exit(self, slots: &ThreadSlots<'a>, ticket: u64) -> Result<(), Error> {
        let removed = slots.exit(self.words(), ticket)?;
        removed.into_iter().flatten().for_each(|removed| self.drop_removed(removed));
        Ok(())
    }

    /// Takes out of the slots everything that was set since, and by, the call that gave this
    /// ticket. Returns how many tokens and jobs other callers had left behind, and counts them. May
    /// run destroy-notifies. A share that is left does not count: it stops no work, and a task
    /// leaves the share of its step from one slice to the next.
    #[inline]
    pub fn unwind(self, slots: &ThreadSlots<'a>, ticket: u64) -> Result<u64, Error> {
        if slots.take_lent(self.words(), ticket) {
            return Ok(0);
        }
        self.unwind_deeper(slots, ticket)
    }

    #[inline(never)]
    fn unwind_deeper(self, slots: &ThreadSlots<'a>, ticket: u64) -> Result<u64, Error> {
        slots.find_ticket(ticket)?;
        let mut leaks = 0;
        while let Some((removed, own)) = slots.unwind_one(self.words(), ticket) {
            leaks += u64::from(!own && removed.slot != SlotName::Share);
            self.drop_removed(removed);
        }
        if leaks > 0 {
            self.count_leaks(leaks);
        }
        Ok(leaks)
    }

    /// Empties the slots of a thread that ends, or that is done with one piece of work. Returns how
    /// many tokens and jobs were left.
    pub fn clear(self, slots: &ThreadSlots<'a>) -> u64 {
        let mut left = 0;
        while let Some((removed, _)) = slots.unwind_one(self.words(), 0) {
            left += u64::from(removed.slot != SlotName::Share);
            self.drop_removed(removed);
        }
        left
    }

    /// Calls `reader` with the id under which the outside world knows the work of this thread: the
    /// caller id of the current token, else that of the current job, else an empty text.
    pub fn show_caller_id<R>(self, slots: &ThreadSlots<'_>, reader: impl FnOnce(&str) -> R) -> R {
        let tokens = self.tokens();
        // The slots hold the token and the job while `reader` runs. The library's own code is the
        // reader, not a plugin's.
        if slots.token() != NULL {
            let token = Lent::new(tokens, handle::index(slots.token()));
            if tokens.show_caller_id(&token, |id| !id.is_empty()) {
                return tokens.show_caller_id(&token, reader);
            }
        }
        match slots.current_job() {
            NULL => reader(""),
            job => {
                let job = Lent::new(self.jobs(), handle::index(job));
                self.jobs().show_text(&job, JobText::CallerId, reader)
            }
        }
    }
}
