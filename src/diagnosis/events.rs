//! Events for observers outside of the library. Changes of state go into a bounded ring for each
//! observer, which the observer drains when it likes. The library calls no observer, and keeps
//! nothing while there is none.
//!
//! A full ring loses its oldest events and counts them, because what is happening now matters more.
//! The thread whose push removes an event also counts it, so each event is either drained or
//! counted, once. Lost events are older than all events in the ring. So a drain reports a loss
//! before it passes on the rest of the ring. It may report a loss that happens during the drain a
//! little later, but never leaves one out.
//!
//! No push takes a lock. A ring is lent to a thread that pushes, and the end of the observer waits
//! until the ring is given back. So a poll that emits an event waits at most for another thread
//! that is between two steps of a push.

use crate::diagnosis::details::SharedDetails;
use crate::error::Error;
use crate::handle::{Handle, Kind};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::cut_text::CutText;
use crate::memory::pin::{Keeper, Pin};
use crate::memory::slot::{Holder, Slot};
use crate::sys::allocator::with_reserve;
use crate::sys::fallible;
use crate::sys::lendable::Lendable;
use crate::sys::sync::{ArrayQueue, AtomicU64, Ordering, constructor};

/// What an event tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum EventKind {
    /// Events were lost before this one; `count` says how many.
    #[default]
    Overflow = 1,
    TokenCancelled = 2,
    /// A job has changed its state.
    JobState = 3,
    /// A thread of a job saw for the first time that the job was cancelled.
    CancelSeen = 4,
    /// No thread of a cancelled job has seen the cancel for too long.
    SlowCancel = 5,
    /// A peer has cancelled one of its requests.
    RequestCancelled = 6,
    /// The host's check of a running job was not asked for too long.
    CheckNotAsked = 7,
    /// A job or a request was sealed.
    Sealed = 8,
}

/// Maximum number of bytes of an event's text.
pub const EVENT_TEXT: usize = 120;

/// A copy of a text, cut to `EVENT_TEXT` bytes.
pub type EventText = CutText<EVENT_TEXT>;

/// One event. Fields that its kind does not use are 0.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// What the event tells of.
    pub kind: EventKind,
    /// The time of the event, on the library's clock.
    pub time_ns: u64,
    /// The id of the job that the event is about.
    pub job_id: u64,
    /// The handle of the token that the event is about, only for comparison: the event holds no
    /// reference, so the token may be dead.
    pub token: Handle,
    /// The system's number of the thread that caused the event.
    pub thread: u64,
    /// The new state of the job, as a number of `JobState`.
    pub state: u32,
    /// Why the token was cancelled, as a number of `Cause`.
    pub cause: u32,
    /// The time since the cancel, or how long a check was not asked.
    pub duration_ns: u64,
    /// How many events were lost.
    pub count: u64,
    /// The reason of a cancel or the label of a job, cut to [`EVENT_TEXT`] bytes.
    pub text: EventText,
    /// Further facts for which `text` has no room.
    pub details: SharedDetails,
}

#[derive(Debug)]
struct EventRing {
    events: ArrayQueue<Event>,
    lost: AtomicU64,
}

impl EventRing {
    fn new(capacity: usize) -> Result<Box<Self>, Error> {
        // The queue stores a stamp beside each event.
        let bytes = capacity * (size_of::<Event>() + size_of::<u64>());
        #[allow(clippy::disallowed_methods, reason = "called with what it needs")]
        let events = || ArrayQueue::new(capacity);
        with_reserve([bytes], events)
            .and_then(|events| fallible::try_box(Self { events, lost: AtomicU64::new(0) }))
            .map_err(|_| Error::Resources("memory for events"))
    }

    fn push(&self, event: Event) {
        if self.events.force_push(event).is_some() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns how many events were lost since the last call, and counts from 0 again.
    fn take_lost(&self) -> u64 {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost == 0 {
            return 0;
        }
        if crate::weakened!("lost_are_taken_at_once") {
            self.lost.store(0, Ordering::Relaxed);
            return lost;
        }
        self.lost.swap(0, Ordering::Relaxed)
    }
}

/// The parts of an observer that are written while it lives.
#[derive(Debug, Default)]
pub struct ObserverLive {
    ring: Lendable<EventRing>,
}

impl LivePart for ObserverLive {
    const KIND: Kind = Kind::Observer;
    const NONE_LEFT: &'static str = "observer slots or memory for them; release observers";
}

/// An observer that is pinned.
pub type ObserverPin<'a> = Pin<'a, &'a Observers>;

/// All observers, and how many there are.
#[derive(Debug)]
pub struct Observers {
    arena: Arena<(), ObserverLive>,
    count: AtomicU64,
}

impl<'a> Keeper<'a> for &'a Observers {
    type Cold = ();
    type Live = ObserverLive;

    fn arena(self) -> &'a Arena<(), ObserverLive> {
        &self.arena
    }

    fn bury_slot(self, index: u32, slot: &'a Slot<(), ObserverLive>) {
        let ring = slot.live().ring.replace(None);
        self.arena.bury(index, slot);
        self.count.fetch_sub(1, Ordering::Relaxed);
        drop(ring);
    }
}

impl Observers {
    constructor! {
        pub fn new() -> Self {
            Self { arena: Arena::new(), count: AtomicU64::new(0) }
        }
    }

    /// Creates an observer whose ring has room for `capacity` events.
    pub fn create(&self, capacity: usize) -> Result<Handle, Error> {
        let ring = EventRing::new(capacity)?;
        let (index, slot) = self.arena.take()?;
        slot.live().ring.replace(Some(ring));
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(self.arena.publish(index, slot, 0, Holder::Owner))
    }

    /// Adds a reference of C code.
    pub fn retain(&self, observer: Handle) -> Result<(), Error> {
        self.arena.retain(observer)
    }

    /// Releases a reference of C code; the last one ends the observer.
    pub fn release(&self, observer: Handle) -> Result<(), Error> {
        if let Some((index, slot)) = self.arena.release(observer)? {
            self.bury_slot(index, slot);
        }
        Ok(())
    }

    /// Whether there is an observer. If not, no event needs to be made.
    #[inline]
    pub fn any(&self) -> bool {
        self.count.load(Ordering::Relaxed) != 0
    }

    /// Gives every observer an event, which is only made if there is an observer.
    pub fn emit(&self, event: impl FnOnce() -> Event) {
        if !self.any() {
            return;
        }
        let event = event();
        for (_, slot) in self.arena.slots() {
            if let Some(ring) = slot.live().ring.lend() {
                ring.push(event.clone());
            }
        }
    }

    /// Takes up to `most` events out of the observer's ring, oldest first, and passes each to
    /// `each` with its position, from 0. A loss is passed as an event of kind `Overflow`, with the
    /// time `now_ns`, before the events that are still in the ring. Returns how many events were
    /// passed.
    pub fn drain(
        &self,
        observer: &ObserverPin<'_>,
        now_ns: u64,
        most: usize,
        mut each: impl FnMut(usize, &Event),
    ) -> usize {
        let Some(ring) = observer.slot().live().ring.lend() else { return 0 };
        let mut count = 0;
        while count < most {
            let lost = ring.take_lost();
            if lost > 0 {
                let kind = EventKind::Overflow;
                each(count, &Event { kind, time_ns: now_ns, count: lost, ..Event::default() });
            } else {
                let Some(event) = ring.events.pop() else { break };
                each(count, &event);
            }
            count += 1;
        }
        count
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_loses_the_oldest_and_says_so_first() {
        static OBSERVERS: Observers = Observers::new();
        let numbered = |number| {
            move || Event { kind: EventKind::JobState, job_id: number, ..Event::default() }
        };
        OBSERVERS.emit(|| unreachable!("nobody observes"));
        let handle = OBSERVERS.create(3).unwrap();
        let observer = ObserverPin::new(&OBSERVERS, handle).unwrap();
        for number in 1..=5 {
            OBSERVERS.emit(numbered(number));
        }
        let mut seen = Vec::new();
        let count = OBSERVERS.drain(&observer, 9, 3, |_, event| {
            seen.push((event.kind, event.job_id, event.count));
        });
        assert_eq!(count, 3);
        let state = EventKind::JobState;
        assert_eq!(seen, [(EventKind::Overflow, 0, 2), (state, 3, 0), (state, 4, 0)]);
        assert_eq!(OBSERVERS.drain(&observer, 9, 3, |_, event| assert_eq!(event.job_id, 5)), 1);
        drop(observer);
        OBSERVERS.release(handle).unwrap();
        OBSERVERS.emit(|| unreachable!("nobody observes any more"));
    }
}
