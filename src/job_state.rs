//! The states of a job. They stand apart from jobs, because tokens and events need nothing else of
//! a job.

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum JobState {
    /// The job was made and has not begun.
    Pending = 1,
    /// The job has begun and has not ended.
    Running = 2,
    /// The job has ended and did its work.
    Completed = 3,
    /// The job has ended with an error.
    Failed = 4,
    /// The job has ended: it saw that it was asked to stop, and stopped.
    Cancelled = 5,
    /// The job was ended from outside: its last reference went while it was unfinished, its host
    /// gave it up, or its dispatcher or the owner of its functions was closed.
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

    pub const ENDS: [Self; 4] = [Self::Completed, Self::Failed, Self::Cancelled, Self::Interrupted];

    /// The place of this state in [`Self::ENDS`]; `None` if it is not terminal.
    pub fn end(self) -> Option<usize> {
        (self as usize).checked_sub(Self::Completed as usize)
    }

    /// The state with this number, from 1 on. A number that is too great gives the last state.
    pub fn from_number(number: u32) -> Self {
        Self::ALL[(number as usize - 1).min(Self::ALL.len() - 1)]
    }

    /// Whether a job in this state has ended.
    pub fn is_terminal(self) -> bool {
        self >= Self::Completed
    }

    /// The name of the state in texts.
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
