//! Posting: how a job gets into a dispatcher, or back to its poster.
//!
//! A post counts itself in, publishes a cell, makes its job, whose token knows the cell from its first
//! moment, looks whether the owner of its functions was closed meanwhile or its token is cancelled, and
//! pushes it, unless the dispatcher was closed. Until it is filled everything is undone on an error; after
//! that whoever claims the job decides: the poster, who takes it back, or another, and then it is accepted
//! and its completion will run.

use crate::diagnosis::events::EventText;
use crate::diagnosis::moment::{Moment, MomentKind};
use crate::dispatcher::{DispatcherPin, Dispatchers};
use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::job::{JobPin, LentJob, id_of};
use crate::owner::Thing;
use crate::queue::HeldQueue;
use crate::queue::admission::Refused;
use crate::queue::lane::Lane;
use crate::queue::posted::{HeldPosted, PostedCell, PostedId, Stage, Task};
use crate::sys::clock;
use crate::sys::fallible::try_string;
use crate::sys::sync::Ordering;
use crate::sys::work::Work;
use crate::token::TokenHold;
use std::collections::HashMap;

/// What is posted, beside its functions.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    /// What to call it.
    pub label: &'a str,
    /// The caller's own id; empty for none.
    pub caller_id: &'a str,
    /// A token whose cancel cancels the job, and which is current while it runs; NULL for none.
    pub parent: Handle,
    /// The token of a job whose cancel cancels it, too; NULL for none.
    pub above: Handle,
    /// The owner of its functions; NULL for none.
    pub owner: Handle,
    /// How urgent it is.
    pub lane: Lane,
    /// Whether it may run on any thread, and so runs on another than the dispatcher's.
    pub elsewhere: bool,
    /// After how long from now it is cancelled.
    pub deadline_ns: Option<u64>,
    /// Whether its function is called once more after a cancel, if it had begun.
    pub unwinds: bool,
    /// Whether the poster gets a reference to it.
    pub is_kept: bool,
}

/// How a posted job begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// When its turn comes.
    InTurn,
    /// At once, on the dispatcher's thread, which posts it.
    AtOnce,
    /// On the posting thread, which is not the dispatcher's and has to see to it.
    ByPoster,
}

/// An accepted job.
#[derive(Debug)]
pub(crate) struct Accepted<'a> {
    /// The job, with a reference for the poster if he wants it; else it may be gone.
    pub job: Handle,
    /// Its id.
    pub id: PostedId,
    /// The poster's hold, if he waits for it.
    pub held: Option<HeldPosted<'a>>,
}

/// Why a job was not let wait for its thread.
enum Unpushed {
    /// Its queue was closed, it is not in there.
    Refused,
    /// It is in its queue, and should be taken back.
    Failed(Error),
}

/// A job that is made and not yet filled.
struct Prepared<'a> {
    held: HeldPosted<'a>,
    id: PostedId,
    job: Handle,
    task: Task,
}

impl<'a> Dispatchers<'a> {
    /// Posts a job: its handle, with a reference if the poster wants one. On an error the work comes back:
    /// it is still the caller's.
    pub fn post(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        work: Work,
        here: u64,
    ) -> Result<Handle, (Error, Work)> {
        Ok(self.submit(dispatcher, post, work, Start::InTurn, false, here)?.job)
    }

    /// Posts a job and says how it begins, and whether the poster waits for it.
    pub(crate) fn submit(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        work: Work,
        start: Start,
        is_awaited: bool,
        here: u64,
    ) -> Result<Accepted<'a>, (Error, Work)> {
        let queue = dispatcher.queue();
        let waits = start != Start::AtOnce;
        if let Err(refused) = self.queues().admit(queue, waits) {
            return Err((self.refusal(dispatcher, refused), work));
        }
        // Who does not look at it after the push needs no hold.
        let is_held = is_awaited || post.elsewhere;
        let Prepared { held, id, job, task } =
            match self.prepare(dispatcher, queue, post, waits, is_held) {
                Ok(prepared) => prepared,
                Err((error, waits)) => {
                    if self.queues().dismiss(queue, waits) {
                        dispatcher.end_with_queue();
                    }
                    return Err((error, work));
                }
            };
        let lock = held.cell().lock_to_take();
        held.cell().fill(work, task);
        drop(lock);
        if post.owner != NULL && self.is_taken(&held) {
            // Closed before others could end the job. One that runs at once is looked at after that.
            self.give_up(&held, here);
        }
        let pushed = if waits {
            self.enqueue(queue, post, &held, id, start)
        } else {
            self.queues().begin_here(queue, &held);
            Ok(())
        };
        let mut is_withdrawn = false;
        if let Err(unpushed) = pushed {
            let (error, is_in_queue) = match unpushed {
                Unpushed::Refused => (Error::DispatcherShutDown, false),
                Unpushed::Failed(error) => (error, true),
            };
            is_withdrawn = self.queues().claim(id, Stage::Withdrawn, false).is_some();
            if is_withdrawn {
                if is_held && !is_in_queue {
                    // That of the queue, which it never got into.
                    drop(HeldPosted::take_over(self.queues().posted(), held.number()));
                }
                if let Some(work) = self.take_back(dispatcher, job, &held, post.is_kept) {
                    if let Error::Overloaded { .. } | Error::ExecutorRefused = error {
                        dispatcher.slot().live().statistics().rejected.one();
                    }
                    return Err((error, work));
                }
            } else if !is_in_queue {
                self.queues().push_ended(queue, &held);
            }
        }
        let runs_elsewhere = post.elsewhere
            && matches!(
                held.cell().stage(),
                Stage::Queued | Stage::Running | Stage::Parked | Stage::Ran
            );
        let held = match (is_held, is_withdrawn) {
            (true, _) => Some(held),
            // That of the queue, which it never got into.
            (false, true) => None,
            (false, false) => {
                held.leave();
                None
            }
        };
        let is_here = Self::is_on_its_thread(dispatcher, here);
        dispatcher.slot().live().statistics().posted.one(is_here);
        self.timeline().note(|| {
            let depth = u64::from(self.queues().depth(queue));
            let kind = MomentKind::Posted { lane: post.lane as u32 + 1, depth };
            Moment::now(kind, id_of(job), EventText::new(post.label))
        });
        if waits && !runs_elsewhere {
            self.queues().wake(self.owners(), queue);
        }
        Ok(Accepted { job, id, held })
    }

    /// Why a job was not let in.
    #[cold]
    fn refusal(self, dispatcher: &DispatcherPin<'_>, refused: Refused) -> Error {
        match refused {
            Refused::Closed => Error::DispatcherShutDown,
            Refused::Full => {
                dispatcher.slot().live().statistics().rejected.one();
                let (depth, capacity) = self.fill(dispatcher);
                Error::Overloaded { depth, capacity }
            }
        }
    }

    /// Makes the job and all that belongs to it. Its stage is decided like that of any other from now on, but
    /// nothing of it can be ended yet. On an error nothing is left of it but its place among those that
    /// were counted in; whether that is also one of those that wait comes back.
    #[inline]
    fn prepare(
        self,
        dispatcher: &DispatcherPin<'_>,
        queue: HeldQueue<'_>,
        post: &Post<'_>,
        waits: bool,
        is_held: bool,
    ) -> Result<Prepared<'a>, (Error, bool)> {
        let posted = self.queues().posted();
        let now_ns = clock::now_ns();
        let held = posted
            .add(queue.id(), post.lane, is_held, post.owner != NULL, now_ns)
            .map_err(|error| (error, waits))?;
        if post.unwinds {
            held.cell().set_unwinds();
        }
        let id = held.publish(if waits { Stage::Queued } else { Stage::Running });
        match self.prepare_job(dispatcher, post, &held, waits.then_some(id), now_ns) {
            Ok((job, task)) => Ok(Prepared { held, id, job, task }),
            Err(error) => {
                if waits {
                    // If that is too late, who was faster has counted it out of those who wait.
                    self.queues().claim(id, Stage::Withdrawn, false);
                }
                if is_held {
                    // That of the queue, which it never got into.
                    drop(HeldPosted::take_over(posted, id.number()));
                }
                Err((error, false))
            }
        }
    }

    #[inline]
    fn prepare_job(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        held: &HeldPosted<'_>,
        id: Option<PostedId>,
        now_ns: u64,
    ) -> Result<(Handle, Task), Error> {
        let cell = held.cell();
        if post.owner != NULL {
            self.owners().adopt(post.owner, Thing::Posted(held.number()), &cell.owned)?;
        }
        let made = self.make_job(dispatcher, post, cell, id, now_ns);
        if made.is_err() {
            self.owners().disown(cell.owned.take());
        }
        made
    }

    #[inline]
    fn make_job(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        cell: &PostedCell,
        id: Option<PostedId>,
        now_ns: u64,
    ) -> Result<(Handle, Task), Error> {
        let parent = match post.parent {
            NULL => None,
            parent => Some(TokenHold::new(self.tokens(), parent)?),
        };
        let posted = id.unwrap_or_default();
        let names = (post.label, post.caller_id);
        let parents = self.tokens().lowest(post.parent, post.above);
        let above = (parents, post.above != NULL);
        let held_job = self.jobs().create_posted(names, above, posted, post.is_kept, now_ns)?;
        let job = held_job.handle();
        if let Err(error) = self.equip_job(dispatcher, post, cell, &held_job, now_ns) {
            if post.is_kept {
                // Unless somebody who guessed the handle did.
                let _ = self.jobs().release(job);
            }
            return Err(error);
        }
        if let Some(parent) = parent {
            parent.leave();
        }
        let task =
            Task { job: held_job.pass_on(), dispatcher: dispatcher.index(), parent: post.parent };
        Ok((job, task))
    }

    /// Gives a new job its deadline and its caller id.
    #[inline]
    fn equip_job(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        cell: &PostedCell,
        job: &JobPin<'_>,
        now_ns: u64,
    ) -> Result<(), Error> {
        if let Some(deadline_ns) = post.deadline_ns {
            let token = self.jobs().token_held_by(job);
            self.tokens().arm(&token, now_ns.saturating_add(deadline_ns))?;
        }
        if !post.caller_id.is_empty() {
            self.enlist(dispatcher, post.caller_id, job.handle())?;
            cell.has_caller_id.store(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Lets a published job wait for its thread. An error: it should be taken back.
    #[inline]
    fn enqueue(
        self,
        queue: HeldQueue<'_>,
        post: &Post<'_>,
        held: &HeldPosted<'_>,
        id: PostedId,
        start: Start,
    ) -> Result<(), Unpushed> {
        if post.parent != NULL || post.above != NULL {
            // It was cancelled before, perhaps, which claims nothing. Who cancels it later does.
            let job = LentJob::new(self.jobs(), held.cell().task().job);
            if self.jobs().is_cancelled(&job) && !crate::weakened!("post_asks_its_token") {
                self.queues().claim(id, Stage::Cancelled, false);
            }
        }
        if !post.elsewhere {
            let is_in = self.queues().push(queue, held);
            return if is_in { Ok(()) } else { Err(Unpushed::Refused) };
        }
        let Some(waits) = self.queues().push_elsewhere(queue, held) else {
            return Err(Unpushed::Refused);
        };
        if waits && start == Start::InTurn {
            self.hand_out(queue, id, post.lane).map_err(Unpushed::Failed)?;
        }
        Ok(())
    }

    /// Finds a job that waits for another thread such a thread.
    pub(crate) fn hand_out(
        self,
        queue: HeldQueue<'_>,
        id: PostedId,
        lane: Lane,
    ) -> Result<(), Error> {
        let executed = self
            .queues()
            .call_host(self.owners(), queue, |host| host.executes().then(|| host.execute(id.0)));
        match executed.flatten() {
            None => self.workers().push(id, lane),
            Some(true) => Ok(()),
            Some(false) => Err(Error::ExecutorRefused),
        }
    }

    /// Undoes a post that was withdrawn: its work. `None`: its owner's close was faster, has
    /// destroyed it, and so the post counts as accepted.
    fn take_back(
        self,
        dispatcher: &DispatcherPin<'_>,
        job: Handle,
        held: &HeldPosted<'_>,
        is_kept: bool,
    ) -> Option<Work> {
        let cell = held.cell();
        let lock = cell.lock_to_take();
        let (work, task) = cell.take();
        drop(lock);
        let pin = JobPin::take_over(self.jobs(), task.job);
        if work.is_some() {
            self.owners().disown(cell.owned.take());
            self.delist_job(dispatcher, &pin, cell);
        }
        self.let_go(pin, task.parent);
        self.count_out(dispatcher, dispatcher.queue(), 1);
        if work.is_some() && is_kept {
            let _ = self.jobs().release(job);
        }
        work
    }

    /// Keeps the caller id of a job until it is over.
    fn enlist(
        self,
        dispatcher: &DispatcherPin<'_>,
        caller_id: &str,
        job: Handle,
    ) -> Result<(), Error> {
        if caller_id.is_empty() {
            return Ok(());
        }
        let key = try_string(caller_id)?;
        let mut ids = dispatcher.slot().live().ids.lock();
        let ids = ids.get_or_make(|| Ok(HashMap::new()))?;
        if ids.contains_key(caller_id) {
            return Err(Error::DuplicateId);
        }
        ids.try_reserve(1).map_err(|_| Error::Resources("memory for caller ids"))?;
        ids.insert(key, job);
        Ok(())
    }

    pub(crate) fn delist(self, dispatcher: &DispatcherPin<'_>, caller_id: &str) {
        if caller_id.is_empty() {
            return;
        }
        let mut ids = dispatcher.slot().live().ids.lock();
        let key = ids.get_mut().and_then(|ids| ids.remove_entry(caller_id));
        drop(ids);
        drop(key);
    }
}
