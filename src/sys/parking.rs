//! Where threads sleep until a bit that lies among other words' bits is cleared: a word of their own to sleep
//! on, because the word with the bit changes all the time.
//!
//! Lost wake-ups: who is going to sleep is counted, reads the turn, and then looks at the bit by a
//! read-modify-write of its word. Who clears the bit does that by one, too, and looks afterwards whether
//! somebody is counted. If the look came first, clearing synchronises with it: the sleeper is seen counted,
//! and the turn, which changes, is not the one that was read. Else the look finds the bit cleared.

use crate::sys::sync::{AtomicU32, Ordering};

/// Who waits for one bit. It may change for no reason of the waiter's, who looks again.
#[derive(Debug, Default)]
pub struct Parking {
    turns: AtomicU32,
    waiters: AtomicU32,
    #[cfg(loom)]
    bell: Bell,
}

impl Parking {
    /// Sleeps until `wake`, unless `is_set` says that the bit is cleared. It has to look by a
    /// read-modify-write that acquires and releases.
    pub fn sleep_while(&self, is_set: impl FnOnce() -> bool) {
        self.waiters.fetch_add(1, Ordering::AcqRel);
        let turn = self.turns.load(Ordering::Acquire);
        if is_set() {
            self.sleep(turn);
        }
        self.waiters.fetch_sub(1, Ordering::Relaxed);
    }

    /// Wakes all who sleep. After the bit was cleared by a read-modify-write that acquires and releases.
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

/// What a model has for the system's sleep.
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
