//! Moments: the things that a timeline records.

use crate::diagnosis::events::EventText;
use crate::diagnosis::trace_parent::TraceParent;
use crate::job_state::JobState;
use crate::sys::{clock, system_thread};

/// The kind of a moment, with the facts that only this kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentKind {
    /// A slice: a dispatcher was pumped. The text is the dispatcher's name.
    Tick {
        /// How many jobs the pump ran.
        executed: u64,
        /// How many jobs waited after the pump.
        remaining: u64,
    },
    /// A slice: a posted job ran, once. The text is the job's label.
    Job {
        /// Whether the job has not ended and continues in a later slice.
        goes_on: bool,
    },
    /// An instant: a job was posted. The text is the job's label.
    Posted {
        /// The lane of the post, a DCC_LANE_ constant; 1 is the most urgent.
        lane: u32,
        /// How many jobs wait in the dispatcher, including this job.
        depth: u64,
    },
    /// An instant: a token was cancelled. The text is the reason.
    Cancel {
        /// The cause of the cancel.
        cause: &'static str,
        /// Whether the token was cancelled through a parent.
        inherited: bool,
    },
    /// An instant: a thread polled and saw a cancel for the first time. The text is the reason.
    PollSeen {
        /// The cause of the cancel.
        cause: &'static str,
        /// Time since the cancel.
        latency_ns: u64,
    },
    /// An instant: it was noticed that the host's check of a running job was not asked for too
    /// long.
    CheckNotAsked {
        /// How long the check was not asked.
        silence_ns: u64,
    },
    /// An instant: a job or a request was sealed. The text is the job's label.
    Seal,
    /// A slice: a share of a job's progress, from its start to its end. The text is the share's
    /// label.
    Share,
    /// A slice: a job's completion was called. The text is the job's label.
    Completion {
        /// How the job ended.
        state: JobState,
    },
}

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub kind: MomentKind,
    /// The time of an instant or of the start of a slice, on the library's clock.
    pub start_ns: u64,
    /// How long a slice took; 0 for an instant.
    pub duration_ns: u64,
    /// The system's number of the thread.
    pub thread: u64,
    /// The id of the job; 0 if there is none.
    pub job_id: u64,
    /// A name, a label or a reason; [`MomentKind`] says which.
    pub text: EventText,
    /// The span of a distributed trace that the work was for; `None` if there is none.
    pub trace_parent: Option<TraceParent>,
}

impl Moment {
    /// An instant on the calling thread, now.
    pub fn now(kind: MomentKind, job_id: u64, text: EventText) -> Self {
        Self::since(clock::now_ns(), kind, job_id, text)
    }

    /// A slice on the calling thread, from `start_ns` to now; or an instant at `start_ns`.
    pub fn since(start_ns: u64, kind: MomentKind, job_id: u64, text: EventText) -> Self {
        let duration_ns =
            if kind.is_slice() { clock::now_ns().saturating_sub(start_ns) } else { 0 };
        let thread = system_thread::current();
        Self { kind, start_ns, duration_ns, thread, job_id, text, trace_parent: None }
    }

    /// The same moment with this span of a distributed trace.
    pub fn of_trace(self, trace_parent: Option<TraceParent>) -> Self {
        Self { trace_parent, ..self }
    }
}

impl MomentKind {
    /// Whether the moment has a duration.
    pub fn is_slice(self) -> bool {
        matches!(self, Self::Tick { .. } | Self::Job { .. } | Self::Share | Self::Completion { .. })
    }
}
