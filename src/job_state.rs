//! The states of a job, of which tokens and events need not know more.

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum JobState {
    /// Made, not begun.
    Pending = 1,
    /// Begun, not ended.
    Running = 2,
    /// Ended: did its work.
    Completed = 3,
    /// Ended: an error.
    Failed = 4,
    /// Ended: saw that it was asked to stop, and stopped.
    Cancelled = 5,
    /// Ended by another than itself: dropped unfinished, or its host went away.
    Interrupted = 6,
}

impl JobState {
    const ALL: [Self; 6] = [
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Interrupted,
    ];

    /// The terminal ones.
    pub const ENDS: [Self; 4] = [Self::Completed, Self::Failed, Self::Cancelled, Self::Interrupted];

    /// The state of this number.
    pub fn from_number(number: u32) -> Self {
        Self::ALL[(number as usize - 1).min(5)]
    }

    /// Whether it is the end.
    pub fn is_terminal(self) -> bool {
        self >= Self::Completed
    }

    /// As texts call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}
