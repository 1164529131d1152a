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
//! `asked_by` says on which thread a check is being asked. `asking_count` is raised before it is written and
//! lowered after it is cleared, so a thread that asks finds itself among the cells if that is not 0.
//!
//! Lock order: a check's, then its owner's.

use crate::error::Error;
use crate::handle::Handle;
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
    /// While its job runs, and another thread could not ask as well.
    silence: Option<Silence>,
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
    /// Least time between two questions.
    interval_ns: AtomicU64,
    /// The thread that is asking it, as `thread_identity` has it; 0 for none.
    asked_by: AtomicU64,
    source: Mutex<Option<Source>>,
}

impl Source {
    /// Notes that it is asked now. Whether it was not for too long before, and nobody was told yet.
    fn hear(&mut self, threshold_ns: u64, now_ns: u64) -> Option<SilentCheck> {
        let silence = self.silence.as_mut()?;
        let told = silence.tell(self.foreign.min_interval_ns, threshold_ns, now_ns);
        *silence = Silence { since_ns: now_ns, is_told: false, ..*silence };
        told
    }
}

impl Link for ForeignCell {
    fn next(&self) -> &AtomicU32 {
        &self.next
    }
}

/// What came of asking a check, or of the end of its job.
#[derive(Clone, Copy, Debug, Default)]
pub struct AskedCheck {
    /// The host says stop.
    pub cancelled: bool,
    /// For how long it was not asked, if that is too long and was not told yet.
    pub silence: Option<SilentCheck>,
}

/// A job's check that was not asked for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilentCheck {
    /// The job's token; it may be stale.
    pub token: Handle,
    /// For how long.
    pub nanoseconds: u64,
}

/// Since when a check is not asked.
#[derive(Clone, Copy, Debug)]
struct Silence {
    token: Handle,
    since_ns: u64,
    is_told: bool,
}

impl Silence {
    /// Whether it is to be told now; it is told once.
    fn tell(&mut self, interval_ns: u64, threshold_ns: u64, now_ns: u64) -> Option<SilentCheck> {
        let nanoseconds = now_ns.saturating_sub(self.since_ns);
        if self.is_told || nanoseconds < threshold_ns.saturating_add(interval_ns) {
            return None;
        }
        self.is_told = !crate::weakened!("silence_is_told_once");
        Some(SilentCheck { token: self.token, nanoseconds })
    }
}

/// A thread that waits asks a check without an interval this often.
const USUAL_PAUSE_NS: u64 = 10_000_000;
/// A thread that waits asks no check more often than this.
const LEAST_PAUSE_NS: u64 = 1_000_000;

/// All foreign checks.
#[derive(Debug)]
pub struct Foreigns {
    cells: Pool<ForeignCell>,
    /// How many are being asked.
    asking_count: AtomicU32,
    /// How often one of a running job was not asked for too long.
    silence_count: AtomicU64,
}

impl Foreigns {
    constructor! {
        /// None.
        pub fn new() -> Self {
            Self { cells: Pool::new(), asking_count: AtomicU32::new(0), silence_count: AtomicU64::new(0) }
        }
    }

    /// Keeps a check; the number is the token's to remember.
    pub fn add(&self, foreign: Foreign) -> Result<u32, Error> {
        let (number, cell) =
            self.cells.take().map_err(|_| Error::Resources("memory for foreign jobs"))?;
        let source = Source { foreign, asking: false, silence: None, retired: None };
        cell.asker.store(foreign.thread.unwrap_or(0), Ordering::Relaxed);
        cell.due_ns.store(0, Ordering::Relaxed);
        cell.interval_ns.store(foreign.min_interval_ns, Ordering::Relaxed);
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
        let cell = self.cells.cell(number);
        let mut slot = cell.source.lock();
        cell.due_ns.store(u64::MAX, Ordering::Relaxed);
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

    /// Whether there ever was one.
    #[inline]
    pub fn are_any(&self) -> bool {
        self.cells.used() != 0
    }

    /// When a thread that waits may ask; `None`: never. Without a pin, as `is_due`.
    pub fn due_for(&self, number: u32, thread: u64) -> Option<u64> {
        let cell = self.cells.cell(number);
        let asker = cell.asker.load(Ordering::Relaxed);
        (asker == 0 || asker == thread).then(|| cell.due_ns.load(Ordering::Relaxed))
    }

    /// When a thread that waits asks again what it has just asked.
    pub fn due_again(&self, number: u32, now_ns: u64) -> u64 {
        let cell = self.cells.cell(number);
        if cfg!(loom) {
            // No time passes in a model.
            return now_ns;
        }
        let pause_ns = match cell.interval_ns.load(Ordering::Relaxed) {
            0 => USUAL_PAUSE_NS,
            interval_ns => interval_ns.max(LEAST_PAUSE_NS),
        };
        now_ns.saturating_add(pause_ns).max(cell.due_ns.load(Ordering::Relaxed))
    }

    /// Asks the host if it is this thread's and this moment's turn. The token is pinned.
    pub fn ask(
        &self,
        owners: &Owners,
        number: u32,
        thread: u64,
        now_ns: u64,
        threshold_ns: u64,
    ) -> AskedCheck {
        let cell = self.cells.cell(number);
        let here = thread_identity::current();
        let (check, call, silence) = {
            let mut source = cell.source.lock();
            let Some(source) = source.as_mut() else { return AskedCheck::default() };
            let foreign = source.foreign;
            let is_due = self.is_due(number, thread, || now_ns);
            if source.asking || !is_due || source.retired.is_some() {
                return AskedCheck::default();
            }
            source.asking = true;
            cell.due_ns.store(now_ns.saturating_add(foreign.min_interval_ns), Ordering::Relaxed);
            let silence = source.hear(threshold_ns, now_ns);
            // Under the lock: a job gives up what its owner knows it by only after `retire`.
            (foreign.check, owners.enter(foreign.owned, here), silence)
        };
        self.asking_count.fetch_add(1, Ordering::Relaxed);
        cell.asked_by.store(here, Ordering::Relaxed);
        let cancelled = call.is_open && check.ask();
        if cancelled {
            // Said once, whoever asks before the cancel is made.
            cell.due_ns.store(u64::MAX, Ordering::Relaxed);
        }
        cell.asked_by.store(0, Ordering::Relaxed);
        self.asking_count.fetch_sub(1, Ordering::Relaxed);
        if let Some(payload) = self.asked(cell) {
            payload.destroy();
        }
        owners.leave(call);
        AskedCheck { cancelled, silence }
    }

    /// Whether this thread is inside a check.
    #[inline]
    pub fn is_asking_here(&self) -> bool {
        self.asking_count.load(Ordering::Relaxed) != 0 && self.is_among_askers()
    }

    #[cold]
    fn is_among_askers(&self) -> bool {
        let here = thread_identity::current();
        self.cells.iter().any(|(_, cell)| cell.asked_by.load(Ordering::Relaxed) == here)
    }

    /// Notes that the job of a check runs: from now on somebody has to ask.
    pub fn begin(&self, number: u32, token: Handle, now_ns: u64) {
        if let Some(source) = self.cells.cell(number).source.lock().as_mut()
            && source.foreign.thread.is_some()
        {
            source.silence = Some(Silence { token, since_ns: now_ns, is_told: false });
        }
    }

    /// Notes that the job of a check has ended. Whether it was not asked for too long at the end.
    pub fn end(&self, number: u32, now_ns: u64, threshold_ns: u64) -> Option<SilentCheck> {
        let mut source = self.cells.cell(number).source.lock();
        let source = source.as_mut()?;
        let told = source.hear(threshold_ns, now_ns);
        source.silence = None;
        told
    }

    /// One check that is not asked for too long and was not told yet, which it is now.
    pub fn next_silent(&self, now_ns: u64, threshold_ns: u64) -> Option<SilentCheck> {
        self.cells.iter().find_map(|(_, cell)| {
            let mut source = cell.source.lock();
            let source = source.as_mut()?;
            let interval_ns = source.foreign.min_interval_ns;
            source.silence.as_mut()?.tell(interval_ns, threshold_ns, now_ns)
        })
    }

    /// When the next check will not have been asked for too long.
    pub fn next_silence_ns(&self, threshold_ns: u64) -> Option<u64> {
        let due = |cell: &ForeignCell| {
            let source = cell.source.lock();
            let source = source.as_ref()?;
            let silence = source.silence.filter(|silence| !silence.is_told)?;
            let limit_ns = threshold_ns.saturating_add(source.foreign.min_interval_ns);
            Some(silence.since_ns.saturating_add(limit_ns))
        };
        self.cells.iter().filter_map(|(_, cell)| due(cell)).min()
    }

    /// How long the check of a running job is not asked by now, if that is too long.
    pub fn silence_ns(&self, number: u32, threshold_ns: u64, now_ns: u64) -> Option<u64> {
        let source = self.cells.cell(number).source.lock();
        let (source, silence) =
            source.as_ref().and_then(|source| Some((source, source.silence?)))?;
        let nanoseconds = now_ns.saturating_sub(silence.since_ns);
        let limit_ns = threshold_ns.saturating_add(source.foreign.min_interval_ns);
        (nanoseconds >= limit_ns).then_some(nanoseconds)
    }

    /// One more that was not asked for too long.
    pub fn count_silence(&self) {
        self.silence_count.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a check was not asked for too long.
    pub fn silence_count(&self) -> u64 {
        self.silence_count.load(Ordering::Relaxed)
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
