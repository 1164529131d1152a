//! Threads that sleep on a word of a slot until the slot's object is cancelled or gone.
//!
//! Invariants:
//! 1. The low bits of the word count the threads inside a wait. A thread enters a wait while it
//!    keeps the object alive and holds the lock under which the object is flagged as cancelled. So
//!    the thread that sets the flag sees all sleepers.
//! 2. A wait that has begun ends when the word says so, not when the flag is set. The cancelling
//!    thread writes the word only after everything that the cancel reaches is flagged.
//! 3. The slot is not used again before all sleeping threads have left the wait. If any are inside
//!    when the object is buried, the last thread to leave gives the slot back.

use crate::sys::sync::{AtomicU32, Ordering};

const NEVER: u32 = 1 << 29;
const CANCELLED: u32 = 1 << 30;
const GONE: u32 = 1 << 31;
const COUNT: u32 = NEVER - 1;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The object is cancelled.
    Cancelled,
    /// The object was sealed: it can never be cancelled any more.
    Never,
    /// The object died, neither cancelled nor sealed.
    Gone,
}

fn outcome(word: u32) -> Option<Woken> {
    if word & CANCELLED != 0 {
        Some(Woken::Cancelled)
    } else if word & NEVER != 0 {
        Some(Woken::Never)
    } else {
        (word & GONE != 0).then_some(Woken::Gone)
    }
}

/// The threads that sleep until the object of one slot is cancelled or gone. All bits are zero
/// while no thread sleeps and no wait has ended.
#[derive(Debug, Default)]
pub struct Sleepers {
    word: AtomicU32,
    #[cfg(loom)]
    bed: model::Bed,
}

impl Sleepers {
    /// Whether the word is in use: a thread is inside a wait, or the outcome of a wait is still in
    /// the word.
    #[inline]
    pub fn any(&self) -> bool {
        self.word.load(Ordering::Relaxed) != 0
    }

    /// How many threads are inside a wait; 0 once the object is buried.
    pub fn count(&self) -> u32 {
        let word = self.word.load(Ordering::Relaxed);
        if word & GONE == 0 { word & COUNT } else { 0 }
    }

    /// Counts the caller as inside a wait. The caller keeps the object alive and holds the lock
    /// under which the object is flagged as cancelled (invariant 1).
    pub fn enter(&self) {
        self.word.fetch_add(1, Ordering::Relaxed);
    }

    /// Sleeps until the object is cancelled, sealed or gone. `None`: `until_ns` on the library's
    /// clock came first.
    pub fn sleep(&self, until_ns: Option<u64>) -> Option<Woken> {
        loop {
            let word = self.word.load(Ordering::Acquire);
            if let Some(woken) = outcome(word) {
                return Some(woken);
            }
            if self.sleep_while(word, until_ns) {
                return outcome(self.word.load(Ordering::Acquire));
            }
        }
    }

    /// Counts the caller as outside of the wait. True: the object is buried and the caller was the
    /// last thread inside, so the caller has to give the slot back.
    #[must_use]
    pub fn leave(&self) -> bool {
        let before = self.word.fetch_sub(1, Ordering::AcqRel);
        let is_last = before & GONE != 0 && before & COUNT == 1;
        if is_last {
            self.word.store(0, Ordering::Relaxed);
        }
        is_last
    }

    /// Ends the waits, because the object is cancelled.
    pub fn wake_cancelled(&self) {
        self.end_waits(CANCELLED);
    }

    /// Ends the waits, because the object can never be cancelled any more. No thread enters a wait
    /// after that.
    pub fn wake_never(&self) {
        self.end_waits(NEVER);
    }

    fn end_waits(&self, outcome: u32) {
        self.word.fetch_or(outcome, Ordering::Release);
        self.wake();
    }

    /// Ends the waits that nothing has ended yet, because the object is buried. No thread enters a
    /// wait after that. True: no thread is inside, and the caller gives the slot back. False: the
    /// last thread to leave gives the slot back.
    #[must_use]
    pub fn wake_gone(&self) -> bool {
        let before = self.word.fetch_or(GONE, Ordering::AcqRel);
        if before & COUNT == 0 {
            self.word.store(0, Ordering::Relaxed);
            return true;
        }
        self.wake();
        false
    }
}

#[cfg(not(loom))]
impl Sleepers {
    fn sleep_while(&self, word: u32, until_ns: Option<u64>) -> bool {
        crate::sys::futex::wait(&self.word, word, until_ns)
    }

    /// Wakes all threads that sleep on the word. By now the slot may have a new object; then the
    /// threads that wait for it wake as well, and look again.
    fn wake(&self) {
        crate::sys::futex::wake_all(&self.word);
    }
}

#[cfg(loom)]
mod model {
    use super::Sleepers;
    use crate::sys::sync::{Condvar, Mutex, Ordering};

    /// Stands in for the system's sleep, which compares the word and falls asleep in one step.
    #[derive(Debug, Default)]
    pub struct Bed(Mutex<()>, Condvar);

    impl Sleepers {
        pub(super) fn sleep_while(&self, word: u32, until_ns: Option<u64>) -> bool {
            let Bed(lock, changed) = &self.bed;
            let mut lock = lock.lock();
            if self.word.load(Ordering::Acquire) == word {
                match until_ns {
                    None => changed.wait(&mut lock),
                    Some(until_ns) => return changed.wait_until(&mut lock, until_ns),
                }
            }
            false
        }

        pub(super) fn wake(&self) {
            let Bed(lock, changed) = &self.bed;
            let _lock = lock.lock();
            changed.notify_all();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sys::clock;

    #[test]
    fn each_of_several_learns_how_it_ended() {
        for outcome in [Woken::Gone, Woken::Cancelled, Woken::Never] {
            let sleepers = Sleepers::default();
            let given_back: u32 = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| {
                        sleepers.enter();
                        scope.spawn(|| {
                            assert_eq!(sleepers.sleep(None), Some(outcome));
                            u32::from(sleepers.leave())
                        })
                    })
                    .collect();
                match outcome {
                    Woken::Cancelled => sleepers.wake_cancelled(),
                    Woken::Never => sleepers.wake_never(),
                    Woken::Gone => (),
                }
                let by_burial = u32::from(sleepers.wake_gone());
                let by_sleepers: u32 = threads.into_iter().map(|one| one.join().unwrap()).sum();
                by_burial + by_sleepers
            });
            assert_eq!(given_back, 1, "one gives the slot back");
            assert!(!sleepers.any());
        }
    }

    #[test]
    fn a_time_that_comes_ends_a_wait() {
        let sleepers = Sleepers::default();
        sleepers.enter();
        assert_eq!(sleepers.sleep(Some(clock::now_ns() + 1_000_000)), None);
        assert!(!sleepers.leave());
        assert!(!sleepers.any());
    }
}
