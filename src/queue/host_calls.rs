//! Calls of the host's functions: wake, veto and the others.
//!
//! 1. OWED is set by the thread that calls the host's wake. The pump clears OWED before it looks
//!    for work. So everything that comes after that look wakes the host again.
//! 2. A cancel may know a queue only by its id. It sets OWED by a compare-and-swap that fails for
//!    another generation. It compares the generation once more under the host's lock, where the
//!    next host's functions appear only after the generation has changed.

use crate::owner::Owners;
use crate::owner::owned::Owned;
use crate::queue::{GENERATION_SHIFT, HeldQueue, OWED, Queues, WANTED};
use crate::queue_id::QueueId;
use crate::sys::callout::Payload;
use crate::sys::host::Host;
use crate::sys::sync::Ordering;
use crate::sys::thread_identity;

impl Queues {
    /// Lets the host's functions be called from now on. Their owner, if there is one, has adopted
    /// the dispatcher already.
    pub fn set_host(&self, queue: HeldQueue<'_>, host: Host) {
        let cell = queue.cell;
        cell.has_veto.store(u32::from(host.has_veto()), Ordering::Relaxed);
        let wanted = if host.wants_wakes() { WANTED } else { 0 };
        let generation = queue.id().generation() << GENERATION_SHIFT;
        cell.waking.store(generation | wanted, Ordering::Release);
        cell.host.set(host);
    }

    /// Lets no further call of the host's functions begin. The payload comes back to be destroyed,
    /// unless a call is under way on another thread; then that call destroys it.
    pub fn forget_host(&self, queue: HeldQueue<'_>, payload: Option<Payload>) -> Option<Payload> {
        queue.cell.host.forget(payload)
    }

    /// The dispatcher's place with the owner of the host's functions.
    pub fn host_owned<'a>(&'a self, queue: HeldQueue<'a>) -> &'a Owned {
        &queue.cell.host_owned
    }

    /// Calls one of the host's functions by `call`, and returns its result. `None`: nothing was
    /// called, because the functions were forgotten or their owner is being closed.
    pub fn call_host<R>(
        &self,
        owners: &Owners,
        queue: HeldQueue<'_>,
        call: impl FnOnce(&Host) -> R,
    ) -> Option<R> {
        self.call_host_of(owners, queue.id(), call)
    }

    /// As `call_host`, for a queue that may be gone.
    pub fn call_host_of<R>(
        &self,
        owners: &Owners,
        queue: QueueId,
        call: impl FnOnce(&Host) -> R,
    ) -> Option<R> {
        let cell = self.cells.get(queue.number())?;
        let is_same =
            || cell.generation() == queue.generation() || crate::weakened!("wake_names_its_queue");
        let (host, entered) = cell.host.begin(is_same, || {
            // This is under the host's lock: the functions are forgotten before the dispatcher
            // parts from their owner.
            owners.enter(cell.host_owned.get(), thread_identity::current())
        })?;
        let result = entered.is_open.then(|| call(&host));
        let left = cell.host.end();
        if let Some(payload) = left.payload {
            payload.destroy();
        }
        owners.leave(entered);
        if left.is_removed {
            self.free(queue);
        }
        result
    }

    /// Tells the host that there is something to do, unless it was told since the last pump.
    pub fn wake(&self, owners: &Owners, queue: HeldQueue<'_>) {
        let waking = &queue.cell.waking;
        if waking.load(Ordering::Relaxed) & WANTED != 0
            && waking.fetch_or(OWED, Ordering::AcqRel) & OWED == 0
        {
            self.call_host(owners, queue, Host::wake);
        }
    }

    /// As `wake`, for a queue that may be gone. If it is gone, no host is told.
    pub fn wake_if_there(&self, owners: &Owners, queue: QueueId) {
        let Some(cell) = self.cells.get(queue.number()) else { return };
        // The id was made after the queue was, so the cell is at this generation or a later one.
        let mut now = cell.waking.load(Ordering::Relaxed);
        loop {
            let is_same = now >> GENERATION_SHIFT == queue.generation();
            if now & WANTED == 0 || !is_same && !crate::weakened!("wake_names_its_queue") {
                return;
            }
            let swap = cell.waking.compare_exchange_weak(
                now,
                now | OWED,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            match swap {
                Ok(before) if before & OWED == 0 => break,
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
        self.call_host_of(owners, queue, Host::wake);
    }

    /// Whether the pump has to ask the host before each job whether the job may run now.
    #[inline]
    pub fn has_veto(&self, queue: HeldQueue<'_>) -> bool {
        queue.cell.has_veto.load(Ordering::Relaxed) != 0
    }

    /// Asks the host, and answers whether it says "not now". False if its function can no longer be
    /// called.
    pub fn is_vetoed(&self, owners: &Owners, queue: HeldQueue<'_>) -> bool {
        self.call_host(owners, queue, Host::vetoes).unwrap_or(false)
    }
}
