//! Watches: what is known of the polls for one token, thread by thread. The tokens of all jobs and
//! requests are watched, and so are tokens with a caller id.
//!
//! A watch is made when there is the first thing to note: a cancel, or a poll while the job is
//! traced. Most jobs end before that and cost one word of their token, its [`Watched`]. If there is
//! no memory for a watch, nothing is noted; no other part of the library depends on it.
//!
//! Invariants:
//! 1. The cell of a watch belongs to its token until the token is buried. Every user of the cell
//!    has the token pinned.
//! 2. While its token lives, the word of a [`Watched`] changes only by compare-and-swap. So if two
//!    threads make a cell at the same time, one of them fails and gives its own cell back.
//! 3. Whether the job ended before its cancel was noted is settled once. While there is no cell,
//!    the compare-and-swap of the word settles the question. Once there is a cell, the order in
//!    which the two threads take its lock settles it.
//!
//! The lock of a watch is a leaf.

use crate::diagnosis::place::Place;
use crate::memory::magazine::Shelved;
use crate::memory::pool::{Link, NIL, Pool};
use crate::sys::sync::{AtomicU32, Mutex, Ordering, constructor};

/// Maximum number of threads that are told apart for one job; any others are not recorded.
pub const MOST_THREADS: usize = 64;

/// A time without a sign of life from one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// The length of the gap.
    pub nanoseconds: u64,
    /// The place of the thread's last sign of life before the gap.
    pub from: Place,
    /// The place of the thread's first sign of life after the gap.
    pub to: Place,
}

/// What is known of one thread of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadReport {
    /// The system's number of the thread.
    pub thread: u64,
    /// Time from the cancel to the thread's first poll that saw it; `None` if no poll of the thread
    /// has seen it.
    pub cancel_to_seen_ns: Option<u64>,
    /// How many traced polls the thread made.
    pub polls: u64,
    /// Time of the thread's last sign of life, on the library's clock; 0 if there was none.
    pub last_poll_ns: u64,
    /// The place of the thread's last sign of life.
    pub last_place: Place,
    /// The thread's longest time without a sign of life.
    pub longest_gap: Gap,
}

impl ThreadReport {
    /// Replaces this report by `other` if that has the longer gap.
    pub fn keep_longer(&mut self, other: &Self) {
        if other.longest_gap.nanoseconds > self.longest_gap.nanoseconds {
            *self = *other;
        }
    }
}

#[derive(Debug, Default)]
struct Watch {
    /// Time of the noted cancel; 0 while there is none.
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

/// Whether a token is watched, and the number of its cell.
#[derive(Debug, Default)]
pub struct Watched(AtomicU32);

/// The token is watched, and there was nothing to note yet.
const NOTHING_YET: u32 = u32::MAX;
/// The token is watched, and its job ended before there was anything to note.
const ENDED: u32 = u32::MAX - 1;

impl Watched {
    /// Begins to watch a new token.
    pub fn begin(&self) {
        self.0.store(NOTHING_YET, Ordering::Relaxed);
    }

    /// Whether the token is watched.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) != NIL
    }

    /// Whether the watch has a cell, which must be given back when the token dies.
    #[inline]
    pub fn has_cell(&self) -> bool {
        !matches!(self.0.load(Ordering::Relaxed), NIL | NOTHING_YET | ENDED)
    }

    /// Ends the watch of a dead token. The caller has given the token's cell back.
    #[inline]
    pub fn end(&self) {
        self.0.store(NIL, Ordering::Relaxed);
    }

    /// Notes in the word that the token's job ended, if the watch has no cell yet. False: it has a
    /// cell, in which the end is to be noted, or the token is not watched.
    pub fn ends_unnoted(&self) -> bool {
        self.turn(NOTHING_YET, ENDED).is_ok()
    }

    /// Changes the word from `from` to `to`. An error: nothing was changed, because the word had
    /// the returned value.
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

/// How a cancelled job went on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Whether the job is known to have ended.
    pub has_ended: bool,
    /// Time from the job's cancel to its end; 0 if the end came first. `None`: the job has not
    /// ended, or its cancel was not noted.
    pub to_end_ns: Option<u64>,
    /// Whether any thread of the job has seen the cancel.
    pub is_seen: bool,
}

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
        pub fn new() -> Self {
            Self { cells: Pool::new() }
        }
    }

    /// Passes the pools for which threads keep free cells to `each`.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(&self.cells);
    }

    /// The cell of a watched token, made if there is none. `None`: the token is not watched, or
    /// there is no memory for a cell.
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

    /// The cell of a token; `None` if nothing was noted for the token.
    fn get(&self, watched: &Watched) -> Option<&WatchCell> {
        let now = watched.0.load(Ordering::Acquire);
        (!matches!(now, NIL | NOTHING_YET | ENDED)).then(|| self.cells.cell(now))
    }

    /// Forgets what was noted for a dead token, and frees its cell. The caller calls
    /// [`Watched::end`] after this.
    pub fn give_back(&self, watched: &Watched) {
        if let Some(cell) = self.get(watched) {
            let old = std::mem::take(&mut *cell.watch.lock());
            self.cells.free(watched.0.load(Ordering::Relaxed));
            drop(old);
        }
    }

    /// Notes the cancel of a watched token. False: the token's job had ended before.
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

    /// Notes the end of a token's job. Returns the time from the job's cancel to the end; `None` if
    /// no cancel was noted.
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

    /// Notes that a poll of `thread` at `now_ns` saw the cancel, which came at `cancelled_ns`.
    /// Returns the time between the two. `None`: an earlier poll of the thread saw the cancel, or
    /// there is no room to note this one.
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

    /// Forgets what an earlier trace of the job recorded, so that the time between the two traces
    /// does not count as a gap.
    pub fn begin_trace(&self, watched: &Watched) {
        let Some(cell) = self.get(watched) else { return };
        for report in &mut cell.watch.lock().threads {
            let ThreadReport { thread, cancel_to_seen_ns, .. } = *report;
            *report = ThreadReport { thread, cancel_to_seen_ns, ..ThreadReport::default() };
        }
    }

    /// Notes a sign of life from a thread of a traced job: a poll, or the job's begin or end.
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

    /// How the job of a token went on.
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

    /// Passes each thread's report to `each`.
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
