//! Threads that sleep until a bit is cleared which shares its word with other, frequently changing
//! bits. They sleep on a word of their own, because the shared word would wake them all the time.
//!
//! Why no wake-up is lost: a thread that is going to sleep first raises `waiters`, then reads
//! `turns`, and then looks at the bit by a read-modify-write of its word. A thread that clears the
//! bit does so by a read-modify-write as well, and afterwards reads `waiters`. One of the two
//! read-modify-writes comes first. If the sleeper's comes first, the other synchronises with it:
//! the clearing thread sees the waiter and changes `turns`, so the sleep ends. If the clearing
//! thread's comes first, the sleeper finds the bit cleared and does not sleep.

use crate::sys::sync::{AtomicU32, Ordering};

/// The threads that wait until one bit is cleared. A wait may end although the bit is set, so a
/// waiter looks at the bit again.
#[derive(Debug, Default)]
pub struct Parking {
    turns: AtomicU32,
    waiters: AtomicU32,
    #[cfg(loom)]
    bell: Bell,
}

impl Parking {
    /// Sleeps until `wake` is called. If `is_set` returns false, does not sleep. `is_set` has to
    /// look at the bit by a read-modify-write with AcqRel.
    pub fn sleep_while(&self, is_set: impl FnOnce() -> bool) {
        self.waiters.fetch_add(1, Ordering::AcqRel);
        let turn = self.turns.load(Ordering::Acquire);
        if is_set() {
            self.sleep(turn);
        }
        self.waiters.fetch_sub(1, Ordering::Relaxed);
    }

    /// Wakes all sleeping threads. Call this after a read-modify-write with AcqRel that cleared the
    /// bit.
    #[inline(always)]
    pub fn wake(&self) {
        if self.waiters.load(Ordering::Relaxed) != 0 && !crate::weakened!("unlock_wakes") {
            self.wake_all();
        }
    }
}

#[cfg(not(loom))]
impl Parking {
    #[cold]
    fn sleep(&self, turn: u32) {
        super::futex::wait(&self.turns, turn, None);
    }

    #[cold]
    fn wake_all(&self) {
        self.turns.fetch_add(1, Ordering::Release);
        super::futex::wake_all(&self.turns);
    }
}

/// Stands in for the system's sleep in models.
#[cfg(loom)]
#[derive(Debug, Default)]
struct Bell {
    lock: crate::sys::sync::Mutex<()>,
    rung: crate::sys::sync::Condvar,
}

#[cfg(loom)]
impl Parking {
    fn sleep(&self, turn: u32) {
        let mut lock = self.bell.lock.lock();
        if self.turns.load(Ordering::Relaxed) == turn {
            self.bell.rung.wait(&mut lock);
        }
    }

    fn wake_all(&self) {
        self.turns.fetch_add(1, Ordering::Release);
        drop(self.bell.lock.lock());
        self.bell.rung.notify_all();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_takes_eight_bytes_of_a_slot() {
        assert_eq!(size_of::<Parking>(), 8);
    }
}
