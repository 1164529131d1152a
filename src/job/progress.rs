//! How far a job is: the tree of shares in its body. Reports and readers use it under the body's
//! lock.
//!
//! Before the first write to a body, the thread that writes sets WRITTEN in `life`, under the body
//! lock.

use crate::error::Error;
use crate::job::epoch::Epoch;
use crate::job::{JobBody, JobLive, JobPin, Jobs, Progress, WRITTEN, state_of};
use crate::job_state::JobState;
use crate::progress::span::WHOLE;
use crate::progress::tree::{ROOT, Tree};
use crate::sys::clock;
use crate::sys::fallible::{OutOfMemory, try_box};
use crate::sys::sync::{MutexGuard, Ordering};

/// How far a job is, for a progress bar.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bar {
    /// How far the job is, as one count of units.
    pub count: Progress,
    /// The filled part of the bar, from 0 to 1. It is 1 only for a completed job.
    pub fraction: f64,
    /// Units that were counted beyond the total of their share.
    pub over: u64,
    /// Units that were counted after their share had ended.
    pub late: u64,
    /// The estimated time until the job completes; 0 if it has ended. `None` while there is no
    /// estimate.
    pub time_left_ns: Option<u64>,
}

impl JobBody {
    /// The tree of the job's shares. The first report makes it.
    pub(super) fn tree(&mut self) -> Result<&mut Tree, OutOfMemory> {
        if self.tree.is_none() {
            self.tree = Some(try_box(Tree::new(clock::now_ns()))?);
        }
        self.tree.as_deref_mut().ok_or(OutOfMemory)
    }
}

impl JobLive {
    /// The locked body, to be written in, and the job's state at the step that set WRITTEN.
    pub(super) fn body_to_write(&self) -> (MutexGuard<'_, JobBody>, JobState) {
        let body = self.body.lock();
        let mut life = self.life.load(Ordering::Acquire);
        if life & WRITTEN == 0 {
            life = if crate::weakened!("writers_mark_by_one_step") {
                self.life.store(life | WRITTEN, Ordering::Release);
                life
            } else {
                self.life.fetch_or(WRITTEN, Ordering::AcqRel)
            };
        }
        (body, state_of(life))
    }
}

impl<'a> Jobs<'a> {
    /// The epoch: it tells counters of shares when to report.
    pub fn epoch(self) -> &'a Epoch {
        &self.table.epoch
    }

    /// Notes the progress of a running job as a whole. `WrongState`: the job does not run.
    pub fn set_progress(
        self,
        job: &JobPin<'_>,
        progress: Progress,
        message: Option<&str>,
    ) -> Result<(), Error> {
        self.report(job, ROOT, progress, message)
    }

    /// Notes the progress of a running job in one of its shares. `WrongState`: the job does not
    /// run.
    pub(super) fn report(
        self,
        job: &JobPin<'_>,
        share: u32,
        progress: Progress,
        message: Option<&str>,
    ) -> Result<(), Error> {
        let (mut body, state) = job.slot().live().body_to_write();
        if state != JobState::Running {
            return Err(Error::WrongState { verb: "set progress of", state: state.name() });
        }
        Ok(body.tree()?.report(share, progress, message)?)
    }

    /// Calls `reader` with the job's tree, and with whether the job has completed. `None`: the job
    /// has no tree.
    fn read<R>(self, job: &JobPin<'_>, reader: impl FnOnce(&mut Tree, bool) -> R) -> Option<R> {
        let live = job.slot().live();
        if !live.has_body() {
            return None;
        }
        let mut body = live.body.lock();
        let tree = body.tree.as_deref_mut()?;
        if tree.is_divided() {
            self.table.epoch.raise(clock::now_ns());
        }
        Some(reader(tree, live.state() == JobState::Completed))
    }

    /// How far the job is, as one count.
    pub fn progress(self, job: &JobPin<'_>) -> Progress {
        self.read(job, Tree::count).unwrap_or_default()
    }

    /// Calls `reader` with the filled part of the job's bar, with its count if that alone describes
    /// the bar, and with its message.
    pub fn show_bar<R>(
        self,
        job: &JobPin<'_>,
        reader: impl FnOnce(f64, Option<Progress>, &str) -> R,
    ) -> R {
        let mut reader = Some(reader);
        let mut show = |shown: u64, count, text: &str| {
            reader.take().map(|reader| reader(shown as f64 / WHOLE as f64, count, text))
        };
        let shown = self.read(job, |tree, is_complete| {
            let shown = tree.shown(is_complete);
            let count = (!tree.is_divided()).then(|| tree.count(is_complete));
            tree.show_text(|text| show(shown, count, text))
        });
        let is_complete = self.state(job) == JobState::Completed;
        match shown.flatten().or_else(|| show(if is_complete { WHOLE } else { 0 }, None, "")) {
            Some(answer) => answer,
            None => unreachable!("it is shown once"),
        }
    }

    /// Calls `reader` with the job's count and with its message.
    pub fn show_progress<R>(self, job: &JobPin<'_>, reader: impl FnOnce(Progress, &str) -> R) -> R {
        let mut reader = Some(reader);
        let mut show = |count, text: &str| reader.take().map(|reader| reader(count, text));
        let shown = self.read(job, |tree, is_complete| {
            let count = tree.count(is_complete);
            tree.show_text(|text| show(count, text))
        });
        match shown.flatten().or_else(|| show(Progress::default(), "")) {
            Some(answer) => answer,
            None => unreachable!("it is shown once"),
        }
    }

    /// Calls `reader` with the job's message: what it is doing, in words.
    pub(super) fn show_message<R>(self, job: &JobPin<'_>, reader: impl FnOnce(&str) -> R) -> R {
        self.show_progress(job, |_, text| reader(text))
    }

    /// How far the job is, for a progress bar.
    pub fn bar(self, job: &JobPin<'_>) -> Bar {
        let has_ended = self.state(job).is_terminal();
        self.read(job, |tree, is_complete| {
            let time_left_ns = if has_ended { Some(0) } else { tree.time_left_ns(clock::now_ns()) };
            Bar {
                count: tree.count(is_complete),
                fraction: tree.shown(is_complete) as f64 / WHOLE as f64,
                over: tree.over(),
                late: tree.late(),
                time_left_ns,
            }
        })
        .unwrap_or_else(|| {
            let is_complete = self.state(job) == JobState::Completed;
            let fraction = if is_complete { 1.0 } else { 0.0 };
            Bar { fraction, time_left_ns: has_ended.then_some(0), ..Bar::default() }
        })
    }
}
