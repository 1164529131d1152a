//! Posted jobs: what a dispatcher knows of a job from its post until all is over.
//!
//! Invariants:
//! 1. The stage is written under the lock of the lists of the job's queue. There are two
//!    exceptions: the first stage, and the end of Running after the pump ran the job. The thread
//!    that moves a job out of Queued or Parked decides what becomes of it: it runs, or it never
//!    will.
//! 2. An id names one use of a cell. Its generation is in the same word as the stage. A thread that
//!    has an id from outside compares the generation and reads the stage in one load under that
//!    lock: a job that is Queued or Parked then stays so until the lock is given back. Two loads
//!    could show two different jobs.
//! 3. A cell becomes free when its last hold goes. There is one hold for the queue that the job is
//!    in, one for its poster if that may wait for the job, and one for each thread that runs the
//!    job elsewhere or ends it from outside. A hold is a `HeldPosted`, or was left to a data
//!    structure. Only a thread with a hold can add another, so a thread that has the last hold is
//!    alone.
//! 4. The thread that takes the work out calls the completion and the destroy-notify, and no other
//!    thread does. For a job without an owner that is the dispatcher's thread, or the poster that
//!    has withdrawn it, never both. For a job with an owner it may also be the owner's close, so
//!    everything in `task` is taken under the lock.
//! 5. `is_over` is written under the lock, unless no thread can wait.
//!
//! Lock order: a posted job's lock, then the wait graph's or the lock of the job's owner.

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

/// Where a posted job is on its way through its dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// The cell has no job.
    Free = 0,
    /// The job waits for its turn.
    Queued = 1,
    Running = 2,
    /// The job waits for its next slice, or to be woken for it.
    Parked = 3,
    /// The job ran. Its state says how it ended.
    Ran = 4,
    /// The job was cancelled and runs no more.
    Cancelled = 5,
    /// The job's dispatcher was closed. The job runs no more.
    ShutDown = 6,
    /// The owner of the job's functions was closed. The job runs no more.
    OwnerClosed = 7,
    /// The job's poster took it back. It counts as never accepted.
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
/// The last generation of a cell that an id has room for. After it the generations begin again at
/// 1.
const LAST_GENERATION: u64 = (1 << (64 - INDEX_BITS)) - 1;

fn stage_of(word: u64) -> Stage {
    STAGES[(word as usize & 0xff).min(STAGES.len() - 1)]
}

/// One use of a cell: the cell's number and generation. It fits into a pointer; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PostedId(pub u64);

impl PostedId {
    /// The id of no posted job.
    pub const NONE: Self = Self(0);

    /// The number of the cell.
    pub fn number(self) -> u32 {
        self.0 as u32 & ((1 << INDEX_BITS) - 1)
    }
}

/// What a posted job holds until it is over, apart from its work.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The index of the job, pinned; NIL for none.
    pub job: u32,
    /// The index of the dispatcher, which the queue holds.
    pub dispatcher: u32,
    /// The token that is current while the job runs, pinned; NULL for none.
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
    /// The id of the queue that the job is in.
    queue: AtomicU64,
    /// The number of the job's lane.
    lane: AtomicU32,
    /// The job's place with the owner of its functions.
    pub owned: Owned,
    /// The time of the job's post, on the library's clock.
    pub posted_ns: AtomicU64,
    /// Whether a shutdown has asked the job to stop.
    pub is_asked: AtomicU32,
    /// The thread that runs or ends the job, if that is not its dispatcher's; otherwise 0.
    runner: AtomicU64,
    /// How many waits of all threads had begun when `runner` began with the job.
    waits_before: AtomicU64,
    /// The number of the state in which the job ended; 0 until its completion is due.
    ended: AtomicU32,
    /// Whether the dispatcher knows the job by a caller id.
    pub has_caller_id: AtomicU32,
    /// Whether an owner's close may end the job. Written before the cell is published.
    is_owned: AtomicU32,
    /// Whether the job's function, if it had begun, is called once more after a cancel of the job.
    /// Written before the cell is published.
    unwinds: AtomicU32,
    /// Whether the job was woken while its function ran. The lock of its queue's lists guards it.
    pub(super) is_woken: AtomicU32,
    task: TaskCell,
    /// The progress that was last shown to the host, and when. Only the dispatcher's thread uses
    /// it.
    shown: (AtomicU64, AtomicU64),
    /// Whether the job's completion and its destroy-notify are over.
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
    /// The job's node in the queue's lists.
    #[inline]
    pub(super) fn node(&self) -> &ListNode {
        &self.node
    }

    /// The lock under which a thread that waits for the job looks at it.
    pub fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock()
    }

    /// The lock under which the cell's contents are taken. `None`: no other thread can take them,
    /// because the job has no owner.
    #[inline]
    pub fn lock_to_take(&self) -> Option<MutexGuard<'_, ()>> {
        (self.is_owned.load(Ordering::Relaxed) != 0).then(|| self.lock.lock())
    }

    /// Puts the job's contents into the cell. The caller holds `lock_to_take` and has not pushed
    /// the job yet.
    pub fn fill(&self, work: Work, task: Task) {
        self.task.job.store(task.job, Ordering::Relaxed);
        self.task.dispatcher.store(task.dispatcher, Ordering::Relaxed);
        self.task.parent.store(task.parent, Ordering::Relaxed);
        self.task.work.put(work);
    }

    /// The contents of the cell without the work.
    #[inline]
    pub fn task(&self) -> Task {
        Task {
            job: self.task.job.load(Ordering::Relaxed),
            dispatcher: self.task.dispatcher.load(Ordering::Relaxed),
            parent: self.task.parent.load(Ordering::Relaxed),
        }
    }

    /// Takes everything out of the cell. The caller holds `lock_to_take`. No work comes back if
    /// another thread has taken it before.
    #[inline]
    pub fn take(&self) -> (Option<Work>, Task) {
        let (work, task) = (self.take_work(), self.task());
        self.task.job.store(NIL, Ordering::Relaxed);
        self.task.parent.store(NULL, Ordering::Relaxed);
        (work, task)
    }

    /// Takes the job's functions. The caller holds `lock_to_take`. `None`: another thread took
    /// them.
    #[inline]
    pub fn take_work(&self) -> Option<Work> {
        self.task.work.take()
    }

    /// Whether the job's functions are still in the cell. As long as the caller holds
    /// `lock_to_take` they stay there.
    #[inline]
    pub fn has_work(&self) -> bool {
        self.task.work.is_filled()
    }

    /// The job's function. Only for the thread that runs the job: no other thread takes it
    /// meanwhile. `None`: it was taken before.
    #[inline]
    pub fn function(&self) -> Option<JobFunction> {
        self.task.work.function()
    }

    /// The job's progress that was last shown to the host, and when. Only for the dispatcher's
    /// thread.
    pub fn shown(&self) -> (u64, u64) {
        (self.shown.0.load(Ordering::Relaxed), self.shown.1.load(Ordering::Relaxed))
    }

    /// Notes which progress was shown to the host, and when. Only for the dispatcher's thread.
    pub fn set_shown(&self, done: u64, now_ns: u64) {
        self.shown.0.store(done, Ordering::Relaxed);
        self.shown.1.store(now_ns, Ordering::Relaxed);
    }

    /// Lets the job's function be called once more after a cancel of the job.
    pub fn set_unwinds(&self) {
        self.unwinds.store(1, Ordering::Relaxed);
    }

    /// Whether the job's function is called once more after a cancel of the job.
    #[inline]
    pub fn unwinds(&self) -> bool {
        self.unwinds.load(Ordering::Relaxed) != 0
    }

    /// The lane that the job waits in.
    #[inline]
    pub fn lane(&self) -> Lane {
        Lane::from_number(self.lane.load(Ordering::Relaxed))
    }

    /// The queue that the job is in, or was in.
    pub fn queue(&self) -> QueueId {
        QueueId::from_bits(self.queue.load(Ordering::Acquire))
    }

    #[inline]
    pub fn stage(&self) -> Stage {
        stage_of(self.word.load(Ordering::Acquire))
    }

    /// The id of the present use of this cell, whose number is `number`.
    #[inline]
    fn id(&self, number: u32) -> PostedId {
        let generation = self.word.load(Ordering::Acquire) >> STAGE_BITS;
        PostedId(generation << INDEX_BITS | u64::from(number))
    }

    /// Moves the job to another stage. The caller holds the lock of the queue's lists, or ends
    /// Running.
    #[inline]
    pub fn set_stage(&self, to: Stage) {
        let generation = self.word.load(Ordering::Relaxed) >> STAGE_BITS;
        self.word.store(generation << STAGE_BITS | to as u64, Ordering::Release);
    }

    /// Notes the thread that runs or ends the job, if that is not the dispatcher's. `None`: that
    /// thread has stopped doing so.
    pub fn set_inside(&self, inside: Option<Inside>) {
        let Inside { thread, waits_before } = inside.unwrap_or_default();
        self.waits_before.store(waits_before, Ordering::Relaxed);
        self.runner.store(thread, Ordering::Release);
    }

    /// The thread that runs or ends the job, if that is not the dispatcher's. `None`: there is no
    /// such thread.
    pub fn inside(&self) -> Option<Inside> {
        let thread = self.runner.load(Ordering::Acquire);
        let waits_before = self.waits_before.load(Ordering::Relaxed);
        (thread != 0).then_some(Inside { thread, waits_before })
    }

    /// Wakes every thread that waits for the job. The empty critical section lets none of these
    /// threads miss the wake.
    pub fn notify(&self) {
        drop(self.lock.lock());
        self.changed.notify_all();
    }

    /// Whether the job's completion and its destroy-notify are over. The caller holds the cell's
    /// lock.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed) != 0
    }

    /// Notes the state in which the job ended, for threads that ask after the job is gone.
    pub fn note_end(&self, state: JobState) {
        self.ended.store(state as u32, Ordering::Release);
    }

    /// The state in which the job ended. `None`: its completion is not due yet.
    pub fn ended(&self) -> Option<JobState> {
        let number = self.ended.load(Ordering::Acquire);
        (number != 0).then(|| JobState::from_number(number))
    }

    /// Notes that the job's completion and its destroy-notify are over, and wakes the threads that
    /// wait for that.
    #[inline]
    pub fn end(&self) {
        if self.holds.load(Ordering::Acquire) == 1 {
            // The queue's hold is the last one: no thread waits, and none can begin to.
            return;
        }
        let lock = self.lock.lock();
        self.is_over.store(1, Ordering::Relaxed);
        drop(lock);
        self.changed.notify_all();
    }

    /// Waits until the cell is notified, at most until `until_ns` on the library's clock; `None`:
    /// without a limit. The caller holds the cell's lock, which is given back meanwhile.
    pub fn wait(&self, lock: &mut MutexGuard<'_, ()>, until_ns: Option<u64>) {
        match until_ns {
            Some(time) => drop(self.changed.wait_until(lock, time)),
            None => self.changed.wait(lock),
        }
    }
}

/// One hold of a cell. As long as this value lives, the cell belongs to the same job. Functions
/// that rely on that take a `HeldPosted`.
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

    /// Leaves the hold to a data structure: a queue, or an owner's close. Returns the cell's
    /// number.
    pub(crate) fn leave(self) -> u32 {
        let number = self.number;
        std::mem::forget(self);
        number
    }

    /// The number of the cell.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The id of the job's post.
    #[inline]
    pub fn id(&self) -> PostedId {
        self.cell.id(self.number)
    }

    #[inline]
    pub fn cell(&self) -> &PostedCell {
        self.cell
    }

    /// Gives the cell its first stage. From now on other threads may find the cell. Returns the id
    /// of the job's post.
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
        pub fn new() -> Self {
            Self { cells: Pool::new() }
        }
    }

    /// Calls `each` with every pool here that has magazines on threads.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(&self.cells);
    }

    /// Makes a cell, in no stage yet. The hold of the queue comes back. With `is_kept` there is one
    /// more, which is left to the poster. `is_owned`: an owner's close may end the job.
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
        // Release: a thread that reads this sees that the cell's last use is over.
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

    /// The cell of a number that a data structure holds: a queue, under the lock of its lists, or
    /// the wait graph. Other callers need a `HeldPosted`.
    #[inline]
    pub(crate) fn listed(&self, number: u32) -> &PostedCell {
        self.cells.cell(number)
    }

    /// The id of the present use of a cell.
    pub(crate) fn id_of(&self, number: u32) -> PostedId {
        self.cells.cell(number).id(number)
    }

    /// The stage of an id's use of its cell. Any id may come. `None`: that use is over. One load
    /// compares and reads. The answer lasts only if the caller holds the lock under which the job
    /// leaves that stage; otherwise the next use may begin at any time.
    pub(crate) fn stage_of(&self, id: PostedId) -> Option<Stage> {
        let cell = self.find(id)?;
        let word = cell.word.load(Ordering::Acquire);
        let is_same = word >> STAGE_BITS == id.0 >> INDEX_BITS;
        if crate::weakened!("stage_is_of_its_use") {
            return is_same.then(|| cell.stage());
        }
        is_same.then(|| stage_of(word))
    }

    /// The thread that runs or ends a posted job, if that is not its dispatcher's. Any id may come.
    /// `None`: there is no such thread, or the job is over.
    pub(crate) fn runner_of(&self, id: PostedId) -> Option<Inside> {
        let inside = self.find(id).filter(|_| id != PostedId::NONE)?.inside();
        // The id is compared after the runner was read. A later use of the cell changes the id
        // before it changes the runner.
        inside.filter(|_| self.id_of(id.number()) == id)
    }

    /// The cell of an id, whatever it is used for now. Any id may come.
    pub fn find(&self, id: PostedId) -> Option<&PostedCell> {
        self.cells.get(id.number())
    }

    /// Adds a hold to the cell with this number. The caller knows that the cell has one already.
    pub(crate) fn hold(&self, number: u32) {
        self.listed(number).holds.fetch_add(1, Ordering::Relaxed);
    }

    /// Drops a hold of the cell with this number. The last one frees the cell.
    pub(crate) fn drop_hold(&self, number: u32) {
        self.drop_hold_of(number, self.cells.cell(number));
    }

    #[inline]
    fn drop_hold_of(&self, number: u32, cell: &PostedCell) {
        // A thread that has the last hold is alone, so a load is enough to know it: no other thread
        // can add one.
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
