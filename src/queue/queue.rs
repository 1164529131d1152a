//! The queue of a dispatcher: who gets in, in which order they run, and how they leave it early.
//!
//! Posters push into a bounded lock-free inbox for each lane and take no lock while there is room.
//! Everything behind the inboxes is in lists under one lock: who waits for a turn, steps that wait
//! for the next tick, who waits for another thread, who runs, and who is over but not completed.
//!
//! Invariants:
//! - Only who holds the lock of the lists takes out of the inboxes, and stages change only under it.
//!   So who is neither in an inbox nor in a list is in the hands of one thread.
//! - `depth` counts the jobs whose stage is Queued, and those on their way in; who moves a job out of
//!   Queued lowers it at once. `unfinished` counts all that are accepted and not over.
//! - Closed: the bit is set by a read-modify-write under the lock, then the inboxes are emptied. A
//!   poster pushes, then reads the bit by a read-modify-write. Of the two one comes first: the
//!   poster's job is found in the inbox, or the poster finds the bit and takes its job back, under
//!   the lock, unless it was found all the same.
//! - OWED is set by who calls the host's wake and cleared by the pump before it looks for work:
//!   whatever comes later than that look wakes again.
//! - A cell is used again, for another dispatcher. Its generation, in the same word as OWED, changes
//!   before the cell is free. A cancel may know a queue only by its id: it sets OWED by a
//!   compare-and-swap that fails on another generation, and compares it once more under the host's
//!   lock, where a later host's functions appear only after the generation changed.
//!
//! Lock order: the lists', then that of a posted job's body. The host's, then its owner's.

use crate::error::Error;
use crate::memory::list::{Fifo, ListNodes};
use crate::memory::pool::{Link, NIL, Pool};
use crate::owner::Owners;
use crate::owner::owned::Owned;
use crate::owner::wait_graph::Inside;
use crate::queue::hosted::Hosted;
use crate::queue::lane::{Lane, Turns};
use crate::queue::posted::{HeldPosted, Posted, PostedId, Stage};
use crate::queue_id::{HeldQueue, QueueId};
use crate::sys::allocator::with_reserve;
use crate::sys::callout::Payload;
use crate::sys::host::Host;
use crate::sys::sync::{
    ArrayQueue, AtomicU32, AtomicU64, Mutex, MutexGuard, OnceBox, Ordering, constructor,
};
use crate::sys::{memory, thread_identity};

/// Places in the inbox of a lane; when it is full the poster takes the lock.
#[cfg(not(loom))]
const INBOX: usize = 256;
#[cfg(loom)]
const INBOX: usize = 2;

/// What one allocates: for each place a number and its stamp.
const INBOX_BYTES: usize = INBOX * 2 * size_of::<u64>();

/// Jobs that may be accepted and not over beyond the capacity: running, or waiting for their
/// completion. So a thread that never pumps costs a bounded amount of memory.
pub const MOST_BEYOND_DEPTH: u64 = 16_384;

const CLOSED: u64 = 1 << 63;
const UNFINISHED: u64 = 1 << 32;
const DEPTH: u64 = UNFINISHED - 1;

/// The host was told that there is something to do, and has not pumped since.
const OWED: u64 = 1;
/// The host wants to be told at all.
const WANTED: u64 = 1 << 1;
const GENERATION_SHIFT: u32 = 2;

/// Numbers of the lists, for their nodes.
const READY: u32 = 1;
const NEXT_TICK: u32 = READY + 3;
const ELSEWHERE: u32 = NEXT_TICK + 3;
const RUNNING: u32 = ELSEWHERE + 1;
const ENDED: u32 = RUNNING + 1;

#[derive(Debug, Default)]
struct Lists {
    /// Of each lane: wait for a turn.
    ready: [Fifo; 3],
    /// Of each lane: had their slice of this tick.
    next_tick: [Fifo; 3],
    /// Wait for a thread other than the dispatcher's.
    elsewhere: Fifo,
    /// Their functions run.
    running: Fifo,
    /// Run no more; to be completed.
    ended: Fifo,
    turns: Turns,
}

impl Lists {
    fn list(&mut self, number: u32) -> Option<&mut Fifo> {
        Some(match number {
            READY..NEXT_TICK => &mut self.ready[(number - READY) as usize],
            NEXT_TICK..ELSEWHERE => &mut self.next_tick[(number - NEXT_TICK) as usize],
            ELSEWHERE => &mut self.elsewhere,
            RUNNING => &mut self.running,
            ENDED => &mut self.ended,
            _ => return None,
        })
    }

    fn put(&mut self, posted: &Posted, number: u32, list: u32) {
        self.take_out(posted, number);
        if let Some(fifo) = self.list(list) {
            fifo.push(posted, number, list);
        }
    }

    /// Takes a job out of the list it is in, if any.
    fn take_out(&mut self, posted: &Posted, number: u32) {
        if let Some(fifo) = self.list(posted.node(number).list()) {
            fifo.remove(posted, number);
        }
    }
}

#[derive(Debug)]
struct Inboxes([ArrayQueue<u32>; 3]);

#[derive(Debug, Default)]
struct QueueCell {
    next_free: AtomicU32,
    /// CLOSED, unfinished and depth.
    admission: AtomicU64,
    capacity: AtomicU32,
    /// Generation, WANTED and OWED.
    waking: AtomicU64,
    /// Whether the host may say "not now".
    has_veto: AtomicU32,
    inboxes: OnceBox<Inboxes>,
    lists: Mutex<Lists>,
    host: Hosted,
    /// What the owner of the host's functions knows the dispatcher by; NIL without one. Set before
    /// the functions can be called.
    host_owned: Owned,
    /// Since when the dispatcher's thread has been inside a function of a job or of the host; 0 while it
    /// is not.
    busy_since_ns: AtomicU64,
    /// Which job that is; 0 for none.
    busy_with: AtomicU64,
    /// The dispatcher's thread; 0 while that is not known.
    thread: AtomicU64,
}

impl QueueCell {
    fn generation(&self) -> u64 {
        self.waking.load(Ordering::Acquire) >> GENERATION_SHIFT
    }
}

impl Link for QueueCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

/// Something keeps a dispatcher's thread. What kept it before does again when this goes.
#[derive(Debug)]
#[must_use]
pub struct Busy<'a> {
    cell: &'a QueueCell,
    before: (u64, u64),
}

impl Busy<'_> {
    /// Notes that it is another job since then, or 0.
    pub fn note(&self, job: u64, since_ns: u64) {
        self.cell.busy_with.store(job, Ordering::Relaxed);
        self.cell.busy_since_ns.store(since_ns, Ordering::Relaxed);
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let (job, since_ns) = self.before;
        self.note(job, since_ns);
    }
}

/// Why a job was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The dispatcher was shut down.
    Closed,
    /// So many wait already.
    Full,
}

/// Who gets the dispatcher's thread next.
#[derive(Debug)]
pub enum Next<'a> {
    /// Complete this one.
    Complete(HeldPosted<'a>),
    /// Run this one; `first`: it waited in the queue until now.
    Run {
        /// The job, with the queue's hold.
        job: HeldPosted<'a>,
        /// Whether it begins now.
        first: bool,
    },
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Wait for their turn, on whatever thread.
    pub queued: u32,
    /// Wait for their next slice, on whatever thread.
    pub between_slices: u32,
    /// Run, on whatever thread.
    pub running: u32,
    /// Are over but for their completion.
    pub awaiting_completion: u32,
}

/// What is left when a pump ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// What could go on at once.
    pub now: u32,
    /// Steps for the next tick.
    pub next_tick: u32,
    /// Whether other threads have something to do.
    pub elsewhere: bool,
}

/// What a queue is at, for who has no hold of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// How many wait.
    pub waiting: u32,
    /// Which job the dispatcher's thread is inside, and since when.
    pub busy: (u64, u64),
}

fn total(lists: &[Fifo; 3]) -> u32 {
    lists.iter().map(Fifo::length).sum()
}

/// All queues and what is posted to them.
#[derive(Debug)]
pub struct Queues {
    cells: Pool<QueueCell>,
    posted: Posted,
}

impl Queues {
    constructor! {
        /// None.
        pub fn new() -> Self {
            Self { cells: Pool::new(), posted: Posted::new() }
        }
    }

    /// What is posted.
    pub fn posted(&self) -> &Posted {
        &self.posted
    }

    /// A queue for so many jobs. The caller has it for itself, and gives it its host.
    pub fn create(&self, capacity: u32) -> Result<QueueId, Error> {
        let no_memory = || Error::Resources("memory for dispatchers; release some");
        let (number, cell) = self.cells.take().map_err(|_| no_memory())?;
        if cell.inboxes.get().is_none() {
            #[allow(clippy::disallowed_methods, reason = "called with what it needs")]
            let made = || Inboxes(std::array::from_fn(|_| ArrayQueue::new(INBOX)));
            let result = with_reserve([INBOX_BYTES; 3], made).and_then(memory::try_box);
            let Ok(inboxes) = result else {
                self.cells.free(number);
                return Err(no_memory());
            };
            let _ = cell.inboxes.set(inboxes);
        }
        cell.admission.store(0, Ordering::Relaxed);
        cell.capacity.store(capacity, Ordering::Relaxed);
        cell.thread.store(0, Ordering::Relaxed);
        cell.host_owned.clear();
        cell.has_veto.store(0, Ordering::Relaxed);
        *cell.lists.lock() = Lists::default();
        Ok(QueueId::new(number, cell.generation()))
    }

    /// Lets the host's functions be called; their owner knows the dispatcher already.
    pub fn set_host(&self, queue: HeldQueue<'_>, host: Host) {
        let cell = self.cell(queue);
        cell.has_veto.store(u32::from(host.has_veto()), Ordering::Relaxed);
        let wanted = if host.wants_wakes() { WANTED } else { 0 };
        let generation = queue.id().generation() << GENERATION_SHIFT;
        cell.waking.store(generation | wanted, Ordering::Release);
        cell.host.set(host);
    }

    #[inline]
    fn cell(&self, queue: HeldQueue<'_>) -> &QueueCell {
        self.cells.cell(queue.number())
    }

    /// Lets a cell be used again.
    fn free(&self, queue: QueueId) {
        let cell = self.cells.cell(queue.number());
        let next = queue.next_generation();
        cell.waking.store(next << GENERATION_SHIFT, Ordering::Release);
        self.cells.free_cell(queue.number(), cell);
    }

    /// Forgets a queue to which nothing can be posted any more and whose jobs are over.
    pub fn remove(&self, queue: HeldQueue<'_>) {
        drop(self.drained(queue));
        if self.cell(queue).host.remove() {
            self.free(queue.id());
        }
    }

    /// What its owner knows the dispatcher by.
    pub fn host_owned<'a>(&'a self, queue: HeldQueue<'a>) -> &'a Owned {
        &self.cell(queue).host_owned
    }

    /// Most jobs that may wait.
    pub fn capacity(&self, queue: HeldQueue<'_>) -> u32 {
        self.cell(queue).capacity.load(Ordering::Relaxed)
    }

    /// How many wait.
    pub fn depth(&self, queue: HeldQueue<'_>) -> u32 {
        (self.cell(queue).admission.load(Ordering::Relaxed) & DEPTH) as u32
    }

    /// How many are accepted and not over.
    pub fn unfinished(&self, queue: HeldQueue<'_>) -> u64 {
        (self.cell(queue).admission.load(Ordering::Acquire) & !CLOSED) / UNFINISHED
    }

    /// Whether it was closed.
    pub fn is_closed(&self, queue: HeldQueue<'_>) -> bool {
        self.cell(queue).admission.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Counts a job in, as one that waits or as one that runs at once.
    pub fn admit(&self, queue: HeldQueue<'_>, waits: bool) -> Result<(), Refused> {
        let cell = self.cell(queue);
        let capacity = u64::from(cell.capacity.load(Ordering::Relaxed));
        let mut now = cell.admission.load(Ordering::Relaxed);
        loop {
            if now & CLOSED != 0 {
                return Err(Refused::Closed);
            }
            if waits
                && (now & DEPTH >= capacity || now / UNFINISHED >= capacity + MOST_BEYOND_DEPTH)
            {
                return Err(Refused::Full);
            }
            let new = now + UNFINISHED + u64::from(waits);
            let swap =
                cell.admission.compare_exchange_weak(now, new, Ordering::AcqRel, Ordering::Relaxed);
            match swap {
                Ok(_) => return Ok(()),
                Err(other) => now = other,
            }
        }
    }

    /// Counts out a job that was let in and did not come.
    pub fn dismiss(&self, queue: HeldQueue<'_>, waits: bool) {
        let counted = UNFINISHED + u64::from(waits);
        self.cell(queue).admission.fetch_sub(counted, Ordering::AcqRel);
    }

    /// Counts out a job that is over.
    pub fn finished(&self, queue: HeldQueue<'_>) {
        self.cell(queue).admission.fetch_sub(UNFINISHED, Ordering::AcqRel);
    }

    /// Lets a published job wait for its turn on the dispatcher's thread.
    pub fn push(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) {
        let cell = self.cell(queue);
        let lane = job.cell().lane();
        let inboxes = cell.inboxes.get().expect("made with the queue");
        if let Err(number) = inboxes.0[lane as usize].push(job.number()) {
            let mut lists = self.drained(queue);
            self.sort_in(queue, &mut lists, number);
        }
    }

    /// Lets a published job wait for another thread. False: it was cancelled before, and waits for its
    /// completion.
    pub fn push_elsewhere(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) -> bool {
        let mut lists = self.cell(queue).lists.lock();
        let waits = job.cell().stage() == Stage::Queued;
        lists.put(&self.posted, job.number(), if waits { ELSEWHERE } else { ENDED });
        waits
    }

    /// Puts a job that came out of an inbox where it belongs.
    fn sort_in(&self, queue: HeldQueue<'_>, lists: &mut Lists, number: u32) {
        let posted = self.posted.listed(number);
        if posted.stage() == Stage::Queued && self.is_closed(queue) {
            self.decide(queue, number, Stage::ShutDown);
            if !crate::weakened!("sorting_in_wakes") {
                posted.notify();
            }
        }
        match posted.stage() {
            Stage::Queued => lists.put(&self.posted, number, READY + posted.lane() as u32),
            Stage::Withdrawn => self.posted.drop_hold(number),
            _ => lists.put(&self.posted, number, ENDED),
        }
    }

    /// The lists, with all that was in the inboxes.
    fn drained(&self, queue: HeldQueue<'_>) -> MutexGuard<'_, Lists> {
        let cell = self.cell(queue);
        let mut lists = cell.lists.lock();
        for inbox in cell.inboxes.get().into_iter().flat_map(|inboxes| &inboxes.0) {
            // Cheaper than to find out by a pop, which has a fence.
            if inbox.is_empty() {
                continue;
            }
            while let Some(number) = inbox.pop() {
                self.sort_in(queue, &mut lists, number);
            }
        }
        lists
    }

    /// Decides what becomes of a job that is Queued or Parked, under the lock of the lists.
    fn decide(&self, queue: HeldQueue<'_>, number: u32, to: Stage) {
        let posted = self.posted.listed(number);
        if posted.stage() == Stage::Queued {
            self.cell(queue).admission.fetch_sub(1, Ordering::AcqRel);
        }
        posted.set_stage(to);
    }

    /// Takes a job that is Queued, or Parked if that is asked for, away from whom it waits for.
    /// Any id may come. The queue that it waited in: it runs no more, and waits there for its
    /// completion; withdrawn, it was never there. Once the lock is given back the queue may go.
    pub fn claim(&self, id: PostedId, to: Stage, also_parked: bool) -> Option<QueueId> {
        let posted = self.posted.find(id)?;
        // Of the id's use of the cell, or no longer: then the comparison below fails.
        let queue = posted.queue();
        let cell = self.cells.get(queue.number())?;
        let number = id.number();
        let mut lists = cell.lists.lock();
        if self.posted.id_of(number) != id
            || posted.queue() != queue
            || !(posted.stage() == Stage::Queued || also_parked && posted.stage() == Stage::Parked)
        {
            return None;
        }
        // Who waits in it holds its dispatcher.
        self.decide(queue.held(), number, to);
        if self.posted.node(number).list() != NIL {
            if to == Stage::Withdrawn {
                lists.take_out(&self.posted, number);
                self.posted.drop_hold(number);
            } else {
                lists.put(&self.posted, number, ENDED);
            }
        }
        // Else it is in an inbox, and who takes it out of there does that.
        posted.notify();
        Some(queue)
    }

    /// Begins a tick: steps of the last one may run again.
    pub fn begin_tick(&self, queue: HeldQueue<'_>) {
        let cell = self.cell(queue);
        cell.waking.fetch_and(!OWED, Ordering::AcqRel);
        let mut lists = self.drained(queue);
        for lane in Lane::ALL {
            let list = READY + lane as u32;
            while let Some(number) = lists.next_tick[lane as usize].first() {
                lists.put(&self.posted, number, list);
            }
        }
    }

    /// Who gets the dispatcher's thread next; one to run is marked as running. `None`: nobody in
    /// this tick.
    pub fn next(&self, queue: HeldQueue<'_>) -> Option<Next<'_>> {
        let mut lists = self.drained(queue);
        if let Some(number) = lists.ended.first() {
            lists.take_out(&self.posted, number);
            return Some(Next::Complete(HeldPosted::take_over(&self.posted, number)));
        }
        let has_work = lists.ready.map(|list| list.first().is_some());
        let lane = lists.turns.choose(has_work)?;
        let number = lists.ready[lane as usize].first()?;
        let first = self.posted.listed(number).stage() == Stage::Queued;
        self.decide(queue, number, Stage::Running);
        lists.put(&self.posted, number, RUNNING);
        Some(Next::Run { job: HeldPosted::take_over(&self.posted, number), first })
    }

    /// Who is to be completed, with the queue's hold; `None`: nobody.
    pub fn next_ended(&self, queue: HeldQueue<'_>) -> Option<HeldPosted<'_>> {
        let mut lists = self.drained(queue);
        let number = lists.ended.first()?;
        lists.take_out(&self.posted, number);
        Some(HeldPosted::take_over(&self.posted, number))
    }

    /// Begins a published job on the thread that posts it.
    pub fn begin_here(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) {
        let mut lists = self.cell(queue).lists.lock();
        lists.put(&self.posted, job.number(), RUNNING);
    }

    /// Begins a job, or its next slice, on another thread. Any id may come. The job, and whether it was
    /// Queued; `None`: it runs no more.
    pub fn begin_elsewhere(&self, id: PostedId) -> Option<(HeldPosted<'_>, bool)> {
        let posted = self.posted.find(id)?;
        let queue = posted.queue();
        let number = id.number();
        let mut lists = self.cells.get(queue.number())?.lists.lock();
        if self.posted.id_of(number) != id
            || posted.queue() != queue
            || self.posted.node(number).list() != ELSEWHERE
        {
            return None;
        }
        // Who waits in it holds its dispatcher.
        let queue = queue.held();
        // Who closed it, or its poster, who looks after the push, ends it.
        if self.is_closed(queue) {
            return None;
        }
        let first = posted.stage() == Stage::Queued;
        self.decide(queue, number, Stage::Running);
        lists.put(&self.posted, number, RUNNING);
        self.posted.hold(number);
        Some((HeldPosted::take_over(&self.posted, number), first))
    }

    /// Lets a running job wait for its next slice, here in the next tick or on another thread.
    /// False: it is over instead, because the queue was closed.
    pub fn park(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>, is_elsewhere: bool) -> bool {
        let mut lists = self.cell(queue).lists.lock();
        let (posted, number) = (job.cell(), job.number());
        // Who closed it may have looked at what waits already.
        if self.is_closed(queue) && !crate::weakened!("park_looks_again") {
            posted.set_stage(Stage::ShutDown);
            lists.put(&self.posted, number, ENDED);
            // The dispatcher's own thread may wait for it, and completes it only after that.
            if !crate::weakened!("ending_for_parking_wakes") {
                posted.notify();
            }
            return false;
        }
        posted.set_stage(Stage::Parked);
        let next_tick = NEXT_TICK + posted.lane() as u32;
        lists.put(&self.posted, number, if is_elsewhere { ELSEWHERE } else { next_tick });
        true
    }

    /// Ends the run of a job, which is then in this thread's hands alone, or waits for the
    /// dispatcher's thread.
    pub fn ran(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>, is_elsewhere: bool) {
        let mut lists = self.cell(queue).lists.lock();
        job.cell().set_stage(Stage::Ran);
        if is_elsewhere {
            lists.put(&self.posted, job.number(), ENDED);
        } else {
            lists.take_out(&self.posted, job.number());
        }
    }

    /// Lets nobody in any more. False: that was so before.
    pub fn close(&self, queue: HeldQueue<'_>) -> bool {
        let cell = self.cell(queue);
        let lists = cell.lists.lock();
        let before = cell.admission.fetch_or(CLOSED, Ordering::AcqRel);
        drop(lists);
        before & CLOSED == 0
    }

    /// Whether it is closed, asked after a push.
    pub fn is_closed_after_push(&self, queue: HeldQueue<'_>) -> bool {
        let admission = &self.cell(queue).admission;
        !crate::weakened!("post_looks_again")
            && admission.fetch_add(0, Ordering::AcqRel) & CLOSED != 0
    }

    /// Ends everything that waits in a closed queue, and those who wait for it.
    pub fn end_waiting(&self, queue: HeldQueue<'_>) {
        loop {
            let mut lists = self.drained(queue);
            let waiting = |lists: &Lists| {
                let mut all = lists.ready.iter().chain(&lists.next_tick).chain([&lists.elsewhere]);
                all.find_map(Fifo::first)
            };
            let Some(number) = waiting(&lists) else { break };
            self.decide(queue, number, Stage::ShutDown);
            lists.put(&self.posted, number, ENDED);
            self.posted.listed(number).notify();
        }
    }

    /// A running job that no shutdown has asked to stop. `pin` is called under the lock with the
    /// job's number and must only pin.
    pub fn next_unasked(&self, queue: HeldQueue<'_>, pin: impl Fn(u32) -> bool) -> Option<u32> {
        let lists = self.cell(queue).lists.lock();
        lists.running.iter(&self.posted).find_map(|number| {
            let posted = self.posted.listed(number);
            if posted.is_asked.swap(1, Ordering::Relaxed) != 0 {
                return None;
            }
            let job = posted.body().job;
            (job != NIL && pin(job)).then_some(job)
        })
    }

    /// The running job behind another one that was named last, held; the first for none.
    pub fn next_running(
        &self,
        queue: HeldQueue<'_>,
        after: Option<&HeldPosted<'_>>,
    ) -> Option<HeldPosted<'_>> {
        let lists = self.cell(queue).lists.lock();
        let mut running = lists.running.iter(&self.posted);
        let number = match after {
            None => running.next(),
            // One that stopped meanwhile ends the round; the next round begins anew.
            Some(last) => running.skip_while(|number| *number != last.number()).nth(1),
        }?;
        self.posted.hold(number);
        Some(HeldPosted::take_over(&self.posted, number))
    }

    /// Whether a thread that is not the dispatcher's runs one of its jobs.
    pub fn is_run_by(&self, queue: HeldQueue<'_>, thread: u64) -> bool {
        let lists = self.cell(queue).lists.lock();
        let mut running = lists.running.iter(&self.posted);
        running.any(|number| {
            let inside = self.posted.listed(number).inside();
            inside.is_some_and(|inside| inside.thread == thread)
        })
    }

    /// How many there are of each.
    pub fn counts(&self, queue: HeldQueue<'_>) -> Counts {
        let lists = self.drained(queue);
        let next_tick = total(&lists.next_tick);
        let parked = lists.elsewhere.iter(&self.posted);
        let parked = parked.filter(|number| self.posted.listed(*number).stage() == Stage::Parked);
        Counts {
            queued: self.depth(queue),
            between_slices: next_tick + parked.count() as u32,
            running: lists.running.length(),
            awaiting_completion: lists.ended.length(),
        }
    }

    /// What is left when a pump ends.
    pub fn left(&self, queue: HeldQueue<'_>) -> Left {
        let lists = self.drained(queue);
        Left {
            now: total(&lists.ready) + lists.ended.length(),
            next_tick: total(&lists.next_tick),
            elsewhere: lists.running.length() + lists.elsewhere.length() > 0,
        }
    }

    /// When the job that has waited longest was posted.
    pub fn oldest_ns(&self, queue: HeldQueue<'_>) -> Option<u64> {
        let lists = self.drained(queue);
        let all = lists.ready.iter().chain([&lists.elsewhere]);
        let oldest = all.filter_map(|list| {
            let mut queued = list
                .iter(&self.posted)
                .map(|number| self.posted.listed(number))
                .filter(|posted| posted.stage() == Stage::Queued);
            queued.next().map(|posted| posted.posted_ns.load(Ordering::Relaxed))
        });
        oldest.min()
    }

    /// Calls one of the host's functions, unless they were forgotten.
    pub fn call_host<R>(
        &self,
        owners: &Owners,
        queue: HeldQueue<'_>,
        call: impl FnOnce(&Host) -> R,
    ) -> Option<R> {
        self.call_host_of(owners, queue.id(), call)
    }

    fn call_host_of<R>(
        &self,
        owners: &Owners,
        queue: QueueId,
        call: impl FnOnce(&Host) -> R,
    ) -> Option<R> {
        let cell = self.cells.get(queue.number())?;
        let is_same =
            || cell.generation() == queue.generation() || crate::weakened!("wake_names_its_queue");
        let (host, entered) = cell.host.begin(is_same, || {
            // Under the lock: the functions are forgotten before the owner is.
            owners.enter(cell.host_owned.get(), thread_identity::current())
        })?;
        let result = entered.is_open.then(|| call(&host));
        let left = cell.host.end();
        if let Some(payload) = left.payload {
            payload.destroy();
        }
        owners.leave(entered);
        if left.is_removed {
            self.free(queue);
        }
        result
    }

    /// Calls none of the host's functions any more. The payload comes back to be destroyed, unless a
    /// call runs on another thread, which then does it.
    pub fn forget_host(&self, queue: HeldQueue<'_>, payload: Option<Payload>) -> Option<Payload> {
        self.cell(queue).host.forget(payload)
    }

    /// Tells the host that there is something to do, unless it was told since the last pump.
    pub fn wake(&self, owners: &Owners, queue: HeldQueue<'_>) {
        let waking = &self.cell(queue).waking;
        if waking.load(Ordering::Relaxed) & WANTED != 0
            && waking.fetch_or(OWED, Ordering::AcqRel) & OWED == 0
        {
            self.call_host(owners, queue, Host::wake);
        }
    }

    /// As `wake`, of a queue that may be gone: then nobody is told.
    pub fn wake_if_there(&self, owners: &Owners, queue: QueueId) {
        let Some(cell) = self.cells.get(queue.number()) else { return };
        // Whoever gave the id had seen the queue made, so this is no earlier generation.
        let mut now = cell.waking.load(Ordering::Relaxed);
        loop {
            let is_same = now >> GENERATION_SHIFT == queue.generation();
            if now & WANTED == 0 || !is_same && !crate::weakened!("wake_names_its_queue") {
                return;
            }
            let swap = cell.waking.compare_exchange_weak(
                now,
                now | OWED,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            match swap {
                Ok(before) if before & OWED == 0 => break,
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
        self.call_host_of(owners, queue, Host::wake);
    }

    /// Whether the host says "not now".
    pub fn is_vetoed(&self, owners: &Owners, queue: HeldQueue<'_>) -> bool {
        let has_veto = self.cell(queue).has_veto.load(Ordering::Relaxed) != 0;
        has_veto && self.call_host(owners, queue, Host::vetoes).unwrap_or(false)
    }

    /// The queue of a posted job, which may go at any time. Any id may come; `None`: it is over.
    pub fn queue_of(&self, id: PostedId) -> Option<QueueId> {
        let queue = self.posted.find(id)?.queue();
        // After it: a later use of the cell has another id by the time it has another queue.
        let is_there = self.posted.id_of(id.number()) == id;
        (is_there || crate::weakened!("over_has_no_queue")).then_some(queue)
    }

    /// Notes that this thread is the dispatcher's.
    pub fn set_thread(&self, queue: HeldQueue<'_>) {
        let thread = &self.cell(queue).thread;
        let here = thread_identity::current();
        if thread.load(Ordering::Relaxed) != here {
            thread.store(here, Ordering::Relaxed);
        }
    }

    /// The dispatcher's thread has ended, as who waits finds out now: whoever pushes after this sees what
    /// was stored before it.
    pub fn thread_ends(&self, queue: HeldQueue<'_>) {
        let cell = self.cell(queue);
        cell.thread.store(0, Ordering::Relaxed);
        cell.admission.fetch_add(0, Ordering::AcqRel);
        let lists = self.drained(queue);
        let others = [&lists.elsewhere, &lists.running, &lists.ended];
        for list in lists.ready.iter().chain(&lists.next_tick).chain(others) {
            if !crate::weakened!("ending_thread_wakes") {
                list.iter(&self.posted).for_each(|number| self.posted.listed(number).notify());
            }
        }
    }

    /// The dispatcher's thread, which everything keeps from coming to the queue that it waits for.
    pub fn thread(&self, queue: HeldQueue<'_>) -> Option<Inside> {
        let thread = self.cell(queue).thread.load(Ordering::Relaxed);
        (thread != 0).then_some(Inside { thread, waits_before: 0 })
    }

    /// Notes what keeps the dispatcher's thread until the result is dropped: a job, 0 for none.
    pub fn hold_thread<'a>(&'a self, queue: HeldQueue<'a>, job: u64, since_ns: u64) -> Busy<'a> {
        let before = self.busy(queue);
        let busy = Busy { cell: self.cell(queue), before };
        busy.note(job, since_ns);
        busy
    }

    /// What a queue is at. Any id may come; `None`: it is gone.
    pub fn glance(&self, queue: QueueId) -> Option<Glance> {
        let cell = self.cells.get(queue.number())?;
        let read = |word: &AtomicU64| word.load(Ordering::Acquire);
        let waiting = (read(&cell.admission) & DEPTH) as u32;
        let busy = (read(&cell.busy_with), read(&cell.busy_since_ns));
        // After them. One that goes at this very moment may still be shown with its successor's figures.
        (cell.generation() == queue.generation()).then_some(Glance { waiting, busy })
    }

    /// Which job keeps the dispatcher's thread, and since when; a time without a job: something else of
    /// the host.
    pub fn busy(&self, queue: HeldQueue<'_>) -> (u64, u64) {
        let cell = self.cell(queue);
        (cell.busy_with.load(Ordering::Relaxed), cell.busy_since_ns.load(Ordering::Relaxed))
    }
}
