//! Posting: how a job gets into a dispatcher, or back to its poster.
//!
//! The steps of a post, in this order:
//! 1. It counts the job in.
//! 2. It publishes a cell and makes the job. The job's token knows the cell from its first moment.
//! 3. It fills the cell with the functions. Up to here an error undoes everything.
//! 4. It looks whether the owner of the functions was closed meanwhile.
//! 5. It looks whether the job's token is already cancelled.
//! 6. It pushes the job. If the dispatcher was closed, that is refused.
//!
//! From step 3 on the thread that claims the job decides what becomes of it. If that is the poster,
//! the post has failed and the poster gets the functions back. If it is another thread, the job is
//! accepted and its completion will run.

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

/// A job to be posted, without its functions.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    pub label: &'a str,
    /// The caller's own id for the job; empty for none.
    pub caller_id: &'a str,
    /// A token whose cancel cancels the job, and which is current while the job runs; NULL for
    /// none.
    pub parent: Handle,
    /// The token of another job, whose cancel cancels this job, too; NULL for none.
    pub above: Handle,
    /// The owner of the job's functions; NULL for none.
    pub owner: Handle,
    /// The lane that the job waits in.
    pub lane: Lane,
    /// Whether the job may run on any thread. Such a job runs on another thread than the
    /// dispatcher's.
    pub elsewhere: bool,
    /// The time from the post to the job's cancel. `None`: the job has no deadline.
    pub deadline_ns: Option<u64>,
    /// Whether a job's function that had begun is called once more after a cancel of the job.
    pub unwinds: bool,
    /// Whether the poster gets an owner reference to the job.
    pub is_kept: bool,
}

/// How a posted job begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The job begins when its turn comes.
    InTurn,
    /// The job begins at once, on the dispatcher's thread, which posts the job and waits for it.
    AtOnce,
    /// The job begins when the posting thread runs it. That thread is not the dispatcher's, and no
    /// other thread is asked to run the job.
    ByPoster,
}

/// An accepted job.
#[derive(Debug)]
pub(crate) struct Accepted<'a> {
    /// The job, with a reference if the poster asked for one. Without one the job may be gone
    /// already.
    pub job: Handle,
    /// The id of the job's post. It names the job's use of its cell.
    pub id: PostedId,
    /// A hold of the cell, if the poster waits for the job or looks at it after the push.
    pub held: Option<HeldPosted<'a>>,
}

/// Why a job could not be left to wait for its thread.
enum Unpushed {
    /// The queue is closed. The job is not in it.
    Refused,
    /// The job is in its queue, but no thread could be found for it. The post should take it back.
    Failed(Error),
}

/// A job that was made, with a cell that is not filled yet.
struct Prepared<'a> {
    held: HeldPosted<'a>,
    id: PostedId,
    job: Handle,
    task: Task,
}

impl<'a> Dispatchers<'a> {
    /// Posts a job and returns its handle, with a reference if the poster asked for one. On an
    /// error the work comes back and still belongs to the caller.
    pub fn post(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        work: Work,
        here: u64,
    ) -> Result<Handle, (Error, Work)> {
        Ok(self.submit(dispatcher, post, work, Start::InTurn, false, here)?.job)
    }

    /// Posts a job. `start` says how the job begins, `is_awaited` whether the poster waits for it.
    /// `here` is the number of the poster's thread. On an error the work comes back and still
    /// belongs to the caller.
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
        // A poster that does not look at the cell after the push needs no hold of its own.
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
            // The owner's close came while the cell was still empty, so it left the end of the job
            // to us. A job that runs at once is Running already: `look_again` ends it after its
            // run.
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
                    // This drops the hold of the queue: the job never got into the queue.
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
            // `held` is the hold of the queue. The job never got into the queue, so the hold is
            // dropped here.
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

    /// The error that a poster gets if the queue did not let its job in.
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

    /// Makes the job and all that belongs to it. From now on any thread may claim it, but nothing
    /// of it can be ended yet, because its cell is empty. On an error all of it is undone except
    /// that it stays counted as unfinished. The flag beside the error says whether it also stays
    /// counted as waiting.
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
                    // If the claim fails, the faster thread has already counted the job out of
                    // those that wait.
                    self.queues().claim(id, Stage::Withdrawn, false);
                }
                if is_held {
                    // This drops the hold of the queue: the job never got into the queue.
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
                // An error: a thread that guessed the handle has released the poster's reference.
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

    /// Lets a published job wait for the thread that is to run it. On an error the caller has to
    /// take the job back.
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
            // A token that is made below a cancelled one is cancelled from its first moment. No
            // thread has claimed the job for that cancel, so we do. A later cancel claims the job
            // by itself.
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

    /// Finds a thread for a job that may run on any thread: passes the job's id to the host's pool
    /// if there is one, otherwise to the library's workers. An error: they did not accept the job.
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

    /// Undoes a post that the poster has withdrawn, and returns its work. `None`: the close of the
    /// work's owner was faster and has destroyed the work, so the post counts as accepted.
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

    /// Registers the caller id of a job with the dispatcher. `delist` removes it before the job's
    /// completion runs. `DuplicateId`: another job there has this id.
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
