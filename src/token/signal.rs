//! The library's own actions when a token is cancelled: it wakes waiters and sets native events.
//! This is never foreign code, so it happens before any callback.
//!
//! Invariants:
//! 1. A waiter's outcome is written once. The first token that was cancelled or died decides it.
//! 2. A waiter's cell has one reference for the thread that waits, and one for each registration
//!    that may wake it. So a late wake-up never reaches another waiter.

use crate::error::Error;
use crate::memory::magazine::Shelved;
use crate::memory::pool::{Link, Pool};
use crate::sys::fallible::Late;
use crate::sys::native_event::{NativeEvent, Raw};
use crate::sys::sync::{AtomicU32, Condvar, Mutex, Ordering, constructor};

/// The token that ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WokenBy {
    /// Position of the token among the tokens waited for.
    pub position: u32,
    /// True: the token died without being cancelled.
    pub gone: bool,
}

/// How a wait for several tokens ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitOutcome {
    /// One of the tokens ended the wait.
    By(WokenBy),
    /// All tokens are sealed, so none of them can end the wait.
    Never,
}

/// The state of one waiter.
#[derive(Debug, Default)]
struct Awaiting {
    outcome: Option<WaitOutcome>,
    /// Number of tokens that may still end the wait. While the waiting thread registers with the
    /// tokens, it counts as one of them.
    expected: u32,
}

#[derive(Debug, Default)]
struct WaiterCell {
    next_free: AtomicU32,
    references: AtomicU32,
    waiting: Mutex<Awaiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct EventCell {
    next_free: AtomicU32,
    event: Mutex<Option<NativeEvent>>,
}

impl Link for WaiterCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

impl Link for EventCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

/// The table of all waiters and events.
#[derive(Debug)]
pub struct Signals {
    waiters: Pool<WaiterCell>,
    events: Pool<EventCell>,
    /// One event that is never set, shared by all callers that ask for the event of no token.
    never: Mutex<Late<NativeEvent>>,
}

impl Signals {
    constructor! {
        /// A table without waiters and events.
        pub fn new() -> Self {
            Self { waiters: Pool::new(), events: Pool::new(), never: Mutex::new(Late::new()) }
        }
    }

    /// Calls `each` with each pool of this table of which threads keep free cells ready (a
    /// magazine).
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(&self.waiters);
    }

    /// Makes a waiter with one reference, for the thread that will wait. Returns its number.
    pub fn new_waiter(&self) -> Result<u32, Error> {
        let (number, cell) =
            self.waiters.take().map_err(|_| Error::Resources("memory for waiting"))?;
        *cell.waiting.lock() = Awaiting { outcome: None, expected: 1 };
        cell.references.store(1, Ordering::Relaxed);
        Ok(number)
    }

    /// Adds a reference to a waiter for one more token that may end the wait. The caller has a
    /// reference already.
    pub fn share_waiter(&self, number: u32) {
        let cell = self.waiters.cell(number);
        cell.references.fetch_add(1, Ordering::Relaxed);
        cell.waiting.lock().expected += 1;
    }

    /// Notes that one token fewer can end the wait. If it was the last, the wait ends with `Never`.
    pub fn expect_one_less(&self, number: u32) {
        let cell = self.waiters.cell(number);
        let mut waiting = cell.waiting.lock();
        waiting.expected -= 1;
        if waiting.expected > 0 {
            return;
        }
        waiting.outcome.get_or_insert(WaitOutcome::Never);
        drop(waiting);
        cell.changed.notify_all();
    }

    /// Drops a reference of a waiter.
    pub fn release_waiter(&self, number: u32) {
        if self.waiters.cell(number).references.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiters.free(number);
        }
    }

    /// Ends the wait of a waiter, unless it has ended already. `outcome` is the token that ended
    /// it.
    pub fn wake(&self, number: u32, outcome: WokenBy) {
        let cell = self.waiters.cell(number);
        cell.waiting.lock().outcome.get_or_insert(WaitOutcome::By(outcome));
        cell.changed.notify_all();
    }

    /// Waits until the wait of a waiter has ended, until a time on the library's clock, or for
    /// ever. `None`: the time has come first.
    pub fn wait(&self, number: u32, until_ns: Option<u64>) -> Option<WaitOutcome> {
        let cell = self.waiters.cell(number);
        let mut slot = cell.waiting.lock();
        loop {
            if slot.outcome.is_some() {
                return slot.outcome;
            }
            if crate::weakened!("wait_looks_under_lock") {
                drop(slot);
                slot = cell.waiting.lock();
            }
            match until_ns {
                None => cell.changed.wait(&mut slot),
                Some(time) => {
                    if cell.changed.wait_until(&mut slot, time) {
                        return slot.outcome;
                    }
                }
            }
        }
    }

    /// A duplicate of an event that is never set.
    pub fn never_set(&self) -> Result<Raw, Error> {
        let none_left = || Error::Resources("file descriptors or handles for native events");
        let mut never = self.never.lock();
        let event = match never.get() {
            Some(event) => event,
            None => {
                let event = NativeEvent::new().map_err(|_| none_left())?;
                never.get_or_make(|| Ok(event))?
            }
        };
        event.duplicate().map_err(|_| none_left())
    }

    /// A native event that is set already and belongs to the caller alone.
    pub fn already_set(&self) -> Result<Raw, Error> {
        let none_left = |_| Error::Resources("file descriptors or handles for native events");
        let event = NativeEvent::new().map_err(none_left)?;
        event.set();
        event.duplicate().map_err(none_left)
    }

    /// Keeps a native event for a token, and returns the event's number.
    pub fn add_event(&self, event: NativeEvent) -> Result<u32, Error> {
        let (number, cell) =
            self.events.take().map_err(|_| Error::Resources("memory for native events"))?;
        *cell.event.lock() = Some(event);
        Ok(number)
    }

    /// A duplicate of a kept event, which belongs to the caller.
    pub fn duplicate(&self, number: u32) -> Result<Raw, Error> {
        let event = self.events.cell(number).event.lock();
        event
            .as_ref()
            .and_then(|event| event.duplicate().ok())
            .ok_or(Error::Resources("file descriptors or handles for native events"))
    }

    /// Forgets and closes a kept event that will never be set.
    pub fn forget_event(&self, number: u32) {
        *self.events.cell(number).event.lock() = None;
        self.events.free(number);
    }

    /// Sets an event and forgets it. Its duplicates stay set.
    pub fn set_event(&self, number: u32) {
        let event = self.events.cell(number).event.lock().take();
        self.events.free(number);
        if let Some(event) = event {
            event.set();
        }
    }
}
