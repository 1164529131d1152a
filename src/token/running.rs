//! Answers the wait graph's question which threads are inside a blocker: a registration's callback,
//! an owner's functions, a dispatcher's thread, a posted job, or the end of a job.

use crate::owner::wait_graph::{Blocker, Inside, Running};
use crate::queue::posted::PostedId;
use crate::token::Tokens;
use crate::token::registration::CallStage;

/// Tells the wait graph which threads are inside a blocker, and whether it is over.
pub(super) struct Calls<'a>(pub(super) &'a Tokens);

impl Running for Calls<'_> {
    fn inside(&self, blocker: Blocker, each: &mut dyn FnMut(Inside)) -> bool {
        match blocker {
            Blocker::Registration(index) => {
                self.0.registrations.inside(index).into_iter().for_each(each);
            }
            Blocker::Owner(index) => return self.0.owners.inside(index, each),
            Blocker::Dispatcher(queue) => {
                // A thread that waits for a dispatcher has the dispatcher pinned until the wait has
                // ended.
                self.0.queues.thread(self.0.queues.held(queue)).into_iter().for_each(each);
            }
            Blocker::Posted(number) => {
                self.0.queues.posted().listed(number).inside().into_iter().for_each(each);
            }
            Blocker::Job { posted, .. } => {
                let posted = PostedId(posted);
                let its_thread = self.0.queues.thread_of(posted).inside();
                let runner = self.0.queues.posted().runner_of(posted);
                its_thread.into_iter().chain(runner).for_each(each);
            }
            Blocker::Unknown => (),
        }
        true
    }

    fn is_over(&self, blocker: Blocker) -> bool {
        match blocker {
            Blocker::Registration(index) => {
                self.0.registrations.live(index).stage(false) == CallStage::Done
            }
            Blocker::Owner(index) => self.0.owners.is_idle(index),
            // A thread that waits for one of these sleeps elsewhere, not in the wait graph.
            Blocker::Dispatcher(_)
            | Blocker::Posted(_)
            | Blocker::Job { .. }
            | Blocker::Unknown => true,
        }
    }
}

impl Tokens {
    /// The answers that the wait graph needs when a thread begins to wait.
    pub fn calls(&self) -> impl Running {
        Calls(self)
    }
}
