//! Waiting for the end of a job, which may be a posted one. A worker of the library runs such a job
//! itself instead of waiting for it: if all workers waited, none would be left to run the jobs that
//! they wait for.

use crate::dispatcher::Dispatchers;
use crate::error::Error;
use crate::handle::Handle;
use crate::job::wait::{EndWaited, Waiter};
use crate::queue::posted::PostedId;
use crate::sys::host::Host;
use crate::sys::{clock, thread_identity};
use crate::thread::context::ThisThread;
use crate::thread::current::ThreadSlots;

impl<'a> Dispatchers<'a> {
    /// Waits until a job has ended and its completion has run, at most until `until_ns` on the
    /// library's clock; `None`: without a limit. `slots`: those of this thread; `None`: this thread
    /// has none.
    pub fn wait_for_end(
        self,
        slots: Option<&ThreadSlots<'a>>,
        job: Handle,
        until_ns: Option<u64>,
    ) -> Result<EndWaited, Error> {
        let jobs = slots.into_iter().flat_map(ThreadSlots::jobs);
        let asker = slots.map(|slots| slots.asker(self.tokens())).unwrap_or_default();
        let waiter = Waiter { jobs, asker };
        self.jobs().wait_for_end(job, until_ns, waiter, |posted| {
            if !self.workers().has(thread_identity::current()) || self.is_for_hosts_pool(posted) {
                return;
            }
            let has_time = || until_ns.is_none_or(|time| clock::now_ns() < time);
            let thread =
                slots.and_then(|slots| Some(ThisThread { slots, record: slots.record()? }));
            let Some(thread) = thread else { return };
            while has_time() && self.run_slice_elsewhere(thread, posted, false) {}
        })
    }

    /// Whether a posted job would run in the host's own pool. True also for a job that is over.
    fn is_for_hosts_pool(self, posted: PostedId) -> bool {
        let Some(queue) = self.queues().queue_of(posted) else { return true };
        self.queues().call_host_of(self.owners(), queue, Host::executes) == Some(true)
    }
}
