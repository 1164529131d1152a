//! How far a job is: the tree of shares in its body, told and read under the body's lock.
//!
//! Who writes says so in `life`, under the body lock and before it writes.

use crate::error::Error;
use crate::job::epoch::Epoch;
use crate::job::{JobBody, JobLive, JobPin, Jobs, Progress, WRITTEN, state_of};
use crate::job_state::JobState;
use crate::progress::span::WHOLE;
use crate::progress::tree::{ROOT, Tree};
use crate::sys::clock;
use crate::sys::fallible::{OutOfMemory, try_box};
use crate::sys::sync::{MutexGuard, Ordering};

/// How far a job is, as a bar.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bar {
    /// As one count.
    pub count: Progress,
    /// From 0 to 1; 1 only for a completed job.
    pub fraction: f64,
    /// Units beyond the total of their share.
    pub over: u64,
    /// Units of shares that had ended.
    pub late: u64,
    /// The time that is left, if that can be told.
    pub time_left_ns: Option<u64>,
}

impl JobBody {
    /// Its shares, made if this is the first report.
    pub(super) fn tree(&mut self) -> Result<&mut Tree, OutOfMemory> {
        if self.tree.is_none() {
            self.tree = Some(try_box(Tree::new(clock::now_ns()))?);
        }
        self.tree.as_deref_mut().ok_or(OutOfMemory)
    }
}

impl JobLive {
    /// The body, to write in, and the state as that was noted.
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
    /// When those who count are to tell what they have.
    pub fn epoch(self) -> &'a Epoch {
        &self.table.epoch
    }

    /// Notes progress of a running job, as a whole.
    pub fn set_progress(
        self,
        job: &JobPin<'_>,
        progress: Progress,
        message: Option<&str>,
    ) -> Result<(), Error> {
        self.report(job, ROOT, progress, message)
    }

    /// Notes progress of a running job, in one of its shares.
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

    /// Reads the tree of a job that has one. With it comes whether it did all its work.
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

    /// How far it is, as one count.
    pub fn progress(self, job: &JobPin<'_>) -> Progress {
        self.read(job, Tree::count).unwrap_or_default()
    }

    /// Shows how far it is, as the part of its bar, and as its one count where that tells it, with the
    /// message that goes with that.
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

    /// Shows how far it is, with the message that goes with that.
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

    /// Shows what it is at, in words.
    pub(super) fn show_message<R>(self, job: &JobPin<'_>, reader: impl FnOnce(&str) -> R) -> R {
        self.show_progress(job, |_, text| reader(text))
    }

    /// How far it is, as a bar.
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
