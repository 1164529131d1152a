//! What a job tells of itself: how far it is, and its texts.
//!
//! Who writes says so in `life`, under the body lock and before it writes.

use crate::error::Error;
use crate::job::{JobPin, Jobs, Progress, WRITTEN, state_of};
use crate::job_state::JobState;
use crate::sys::fallible::replace_string;
use crate::sys::sync::Ordering;

/// The texts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobText {
    /// What it is called.
    Label,
    /// The caller's own id.
    CallerId,
    /// Why it failed or was interrupted, or how its code gave up when it was cancelled.
    Failure,
    /// The message of its progress.
    ProgressMessage,
}

impl<'a> Jobs<'a> {
    /// Notes progress of a running job. A report that lags behind another thread's is left out.
    pub fn set_progress(
        self,
        job: &JobPin<'_>,
        progress: Progress,
        message: Option<&str>,
    ) -> Result<(), Error> {
        let live = job.slot().live();
        let mut body = live.body.lock();
        let mut life = live.life.load(Ordering::Acquire);
        if life & WRITTEN == 0 {
            life = if crate::weakened!("writers_mark_by_one_step") {
                live.life.store(life | WRITTEN, Ordering::Release);
                life
            } else {
                live.life.fetch_or(WRITTEN, Ordering::AcqRel)
            };
        }
        let state = state_of(life);
        if state != JobState::Running {
            return Err(Error::WrongState { verb: "set progress of", state: state.name() });
        }
        if progress.done < body.progress.done {
            return Ok(());
        }
        if let Some(message) = message {
            replace_string(&mut body.message, message)?;
        }
        body.progress = progress;
        Ok(())
    }

    /// How far it is.
    pub fn progress(self, job: &JobPin<'_>) -> Progress {
        let live = job.slot().live();
        if live.has_body() { live.body.lock().progress } else { Progress::default() }
    }

    /// Shows how far it is, with the message that goes with that.
    pub fn show_progress<R>(self, job: &JobPin<'_>, reader: impl FnOnce(Progress, &str) -> R) -> R {
        let body = job.slot().live().body.lock();
        reader(body.progress, &body.message)
    }

    /// Shows one of its texts, empty if it has none.
    pub fn show_text<R>(
        self,
        job: &JobPin<'_>,
        which: JobText,
        reader: impl FnOnce(&str) -> R,
    ) -> R {
        let live = job.slot().live();
        if !live.has_body() {
            return reader("");
        }
        let body = live.body.lock();
        reader(match which {
            JobText::Label => &body.label,
            JobText::CallerId => &body.caller_id,
            JobText::Failure => &body.failure,
            JobText::ProgressMessage => &body.message,
        })
    }
}
