//! The queue of a dispatcher: which jobs get in, in which order they run, and how they leave it
//! early.
//!
//! Posters push into a lock-free inbox and take no lock. The lists behind the inbox are under one
//! lock. They hold the jobs that wait for a turn, steps that wait for the next tick, jobs that wait
//! for another thread or to be woken, jobs that run without being called by the pump, and jobs that
//! run no more and are to be completed.
//!
//! Invariants:
//! 1. Only a thread that holds the lock of the lists takes jobs out of the inbox. Stages change
//!    only under that lock, except for the end of Running, which belongs to the thread that runs
//!    the job. So a job that is neither in the inbox nor in a list is in the hands of one thread.
//! 2. The job that the pump runs is in no list: `runs_here` names it. That word is set under the
//!    lock together with the job's stage, and cleared before anything of the job ends. So a thread
//!    that pins the job and then finds it still named there has pinned the right job.
//! 3. A cell is used again, for another dispatcher. Its generation is in the same word as OWED, and
//!    changes before the cell becomes free.
//!
//! Lock order: the lists' lock, then a posted job's. The host's lock, then its owner's.

use crate::error::Error;
use crate::memory::pool::{Link, Pool};
use crate::owner::owned::Owned;
use crate::queue::hosted::Hosted;
use crate::queue::inbox::Inbox;
use crate::queue::lists::Lists;
use crate::queue::posted::{Posted, PostedId};
use crate::queue_id::QueueId;
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};

/// In `waking`: the host was told that there is something to do, and has not pumped since.
pub(super) const OWED: u64 = 1;
/// In `waking`: the host has a function by which it can be told that there is something to do.
pub(super) const WANTED: u64 = 1 << 1;
pub(super) const GENERATION_SHIFT: u32 = 2;

#[derive(Debug, Default)]
pub(super) struct QueueCell {
    next_free: AtomicU32,
    /// The flag CLOSED, the number of jobs that are not over, and the depth.
    pub(super) admission: AtomicU64,
    pub(super) capacity: AtomicU32,
    /// The generation of the cell, and the flags WANTED and OWED.
    pub(super) waking: AtomicU64,
    /// Whether the host has a function that may say "not now".
    pub(super) has_veto: AtomicU32,
    pub(super) inbox: Inbox,
    pub(super) lists: Mutex<Lists>,
    pub(super) host: Hosted,
    /// The dispatcher's place with the owner of the host's functions; NIL without an owner. It is
    /// set before the functions can be called.
    pub(super) host_owned: Owned,
    /// The time since which the dispatcher's thread has been inside a pump or inside a function of
    /// a job or of the host. It is set anew after each job. 0: the thread is inside none of them.
    pub(super) busy_since_ns: AtomicU64,
    /// The id of the job that the dispatcher's thread is inside; 0 for none.
    pub(super) busy_with: AtomicU64,
    /// Whether a job for threads other than the dispatcher's was posted since the pump last worked
    /// out what is left (`Next::Run::last`). It is set under the lock of the lists.
    pub(super) has_news: AtomicU32,
    /// The posted id of the job whose function the pump calls; 0 for none. Only the dispatcher's
    /// thread writes it.
    pub(super) runs_here: AtomicU64,
    /// The dispatcher's thread. 0: not known yet. `u64::MAX`: it has ended.
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

/// A dispatcher's queue with its cell. The queue cannot be removed as long as this value lives.
#[derive(Clone, Copy, Debug)]
pub struct HeldQueue<'a> {
    id: QueueId,
    pub(super) cell: &'a QueueCell,
}

impl HeldQueue<'_> {
    /// The queue's id, which may be kept longer than this value.
    pub fn id(self) -> QueueId {
        self.id
    }

    /// The number of the queue's cell.
    pub fn number(self) -> u32 {
        self.id.number()
    }
}

/// All queues and all posted jobs.
#[derive(Debug)]
pub struct Queues {
    pub(super) cells: Pool<QueueCell>,
    pub(super) posted: Posted,
}

impl Queues {
    constructor! {
        pub fn new() -> Self {
            Self { cells: Pool::new(), posted: Posted::new() }
        }
    }

    pub fn posted(&self) -> &Posted {
        &self.posted
    }

    /// Makes a queue with room for `capacity` waiting jobs. No other thread can reach the queue
    /// yet; the caller has to give it the host's functions by `set_host`.
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

    /// The queue with this id, with its cell. The caller guarantees that the queue is not removed
    /// as long as the result is used: the caller has pinned the queue's dispatcher, or makes or
    /// buries it.
    #[inline]
    pub(crate) fn held(&self, id: QueueId) -> HeldQueue<'_> {
        HeldQueue { id, cell: self.cells.cell(id.number()) }
    }

    /// Frees the cell of a removed queue, so that another queue can use it under the next
    /// generation.
    pub(super) fn free(&self, queue: QueueId) {
        let cell = self.cells.cell(queue.number());
        let next = queue.next_generation();
        cell.waking.store(next << GENERATION_SHIFT, Ordering::Release);
        self.cells.free_cell(queue.number(), cell);
    }

    /// Removes a queue whose dispatcher is being buried, or could not be made. All its jobs are
    /// over. If a call of the host's functions is under way, the last such call frees the cell.
    pub fn remove(&self, queue: HeldQueue<'_>) {
        drop(self.drained(queue));
        if queue.cell.host.remove() {
            self.free(queue.id());
        }
    }
}
