//! The queue of a dispatcher: who gets in, in which order they run, and how they leave it early.
//!
//! Posters push into a lock-free inbox and take no lock. Everything behind it is in lists under one lock: who
//! waits for a turn, steps that wait for the next tick, who waits for another thread, who runs but not called
//! by the pump, and who is over but not completed.
//!
//! Invariants:
//! - Only who holds the lock of the lists takes out of the inbox, and stages change only under it, but for
//!   the end of Running, which is the runner's alone. So who is neither in the inbox nor in a list is in the
//!   hands of one thread.
//! - What the pump runs is in no list: `runs_here` names it, set under the lock with its stage and cleared
//!   before anything of it ends. Who finds it there after he has pinned its job has pinned the right one.
//! - A cell is used again, for another dispatcher. Its generation, in the same word as OWED, changes
//!   before the cell is free.
//!
//! Lock order: the lists', then a posted job's. The host's, then its owner's.

use crate::error::Error;
use crate::memory::pool::{Link, Pool};
use crate::owner::owned::Owned;
use crate::queue::hosted::Hosted;
use crate::queue::inbox::Inbox;
use crate::queue::lists::Lists;
use crate::queue::posted::{Posted, PostedId};
use crate::queue_id::QueueId;
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};

/// The host was told that there is something to do, and has not pumped since.
pub(super) const OWED: u64 = 1;
/// The host wants to be told at all.
pub(super) const WANTED: u64 = 1 << 1;
pub(super) const GENERATION_SHIFT: u32 = 2;

#[derive(Debug, Default)]
pub(super) struct QueueCell {
    next_free: AtomicU32,
    /// CLOSED, unfinished and depth.
    pub(super) admission: AtomicU64,
    pub(super) capacity: AtomicU32,
    /// Generation, WANTED and OWED.
    pub(super) waking: AtomicU64,
    /// Whether the host may say "not now".
    pub(super) has_veto: AtomicU32,
    pub(super) inbox: Inbox,
    pub(super) lists: Mutex<Lists>,
    pub(super) host: Hosted,
    /// What the owner of the host's functions knows the dispatcher by; NIL without one. Set before
    /// the functions can be called.
    pub(super) host_owned: Owned,
    /// Since when the dispatcher's thread has been inside a function of a job or of the host; 0 while it
    /// is not.
    pub(super) busy_since_ns: AtomicU64,
    /// Which job that is; 0 for none.
    pub(super) busy_with: AtomicU64,
    /// Whether a job for another thread came since `Next::Run::last` was worked out. Set under the lock.
    pub(super) has_news: AtomicU32,
    /// Whose function the pump calls, by its id; 0 for none. Written by the dispatcher's thread.
    pub(super) runs_here: AtomicU64,
    /// The dispatcher's thread; 0 while that is not known.
    pub(super) thread: AtomicU64,
}

impl QueueCell {
    pub(super) fn generation(&self) -> u64 {
        self.waking.load(Ordering::Acquire) >> GENERATION_SHIFT
    }
}

impl Link for QueueCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

/// The queue of a dispatcher that cannot go while this is there, with its cell.
#[derive(Clone, Copy, Debug)]
pub struct HeldQueue<'a> {
    id: QueueId,
    pub(super) cell: &'a QueueCell,
}

impl HeldQueue<'_> {
    /// What may be kept of it.
    pub fn id(self) -> QueueId {
        self.id
    }

    /// The cell's number.
    pub fn number(self) -> u32 {
        self.id.number()
    }
}

/// All queues and what is posted to them.
#[derive(Debug)]
pub struct Queues {
    pub(super) cells: Pool<QueueCell>,
    pub(super) posted: Posted,
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
        let (number, cell) = self
            .cells
            .take()
            .map_err(|_| Error::Resources("memory for dispatchers; release some"))?;
        cell.inbox.open();
        cell.admission.store(0, Ordering::Relaxed);
        cell.capacity.store(capacity, Ordering::Relaxed);
        cell.thread.store(0, Ordering::Relaxed);
        cell.host_owned.clear();
        cell.has_veto.store(0, Ordering::Relaxed);
        cell.has_news.store(0, Ordering::Relaxed);
        cell.runs_here.store(PostedId::NONE.0, Ordering::Relaxed);
        *cell.lists.lock() = Lists::default();
        Ok(QueueId::new(number, cell.generation()))
    }

    /// A queue of which the caller knows that it does not go meanwhile: it has the queue's dispatcher pinned,
    /// or makes or buries it.
    #[inline]
    pub(crate) fn held(&self, id: QueueId) -> HeldQueue<'_> {
        HeldQueue { id, cell: self.cells.cell(id.number()) }
    }

    /// Lets a cell be used again.
    pub(super) fn free(&self, queue: QueueId) {
        let cell = self.cells.cell(queue.number());
        let next = queue.next_generation();
        cell.waking.store(next << GENERATION_SHIFT, Ordering::Release);
        self.cells.free_cell(queue.number(), cell);
    }

    /// Forgets a queue to which nothing can be posted any more and whose jobs are over.
    pub fn remove(&self, queue: HeldQueue<'_>) {
        drop(self.drained(queue));
        if queue.cell.host.remove() {
            self.free(queue.id());
        }
    }
}
