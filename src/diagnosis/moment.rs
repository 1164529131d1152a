//! What can happen that a timeline tells of.

use crate::diagnosis::events::EventText;
use crate::diagnosis::trace_parent::TraceParent;
use crate::job_state::JobState;
use crate::sys::{clock, system_thread};

/// What happened, with what is known of that kind alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentKind {
    /// A slice: a dispatcher was pumped. The text is its name.
    Tick {
        /// Jobs that were run.
        executed: u64,
        /// Jobs that are left for later.
        remaining: u64,
    },
    /// A slice: a job ran. The text is its label.
    Job {
        /// It is not done and goes on in a later tick.
        goes_on: bool,
    },
    /// An instant: a job was posted. The text is its label.
    Posted {
        /// The lane, most urgent 1.
        lane: u32,
        /// Jobs that wait, with this one.
        depth: u64,
    },
    /// An instant: a token was cancelled. The text is the reason.
    Cancel {
        /// By what.
        cause: &'static str,
        /// A cancel of an ancestor reached it.
        inherited: bool,
    },
    /// An instant: a thread polled and saw a cancel for the first time. The text is the reason.
    PollSeen {
        /// By what it was cancelled.
        cause: &'static str,
        /// Time since the cancel.
        latency_ns: u64,
    },
    /// An instant: the host's check of a running job was not asked for too long, as is told now.
    CheckNotAsked {
        /// For how long.
        silence_ns: u64,
    },
    /// An instant: a job or a request was sealed. The text is the job's label.
    Seal,
    /// A slice: a share of a job's progress, from its begin to its end. The text is its label.
    Share,
    /// A slice: a job's completion was called. The text is its label.
    Completion {
        /// How the job ended.
        state: JobState,
    },
}

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// What.
    pub kind: MomentKind,
    /// When it began, on the library's clock.
    pub start_ns: u64,
    /// How long a slice took; 0 for instants.
    pub duration_ns: u64,
    /// The system's number of the thread.
    pub thread: u64,
    /// The job's id; 0 for none.
    pub job_id: u64,
    /// A name or a reason, as the kind says.
    pub text: EventText,
    /// Which span of a trace it is for.
    pub trace_parent: Option<TraceParent>,
}

impl Moment {
    /// An instant of the calling thread, now.
    pub fn now(kind: MomentKind, job_id: u64, text: EventText) -> Self {
        Self::since(clock::now_ns(), kind, job_id, text)
    }

    /// A slice of the calling thread, from then to now.
    pub fn since(start_ns: u64, kind: MomentKind, job_id: u64, text: EventText) -> Self {
        let duration_ns =
            if kind.is_slice() { clock::now_ns().saturating_sub(start_ns) } else { 0 };
        let thread = system_thread::current();
        Self { kind, start_ns, duration_ns, thread, job_id, text, trace_parent: None }
    }

    /// It, for a span of a trace.
    pub fn of_trace(self, trace_parent: Option<TraceParent>) -> Self {
        Self { trace_parent, ..self }
    }
}

impl MomentKind {
    /// Whether it has a duration.
    pub fn is_slice(self) -> bool {
        matches!(self, Self::Tick { .. } | Self::Job { .. } | Self::Share | Self::Completion { .. })
    }
}
