//! Shares of a job's bar, as objects with handles.
//!
//! A share names its job by a handle and has no hold of it, so a share that is kept does not keep
//! its job. The share's node is in the job's tree as long as both live. The burial of the share
//! frees the node, under the lock of the job's body. If the job has died, its tree has gone with
//! it.
//!
//! The only lock is the body's, and it is taken with the job pinned. The timeline's lock is taken
//! after it was given back.

use crate::diagnosis::events::EventText;
use crate::diagnosis::moment::{Moment, MomentKind};
use crate::diagnosis::timeline::Timeline;
use crate::error::Error;
use crate::handle::{self, Handle, NULL};
use crate::job::share_table::ShareLive;
use crate::job::{JobPin, Jobs, Progress};
use crate::memory::arena::Arena;
use crate::memory::pin::{Hold, Keeper, Lent, Pin};
use crate::memory::slot::{Holder, Slot};
use crate::progress::tree::{ROOT, Room, Tree};
use crate::sys::clock;
use crate::sys::fallible::OutOfMemory;
use crate::sys::sync::Ordering;

/// A view of all shares and of their jobs.
#[derive(Clone, Copy, Debug)]
pub struct Shares<'a> {
    jobs: Jobs<'a>,
}

pub type SharePin<'a> = Pin<'a, Shares<'a>>;

/// A hold of a share.
pub type ShareHold<'a> = Hold<'a, Shares<'a>>;

/// A share that needs no pin, because something else holds it.
pub type LentShare<'a> = Lent<'a, Shares<'a>>;

impl<'a> Keeper<'a> for Shares<'a> {
    type Cold = ();
    type Live = ShareLive;

    fn arena(self) -> &'a Arena<(), ShareLive> {
        &self.jobs.table.shares.arena
    }

    fn bury_slot(self, index: u32, slot: &'a Slot<(), ShareLive>) {
        let (job, node) = place(slot);
        self.end_node(job, node, Tree::let_go);
        self.arena().bury(index, slot);
    }
}

fn place(slot: &Slot<(), ShareLive>) -> (Handle, u32) {
    let live = slot.live();
    (live.job.load(Ordering::Relaxed), live.node.load(Ordering::Relaxed))
}

/// Where a new share gets its room.
#[derive(Clone, Copy, Debug)]
pub enum ShareOf<'p, 'a> {
    /// From this many units of a given share.
    Share(&'p SharePin<'a>, u64),
    /// From the current share, the first handle. If that is NULL or belongs to another job than the
    /// second handle, from the whole of that job.
    Current(Handle, Handle),
}

impl<'a> Shares<'a> {
    /// A view of the shares of these jobs.
    #[inline(always)]
    pub const fn new(jobs: Jobs<'a>) -> Self {
        Self { jobs }
    }

    /// The jobs that the shares belong to.
    #[inline(always)]
    pub(crate) fn jobs(self) -> Jobs<'a> {
        self.jobs
    }

    /// The job that a share names, pinned. `None`: the job is gone.
    fn pin(self, job: Handle) -> Option<JobPin<'a>> {
        if crate::weakened!("share_names_its_job") {
            let index = handle::index(job);
            return self.jobs.arena().pin_index(index).then(|| JobPin::take_over(self.jobs, index));
        }
        JobPin::new(self.jobs, job).ok()
    }

    /// Calls `change` with the tree of a job, and with whether the job has ended. `None`: the job
    /// is gone or has no tree.
    fn in_tree<R>(self, job: Handle, change: impl FnOnce(&mut Tree, bool) -> R) -> Option<R> {
        let pin = self.pin(job)?;
        let (mut body, state) = pin.slot().live().body_to_write();
        body.tree.as_deref_mut().map(|tree| change(tree, state.is_terminal()))
    }

    /// The job and the node in which current work of `job` is counted: those of the current `share`
    /// if it belongs to the job, otherwise the job and its root.
    fn current(self, share: Handle, job: Handle) -> (Handle, u32) {
        if share == NULL {
            return (job, ROOT);
        }
        match place(self.arena().slot(handle::index(share))) {
            (of, node) if of == job => (job, node),
            _ => (job, ROOT),
        }
    }

    /// Begins a share of `total` units, and returns its handle, with one owner reference. NULL: the
    /// job is gone, and nothing was begun.
    pub fn begin(self, above: ShareOf<'_, '_>, total: u64, label: &str) -> Result<Handle, Error> {
        let ((job, node), room) = match above {
            ShareOf::Share(share, units) => (place(share.slot()), Room::Units(units)),
            ShareOf::Current(share, job) => (self.current(share, job), Room::WholeStep),
        };
        let Some(job) = self.pin(job) else { return Ok(NULL) };
        let (index, slot) = self.arena().take()?;
        match self.begin_node(&job, node, room, total, label) {
            Ok(node) => {
                slot.live().job.store(job.handle(), Ordering::Relaxed);
                slot.live().node.store(node, Ordering::Relaxed);
                Ok(self.arena().publish(index, slot, 0, Holder::Owner))
            }
            Err(error) => {
                self.arena().put_back(index);
                Err(error)
            }
        }
    }

    fn timeline(self) -> &'a Timeline {
        &self.jobs.tokens().diagnosis().timeline
    }

    /// Ends a node by `end`, which is called under the lock of the job's body. After the lock this
    /// notes for the timeline how long the share lasted. If the job was asked to stop, the room of
    /// the share is not filled, because its code has left steps undone.
    fn end_node(self, job: Handle, node: u32, end: impl FnOnce(&mut Tree, u32, bool)) {
        let Some(pin) = self.pin(job) else { return };
        let is_stopped = self.jobs.tokens().is_cancelled(&self.jobs.token_held_by(&pin));
        let (mut body, state) = pin.slot().live().body_to_write();
        let Some(tree) = body.tree.as_deref_mut() else { return };
        let timed = tree.timed(node).map(|(began_ns, label)| (began_ns, EventText::new(label)));
        end(tree, node, is_stopped || state.is_terminal());
        drop(body);
        if let Some((began_ns, label)) = timed {
            let kind = MomentKind::Share;
            self.timeline().note(|| Moment::since(began_ns, kind, self.jobs.id(&pin), label));
        }
    }

    fn begin_node(
        self,
        job: &JobPin<'_>,
        above: u32,
        room: Room,
        total: u64,
        label: &str,
    ) -> Result<u32, Error> {
        let (mut body, _) = job.slot().live().body_to_write();
        let tree = body.tree()?;
        let node = tree.begin(above, room, total, label)?;
        if self.timeline().is_on() {
            tree.time(node, clock::now_ns());
        }
        Ok(node)
    }

    /// Counts units as done in a share, and returns the token of the share's job. `None`: the job
    /// is gone.
    pub fn add(self, share: &SharePin<'_>, units: u64) -> Option<Handle> {
        let (job, node) = place(share.slot());
        let pin = self.pin(job)?;
        let (mut body, state) = pin.slot().live().body_to_write();
        if crate::weakened!("units_in_one_lock") {
            let mut tree = body.tree.take();
            drop(body);
            tree.as_deref_mut()?.add(node, units, state.is_terminal());
            pin.slot().live().body.lock().tree = tree;
        } else {
            body.tree.as_deref_mut()?.add(node, units, state.is_terminal());
            drop(body);
        }
        Some(self.jobs.token(&pin))
    }

    /// Changes the total number of units of a share. False: the share's job is gone.
    pub fn set_total(self, share: &SharePin<'_>, total: u64) -> bool {
        let (job, node) = place(share.slot());
        self.in_tree(job, |tree, is_over| tree.set_total(node, total, is_over)).is_some()
    }

    /// Changes the message of a share. False: the share's job is gone.
    pub fn set_message(self, share: &SharePin<'_>, message: &str) -> Result<bool, Error> {
        let (job, node) = place(share.slot());
        let told: Option<Result<(), OutOfMemory>> =
            self.in_tree(job, |tree, _| tree.set_message(node, message));
        Ok(told.transpose()?.is_some())
    }

    /// Ends a share. Its room becomes full, and the shares below it count no more.
    pub fn end(self, share: &SharePin<'_>) {
        let (job, node) = place(share.slot());
        let is_let_go = crate::weakened!("node_is_let_go_last");
        self.end_node(job, node, if is_let_go { Tree::let_go } else { Tree::end });
    }

    /// Takes an owner reference from a share. If no reference is left, this buries the share.
    pub fn release(self, share: Handle) -> Result<(), Error> {
        if let Some((index, slot)) = self.arena().release(share)? {
            self.bury_slot(index, slot);
        }
        Ok(())
    }

    /// The token of the share's job; NULL: the job is gone.
    pub fn token(self, share: &SharePin<'_>) -> Handle {
        let (job, _) = place(share.slot());
        self.pin(job).map_or(NULL, |job| self.jobs.token(&job))
    }

    /// Notes the progress of a running job: in the current share if that belongs to the job,
    /// otherwise as a whole.
    pub fn set_progress(
        self,
        job: &JobPin<'_>,
        current: Handle,
        progress: Progress,
        message: Option<&str>,
    ) -> Result<(), Error> {
        let (_, node) = self.current(current, job.handle());
        self.jobs.report(job, node, progress, message)
    }
}
