//! Foreign checks: a host's own `is_cancelled` behind a token, asked by the threads that poll the
//! token.
//!
//! Invariants:
//! 1. `asking` is set under the cell's lock by the one thread that asks. That thread calls the
//!    host's function outside the lock. So the function is never entered twice at a time.
//! 2. The cell lives as long as its token, and the asking thread has the token pinned. The user
//!    data lives as long as the job, which the asking thread has not pinned. A job that ends while
//!    its check is being asked leaves its payload to the asking thread, which destroys it.
//! 3. Most polls happen on threads that may not ask, or too soon after the last question. They read
//!    two words and return, without a pin or a lock. A wrong answer "may not ask" is possible only
//!    for a dead token, whose cell may be used for another check by now.
//! 4. `asked_by` is the thread that is asking a check. `asking_count` is raised before `asked_by`
//!    is written, and lowered after it is cleared. So while a thread asks, the count is not 0, and
//!    the thread finds itself among the cells.
//!
//! Lock order: a check's lock, then its owner's.

use crate::error::Error;
use crate::handle::Handle;
use crate::memory::pool::{Link, Pool};
use crate::owner::Owners;
use crate::owner::owned::OwnedId;
use crate::sys::callout::{ForeignCheck, Payload};
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};
use crate::sys::thread_identity;

/// A foreign check, and when it may be asked.
#[derive(Clone, Copy, Debug)]
pub struct Foreign {
    /// The host's function.
    pub check: ForeignCheck,
    /// The only thread that may ask; `None` for any thread.
    pub thread: Option<u64>,
    /// Shortest time between two questions.
    pub min_interval_ns: u64,
    /// The cell of the check's job with its owner; empty without an owner.
    pub owned: OwnedId,
}

#[derive(Debug)]
struct Source {
    foreign: Foreign,
    asking: bool,
    /// Set while the check's job runs, if only one thread may ask the check.
    silence: Option<Silence>,
    /// Set if the check was retired while it was being asked: the payload that the asking thread
    /// has to destroy, if there is one.
    retired: Option<Option<Payload>>,
}

#[derive(Debug, Default)]
struct ForeignCell {
    next: AtomicU32,
    /// The only thread that may ask; 0 for any thread.
    asker: AtomicU64,
    /// The check may not be asked before this time, on the library's clock.
    due_ns: AtomicU64,
    /// Shortest time between two questions.
    interval_ns: AtomicU64,
    /// The thread that is asking the check, as `thread_identity` numbers it; 0 for none.
    asked_by: AtomicU64,
    source: Mutex<Option<Source>>,
}

impl Source {
    /// Notes that the check is asked now. Returns for how long it was not asked before, if that was
    /// too long and was not reported yet.
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

/// Result of asking a check.
#[derive(Clone, Copy, Debug, Default)]
pub struct AskedCheck {
    /// The host says stop.
    pub cancelled: bool,
    /// The time for which the check was not asked, if that was too long and was not reported yet.
    pub silence: Option<SilentCheck>,
}

/// A report that a job's check was not asked for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilentCheck {
    /// The job's token. It may have died.
    pub token: Handle,
    /// For how long the check was not asked.
    pub nanoseconds: u64,
}

/// The time since which a check has not been asked.
#[derive(Clone, Copy, Debug)]
struct Silence {
    token: Handle,
    since_ns: u64,
    is_told: bool,
}

impl Silence {
    /// Returns the silence if it is too long and was not reported yet. It counts as reported from
    /// then on.
    fn tell(&mut self, interval_ns: u64, threshold_ns: u64, now_ns: u64) -> Option<SilentCheck> {
        let nanoseconds = now_ns.saturating_sub(self.since_ns);
        if self.is_told || nanoseconds < threshold_ns.saturating_add(interval_ns) {
            return None;
        }
        self.is_told = !crate::weakened!("silence_is_told_once");
        Some(SilentCheck { token: self.token, nanoseconds })
    }
}

/// Pause between two questions of a waiting thread, for a check without an interval.
const USUAL_PAUSE_NS: u64 = 10_000_000;
/// Shortest pause between two questions of a waiting thread, for any check.
const LEAST_PAUSE_NS: u64 = 1_000_000;

/// The table of all foreign checks.
#[derive(Debug)]
pub struct Foreigns {
    cells: Pool<ForeignCell>,
    /// Number of checks that are being asked.
    asking_count: AtomicU32,
    /// How often the check of a running job was not asked for too long.
    silence_count: AtomicU64,
}

impl Foreigns {
    constructor! {
        pub fn new() -> Self {
            Self { cells: Pool::new(), asking_count: AtomicU32::new(0), silence_count: AtomicU64::new(0) }
        }
    }

    /// Keeps a check. The token has to remember the returned number.
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

    /// Forgets the check of a dead token, and frees its cell.
    pub fn remove(&self, number: u32) {
        *self.cells.cell(number).source.lock() = None;
        self.cells.free(number);
    }

    /// Ends all questions of a check, because its user data goes. Returns the payload for the
    /// caller to destroy. If the check is being asked, returns `None`, and the asking thread
    /// destroys the payload.
    pub fn retire(&self, number: u32, payload: Option<Payload>) -> Option<Payload> {
        let cell = self.cells.cell(number);
        let mut slot = cell.source.lock();
        cell.due_ns.store(u64::MAX, Ordering::Relaxed);
        match slot.as_mut() {
            Some(source) if source.asking => {
                // The close of the owner may have left a payload here before the job went.
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

    /// A cheap filter before `ask`; may be called unpinned. A wrong `true` is caught by `ask`. A
    /// wrong `false` is possible only when the token is already dead.
    #[inline]
    pub fn is_due(&self, number: u32, thread: u64, now_ns: impl FnOnce() -> u64) -> bool {
        let cell = self.cells.cell(number);
        let asker = cell.asker.load(Ordering::Relaxed);
        (asker == 0 || asker == thread) && now_ns() >= cell.due_ns.load(Ordering::Relaxed)
    }

    /// Whether any check was ever made.
    #[inline]
    pub fn are_any(&self) -> bool {
        self.cells.used() != 0
    }

    /// The time from which a waiting thread may ask this check. `None`: only another thread may ask
    /// it. May be called unpinned, as `is_due`.
    pub fn due_for(&self, number: u32, thread: u64) -> Option<u64> {
        let cell = self.cells.cell(number);
        let asker = cell.asker.load(Ordering::Relaxed);
        (asker == 0 || asker == thread).then(|| cell.due_ns.load(Ordering::Relaxed))
    }

    /// The time at which a waiting thread, which has just asked this check, asks it again.
    pub fn due_again(&self, number: u32, now_ns: u64) -> u64 {
        let cell = self.cells.cell(number);
        if cfg!(loom) {
            // In a loom model no time passes.
            return now_ns;
        }
        let pause_ns = match cell.interval_ns.load(Ordering::Relaxed) {
            0 => USUAL_PAUSE_NS,
            interval_ns => interval_ns.max(LEAST_PAUSE_NS),
        };
        now_ns.saturating_add(pause_ns).max(cell.due_ns.load(Ordering::Relaxed))
    }

    /// Asks a host's check, unless it is being asked already, is not due, or may be asked by
    /// another thread only. Then the answer is "not cancelled". The caller has pinned the check's
    /// token.
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
            // The owner is entered under the check's lock: a job gives up its cell with the owner
            // only after `retire`, which takes that lock.
            (foreign.check, owners.enter(foreign.owned, here), silence)
        };
        self.asking_count.fetch_add(1, Ordering::Relaxed);
        cell.asked_by.store(here, Ordering::Relaxed);
        let cancelled = call.is_open && check.ask();
        if cancelled {
            // The answer "stop" is final. Other threads must not ask again before the cancel is
            // made.
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

    /// Whether this thread is inside a host's check, which the library called.
    #[inline]
    pub fn is_asking_here(&self) -> bool {
        self.asking_count.load(Ordering::Relaxed) != 0 && self.is_among_askers()
    }

    #[cold]
    fn is_among_askers(&self) -> bool {
        let here = thread_identity::current();
        self.cells.iter().any(|(_, cell)| cell.asked_by.load(Ordering::Relaxed) == here)
    }

    /// Notes that the job of a check runs, so the check has to be asked from now on.
    pub fn begin(&self, number: u32, token: Handle, now_ns: u64) {
        if let Some(source) = self.cells.cell(number).source.lock().as_mut()
            && source.foreign.thread.is_some()
        {
            source.silence = Some(Silence { token, since_ns: now_ns, is_told: false });
        }
    }

    /// Notes that the job of a check has ended. Returns for how long the check was not asked at the
    /// end, if that was too long and was not reported yet.
    pub fn end(&self, number: u32, now_ns: u64, threshold_ns: u64) -> Option<SilentCheck> {
        let mut source = self.cells.cell(number).source.lock();
        let source = source.as_mut()?;
        let told = source.hear(threshold_ns, now_ns);
        source.silence = None;
        told
    }

    /// A check of a running job that has not been asked for too long, and was not reported yet. It
    /// counts as reported from now on. `None`: there is none.
    pub fn next_silent(&self, now_ns: u64, threshold_ns: u64) -> Option<SilentCheck> {
        self.cells.iter().find_map(|(_, cell)| {
            let mut source = cell.source.lock();
            let source = source.as_mut()?;
            let interval_ns = source.foreign.min_interval_ns;
            source.silence.as_mut()?.tell(interval_ns, threshold_ns, now_ns)
        })
    }

    /// The time at which the next check will not have been asked for too long. `None`: no check has
    /// to be asked, or all that are late were reported.
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

    /// For how many nanoseconds a running job's check has not been asked. `None`: that is not too
    /// long, the job does not run, or any thread may ask the check.
    pub fn silence_ns(&self, number: u32, threshold_ns: u64, now_ns: u64) -> Option<u64> {
        let source = self.cells.cell(number).source.lock();
        let (source, silence) =
            source.as_ref().and_then(|source| Some((source, source.silence?)))?;
        let nanoseconds = now_ns.saturating_sub(silence.since_ns);
        let limit_ns = threshold_ns.saturating_add(source.foreign.min_interval_ns);
        (nanoseconds >= limit_ns).then_some(nanoseconds)
    }

    /// Counts one more check that was not asked for too long.
    pub fn count_silence(&self) {
        self.silence_count.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a check was not asked for too long.
    pub fn silence_count(&self) -> u64 {
        self.silence_count.load(Ordering::Relaxed)
    }

    /// Notes that this thread is no longer asking a check. If the check was retired meanwhile,
    /// returns the payload that was left to this thread, for the caller to destroy.
    fn asked(&self, cell: &ForeignCell) -> Option<Payload> {
        let mut slot = cell.source.lock();
        let source = slot.as_mut()?;
        source.asking = false;
        let payload = source.retired.take()?;
        *slot = None;
        payload
    }
}
