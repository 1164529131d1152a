//! Who waits for whom: threads that wait until others have left a plugin's functions.
//!
//! One lock over all waits, so that of several threads that would close a ring the last one sees
//! the ring. A thread waits for one blocker at a time; a blocker is left by the threads that run
//! it. A running thread can only begin to wait, never be waited for by running more while it
//! waits, so a ring comes into being only where an edge is added.
//!
//! Lock order: this lock, then an owner's.

use crate::error::Error;
use crate::sys::memory::{Late, OutOfMemory};
use crate::sys::sync::{Condvar, Mutex};

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// A registration that runs; its index.
    Registration(u32),
    /// An owner whose functions run; its index.
    Owner(u32),
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    waiter: u64,
    blocker: Blocker,
}

/// What the graph has to know of what runs.
pub trait Running {
    /// Calls `each` with every thread that runs the blocker now.
    fn threads(&self, blocker: Blocker, each: &mut dyn FnMut(u64));
    /// Whether there is nothing left to wait for.
    fn is_over(&self, blocker: Blocker) -> bool;
}

/// All waits.
#[derive(Debug)]
pub struct WaitGraph {
    edges: Mutex<Late<Vec<Edge>>>,
    changed: Condvar,
}

impl WaitGraph {
    /// Nobody waits.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { edges: Mutex::new(Late::new()), changed: Condvar::new() }
    }

    /// Nobody waits.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { edges: Mutex::new(Late::new()), changed: Condvar::new() }
    }

    /// Waits until a blocker is over; at once `WouldDeadlock` if that would wait for `thread`.
    pub fn wait(&self, running: &impl Running, thread: u64, blocker: Blocker) -> Result<(), Error> {
        let mut lock = self.edges.lock();
        if running.is_over(blocker) {
            return Ok(());
        }
        let edges = lock.get_or_make(|| Ok(Vec::new()))?;
        if !crate::weakened!("wait_graph") && leads_to(running, edges, blocker, thread)? {
            return Err(Error::WouldDeadlock);
        }
        edges.try_reserve(1).map_err(|_| OutOfMemory)?;
        edges.push(Edge { waiter: thread, blocker });
        while !running.is_over(blocker) {
            self.changed.wait(&mut lock);
        }
        if let Some(edges) = Late::get_mut(&mut lock) {
            edges.retain(|edge| edge.waiter != thread);
        }
        Ok(())
    }

    /// Lets all waiters look again. Whatever made a blocker be over was done before.
    pub fn wake(&self) {
        let _edges = self.edges.lock();
        self.changed.notify_all();
    }
}

/// Whether a blocker is run by `thread` or by one that waits, over however many others, for it.
fn leads_to(
    running: &impl Running,
    edges: &[Edge],
    blocker: Blocker,
    thread: u64,
) -> Result<bool, Error> {
    let mut reached: Vec<Blocker> = Vec::new();
    reached.try_reserve(edges.len() + 1).map_err(|_| OutOfMemory)?;
    reached.push(blocker);
    let mut looked_at = 0;
    while let Some(&next) = reached.get(looked_at) {
        looked_at += 1;
        let mut found = false;
        running.threads(next, &mut |runner| {
            found |= runner == thread;
            for edge in edges.iter().filter(|edge| edge.waiter == runner) {
                if !reached.contains(&edge.blocker) {
                    reached.push(edge.blocker);
                }
            }
        });
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
