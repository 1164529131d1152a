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

    /// Which of [`Self::ENDS`] it is, if it is one.
    pub fn end(self) -> Option<usize> {
        (self as usize).checked_sub(Self::Completed as usize)
    }

    /// The state of this number.
    pub fn from_number(number: u32) -> Self {
        Self::ALL[(number as usize - 1).min(Self::ALL.len() - 1)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_states_and_ends() {
        for (place, state) in JobState::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, place + 1);
            assert_eq!(JobState::from_number(state as u32), state);
            assert_eq!(state.end(), JobState::ENDS.iter().position(|end| *end == state));
            assert_eq!(state.end().is_some(), state.is_terminal());
        }
    }
}
