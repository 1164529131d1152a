//! Posted jobs: what a dispatcher knows of a job from its post until all is over.
//!
//! Invariants:
//! - The stage is written under the lock of the lists of the job's queue, but for its first, and for the end
//!   of Running where the pump ran it. Whoever moves it from Queued or Parked to anything else decides what
//!   becomes of the job: it runs, or it never will.
//! - An id names one use of a cell; the generation is in the same word as the stage. Who comes with an id
//!   from outside looks once at both, under that lock: what is Queued or Parked stays until the lock is given
//!   back. Looked at one after the other they could be of two jobs.
//! - A cell is free when its last hold goes: one for the queue that it is in, one for its poster, who
//!   may wait for it, one for each who runs it elsewhere or ends it from outside. A hold is a
//!   `HeldPosted`, or was left to a data structure. Only who has a hold adds one, so who has the last one
//!   is alone.
//! - Who takes the work out calls the completion and the destroy-notify; nobody else. Of a job without an
//!   owner that is the dispatcher's thread, or a poster who has withdrawn it: one of the two. Where an
//!   owner's close may want to take it, too, all that is in `task` is taken under the lock.
//! - `is_over` is written under the lock, unless nobody can wait.
//!
//! Lock order: a posted job's, then the wait graph's or its owner's.

use crate::error::Error;
use crate::handle::{Handle, INDEX_BITS, NULL};
use crate::job_state::JobState;
use crate::memory::list::{ListNode, ListNodes};
use crate::memory::magazine::Shelved;
use crate::memory::pool::{Link, NIL, Pool};
use crate::owner::owned::Owned;
use crate::owner::wait_graph::Inside;
use crate::queue::lane::Lane;
use crate::queue_id::QueueId;
use crate::sys::sync::{AtomicU32, AtomicU64, Condvar, Mutex, MutexGuard, Ordering, constructor};
use crate::sys::work::{JobFunction, Work, WorkCell};

/// Where a posted job stands between its dispatcher and those who do not want it to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// No job.
    Free = 0,
    /// Waits for its turn.
    Queued = 1,
    /// Its function runs.
    Running = 2,
    /// Waits for its next slice, or to be woken for it.
    Parked = 3,
    /// It ran; its job says how it ended.
    Ran = 4,
    /// It was cancelled and runs no more.
    Cancelled = 5,
    /// Its dispatcher was closed, it runs no more.
    ShutDown = 6,
    /// The owner of its functions was closed, it runs no more.
    OwnerClosed = 7,
    /// Its poster took it back: it was never accepted.
    Withdrawn = 8,
}

const STAGES: [Stage; 9] = [
    Stage::Free,
    Stage::Queued,
    Stage::Running,
    Stage::Parked,
    Stage::Ran,
    Stage::Cancelled,
    Stage::ShutDown,
    Stage::OwnerClosed,
    Stage::Withdrawn,
];

const STAGE_BITS: u32 = 8;
/// An id has room for this many uses of a cell; then they begin again.
const LAST_GENERATION: u64 = (1 << (64 - INDEX_BITS)) - 1;

fn stage_of(word: u64) -> Stage {
    STAGES[(word as usize & 0xff).min(STAGES.len() - 1)]
}

/// One use of a cell: its number and generation. Fits where a pointer fits; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PostedId(pub u64);

impl PostedId {
    /// Nothing posted.
    pub const NONE: Self = Self(0);

    /// The cell's number.
    pub fn number(self) -> u32 {
        self.0 as u32 & ((1 << INDEX_BITS) - 1)
    }
}

/// What a posted job holds until it is over.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The job, pinned; NIL for none.
    pub job: u32,
    /// The dispatcher.
    pub dispatcher: u32,
    /// The token that is current while it runs, pinned; NULL for none.
    pub parent: Handle,
}

#[derive(Debug, Default)]
struct TaskCell {
    work: WorkCell,
    job: AtomicU32,
    dispatcher: AtomicU32,
    parent: AtomicU64,
}

/// What is known of one posted job.
#[derive(Debug, Default)]
pub struct PostedCell {
    next_free: AtomicU32,
    node: ListNode,
    word: AtomicU64,
    holds: AtomicU32,
    /// The id of the queue that it is in.
    queue: AtomicU64,
    /// Its lane.
    lane: AtomicU32,
    /// What it knows its owner by.
    pub owned: Owned,
    /// When it was posted.
    pub posted_ns: AtomicU64,
    /// Whether a shutdown has asked it to stop.
    pub is_asked: AtomicU32,
    /// Which thread runs it, or ends it, if that is not its dispatcher's; else 0.
    runner: AtomicU64,
    /// How many waits had begun when that began.
    waits_before: AtomicU64,
    /// The state in which it ended, as a number; 0 until its completion is due.
    ended: AtomicU32,
    /// Whether it is known by a caller id.
    pub has_caller_id: AtomicU32,
    /// Whether an owner's close may end it. Written before it is published.
    is_owned: AtomicU32,
    /// Whether its function is called once more after a cancel, if it had begun. Written before it is
    /// published.
    unwinds: AtomicU32,
    /// Whether it was woken while its function ran. Under the lock of its queue's lists.
    pub(super) is_woken: AtomicU32,
    task: TaskCell,
    /// The progress that was shown last, and when; the dispatcher's thread shows it.
    shown: (AtomicU64, AtomicU64),
    /// Whether all is over, the destroy-notify included.
    is_over: AtomicU32,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Link for PostedCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

impl PostedCell {
    /// Its place in the lists.
    #[inline]
    pub(super) fn node(&self) -> &ListNode {
        &self.node
    }

    /// The lock under which who waits looks at it.
    pub fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock()
    }

    /// The lock under which what it holds is taken, where others may want to take it, too.
    #[inline]
    pub fn lock_to_take(&self) -> Option<MutexGuard<'_, ()>> {
        (self.is_owned.load(Ordering::Relaxed) != 0).then(|| self.lock.lock())
    }

    /// Gives it what it holds, under `lock_to_take`, before it is pushed.
    pub fn fill(&self, work: Work, task: Task) {
        self.task.job.store(task.job, Ordering::Relaxed);
        self.task.dispatcher.store(task.dispatcher, Ordering::Relaxed);
        self.task.parent.store(task.parent, Ordering::Relaxed);
        self.task.work.put(work);
    }

    /// What it holds, but for its work.
    #[inline]
    pub fn task(&self) -> Task {
        Task {
            job: self.task.job.load(Ordering::Relaxed),
            dispatcher: self.task.dispatcher.load(Ordering::Relaxed),
            parent: self.task.parent.load(Ordering::Relaxed),
        }
    }

    /// Takes all that it holds, under `lock_to_take`; its work, unless another took that.
    #[inline]
    pub fn take(&self) -> (Option<Work>, Task) {
        let (work, task) = (self.take_work(), self.task());
        self.task.job.store(NIL, Ordering::Relaxed);
        self.task.parent.store(NULL, Ordering::Relaxed);
        (work, task)
    }

    /// Takes its functions, under `lock_to_take`. `None`: another did.
    #[inline]
    pub fn take_work(&self) -> Option<Work> {
        self.task.work.take()
    }

    /// Whether its functions are still there; under `lock_to_take` they stay.
    #[inline]
    pub fn has_work(&self) -> bool {
        self.task.work.is_filled()
    }

    /// Its function, for who runs it: nobody takes it meanwhile.
    #[inline]
    pub fn function(&self) -> Option<JobFunction> {
        self.task.work.function()
    }

    /// The progress that was shown last, and when. For the dispatcher's thread.
    pub fn shown(&self) -> (u64, u64) {
        (self.shown.0.load(Ordering::Relaxed), self.shown.1.load(Ordering::Relaxed))
    }

    /// Notes what progress was shown, and when. For the dispatcher's thread.
    pub fn set_shown(&self, done: u64, now_ns: u64) {
        self.shown.0.store(done, Ordering::Relaxed);
        self.shown.1.store(now_ns, Ordering::Relaxed);
    }

    /// Lets its function be called once more after a cancel.
    pub fn set_unwinds(&self) {
        self.unwinds.store(1, Ordering::Relaxed);
    }

    /// Whether that is so.
    #[inline]
    pub fn unwinds(&self) -> bool {
        self.unwinds.load(Ordering::Relaxed) != 0
    }

    /// Its lane.
    #[inline]
    pub fn lane(&self) -> Lane {
        Lane::from_number(self.lane.load(Ordering::Relaxed))
    }

    /// The queue that it is in, or was.
    pub fn queue(&self) -> QueueId {
        QueueId::from_bits(self.queue.load(Ordering::Acquire))
    }

    /// Where it stands.
    #[inline]
    pub fn stage(&self) -> Stage {
        stage_of(self.word.load(Ordering::Acquire))
    }

    /// The id of its present use; `number` is its own.
    #[inline]
    fn id(&self, number: u32) -> PostedId {
        let generation = self.word.load(Ordering::Acquire) >> STAGE_BITS;
        PostedId(generation << INDEX_BITS | u64::from(number))
    }

    /// Moves it to another stage, under the lock of its queue's lists, or away from Running.
    #[inline]
    pub fn set_stage(&self, to: Stage) {
        let generation = self.word.load(Ordering::Relaxed) >> STAGE_BITS;
        self.word.store(generation << STAGE_BITS | to as u64, Ordering::Release);
    }

    /// Notes which thread runs it, or ends it, that is not its dispatcher's; `None` when that stops.
    pub fn set_inside(&self, inside: Option<Inside>) {
        let Inside { thread, waits_before } = inside.unwrap_or_default();
        self.waits_before.store(waits_before, Ordering::Relaxed);
        self.runner.store(thread, Ordering::Release);
    }

    /// Which thread runs it, or ends it, that is not its dispatcher's.
    pub fn inside(&self) -> Option<Inside> {
        let thread = self.runner.load(Ordering::Acquire);
        let waits_before = self.waits_before.load(Ordering::Relaxed);
        (thread != 0).then_some(Inside { thread, waits_before })
    }

    /// Wakes who waits for it.
    pub fn notify(&self) {
        drop(self.lock.lock());
        self.changed.notify_all();
    }

    /// Whether all is over, asked under the lock.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed) != 0
    }

    /// Notes the state in which its job ended, for who asks when that is gone.
    pub fn note_end(&self, state: JobState) {
        self.ended.store(state as u32, Ordering::Release);
    }

    /// The state in which its job ended; `None`: its completion is not due yet.
    pub fn ended(&self) -> Option<JobState> {
        let number = self.ended.load(Ordering::Acquire);
        (number != 0).then(|| JobState::from_number(number))
    }

    /// Says that all is over.
    #[inline]
    pub fn end(&self) {
        if self.holds.load(Ordering::Acquire) == 1 {
            // The queue's is the last hold: nobody waits, and nobody can begin to.
            return;
        }
        let lock = self.lock.lock();
        self.is_over.store(1, Ordering::Relaxed);
        drop(lock);
        self.changed.notify_all();
    }

    /// Waits under the lock for a change, at most until a time on the library's clock.
    pub fn wait(&self, lock: &mut MutexGuard<'_, ()>, until_ns: Option<u64>) {
        match until_ns {
            Some(time) => drop(self.changed.wait_until(lock, time)),
            None => self.changed.wait(lock),
        }
    }
}

/// One hold of a cell: while it is there the cell is this job's. What needs such a cell takes it.
#[derive(Debug)]
#[must_use = "it is to be kept, or left to something"]
pub struct HeldPosted<'a> {
    posted: &'a Posted,
    cell: &'a PostedCell,
    number: u32,
}

impl<'a> HeldPosted<'a> {
    /// Takes over a hold that was left to a data structure.
    #[inline]
    pub(crate) fn take_over(posted: &'a Posted, number: u32) -> Self {
        Self { posted, cell: posted.listed(number), number }
    }

    /// Leaves the hold to a data structure: a queue, or an owner's close.
    pub(crate) fn leave(self) -> u32 {
        let number = self.number;
        std::mem::forget(self);
        number
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its id.
    #[inline]
    pub fn id(&self) -> PostedId {
        self.cell.id(self.number)
    }

    /// What is known of it.
    #[inline]
    pub fn cell(&self) -> &PostedCell {
        self.cell
    }

    /// Lets it begin its life in a stage. From now on others may find it.
    pub fn publish(&self, stage: Stage) -> PostedId {
        let word = &self.cell().word;
        let generation = (word.load(Ordering::Relaxed) >> STAGE_BITS).max(1);
        word.store(generation << STAGE_BITS | stage as u64, Ordering::Release);
        PostedId(generation << INDEX_BITS | u64::from(self.number))
    }
}

impl Drop for HeldPosted<'_> {
    fn drop(&mut self) {
        self.posted.drop_hold_of(self.number, self.cell);
    }
}

/// All posted jobs.
#[derive(Debug)]
pub struct Posted {
    cells: Pool<PostedCell>,
}

impl ListNodes for Posted {
    fn node(&self, number: u32) -> &ListNode {
        &self.cells.cell(number).node
    }
}

impl Posted {
    constructor! {
        /// None.
        pub fn new() -> Self {
            Self { cells: Pool::new() }
        }
    }

    /// Shows the pools of which threads have magazines.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(&self.cells);
    }

    /// A cell in no stage yet, with one hold or two: the queue's, which comes back, and if `is_kept` one
    /// more, which is left to the poster. `is_owned`: an owner's close may end it.
    pub fn add(
        &self,
        queue: QueueId,
        lane: Lane,
        is_kept: bool,
        is_owned: bool,
        now_ns: u64,
    ) -> Result<HeldPosted<'_>, Error> {
        let (number, cell) =
            self.cells.take().map_err(|_| Error::Resources("memory for posted jobs"))?;
        cell.holds.store(1 + u32::from(is_kept), Ordering::Relaxed);
        // Release: who reads it sees that the cell's last use is over.
        cell.queue.store(queue.bits(), Ordering::Release);
        cell.lane.store(lane as u32, Ordering::Relaxed);
        cell.owned.clear();
        cell.posted_ns.store(now_ns, Ordering::Relaxed);
        cell.is_asked.store(0, Ordering::Relaxed);
        cell.ended.store(0, Ordering::Relaxed);
        cell.has_caller_id.store(0, Ordering::Relaxed);
        cell.is_owned.store(u32::from(is_owned), Ordering::Relaxed);
        cell.is_over.store(0, Ordering::Relaxed);
        cell.unwinds.store(0, Ordering::Relaxed);
        cell.is_woken.store(0, Ordering::Relaxed);
        cell.set_shown(0, 0);
        Ok(HeldPosted { posted: self, cell, number })
    }

    /// The cell of a number that a data structure holds: a queue, under the lock of its lists, or the wait
    /// graph. All others have a `HeldPosted`.
    #[inline]
    pub(crate) fn listed(&self, number: u32) -> &PostedCell {
        self.cells.cell(number)
    }

    /// The present id of a cell.
    pub(crate) fn id_of(&self, number: u32) -> PostedId {
        self.cells.cell(number).id(number)
    }

    /// Where an id's use of its cell stands; `None`: that is over. Any id may come. In one look: the next use
    /// may begin at any time, unless it stands where it leaves only under a lock that the caller holds.
    pub(crate) fn stage_of(&self, id: PostedId) -> Option<Stage> {
        let cell = self.find(id)?;
        let word = cell.word.load(Ordering::Acquire);
        let is_same = word >> STAGE_BITS == id.0 >> INDEX_BITS;
        if crate::weakened!("stage_is_of_its_use") {
            return is_same.then(|| cell.stage());
        }
        is_same.then(|| stage_of(word))
    }

    /// Which thread runs a posted job, or ends it, that is not its dispatcher's. Any id may come; `None`:
    /// none, or it is over.
    pub(crate) fn runner_of(&self, id: PostedId) -> Option<Inside> {
        let inside = self.find(id).filter(|_| id != PostedId::NONE)?.inside();
        // After it: a later use of the cell has another id by the time it has another runner.
        inside.filter(|_| self.id_of(id.number()) == id)
    }

    /// The cell of an id, whatever it is used for now; any id may come.
    pub fn find(&self, id: PostedId) -> Option<&PostedCell> {
        self.cells.get(id.number())
    }

    /// Another hold, of who knows that one is there.
    pub(crate) fn hold(&self, number: u32) {
        self.listed(number).holds.fetch_add(1, Ordering::Relaxed);
    }

    /// Drops a hold; the last one frees the cell.
    pub(crate) fn drop_hold(&self, number: u32) {
        self.drop_hold_of(number, self.cells.cell(number));
    }

    #[inline]
    fn drop_hold_of(&self, number: u32, cell: &PostedCell) {
        // Who has the last one is alone: nobody else can add one.
        let is_last = cell.holds.load(Ordering::Acquire) == 1
            || cell.holds.fetch_sub(1, Ordering::AcqRel) == 1;
        if is_last {
            let generation = (cell.word.load(Ordering::Relaxed) >> STAGE_BITS) + 1;
            let generation = (generation & LAST_GENERATION).max(1);
            cell.word.store(generation << STAGE_BITS, Ordering::Release);
            self.cells.free_cell(number, cell);
        }
    }
}
