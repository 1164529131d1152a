//! Watches: what is known of the polls of one job, thread by thread. Of every job's token, every request's,
//! and every token that a server gave a job id.
//!
//! A watch is made when there is the first thing to note: a cancel, or a poll while traced. Most jobs end
//! before that, and cost one word of their token's, its [`Watched`]. Without memory for a watch what it would
//! tell is not noted; nothing else depends on it.
//!
//! Invariants:
//! - The cell belongs to its token until the token is buried; whoever uses it has the token pinned. Of two
//!   threads that make one at a time one gives its own back: the word changes by compare-and-swap.
//! - Whether the job ended before its cancel was noted is decided once: in the word by the same
//!   compare-and-swap while there is no cell, under the cell's lock after that.
//!
//! The lock of a watch is a leaf.

use crate::diagnosis::place::Place;
use crate::memory::magazine::Shelved;
use crate::memory::pool::{Link, NIL, Pool};
use crate::sys::sync::{AtomicU32, Mutex, Ordering, constructor};

/// Most threads that are told apart for one job; further ones are left out.
pub const MOST_THREADS: usize = 64;

/// Time between two signs of life of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// How long.
    pub nanoseconds: u64,
    /// Where the thread was before.
    pub from: Place,
    /// Where it came out.
    pub to: Place,
}

/// What is known of one thread of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadReport {
    /// The system's number of the thread.
    pub thread: u64,
    /// From the cancel to the first poll that saw it; `None` while none has.
    pub cancel_to_seen_ns: Option<u64>,
    /// Traced polls.
    pub polls: u64,
    /// When the last traced poll was; 0 if none was.
    pub last_poll_ns: u64,
    /// Where the last sign of life was.
    pub last_place: Place,
    /// The longest time without a sign of life.
    pub longest_gap: Gap,
}

impl ThreadReport {
    /// Becomes the other one if that has the longer gap.
    pub fn keep_longer(&mut self, other: &Self) {
        if other.longest_gap.nanoseconds > self.longest_gap.nanoseconds {
            *self = *other;
        }
    }
}

#[derive(Debug, Default)]
struct Watch {
    /// 0 while no cancel was noted.
    cancelled_ns: u64,
    has_ended: bool,
    to_end_ns: Option<u64>,
    threads: Vec<ThreadReport>,
}

#[derive(Debug, Default)]
struct WatchCell {
    next_free: AtomicU32,
    watch: Mutex<Watch>,
}

impl Link for WatchCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

/// Whether a token is watched, and by which cell.
#[derive(Debug, Default)]
pub struct Watched(AtomicU32);

/// Watched; there was nothing to note yet.
const NOTHING_YET: u32 = u32::MAX;
/// Watched; its job ended before there was anything to note.
const ENDED: u32 = u32::MAX - 1;

impl Watched {
    /// Watches a new token.
    pub fn begin(&self) {
        self.0.store(NOTHING_YET, Ordering::Relaxed);
    }

    /// Whether its token is watched.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) != NIL
    }

    /// Whether anything was noted, so that there is a cell to be given back.
    #[inline]
    pub fn has_cell(&self) -> bool {
        !matches!(self.0.load(Ordering::Relaxed), NIL | NOTHING_YET | ENDED)
    }

    /// Watches it no more. Of a dead token; its cell was given back.
    #[inline]
    pub fn end(&self) {
        self.0.store(NIL, Ordering::Relaxed);
    }

    /// Notes that its job ended, if there was nothing to note until now.
    pub fn ends_unnoted(&self) -> bool {
        self.turn(NOTHING_YET, ENDED).is_ok()
    }

    /// What it is instead if it is not `from` any more.
    fn turn(&self, from: u32, to: u32) -> Result<(), u32> {
        if crate::weakened!("watch_turns_once") {
            let now = self.0.load(Ordering::Acquire);
            if now != from {
                return Err(now);
            }
            self.0.store(to, Ordering::Release);
            return Ok(());
        }
        let (done, other) = (Ordering::AcqRel, Ordering::Acquire);
        self.0.compare_exchange(from, to, done, other).map(drop)
    }
}

/// What became of a cancelled job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Whether it ended, as far as is known.
    pub has_ended: bool,
    /// From its cancel to its end; 0 if that came first.
    pub to_end_ns: Option<u64>,
    /// Whether any of its threads has seen the cancel.
    pub is_seen: bool,
}

/// All watches.
#[derive(Debug)]
pub struct Watches {
    cells: Pool<WatchCell>,
}

impl Watch {
    fn thread(&mut self, thread: u64) -> Option<&mut ThreadReport> {
        if let Some(known) = self.threads.iter().position(|known| known.thread == thread) {
            return self.threads.get_mut(known);
        }
        if self.threads.len() == MOST_THREADS || self.threads.try_reserve(1).is_err() {
            return None;
        }
        self.threads.push(ThreadReport { thread, ..ThreadReport::default() });
        self.threads.last_mut()
    }
}

impl Watches {
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

    /// The cell of a watched token, made if there is none. `None`: it is not watched, or there is no memory.
    fn make(&self, watched: &Watched) -> Option<&WatchCell> {
        let mut now = watched.0.load(Ordering::Acquire);
        while matches!(now, NOTHING_YET | ENDED) {
            let (number, cell) = self.cells.take().ok()?;
            *cell.watch.lock() = Watch { has_ended: now == ENDED, ..Watch::default() };
            match watched.turn(now, number) {
                Ok(()) => return Some(cell),
                Err(other) => {
                    self.cells.free(number);
                    now = other;
                }
            }
        }
        (now != NIL).then(|| self.cells.cell(now))
    }

    /// The cell of a token of which something was noted.
    fn get(&self, watched: &Watched) -> Option<&WatchCell> {
        let now = watched.0.load(Ordering::Acquire);
        (!matches!(now, NIL | NOTHING_YET | ENDED)).then(|| self.cells.cell(now))
    }

    /// Forgets what was noted of a dead token, which is watched no more after this.
    pub fn give_back(&self, watched: &Watched) {
        if let Some(cell) = self.get(watched) {
            let old = std::mem::take(&mut *cell.watch.lock());
            self.cells.free(watched.0.load(Ordering::Relaxed));
            drop(old);
        }
    }

    /// Notes the cancel of a watched token. False: its job has ended.
    pub fn cancelled(&self, watched: &Watched, time_ns: u64) -> bool {
        let Some(cell) = self.make(watched) else {
            return watched.0.load(Ordering::Relaxed) != ENDED;
        };
        let mut watch = cell.watch.lock();
        watch.cancelled_ns = time_ns;
        if watch.has_ended {
            watch.to_end_ns = Some(0);
        }
        !watch.has_ended
    }

    /// Notes the end of a token's job. Returns the time since the cancel if there was one.
    pub fn ended(&self, watched: &Watched, time_ns: u64) -> Option<u64> {
        if watched.ends_unnoted() {
            return None;
        }
        let mut watch = self.get(watched)?.watch.lock();
        watch.has_ended = true;
        if watch.cancelled_ns != 0 {
            watch.to_end_ns = Some(time_ns.saturating_sub(watch.cancelled_ns));
        }
        watch.to_end_ns
    }

    /// Notes that a thread polled and learned of a cancel of that time. Returns the time since the
    /// cancel if it is the thread's first such poll.
    pub fn seen(
        &self,
        watched: &Watched,
        thread: u64,
        cancelled_ns: u64,
        now_ns: u64,
    ) -> Option<u64> {
        let mut watch = self.make(watched)?.watch.lock();
        let report = watch.thread(thread)?;
        if report.cancel_to_seen_ns.is_some() {
            return None;
        }
        let latency = now_ns.saturating_sub(cancelled_ns);
        report.cancel_to_seen_ns = Some(latency);
        Some(latency)
    }

    /// Forgets what an earlier trace saw: the time since then is no gap.
    pub fn begin_trace(&self, watched: &Watched) {
        let Some(cell) = self.get(watched) else { return };
        for report in &mut cell.watch.lock().threads {
            let ThreadReport { thread, cancel_to_seen_ns, .. } = *report;
            *report = ThreadReport { thread, cancel_to_seen_ns, ..ThreadReport::default() };
        }
    }

    /// Notes a sign of life of a traced job.
    pub fn sign_of_life(&self, watched: &Watched, thread: u64, place: Place, now_ns: u64) {
        let Some(cell) = self.make(watched) else { return };
        let mut watch = cell.watch.lock();
        let Some(report) = watch.thread(thread) else { return };
        if report.last_poll_ns != 0 {
            let nanoseconds = now_ns.saturating_sub(report.last_poll_ns);
            if nanoseconds > report.longest_gap.nanoseconds {
                report.longest_gap = Gap { nanoseconds, from: report.last_place, to: place };
            }
        }
        report.polls += u64::from(!matches!(place, Place::Begin | Place::End));
        report.last_poll_ns = now_ns;
        report.last_place = place;
    }

    /// What became of the job of a token.
    pub fn course(&self, watched: &Watched) -> Course {
        let Some(cell) = self.get(watched) else {
            let has_ended = watched.0.load(Ordering::Relaxed) == ENDED;
            return Course { has_ended, ..Course::default() };
        };
        let watch = cell.watch.lock();
        Course {
            has_ended: watch.has_ended,
            to_end_ns: watch.to_end_ns,
            is_seen: watch.threads.iter().any(|thread| thread.cancel_to_seen_ns.is_some()),
        }
    }

    /// Hands each thread's report to `each`.
    pub fn threads(&self, watched: &Watched, each: impl FnMut(&ThreadReport)) {
        if let Some(cell) = self.get(watched) {
            cell.watch.lock().threads.iter().for_each(each);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn watched() -> Watched {
        let watched = Watched::default();
        watched.begin();
        watched
    }

    #[test]
    fn a_job_that_ends_unnoted_takes_no_cell() {
        static WATCHES: Watches = Watches::new();
        let watched = watched();
        assert_eq!(WATCHES.course(&watched), Course::default());
        assert_eq!(WATCHES.ended(&watched, 7), None);
        assert_eq!(WATCHES.course(&watched), Course { has_ended: true, ..Course::default() });
        assert!(watched.is_on() && !watched.has_cell());
        assert_eq!(WATCHES.cells.used(), 0);
    }

    #[test]
    fn a_cancel_after_the_end_finds_it_and_took_no_time() {
        static WATCHES: Watches = Watches::new();
        let watched = watched();
        assert_eq!(WATCHES.ended(&watched, 7), None);
        assert!(!WATCHES.cancelled(&watched, 9), "it has ended");
        assert_eq!(WATCHES.course(&watched).to_end_ns, Some(0));
    }

    #[test]
    fn what_is_not_watched_takes_no_cell() {
        static WATCHES: Watches = Watches::new();
        let watched = Watched::default();
        assert!(WATCHES.cancelled(&watched, 9), "as far as is known it goes on");
        assert_eq!(WATCHES.seen(&watched, 1, 9, 10), None);
        WATCHES.sign_of_life(&watched, 1, Place::Unknown, 10);
        assert_eq!(WATCHES.cells.used(), 0);
    }

    #[test]
    fn a_cell_is_used_again_with_nothing_in_it() {
        static WATCHES: Watches = Watches::new();
        for _ in 0..3 {
            let watched = watched();
            assert!(WATCHES.cancelled(&watched, 9));
            assert_eq!(WATCHES.seen(&watched, 1, 9, 11), Some(2));
            assert_eq!(WATCHES.seen(&watched, 1, 9, 12), None, "only its first");
            assert_eq!(WATCHES.ended(&watched, 14), Some(5));
            let course = Course { has_ended: true, to_end_ns: Some(5), is_seen: true };
            assert_eq!(WATCHES.course(&watched), course);
            WATCHES.give_back(&watched);
        }
        assert_eq!(WATCHES.cells.used(), 1);
    }
}
