//! Dispatchers: queues of jobs that one thread pumps from its tick. Parts of the same room: `post`
//! lets jobs in, `post_wait` waits for one, `pump` runs a tick, `run` runs one job, `end` ends one,
//! `owner_close` closes the owner of their functions.
//!
//! Invariants:
//! - A dispatcher belongs to the first thread that binds it, for ever.
//! - Its queue holds an internal of it until that is closed and every accepted job is over. So one whose last
//!   owner goes lives on, closed, until its completions have run. Closing and counting jobs in and out are
//!   changes of one word, so exactly one of them is the last and gives the internal back.
//! - Completions run on its thread: in a pump, in a shutdown there, or in the close of their owner
//!   there.
//!
//! Locks: a dispatcher's few are leaves, but that a job's body may be locked before its ids.

use crate::dispatcher::stats::Statistics;
use crate::dispatcher::workers::Workers;
use crate::error::Error;
use crate::handle::{Handle, Kind, NULL};
use crate::job::{JobPin, Jobs};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::pin::{Keeper, Pin};
use crate::memory::slot::{Holder, Slot};
use crate::owner::{Owners, Thing};
use crate::queue::posted::Stage;
use crate::queue::{HeldQueue, Queues};
use crate::queue_id::QueueId;
use crate::sys::callout::Payload;
use crate::sys::fallible::{Late, try_box};
use crate::sys::host::Host;
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, OnceBox, Ordering, constructor};
use crate::sys::thread_identity;
use crate::thread::context::{Contexts, ThisThread};
use crate::token::{Cause, Tokens};
use std::collections::HashMap;

/// What a dispatcher is made from.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Most jobs that may wait.
    pub capacity: u32,
    /// After how long from its post a job is cancelled that says nothing else.
    pub deadline_ns: Option<u64>,
    /// After how long inside one job those who wait for queued ones are freed.
    pub wedge_ns: Option<u64>,
    /// Least time between two looks at a job's progress; `None`: nobody wants to know.
    pub progress_interval_ns: Option<u64>,
    /// Who owns the host's functions; NULL for no one.
    pub owner: Handle,
    /// The thread it belongs to, which makes it; 0: the one that first pumps it.
    pub thread: u64,
}

/// For "no such time" in an atomic word.
const NEVER: u64 = u64::MAX;

/// No thread has this number.
const ENDED: u64 = u64::MAX;

/// What is written while a dispatcher lives.
#[derive(Debug, Default)]
pub struct DispatcherLive {
    queue: AtomicU64,
    /// The thread it belongs to: 0 while there is none yet, `ENDED` when that has ended.
    pub(crate) thread: AtomicU64,
    pub(crate) pumping: AtomicU32,
    deadline_ns: AtomicU64,
    wedge_ns: AtomicU64,
    progress_interval_ns: AtomicU64,
    pub(crate) payload: Mutex<Option<Payload>>,
    pub(crate) ids: Mutex<Late<HashMap<String, Handle>>>,
    statistics: OnceBox<Statistics>,
}

impl LivePart for DispatcherLive {
    const KIND: Kind = Kind::Dispatcher;
    const NONE_LEFT: &'static str = "dispatcher slots or memory for them; release some";
}

impl DispatcherLive {
    /// Its queue, which goes with it.
    pub(crate) fn queue_id(&self) -> QueueId {
        QueueId::from_bits(self.queue.load(Ordering::Relaxed))
    }

    /// What it has done so far.
    pub fn statistics(&self) -> &Statistics {
        self.statistics.get().expect("made with the dispatcher")
    }

    fn reset_statistics(&self) -> Result<(), Error> {
        match self.statistics.get() {
            Some(statistics) => statistics.reset(),
            // Whoever has taken the slot has it for itself.
            None => drop(self.statistics.set(try_box(Statistics::default())?)),
        }
        Ok(())
    }

    fn time(word: &AtomicU64) -> Option<u64> {
        Some(word.load(Ordering::Relaxed)).filter(|time| *time != NEVER)
    }

    /// After how long from its post a job is cancelled that says nothing else.
    pub fn deadline_ns(&self) -> Option<u64> {
        Self::time(&self.deadline_ns)
    }

    /// Least time between two looks at a job's progress; `None`: nobody wants to know.
    pub fn progress_interval_ns(&self) -> Option<u64> {
        Self::time(&self.progress_interval_ns)
    }

    /// After how long inside one job the thread counts as stuck.
    pub fn wedge_ns(&self) -> Option<u64> {
        Self::time(&self.wedge_ns)
    }
}

/// A pinned dispatcher.
pub type DispatcherPin<'a> = Pin<'a, Dispatchers<'a>>;

impl<'a> DispatcherPin<'a> {
    /// Its queue is closed and nothing is left in it: gives back the internal that the queue had.
    pub(crate) fn end_with_queue(&self) {
        drop(DispatcherPin::take_over(self.keeper(), self.index()));
    }

    /// Its queue, which does not go before the pin.
    pub fn queue(&self) -> HeldQueue<'_> {
        self.keeper().queues().held(self.slot().live().queue_id())
    }
}

/// Where all dispatchers are, and what waits for the library's threads. What is done with them is of
/// [`Dispatchers`].
#[derive(Debug)]
pub struct DispatcherTable {
    arena: Arena<(), DispatcherLive>,
    workers: Workers,
}

impl DispatcherTable {
    constructor! {
        /// No dispatchers.
        pub fn new() -> Self {
            Self { arena: Arena::new(), workers: Workers::new() }
        }
    }
}

/// All dispatchers, with what their jobs are and run in.
#[derive(Clone, Copy, Debug)]
pub struct Dispatchers<'a> {
    table: &'a DispatcherTable,
    contexts: Contexts<'a>,
}

impl<'a> Keeper<'a> for Dispatchers<'a> {
    type Cold = ();
    type Live = DispatcherLive;

    fn arena(self) -> &'a Arena<(), DispatcherLive> {
        &self.table.arena
    }

    fn bury_slot(self, index: u32, slot: &'a Slot<(), DispatcherLive>) {
        let live = slot.live();
        let queue = self.queues().held(live.queue_id());
        let payload = live.payload.lock().take();
        let payload = self.queues().forget_host(queue, payload);
        let parting = self.queues().host_owned(queue).take();
        let ids = live.ids.lock().take();
        let call = self.owners().enter_last(parting, thread_identity::current());
        self.table.arena.bury(index, slot);
        self.queues().remove(queue);
        drop(ids);
        if let Some(payload) = payload {
            payload.destroy();
        }
        self.owners().leave(call);
    }
}

/// What a shutdown left to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutDown {
    /// Nothing: all jobs are over.
    Over,
    /// Completions, on the dispatcher's thread.
    Pending,
}

impl<'a> Dispatchers<'a> {
    /// The dispatchers of a table, with what is below them.
    #[inline(always)]
    pub const fn new(table: &'a DispatcherTable, contexts: Contexts<'a>) -> Self {
        Self { table, contexts }
    }

    /// What waits for the library's worker threads.
    pub fn workers(self) -> &'a Workers {
        &self.table.workers
    }

    /// What a worker thread does until it is stopped.
    pub fn run_worker(self, thread: ThisThread<'_, 'a>) {
        self.table.workers.join(thread_identity::current());
        while let Some(id) = self.table.workers.wait() {
            self.run_elsewhere(thread, id);
        }
    }

    /// Lets the worker threads end; what they have not begun ends as interrupted.
    pub fn stop_workers(self) {
        self.table.workers.stop();
        while let Some(id) = self.table.workers.take() {
            if let Some(queue) = self.queues().claim(id, Stage::ShutDown, true) {
                // Its completion may have run meanwhile.
                self.queues().wake_if_there(self.owners(), queue);
            }
        }
    }

    /// Handles of those that live, pinned one after the other, to `each`.
    pub fn each(self, mut each: impl FnMut(&DispatcherPin<'_>)) {
        for (index, _) in self.table.arena.slots() {
            if self.table.arena.pin_index(index) {
                each(&DispatcherPin::take_over(self, index));
            }
        }
    }

    /// How many jobs wait in a dispatcher, and how many may.
    pub fn fill(self, dispatcher: &DispatcherPin<'_>) -> (u32, u32) {
        let queue = dispatcher.queue();
        (self.queues().depth(queue), self.queues().capacity(queue))
    }

    /// How many posted jobs a dispatcher has accepted that are not over.
    pub fn unfinished(self, dispatcher: &DispatcherPin<'_>) -> u64 {
        self.queues().unfinished(dispatcher.queue())
    }

    /// What is installed on threads.
    pub(crate) fn contexts(self) -> Contexts<'a> {
        self.contexts
    }

    pub(crate) fn jobs(self) -> Jobs<'a> {
        self.contexts.jobs()
    }

    pub(crate) fn tokens(self) -> &'a Tokens {
        self.contexts.tokens()
    }

    pub(crate) fn queues(self) -> &'a Queues {
        self.tokens().queues()
    }

    pub(crate) fn owners(self) -> &'a Owners {
        self.tokens().owners()
    }

    /// A new dispatcher. On an error the payload comes back: it is still the caller's.
    pub fn create(
        self,
        settings: &Settings,
        host: Host,
        payload: Payload,
    ) -> Result<Handle, (Error, Payload)> {
        let (index, slot) = match self.table.arena.take() {
            Ok(taken) => taken,
            Err(error) => return Err((error, payload)),
        };
        let live = slot.live();
        let queue = live.reset_statistics().and_then(|()| self.queues().create(settings.capacity));
        let queue = match queue {
            Ok(queue) => queue,
            Err(error) => {
                self.table.arena.put_back(index);
                return Err((error, payload));
            }
        };
        live.queue.store(queue.bits(), Ordering::Relaxed);
        let queue = self.queues().held(queue);
        live.thread.store(settings.thread, Ordering::Relaxed);
        if settings.thread != 0 {
            self.queues().set_thread(queue);
        }
        live.pumping.store(0, Ordering::Relaxed);
        live.deadline_ns.store(settings.deadline_ns.unwrap_or(NEVER), Ordering::Relaxed);
        live.wedge_ns.store(settings.wedge_ns.unwrap_or(NEVER), Ordering::Relaxed);
        let interval = settings.progress_interval_ns.unwrap_or(NEVER);
        live.progress_interval_ns.store(interval, Ordering::Relaxed);
        let owned = self.queues().host_owned(queue);
        if settings.owner != NULL
            && let Err(error) = self.owners().adopt(settings.owner, Thing::Dispatcher(index), owned)
        {
            self.queues().remove(queue);
            self.table.arena.put_back(index);
            return Err((error, payload));
        }
        self.queues().set_host(queue, host);
        *live.payload.lock() = Some(payload);
        // Hidden until the last look, as jobs are.
        let handle = self.table.arena.publish_hidden(index, slot, 0, Holder::Both);
        if self.owners().was_taken(owned.get()) && self.table.arena.pin_index(index) {
            self.give_up_host(index, 0);
        }
        self.table.arena.reveal(slot, handle);
        Ok(handle)
    }

    /// Whether a dispatcher belongs to this thread, and to no other.
    pub(crate) fn is_on_its_thread(dispatcher: &DispatcherPin<'_>, here: u64) -> bool {
        let thread = dispatcher.slot().live().thread.load(Ordering::Relaxed);
        thread != 0 && thread == here
    }

    /// Whether the thread that it belongs to has ended.
    pub(crate) fn is_orphaned(dispatcher: &DispatcherPin<'_>) -> bool {
        dispatcher.slot().live().thread.load(Ordering::Relaxed) == ENDED
    }

    /// A thread ends: what belongs to it is pumped no more, and nobody waits for that.
    pub fn thread_ends(self, thread: u64) {
        if thread == 0 {
            // It has never used the library, so nothing is its.
            return;
        }
        for (index, slot) in self.arena().slots() {
            let owner = &slot.live().thread;
            if owner.load(Ordering::Relaxed) != thread || !self.arena().pin_index(index) {
                continue;
            }
            let dispatcher = DispatcherPin::take_over(self, index);
            if owner.compare_exchange(thread, ENDED, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                self.queues().thread_ends(dispatcher.queue());
                self.jobs().give_up_waits(dispatcher.queue().id());
            }
        }
    }

    /// Binds a dispatcher to this thread unless it is bound to another.
    pub(crate) fn bind(dispatcher: &DispatcherPin<'_>, here: u64) -> Result<(), Error> {
        let thread = &dispatcher.slot().live().thread;
        if thread.load(Ordering::Relaxed) == here {
            return Ok(());
        }
        match thread.compare_exchange(0, here, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(bound) if bound == here => Ok(()),
            Err(_) => Err(Error::NotItsThread),
        }
    }

    /// Adds an owner.
    pub fn retain(self, dispatcher: Handle) -> Result<(), Error> {
        self.table.arena.retain(dispatcher)
    }

    /// Takes an owner away; the last one closes the dispatcher.
    pub fn release(self, dispatcher: Handle, here: u64) -> Result<(), Error> {
        let pin = DispatcherPin::new(self, dispatcher)?;
        if let Some((index, _)) = self.table.arena.release(dispatcher)? {
            debug_assert!(false, "{index} is pinned");
        }
        if !self.table.arena.is_owned(dispatcher) {
            self.shut_down(&pin, here);
        }
        Ok(())
    }

    /// Lets nobody in any more, ends what waits as interrupted and asks what runs to stop. On the
    /// dispatcher's thread, outside a pump, the completions run at once.
    pub fn shut_down(self, dispatcher: &DispatcherPin<'_>, here: u64) -> ShutDown {
        let queue = dispatcher.queue();
        if self.queues().close(queue) {
            dispatcher.end_with_queue();
        }
        self.queues().end_waiting(queue);
        self.stop_running(queue);
        let live = dispatcher.slot().live();
        let is_pumping = live.pumping.load(Ordering::Relaxed) != 0;
        if Self::is_on_its_thread(dispatcher, here) && !is_pumping {
            live.pumping.store(1, Ordering::Relaxed);
            while let Some(ended) = self.queues().next_ended(queue) {
                self.finish(dispatcher, ended);
            }
            live.pumping.store(0, Ordering::Relaxed);
        }
        if self.queues().unfinished(queue) == 0 {
            return ShutDown::Over;
        }
        self.queues().wake(self.owners(), queue);
        ShutDown::Pending
    }

    /// Asks what runs in a closed queue to stop.
    pub(crate) fn stop_running(self, queue: HeldQueue<'_>) {
        let pin = |job| self.jobs().arena().pin_index(job);
        let unpin = |job| drop(JobPin::take_over(self.jobs(), job));
        let mut next = self.queues().running_here(queue, pin, unpin);
        while let Some(job) = next.take().or_else(|| self.queues().next_unasked(queue, pin)) {
            let job = JobPin::take_over(self.jobs(), job);
            let token = self.jobs().token_held_by(&job);
            self.tokens().cancel(&token, Cause::Request, "the dispatcher is shutting down");
        }
    }

    /// A new owner of the live job with this caller id.
    pub fn find(self, dispatcher: &DispatcherPin<'_>, caller_id: &str) -> Option<Handle> {
        let ids = dispatcher.slot().live().ids.lock();
        let job = *ids.get()?.get(caller_id)?;
        self.jobs().arena().retain(job).ok().map(|()| job)
    }
}
