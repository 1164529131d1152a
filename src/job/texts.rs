//! The texts that a job tells of itself.

use crate::job::{JobPin, Jobs};

/// The texts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobText {
    /// What it is called.
    Label,
    /// The caller's own id.
    CallerId,
    /// Why it failed or was interrupted, or how its code gave up when it was cancelled.
    Failure,
    /// What it is at, as its progress tells.
    ProgressMessage,
}

impl<'a> Jobs<'a> {
    /// Shows one of its texts, empty if it has none.
    pub fn show_text<R>(
        self,
        job: &JobPin<'_>,
        which: JobText,
        reader: impl FnOnce(&str) -> R,
    ) -> R {
        let live = job.slot().live();
        if which == JobText::ProgressMessage {
            return self.show_message(job, reader);
        }
        if !live.has_body() {
            return reader("");
        }
        let body = live.body.lock();
        reader(match which {
            JobText::Label => &body.label,
            JobText::CallerId => &body.caller_id,
            JobText::Failure => &body.failure,
            JobText::ProgressMessage => "",
        })
    }
}
