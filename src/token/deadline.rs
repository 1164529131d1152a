//! Deadlines of tokens: a binary heap in which each token knows the place of its entry. So arming,
//! moving or disarming one of 100,000 deadlines takes a few steps and leaves nothing behind.
//!
//! Invariants, under the one lock:
//! 1. `TokenLive::deadline` is the place of the token's entry in the heap, counted from 1; NIL if
//!    it has none.
//! 2. An armed deadline holds no reference of its token. A dying token takes its entry out before
//!    its slot can be used again. So the token of an entry may be pinned by its index under this
//!    lock.
//! 3. A deadline is armed under its token's lock, and only while the token is not cancelled. A
//!    cancel looks for a deadline under the same lock. So no deadline of a cancelled token is left
//!    behind.
//!
//! Lock order: a token's lock, then this one, then the watchdog's or a foreign check's. Those two
//! are taken by the timer, which asks under this lock when it has to wake next.

use crate::error::Error;
use crate::memory::pool::NIL;
use crate::sys::fallible::{Late, OutOfMemory};
use crate::sys::sync::{Condvar, Mutex, Ordering, constructor};
use crate::token::cell::TokenSlots;

#[derive(Clone, Copy, Debug)]
struct Alarm {
    time_ns: u64,
    token: u32,
}

#[derive(Debug, Default)]
struct Heap {
    entries: Late<Vec<Alarm>>,
    stopped: bool,
}

#[derive(Debug)]
pub struct Deadlines {
    heap: Mutex<Heap>,
    changed: Condvar,
}

impl Heap {
    fn put(&mut self, slots: &TokenSlots, place: usize, entry: Alarm) {
        self.entries[place] = entry;
        slots.slot(entry.token).live().deadline.store(place as u32 + 1, Ordering::Relaxed);
    }

    /// Moves an entry to the place where it belongs in the heap.
    fn settle(&mut self, slots: &TokenSlots, mut place: usize) {
        let entry = self.entries[place];
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.entries[parent].time_ns <= entry.time_ns {
                break;
            }
            self.put(slots, place, self.entries[parent]);
            place = parent;
        }
        loop {
            let mut child = 2 * place + 1;
            if child >= self.entries.len() {
                break;
            }
            if child + 1 < self.entries.len()
                && self.entries[child + 1].time_ns < self.entries[child].time_ns
            {
                child += 1;
            }
            if self.entries[child].time_ns >= entry.time_ns {
                break;
            }
            self.put(slots, place, self.entries[child]);
            place = child;
        }
        self.put(slots, place, entry);
    }

    fn remove(&mut self, slots: &TokenSlots, place: usize) -> Alarm {
        let entries = Late::get_mut(&mut self.entries).expect("what is removed from was made");
        let removed = entries.swap_remove(place);
        slots.slot(removed.token).live().deadline.store(NIL, Ordering::Relaxed);
        if place < self.entries.len() {
            self.settle(slots, place);
        }
        removed
    }
}

impl Deadlines {
    constructor! {
        pub fn new() -> Self {
            let heap = Heap { entries: Late::new(), stopped: false };
            Self { heap: Mutex::new(heap), changed: Condvar::new() }
        }
    }

    /// Arms the deadline of a pinned token, or moves it. Returns whether one was armed before.
    pub fn arm(&self, slots: &TokenSlots, token: u32, time_ns: u64) -> Result<bool, Error> {
        let mut heap = self.heap.lock();
        if heap.stopped {
            return Err(Error::ShutDown);
        }
        let entry = Alarm { time_ns, token };
        let before = slots.slot(token).live().deadline.load(Ordering::Relaxed);
        let place = if before == NIL {
            let entries = heap.entries.get_or_make(|| Ok(Vec::new()))?;
            entries.try_reserve(1).map_err(|_| OutOfMemory)?;
            entries.push(entry);
            entries.len() - 1
        } else {
            heap.entries[before as usize - 1] = entry;
            before as usize - 1
        };
        heap.settle(slots, place);
        let first = heap.entries[0].token == token;
        drop(heap);
        if first {
            self.changed.notify_one();
        }
        Ok(before != NIL)
    }

    /// Disarms the deadline of a pinned or dying token. Returns whether one was armed.
    pub fn disarm(&self, slots: &TokenSlots, token: u32) -> bool {
        let place = &slots.slot(token).live().deadline;
        if place.load(Ordering::Relaxed) == NIL {
            return false;
        }
        let mut heap = self.heap.lock();
        let place = place.load(Ordering::Relaxed);
        if place != NIL && !crate::weakened!("disarm_takes_out") {
            heap.remove(slots, place as usize - 1);
        }
        place != NIL
    }

    /// The time of a pinned token's deadline. `None`: none is armed.
    pub fn of(&self, slots: &TokenSlots, token: u32) -> Option<u64> {
        let heap = self.heap.lock();
        let place = slots.slot(token).live().deadline.load(Ordering::Relaxed) as usize;
        Some(heap.entries[place.checked_sub(1)?].time_ns)
    }

    /// Takes out the first deadline that is over, and returns its token pinned. `None`: no deadline
    /// is over.
    pub fn pop_due(&self, slots: &TokenSlots, now_ns: u64) -> Option<u32> {
        let mut heap = self.heap.lock();
        while heap.entries.first()?.time_ns <= now_ns {
            let token = heap.entries[0].token;
            // The token is pinned before its entry is removed: once the entry is out, a dying token
            // does not wait for this lock.
            let is_late = crate::weakened!("expiry_pins_first");
            let pinned = !is_late && slots.pin_index(token);
            heap.remove(slots, 0);
            if pinned || is_late && slots.pin_index(token) {
                return Some(token);
            }
        }
        None
    }

    /// Lets the timer thread wait until a deadline is over, until the time that `at_most_until`
    /// returns, or until another thread wakes it. False: the heap was stopped. `at_most_until` is
    /// called under the lock, so that a `wake` after its answer is not lost.
    pub fn wait(&self, now_ns: u64, at_most_until: impl FnOnce() -> Option<u64>) -> bool {
        let mut heap = self.heap.lock();
        if heap.stopped {
            return false;
        }
        let first = heap.entries.first().map(|entry| entry.time_ns);
        match [first, at_most_until()].into_iter().flatten().min() {
            Some(time) if time <= now_ns => (),
            Some(time) => drop(self.changed.wait_until(&mut heap, time)),
            None => self.changed.wait(&mut heap),
        }
        !heap.stopped
    }

    /// Lets the timer thread, which sleeps in `wait`, look again at what is due.
    pub fn wake(&self) {
        let _heap = self.heap.lock();
        self.changed.notify_all();
    }

    /// From now on new deadlines are refused, and `wait` returns false.
    pub fn stop(&self) {
        let mut heap = self.heap.lock();
        heap.stopped = true;
        self.changed.notify_all();
    }

    /// After `stop`: takes a deadline out, and returns its token pinned. `None`: no deadline is
    /// armed any more.
    pub fn pop_stopped(&self, slots: &TokenSlots) -> Option<u32> {
        let mut heap = self.heap.lock();
        while let Some(last) = heap.entries.len().checked_sub(1) {
            let token = heap.entries[last].token;
            let pinned = slots.pin_index(token);
            heap.remove(slots, last);
            if pinned {
                return Some(token);
            }
        }
        drop(heap.entries.take());
        None
    }

    pub fn count(&self) -> usize {
        self.heap.lock().entries.len()
    }
}
