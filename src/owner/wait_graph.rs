//! The graph of waits: threads that wait until other threads have left something, or have come to
//! it. A blocker is what a thread waits for. The threads inside a blocker have to leave it, or look
//! after it.
//!
//! 1. One lock covers all waits. So of several threads that would close a ring together, the last
//!    one sees the ring.
//! 2. A thread begins a wait before it changes anything. If the wait would lead back to the thread,
//!    it is refused, and nothing has changed. From then on the thread counts as waiting, although
//!    it may run functions of plugins until it sleeps. So a wait that has begun can be kept up to
//!    its end, and a later wait that would close a ring is refused instead.
//! 3. A thread inside a blocker holds the blocker up only by waits that began after the thread got
//!    in. If it gets into a blocker during a wait, it leaves the blocker before it sleeps for that
//!    wait. So waits are numbered, and a thread that gets in notes how many waits had begun.
//! 4. A thread that waits is inside the jobs that are current on it, and holds up their ends. It
//!    names these jobs when the wait begins. The jobs that are current on threads that do not wait
//!    need not be known.
//! 5. A wait that no other wait leads to is not part of a ring. A thread that sleeps gets into
//!    nothing. So a ring can appear only when an edge is added: when a wait begins (`begin`), or
//!    learns later what else it waits for (`also`).
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
    /// The thread of a dispatcher, which has to come back to its queue. The waiting thread keeps
    /// the queue from going away.
    Dispatcher(QueueId),
    /// A posted job that runs on another thread than its dispatcher's; its number.
    Posted(u32),
    /// The end of a job. A waiting thread on which the job is current holds it up. If the job is
    /// posted, its dispatcher's thread and the thread that runs it hold it up, too.
    Job {
        job: Handle,
        /// The id of the posted job; 0 if it is not posted.
        posted: u64,
    },
    /// Something that no thread is known to be inside of, such as a token's cancel.
    Unknown,
}

/// A thread inside a blocker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    pub thread: u64,
    /// Number of waits that had ever begun when the thread got in (invariant 3).
    pub waits_before: u64,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    waiter: u64,
    blocker: Blocker,
    number: u64,
    since_ns: u64,
    /// State of this edge in the present search for a ring.
    look: Look,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// In this search nothing has led to the edge so far.
    NotReached,
    /// The search has come to the edge. The threads inside its blocker are still to be looked at.
    Reached,
    /// All threads inside the edge's blocker were looked at.
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
    /// Number of the thread's wait.
    number: u64,
    job: Handle,
}

impl Blank for Within {
    const BLANK: Self = Self { number: 0, job: NULL };
}

impl Blank for Inside {
    const BLANK: Self = Self { thread: 0, waits_before: 0 };
}

/// Number of waits at a time that need no memory. No process has so many threads that wait for each
/// other.
#[cfg(not(loom))]
const PLACES: usize = 64;
#[cfg(loom)]
const PLACES: usize = 2; // A model has no stack for more.

#[derive(Debug)]
struct Waits {
    edges: Few<Edge, PLACES>,
    within: Few<Within, PLACES>,
}

/// A wait that has begun. `sleep` or `end` has to end it.
#[derive(Debug)]
#[must_use = "it has to be ended"]
pub struct Wait {
    waiter: u64,
    blocker: Blocker,
    number: u64,
}

/// The part of the library that knows which threads are inside which blocker.
pub trait Running {
    /// Calls `each` with each thread that is inside the blocker now. False: there may be more
    /// threads.
    fn inside(&self, blocker: Blocker, each: &mut dyn FnMut(Inside)) -> bool;
    /// Whether a thread that sleeps in this graph for the blocker may go on. Always true for a
    /// blocker whose waiters do not sleep in this graph.
    fn is_over(&self, blocker: Blocker) -> bool;
}

/// All waits that have begun and not ended.
#[derive(Debug)]
pub struct WaitGraph {
    waits: Mutex<Waits>,
    changed: Condvar,
    begun: AtomicU64,
}

impl WaitGraph {
    constructor! {
        pub fn new() -> Self {
            let waits = Waits { edges: Few::new(), within: Few::new() };
            Self { waits: Mutex::new(waits), changed: Condvar::new(), begun: AtomicU64::new(0) }
        }
    }

    /// Number of waits that have ever begun. A thread sees at least all its own waits.
    #[inline]
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Begins a wait of this thread. `WouldDeadlock`: the thread would wait for itself, and nothing
    /// has happened.
    pub fn begin(
        &self,
        running: &impl Running,
        thread: u64,
        blocker: Blocker,
    ) -> Result<Wait, Error> {
        self.begin_within(running, thread, blocker, [])
    }

    /// As `begin`, for a thread on which these jobs are current.
    pub fn begin_within(
        &self,
        running: &impl Running,
        thread: u64,
        blocker: Blocker,
        jobs: impl IntoIterator<Item = Handle>,
    ) -> Result<Wait, Error> {
        let mut waits = self.waits.lock();
        // Numbers are given out under the lock. The word is atomic for threads that read it without
        // the lock.
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

    /// Notes that a wait that has begun also waits for `blocker`. `WouldDeadlock`: its thread would
    /// wait for itself, so the caller has to end the wait.
    pub fn also(&self, running: &impl Running, wait: &Wait, blocker: Blocker) -> Result<(), Error> {
        self.waits.lock().add(running, wait, blocker)
    }

    /// Sleeps until the blocker that the wait began with is over, and ends the wait.
    pub fn sleep(&self, running: &impl Running, wait: Wait) {
        let mut waits = self.waits.lock();
        while !running.is_over(wait.blocker) {
            self.changed.wait(&mut waits);
        }
        waits.forget(&wait);
    }

    /// Ends a wait whose thread does not sleep in this graph.
    pub fn end(&self, wait: Wait) {
        self.forget(&wait);
    }

    pub(crate) fn forget(&self, wait: &Wait) {
        self.waits.lock().forget(wait);
    }

    /// The time since which a thread has waited for something; 0 if it does not wait.
    pub fn since_ns(&self, thread: u64) -> u64 {
        let waits = self.waits.lock();
        let edges = waits.edges.iter();
        edges.filter(|edge| edge.waiter == thread).map(|edge| edge.since_ns).min().unwrap_or(0)
    }

    /// Lets all threads that sleep in `sleep` look again. Called after a blocker has become over.
    pub fn wake(&self) {
        let _waits = self.waits.lock();
        self.changed.notify_all();
    }
}

impl Waits {
    /// Notes the jobs that are current on the thread of wait `number`. Error: there is no memory.
    fn enter(&mut self, number: u64, jobs: impl IntoIterator<Item = Handle>) -> Result<(), Error> {
        let mut jobs = jobs.into_iter();
        if crate::weakened!("waits_know_their_jobs") {
            return Ok(());
        }
        let has_room = jobs.all(|job| self.within.push(Within { number, job }));
        if has_room { Ok(()) } else { Err(OutOfMemory.into()) }
    }

    /// Notes that a wait waits for `blocker`. Error: that would lead back to the wait's own thread,
    /// or there is no memory.
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

    /// Whether `blocker` leads back to the thread of `wait`: that thread is inside it, or a thread
    /// inside it waits for that thread, directly or over others. Error: for lack of memory not all
    /// threads inside a blocker are known.
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
            // This blocker is finished, even if another edge leads to it later.
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
