//! Foreign checks: a host's own `is_cancelled` behind a token, sampled by whoever polls it.
//!
//! Invariants: `asking` is set by the one thread that asks, under the lock, and the host is asked
//! outside it; so the host's function is never entered twice at a time. The cell lives as long as
//! its token, which the asker has pinned. The user data lives as long as the job, which the asker
//! has not: a job that goes meanwhile leaves its payload to the asker, who destroys it.
//!
//! Most polls come on other threads than the asking one, or too soon. They read two words and go, without
//! pin or lock: what says no there is at worst of an earlier use of the cell, for a token that is dead.
//!
//! Lock order: a check's, then its owner's.

use crate::error::Error;
use crate::memory::pool::{Link, Pool};
use crate::owner::Owners;
use crate::owner::owned::OwnedId;
use crate::sys::callout::{ForeignCheck, Payload};
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};
use crate::sys::thread_identity;

/// A foreign check and when it may be asked.
#[derive(Clone, Copy, Debug)]
pub struct Foreign {
    /// The host's function.
    pub check: ForeignCheck,
    /// The only thread that may ask; `None` for any.
    pub thread: Option<u64>,
    /// Least time between two questions.
    pub min_interval_ns: u64,
    /// What its owner knows the job by; empty without an owner.
    pub owned: OwnedId,
}

#[derive(Debug)]
struct Source {
    foreign: Foreign,
    asking: bool,
    /// The job went while its check was being asked; what is left to destroy.
    retired: Option<Option<Payload>>,
}

#[derive(Debug, Default)]
struct ForeignCell {
    next: AtomicU32,
    /// The only thread that may ask; 0 for any.
    asker: AtomicU64,
    /// Before this it is too soon.
    due_ns: AtomicU64,
    source: Mutex<Option<Source>>,
}

impl Link for ForeignCell {
    fn next(&self) -> &AtomicU32 {
        &self.next
    }
}

/// All foreign checks.
#[derive(Debug)]
pub struct Foreigns {
    cells: Pool<ForeignCell>,
}

impl Foreigns {
    constructor! {
        /// None.
        pub fn new() -> Self {
            Self { cells: Pool::new() }
        }
    }

    /// Keeps a check; the number is the token's to remember.
    pub fn add(&self, foreign: Foreign) -> Result<u32, Error> {
        let (number, cell) =
            self.cells.take().map_err(|_| Error::Resources("memory for foreign jobs"))?;
        let source = Source { foreign, asking: false, retired: None };
        cell.asker.store(foreign.thread.unwrap_or(0), Ordering::Relaxed);
        cell.due_ns.store(0, Ordering::Relaxed);
        *cell.source.lock() = Some(source);
        Ok(number)
    }

    /// Forgets a check whose token died.
    pub fn remove(&self, number: u32) {
        *self.cells.cell(number).source.lock() = None;
        self.cells.free(number);
    }

    /// Lets a check never be asked again, because its user data goes. Gives the payload back to be
    /// destroyed, unless the check is being asked.
    pub fn retire(&self, number: u32, payload: Option<Payload>) -> Option<Payload> {
        let mut slot = self.cells.cell(number).source.lock();
        match slot.as_mut() {
            Some(source) if source.asking => {
                // The owner's close may have left one before the job went.
                let left = source.retired.take().flatten();
                source.retired = Some(left.or(payload));
                None
            }
            _ => {
                *slot = None;
                payload
            }
        }
    }

    /// Whether `ask` can come to anything. Without a pin: true may be wrong, false is wrong for the number
    /// of a dead token alone.
    #[inline]
    pub fn is_due(&self, number: u32, thread: u64, now_ns: impl FnOnce() -> u64) -> bool {
        let cell = self.cells.cell(number);
        let asker = cell.asker.load(Ordering::Relaxed);
        (asker == 0 || asker == thread) && now_ns() >= cell.due_ns.load(Ordering::Relaxed)
    }

    /// Asks the host if it is this thread's and this moment's turn. The token is pinned.
    pub fn ask(&self, owners: &Owners, number: u32, thread: u64, now_ns: u64) -> bool {
        let cell = self.cells.cell(number);
        let (check, call) = {
            let mut source = cell.source.lock();
            let Some(source) = source.as_mut() else { return false };
            let foreign = source.foreign;
            let is_due = self.is_due(number, thread, || now_ns);
            if source.asking || !is_due || source.retired.is_some() {
                return false;
            }
            source.asking = true;
            cell.due_ns.store(now_ns.saturating_add(foreign.min_interval_ns), Ordering::Relaxed);
            // Under the lock: a job gives up what its owner knows it by only after `retire`.
            (foreign.check, owners.enter(foreign.owned, thread_identity::current()))
        };
        let cancelled = call.is_open && check.ask();
        if let Some(payload) = self.asked(cell) {
            payload.destroy();
        }
        owners.leave(call);
        cancelled
    }

    /// Ends a question. What a job left to this thread is its to destroy.
    fn asked(&self, cell: &ForeignCell) -> Option<Payload> {
        let mut slot = cell.source.lock();
        let source = slot.as_mut()?;
        source.asking = false;
        let payload = source.retired.take()?;
        *slot = None;
        payload
    }
}
