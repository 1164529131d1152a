//! Posting: how a job gets into a dispatcher, or back to its poster.
//!
//! A post counts itself in, makes its job, publishes it, looks whether the owner of its functions was closed
//! meanwhile, lets its token know it, pushes it, and then looks whether the dispatcher was closed. Up to the
//! publishing everything is undone on an error; after it whoever claims the job decides: the
//! poster, who takes it back, or another, and then it is accepted and its completion will run.

use crate::diagnosis::events::EventText;
use crate::diagnosis::moment::{Moment, MomentKind};
use crate::dispatcher::{DispatcherPin, Dispatchers};
use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::job::{JobHold, JobOrigin, JobPin, id_of};
use crate::memory::pin::Keeper;
use crate::owner::Thing;
use crate::queue::admission::Refused;
use crate::queue::lane::Lane;
use crate::queue::posted::{HeldPosted, PostedBody, PostedId, Stage};
use crate::queue_id::HeldQueue;
use crate::sys::clock;
use crate::sys::fallible::try_string;
use crate::sys::sync::Ordering;
use crate::sys::work::Work;
use crate::token::TokenHold;
use crate::token::create::Origin;
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
    /// The owner of its functions; NULL for none.
    pub owner: Handle,
    /// How urgent it is.
    pub lane: Lane,
    /// Whether it may run on any thread, and so runs on another than the dispatcher's.
    pub elsewhere: bool,
    /// After how long from now it is cancelled.
    pub deadline_ns: Option<u64>,
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

/// An accepted job, held for its poster.
#[derive(Debug)]
pub struct Accepted<'a> {
    /// The job, with a reference for the poster.
    pub job: Handle,
    /// The poster's hold.
    pub(crate) held: HeldPosted<'a>,
    /// Its id.
    pub(crate) id: PostedId,
}

impl<'a> Dispatchers<'a> {
    /// Posts a job: a reference to it for the poster. On an error the work comes back: it is still
    /// the caller's.
    pub fn post(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        work: Work,
        here: u64,
    ) -> Result<Handle, (Error, Work)> {
        Ok(self.submit(dispatcher, post, work, Start::InTurn, here)?.job)
    }

    /// Posts a job and says how it begins.
    pub(crate) fn submit(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        work: Work,
        start: Start,
        here: u64,
    ) -> Result<Accepted<'a>, (Error, Work)> {
        let queue = dispatcher.queue();
        let waits = start != Start::AtOnce;
        if let Err(error) = self.admit(dispatcher, waits) {
            return Err((error, work));
        }
        let (job, held, body) = match self.prepare(dispatcher, post) {
            Ok(prepared) => prepared,
            Err(error) => {
                self.queues().dismiss(queue, waits);
                return Err((error, work));
            }
        };
        *held.cell().body() = PostedBody { work: Some(work), ..body };
        let id = held.publish(if waits { Stage::Queued } else { Stage::Running });
        if post.owner != NULL && self.is_taken(&held) {
            // Closed before others could end the job. One that runs at once is looked at after that.
            self.give_up(&held, here);
        }
        let accepted = Accepted { job, held, id };
        let error = if waits {
            self.enqueue(dispatcher, post, &accepted, start)
        } else {
            self.queues().begin_here(queue, &accepted.held);
            None
        };
        if let Some(error) = error
            && self.queues().claim(id, Stage::Withdrawn, false).is_some()
            && let Some(work) = self.take_back(dispatcher, &accepted)
        {
            if let Error::Overloaded { .. } | Error::ExecutorRefused = error {
                dispatcher.slot().live().statistics().rejected.one();
            }
            return Err((error, work));
        }
        self.note_posted(dispatcher, post, job);
        let runs_elsewhere = matches!(
            accepted.held.cell().stage(),
            Stage::Queued | Stage::Running | Stage::Parked | Stage::Ran
        );
        if waits && !(post.elsewhere && runs_elsewhere) {
            self.queues().wake(self.owners(), queue);
        }
        Ok(accepted)
    }

    /// Lets a job in, or says why not.
    fn admit(self, dispatcher: &DispatcherPin<'_>, waits: bool) -> Result<(), Error> {
        let queue = dispatcher.queue();
        self.queues().admit(queue, waits).map_err(|refused| match refused {
            Refused::Closed => Error::DispatcherShutDown,
            Refused::Full => {
                dispatcher.slot().live().statistics().rejected.one();
                let (depth, capacity) = (self.queues().depth(queue), self.queues().capacity(queue));
                Error::Overloaded { depth, capacity }
            }
        })
    }

    fn note_posted(self, dispatcher: &DispatcherPin<'_>, post: &Post<'_>, job: Handle) {
        dispatcher.slot().live().statistics().posted.one();
        let queue = dispatcher.queue();
        self.timeline().note(|| {
            let depth = u64::from(self.queues().depth(queue));
            let kind = MomentKind::Posted { lane: post.lane as u32 + 1, depth };
            Moment::now(kind, id_of(job), EventText::new(post.label))
        });
    }

    /// Makes the job and all that belongs to it; nothing of it can be found yet but by its owner's
    /// close and by its caller id.
    fn prepare(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
    ) -> Result<(Handle, HeldPosted<'a>, PostedBody), Error> {
        let origin = JobOrigin {
            label: post.label,
            caller_id: post.caller_id,
            parent: post.parent,
            token: Origin { caller_id: "", foreign: None, is_watched: true },
            owner: NULL,
        };
        let job = self.jobs().create(&origin, None).map_err(|(error, _none)| error)?;
        match self.prepare_cell(dispatcher, post, job) {
            Ok((held, body)) => Ok((job, held, body)),
            Err(error) => {
                // The reference that its creation gave.
                let _ = self.jobs().release(job);
                Err(error)
            }
        }
    }

    fn prepare_cell(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        job: Handle,
    ) -> Result<(HeldPosted<'a>, PostedBody), Error> {
        let now_ns = clock::now_ns();
        let held_job = JobHold::new(self.jobs(), job)?;
        if let Some(deadline_ns) = post.deadline_ns {
            let token = self.jobs().token_held_by(&held_job);
            self.tokens().arm(&token, now_ns.saturating_add(deadline_ns))?;
        }
        let parent = match post.parent {
            NULL => None,
            parent => Some(TokenHold::new(self.tokens(), parent)?),
        };
        let posted = self.queues().posted();
        let held = posted.add(dispatcher.queue(), post.lane, now_ns)?;
        let (cell, number) = (held.cell(), held.number());
        let give_back = |error| {
            self.owners().disown(cell.owned.take());
            // That of the queue, which it never got into.
            drop(HeldPosted::take_over(posted, number));
            Err(error)
        };
        if post.owner != NULL
            && let Err(error) = self.owners().adopt(post.owner, Thing::Posted(number), &cell.owned)
        {
            return give_back(error);
        }
        if let Err(error) = self.enlist(dispatcher, post.caller_id, job) {
            return give_back(error);
        }
        if !self.arena().hold_index(dispatcher.index()) {
            self.delist(dispatcher, post.caller_id);
            return give_back(Error::Resources("references to this dispatcher; pump it"));
        }
        cell.has_caller_id.store(u32::from(!post.caller_id.is_empty()), Ordering::Relaxed);
        let mut body = PostedBody { dispatcher: dispatcher.index(), ..PostedBody::default() };
        body.job = held_job.leave();
        if let Some(parent) = parent {
            body.parent = post.parent;
            parent.leave();
        }
        Ok((held, body))
    }

    /// Lets a published job wait for its thread. An error: it should be taken back.
    fn enqueue(
        self,
        dispatcher: &DispatcherPin<'_>,
        post: &Post<'_>,
        accepted: &Accepted<'_>,
        start: Start,
    ) -> Option<Error> {
        let queue = dispatcher.queue();
        let Accepted { job, id, ref held } = *accepted;
        // Before the push: once it is pushed it may run, and be over.
        let is_cancelled = self.tokens().attach_posted(self.jobs().token_of(job), id);
        if post.elsewhere {
            if self.queues().push_elsewhere(queue, held)
                && start == Start::InTurn
                && let Err(error) = self.hand_out(queue, id, post.lane)
            {
                return Some(error);
            }
        } else {
            self.queues().push(queue, held);
        }
        if is_cancelled && !crate::weakened!("post_asks_its_token") {
            self.queues().claim(id, Stage::Cancelled, true);
        }
        let is_closed = self.queues().is_closed_after_push(queue);
        is_closed.then_some(Error::DispatcherShutDown)
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
    fn take_back(self, dispatcher: &DispatcherPin<'_>, accepted: &Accepted<'_>) -> Option<Work> {
        let (job, cell) = (accepted.job, accepted.held.cell());
        let PostedBody { work, job: held, parent, dispatcher: index, .. } =
            std::mem::take(&mut *cell.body());
        let pin = JobPin::take_over(self.jobs(), held);
        if work.is_some() {
            self.owners().disown(cell.owned.take());
            self.delist_job(dispatcher, &pin, cell);
        }
        self.let_go(pin, parent, index);
        if work.is_some() {
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
