//! The texts of a job.

use crate::job::{JobPin, Jobs};

/// Names one of a job's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobText {
    Label,
    /// The caller's own id for the job.
    CallerId,
    /// Why the job failed or was interrupted, or what its code said when it stopped after a cancel.
    Failure,
    /// What the job is doing, by its progress reports.
    ProgressMessage,
}

impl<'a> Jobs<'a> {
    /// Calls `reader` with one of the job's texts, which is empty if the job has none.
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
