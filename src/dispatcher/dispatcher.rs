//! Dispatchers: queues of jobs that one thread pumps from its tick. The other files of this room:
//! `post` lets jobs in, `post_wait` and `wait_end` wait for one, `pump` runs a tick, `run` runs one
//! job, `end` ends one, `owner_close` closes an owner of dispatchers or of their jobs.
//!
//! Invariants:
//! 1. A dispatcher belongs to the first thread that binds it, and never to another. The last
//!    release of a dispatcher that has no thread binds it to the releasing thread for the call.
//! 2. Its queue holds an internal reference to it until the queue is closed and every accepted job
//!    is over. So a dispatcher whose last owner reference is released lives on, closed, until its
//!    completions have run. Closing the queue and counting jobs in and out all change one word, so
//!    exactly one of these changes is the last, and that one gives the internal reference back.
//! 3. Completions run on the dispatcher's thread: in a pump, in a shutdown or last release on that
//!    thread, or in the close of their owner on that thread.
//!
//! Locks: the locks of a dispatcher are leaves, with one exception. A job's body may be locked
//! before the dispatcher's caller ids.

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

/// How a dispatcher is set up.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The greatest number of jobs that may wait in the queue at a time.
    pub capacity: u32,
    /// The time from the post of a job to its cancel, for jobs that were posted without a deadline
    /// of their own. `None`: such jobs have no deadline.
    pub deadline_ns: Option<u64>,
    /// The time inside one job after which the dispatcher's thread counts as stuck, so that threads
    /// that wait for a job in its queue need not wait longer. `None`: the thread never counts as
    /// stuck.
    pub wedge_ns: Option<u64>,
    /// The least time between two reports of a job's progress to the host. `None`: the host gets no
    /// reports.
    pub progress_interval_ns: Option<u64>,
    /// The owner of the host's functions; NULL if they have none.
    pub owner: Handle,
    /// The thread that the dispatcher belongs to, if that is the thread that makes it. 0: it
    /// belongs to the thread that first pumps it.
    pub thread: u64,
}

/// Stands for `None` in the atomic words of a dispatcher's times.
const NEVER: u64 = u64::MAX;

/// In `DispatcherLive::thread`: the thread has ended. No thread has this number.
const ENDED: u64 = u64::MAX;

/// The part of a dispatcher that is written while the dispatcher lives.
#[derive(Debug, Default)]
pub struct DispatcherLive {
    queue: AtomicU64,
    /// The number of the thread that the dispatcher belongs to. 0: it belongs to none yet. `ENDED`:
    /// that thread has ended.
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
    /// The id of the dispatcher's queue. The queue is removed when the dispatcher is buried.
    pub(crate) fn queue_id(&self) -> QueueId {
        QueueId::from_bits(self.queue.load(Ordering::Relaxed))
    }

    /// Counts and times of what the dispatcher has done since it was made.
    pub fn statistics(&self) -> &Statistics {
        self.statistics.get().expect("made with the dispatcher")
    }

    fn reset_statistics(&self) -> Result<(), Error> {
        match self.statistics.get() {
            Some(statistics) => statistics.reset(),
            // No other thread has access yet: the caller has just taken the slot.
            None => drop(self.statistics.set(try_box(Statistics::default())?)),
        }
        Ok(())
    }

    fn time(word: &AtomicU64) -> Option<u64> {
        Some(word.load(Ordering::Relaxed)).filter(|time| *time != NEVER)
    }

    /// The time from the post of a job to its cancel, for jobs that were posted without a deadline
    /// of their own. `None`: such jobs have no deadline.
    pub fn deadline_ns(&self) -> Option<u64> {
        Self::time(&self.deadline_ns)
    }

    /// The least time between two reports of a job's progress to the host. `None`: the host is
    /// never told.
    pub fn progress_interval_ns(&self) -> Option<u64> {
        Self::time(&self.progress_interval_ns)
    }

    /// The time inside one job after which the dispatcher's thread counts as stuck. `None`: the
    /// thread never counts as stuck.
    pub fn wedge_ns(&self) -> Option<u64> {
        Self::time(&self.wedge_ns)
    }
}

pub type DispatcherPin<'a> = Pin<'a, Dispatchers<'a>>;

impl<'a> DispatcherPin<'a> {
    /// Gives back the internal reference to this dispatcher that its queue holds. Called once, when
    /// the queue is closed and every accepted job is over.
    pub(crate) fn end_with_queue(&self) {
        drop(DispatcherPin::take_over(self.keeper(), self.index()));
    }

    /// The dispatcher's queue, which cannot be removed while the dispatcher is pinned.
    pub fn queue(&self) -> HeldQueue<'_> {
        self.keeper().queues().held(self.slot().live().queue_id())
    }
}

/// The storage of all dispatchers, and the jobs that wait for the library's worker threads. Its
/// operations are those of [`Dispatchers`].
#[derive(Debug)]
pub struct DispatcherTable {
    arena: Arena<(), DispatcherLive>,
    workers: Workers,
}

impl DispatcherTable {
    constructor! {
        pub fn new() -> Self {
            Self { arena: Arena::new(), workers: Workers::new() }
        }
    }
}

/// A view of all dispatchers, and of the contexts, jobs and tokens that they use.
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

/// What a shutdown of a dispatcher leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutDown {
    /// Nothing: all jobs are over.
    Over,
    /// Jobs that still run, or whose completions have to run on the dispatcher's thread.
    Pending,
}

impl<'a> Dispatchers<'a> {
    /// A view of the dispatchers in `table`.
    #[inline(always)]
    pub const fn new(table: &'a DispatcherTable, contexts: Contexts<'a>) -> Self {
        Self { table, contexts }
    }

    /// The queue of the library's worker threads.
    pub fn workers(self) -> &'a Workers {
        &self.table.workers
    }

    /// The loop of a worker thread: runs jobs until the workers are stopped.
    pub fn run_worker(self, thread: ThisThread<'_, 'a>) {
        self.table.workers.join(thread_identity::current());
        while let Some(id) = self.table.workers.wait() {
            self.run_elsewhere(thread, id);
        }
    }

    /// Lets the worker threads end. A job that no worker has begun ends as interrupted.
    pub fn stop_workers(self) {
        self.table.workers.stop();
        while let Some(id) = self.table.workers.take() {
            if let Some(queue) = self.queues().claim(id, Stage::ShutDown, true) {
                // The job's completion may have run since the claim, so the queue may be gone.
                self.queues().wake_if_there(self.owners(), queue);
            }
        }
    }

    /// Calls `each` with every live dispatcher. Only one of them is pinned at a time.
    pub fn each(self, mut each: impl FnMut(&DispatcherPin<'_>)) {
        for (index, _) in self.table.arena.slots() {
            if self.table.arena.pin_index(index) {
                each(&DispatcherPin::take_over(self, index));
            }
        }
    }

    /// How many jobs wait in a dispatcher, and how many may wait.
    pub fn fill(self, dispatcher: &DispatcherPin<'_>) -> (u32, u32) {
        let queue = dispatcher.queue();
        (self.queues().depth(queue), self.queues().capacity(queue))
    }

    /// How many jobs a dispatcher has accepted that are not over.
    pub fn unfinished(self, dispatcher: &DispatcherPin<'_>) -> u64 {
        self.queues().unfinished(dispatcher.queue())
    }

    /// The view of the contexts that jobs run in.
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

    /// Makes a dispatcher. On an error the payload comes back and still belongs to the caller.
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
        // The handle stays hidden, as a new job's does, until we have looked once more for a close
        // of the owner. A close that came while the dispatcher was being made left the dispatcher's
        // end to us.
        let handle = self.table.arena.publish_hidden(index, slot, 0, Holder::Both);
        if self.owners().was_taken(owned.get()) && self.table.arena.pin_index(index) {
            self.give_up_host(index, 0);
        }
        self.table.arena.reveal(slot, handle);
        Ok(handle)
    }

    /// Whether a dispatcher is bound to this thread, whose number is `here`. False for a dispatcher
    /// that is bound to no thread yet.
    pub(crate) fn is_on_its_thread(dispatcher: &DispatcherPin<'_>, here: u64) -> bool {
        let thread = dispatcher.slot().live().thread.load(Ordering::Relaxed);
        thread != 0 && thread == here
    }

    /// Whether the dispatcher's thread has ended.
    pub(crate) fn is_orphaned(dispatcher: &DispatcherPin<'_>) -> bool {
        dispatcher.slot().live().thread.load(Ordering::Relaxed) == ENDED
    }

    /// Called when a thread ends. Notes in each dispatcher of that thread that its thread has
    /// ended, and wakes the threads that wait for the dispatcher's jobs: no thread pumps it any
    /// more.
    pub fn thread_ends(self, thread: u64) {
        if thread == 0 {
            // This thread has never used the library, so it has no dispatcher.
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

    /// Binds a dispatcher to this thread, whose number is `here`. `NotItsThread`: the dispatcher is
    /// bound to another thread.
    pub(crate) fn bind(dispatcher: &DispatcherPin<'_>, here: u64) -> Result<(), Error> {
        let thread = &dispatcher.slot().live().thread;
        if thread.load(Ordering::Relaxed) == here {
            return Ok(());
        }
        // Acquire: it pairs with the Release in `end_unowned`, by which a last release gives a
        // borrowed dispatcher back.
        match thread.compare_exchange(0, here, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(bound) if bound == here => Ok(()),
            Err(_) => Err(Error::NotItsThread),
        }
    }

    /// Adds an owner reference to a dispatcher.
    pub fn retain(self, dispatcher: Handle) -> Result<(), Error> {
        self.table.arena.retain(dispatcher)
    }

    /// Takes an owner reference from a dispatcher. The release of the last one shuts the dispatcher
    /// down.
    pub fn release(self, dispatcher: Handle, here: u64) -> Result<(), Error> {
        let pin = DispatcherPin::new(self, dispatcher)?;
        if let Some((index, _)) = self.table.arena.release(dispatcher)? {
            debug_assert!(false, "{index} is pinned");
        }
        if !self.table.arena.is_owned(dispatcher) {
            self.end_unowned(&pin, here);
        }
        Ok(())
    }

    /// Shuts down a dispatcher whose last owner reference was released. If the dispatcher has no
    /// thread, perhaps no thread will ever pump it. So this thread borrows the dispatcher and
    /// completes those of its jobs that are over.
    fn end_unowned(self, dispatcher: &DispatcherPin<'_>, here: u64) {
        let thread = &dispatcher.slot().live().thread;
        let has_thread = thread.load(Ordering::Relaxed) != 0 || here == 0;
        let is_borrowed = !has_thread && Self::bind(dispatcher, here).is_ok();
        if is_borrowed {
            self.queues().set_thread(dispatcher.queue());
        }
        let left = self.shut_down(dispatcher, here);
        if is_borrowed && left == ShutDown::Pending {
            // Other threads still run its jobs. A thread that pumps the dispatcher later completes
            // them.
            self.queues().forget_thread(dispatcher.queue());
            thread.store(0, Ordering::Release);
        }
    }

    /// Shuts a dispatcher down: closes its queue to new jobs, ends the jobs that wait as
    /// interrupted, and asks the jobs that run to stop. On the dispatcher's thread, outside a pump,
    /// the completions run in this call.
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

    /// Cancels those jobs of a closed queue whose functions run.
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

    /// The live job of this dispatcher with this caller id, with a new owner reference to the job.
    /// `None`: the dispatcher has no such job.
    pub fn find(self, dispatcher: &DispatcherPin<'_>, caller_id: &str) -> Option<Handle> {
        let ids = dispatcher.slot().live().ids.lock();
        let job = *ids.get()?.get(caller_id)?;
        self.jobs().arena().retain(job).ok().map(|()| job)
    }
}
