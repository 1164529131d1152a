//! Who waits for whom: threads that wait until others have left something, or come to it.
//!
//! One lock over all waits, so that of several threads that would close a ring the last one sees the
//! ring. A blocker is left, or looked after, by the threads inside it. A thread begins a wait before it
//! changes anything, and is refused there, with nothing changed, if the wait would lead back to it; from
//! then on it counts as waiting, although it may run functions of plugins until it sleeps. So whoever
//! began can keep it up to the end, and a later one that would close a ring is refused instead.
//!
//! A thread inside a blocker holds it up by those of its waits only that began after it got in: it leaves
//! what it entered during a wait before it sleeps for it. So waits are numbered, and whoever gets in
//! notes how many had begun.
//!
//! A thread that waits is inside the jobs that are current on it, and holds up their ends. It tells them when
//! the wait begins; what threads that do not wait have current need not be known.
//!
//! A wait that nobody else's wait leads to cannot be part of a ring. A thread that sleeps enters nothing,
//! so a ring comes into being only where a wait begins, or finds out later what it waits for.
//!
//! Lock order: this lock, then an owner's.

use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::memory::few::{Blank, Few};
use crate::queue_id::QueueId;
use crate::sys::clock;
use crate::sys::fallible::OutOfMemory;
use crate::sys::sync::{AtomicU64, Condvar, Mutex, Ordering, constructor};

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// A registration that runs; its index.
    Registration(u32),
    /// An owner whose functions run; its index.
    Owner(u32),
    /// The thread of a dispatcher, which has to come to its queue; who waits keeps that from going.
    Dispatcher(QueueId),
    /// A posted job that runs on another thread than its dispatcher's; its number.
    Posted(u32),
    /// The end of a job. A thread that has it current and waits holds that up; if it is posted, its
    /// dispatcher's thread, and who runs it, do as well.
    Job {
        /// The job.
        job: Handle,
        /// What it is posted as; 0 if it is not.
        posted: u64,
    },
    /// What no thread is known to be inside of, such as a token's cancel.
    Unknown,
}

/// A thread inside a blocker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// The thread.
    pub thread: u64,
    /// How many waits had begun when it got in.
    pub waits_before: u64,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    waiter: u64,
    blocker: Blocker,
    number: u64,
    since_ns: u64,
    /// How far the present look for a ring is with it.
    look: Look,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Nothing leads to it so far.
    NotReached,
    /// Something does; who is inside its blocker is still to be found out.
    Reached,
    /// Whoever is inside its blocker was looked at.
    Done,
}

impl Blank for Edge {
    const BLANK: Self = Self {
        waiter: 0,
        blocker: Blocker::Registration(0),
        number: 0,
        since_ns: 0,
        look: Look::NotReached,
    };
}

/// A job that is current on a thread that waits.
#[derive(Clone, Copy, Debug)]
struct Within {
    /// The thread's wait.
    number: u64,
    job: Handle,
}

impl Blank for Within {
    const BLANK: Self = Self { number: 0, job: NULL };
}

impl Blank for Inside {
    const BLANK: Self = Self { thread: 0, waits_before: 0 };
}

/// So many waits at a time need no memory: more than a process has threads that wait for each other.
#[cfg(not(loom))]
const PLACES: usize = 64;
#[cfg(loom)]
const PLACES: usize = 2; // A model has no stack for more.

#[derive(Debug)]
struct Waits {
    edges: Few<Edge, PLACES>,
    within: Few<Within, PLACES>,
}

/// A wait that has begun.
#[derive(Debug)]
#[must_use = "it has to be ended"]
pub struct Wait {
    waiter: u64,
    blocker: Blocker,
    number: u64,
}

/// What the graph has to know of what runs.
pub trait Running {
    /// Calls `each` with every thread inside the blocker now. False: there may be more.
    fn inside(&self, blocker: Blocker, each: &mut dyn FnMut(Inside)) -> bool;
    /// Whether there is nothing left to wait for.
    fn is_over(&self, blocker: Blocker) -> bool;
}

/// All waits.
#[derive(Debug)]
pub struct WaitGraph {
    waits: Mutex<Waits>,
    changed: Condvar,
    begun: AtomicU64,
}

impl WaitGraph {
    constructor! {
        /// Nobody waits.
        pub fn new() -> Self {
            let waits = Waits { edges: Few::new(), within: Few::new() };
            Self { waits: Mutex::new(waits), changed: Condvar::new(), begun: AtomicU64::new(0) }
        }
    }

    /// How many waits have begun. Of its own waits a thread sees all.
    #[inline]
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Begins a wait of this thread. `WouldDeadlock`, and nothing happened: it would wait for itself.
    pub fn begin(
        &self,
        running: &impl Running,
        thread: u64,
        blocker: Blocker,
    ) -> Result<Wait, Error> {
        self.begin_within(running, thread, blocker, [])
    }

    /// As `begin`, of a thread on which these jobs are current.
    pub fn begin_within(
        &self,
        running: &impl Running,
        thread: u64,
        blocker: Blocker,
        jobs: impl IntoIterator<Item = Handle>,
    ) -> Result<Wait, Error> {
        let mut waits = self.waits.lock();
        // Numbers are given out under the lock; the atomic is for those who look.
        let number = self.begun.load(Ordering::Relaxed) + 1;
        let wait = Wait { waiter: thread, blocker, number };
        let begun = waits.enter(number, jobs).and_then(|()| waits.add(running, &wait, blocker));
        if let Err(error) = begun {
            waits.forget(&wait);
            return Err(error);
        }
        self.begun.store(number, Ordering::Relaxed);
        Ok(wait)
    }

    /// Notes what else a wait waits for. `WouldDeadlock`: for itself; it has to end.
    pub fn also(&self, running: &impl Running, wait: &Wait, blocker: Blocker) -> Result<(), Error> {
        self.waits.lock().add(running, wait, blocker)
    }

    /// Sleeps until what a wait began with is over, and ends it.
    pub fn sleep(&self, running: &impl Running, wait: Wait) {
        let mut waits = self.waits.lock();
        while !running.is_over(wait.blocker) {
            self.changed.wait(&mut waits);
        }
        waits.forget(&wait);
    }

    /// Ends a wait.
    pub fn end(&self, wait: Wait) {
        self.forget(&wait);
    }

    pub(crate) fn forget(&self, wait: &Wait) {
        self.waits.lock().forget(wait);
    }

    /// Since when a thread has waited for something; 0 while it does not.
    pub fn since_ns(&self, thread: u64) -> u64 {
        let waits = self.waits.lock();
        let edges = waits.edges.iter();
        edges.filter(|edge| edge.waiter == thread).map(|edge| edge.since_ns).min().unwrap_or(0)
    }

    /// Lets all waiters look again. Whatever made a blocker be over was done before.
    pub fn wake(&self) {
        let _waits = self.waits.lock();
        self.changed.notify_all();
    }
}

impl Waits {
    /// Notes which jobs are current on the thread of a wait.
    fn enter(&mut self, number: u64, jobs: impl IntoIterator<Item = Handle>) -> Result<(), Error> {
        let mut jobs = jobs.into_iter();
        if crate::weakened!("waits_know_their_jobs") {
            return Ok(());
        }
        let has_room = jobs.all(|job| self.within.push(Within { number, job }));
        if has_room { Ok(()) } else { Err(OutOfMemory.into()) }
    }

    /// Notes what a wait waits for, unless that leads back to its thread.
    fn add(&mut self, running: &impl Running, wait: &Wait, blocker: Blocker) -> Result<(), Error> {
        if self.leads_to(running, blocker, wait)? {
            return Err(Error::WouldDeadlock);
        }
        let Wait { waiter, number, .. } = *wait;
        let since_ns = clock::now_ns();
        let edge = Edge { waiter, blocker, number, since_ns, look: Look::NotReached };
        if self.edges.push(edge) { Ok(()) } else { Err(OutOfMemory.into()) }
    }

    fn forget(&mut self, wait: &Wait) {
        self.edges.retain(|edge| edge.number != wait.number);
        if !self.within.is_empty() {
            self.within.retain(|within| within.number != wait.number);
        }
    }

    /// Whether inside a blocker is the thread of a wait, or one that waits, over however many others, for it.
    fn leads_to(
        &mut self,
        running: &impl Running,
        blocker: Blocker,
        wait: &Wait,
    ) -> Result<bool, Error> {
        if blocker == Blocker::Unknown || crate::weakened!("wait_graph") {
            return Ok(false);
        }
        let Self { edges, within } = self;
        edges.iter_mut().for_each(|edge| edge.look = Look::NotReached);
        let mut next = Some(blocker);
        while let Some(blocker) = next {
            let mut found = false;
            let are_all_known = running.inside(blocker, &mut |inside| {
                found |= inside.thread == wait.waiter;
                for edge in edges.iter_mut() {
                    let is_held_up = edge.waiter == inside.thread
                        && (edge.number > inside.waits_before
                            || crate::weakened!("waits_are_numbered"));
                    edge.reach(is_held_up);
                }
            });
            if let Blocker::Job { job, .. } = blocker {
                for within in within.iter().filter(|within| within.job == job) {
                    found |= within.number == wait.number;
                    edges.iter_mut().for_each(|edge| edge.reach(edge.number == within.number));
                }
            }
            if found {
                return Ok(true);
            }
            if !are_all_known {
                return Err(OutOfMemory.into());
            }
            // That one need not be looked at again, whatever else leads to it.
            for edge in edges.iter_mut().filter(|edge| edge.blocker == blocker) {
                edge.look = Look::Done;
            }
            let reached = edges.iter().find(|edge| edge.look == Look::Reached);
            next = reached.map(|edge| edge.blocker);
        }
        Ok(false)
    }
}

impl Edge {
    fn reach(&mut self, is_held_up: bool) {
        if is_held_up && self.look == Look::NotReached {
            self.look = Look::Reached;
        }
    }
}
