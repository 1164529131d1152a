//! What came of one test program, read out of what it printed.

use crate::programs::Program;
use std::process::ExitStatus;
use std::time::Duration;

/// How a program ended.
pub enum End {
    /// By itself, or by a signal.
    Exited(ExitStatus),
    /// It was killed after so long.
    TookTooLong(Duration),
    /// It could not be started.
    NotStarted(String),
}

/// A check that did not run, and why.
pub struct Left {
    pub what: String,
    pub why: String,
}

/// What came of one program.
pub struct Outcome {
    pub name: String,
    pub file: String,
    pub end: End,
    pub printed: String,
    pub took: Duration,
    pub processor: Duration,
    /// Tests that it began with; those that filters left out are not among them.
    pub tests: usize,
    pub passed: usize,
    pub failed: Vec<String>,
    pub ignored: Vec<Left>,
    pub skipped: Vec<Left>,
}

impl Outcome {
    pub fn new(
        program: &Program,
        end: End,
        printed: String,
        skips: &str,
        took: Duration,
        processor: Duration,
    ) -> Self {
        let lines = || printed.lines().filter_map(|line| line.strip_prefix("test "));
        let named = |word: &str| -> Vec<String> {
            let ends = |line: &str| line.strip_suffix(word).map(|name| name.trim_end().to_owned());
            lines()
                .filter_map(ends)
                .filter_map(|name| Some(name.strip_suffix(" ...")?.to_owned()))
                .collect()
        };
        let ignored = lines().filter_map(|line| {
            let (what, why) = line.split_once(" ... ignored")?;
            Some(Left { what: what.to_owned(), why: why.trim_start_matches(", ").to_owned() })
        });
        let skipped = skips.lines().map(|line| {
            let (what, why) = line.split_once('\t').unwrap_or((line, "no reason"));
            Left { what: what.to_owned(), why: why.to_owned() }
        });
        let tests = printed.lines().find_map(|line| {
            let number = line.strip_prefix("running ")?.split(' ').next()?;
            number.parse().ok()
        });
        let failed: Vec<String> = named("FAILED");
        // Of a program that printed a count, that one: a line of a test may be torn by what others print.
        let counted = printed.lines().rev().find_map(|line| {
            let line = line.strip_prefix("test result: ")?;
            line.split_once(". ")?.1.split_once(" passed;")?.0.parse().ok()
        });
        Self {
            name: program.name.clone(),
            file: program.file.display().to_string(),
            passed: counted.unwrap_or_else(|| named("ok").len()),
            failed,
            ignored: ignored.collect(),
            skipped: skipped.collect(),
            tests: tests.unwrap_or(0),
            end,
            printed,
            took,
            processor,
        }
    }

    pub fn is_good(&self) -> bool {
        matches!(self.end, End::Exited(status) if status.success())
    }

    /// Tests that had begun or not, and have no answer.
    pub fn unanswered(&self) -> usize {
        self.tests.saturating_sub(self.passed + self.failed.len() + self.ignored.len())
    }

    /// Why it is not good, beside the tests that failed.
    pub fn trouble(&self) -> Option<String> {
        match &self.end {
            End::NotStarted(why) => Some(format!("could not be started: {why}")),
            End::TookTooLong(limit) => Some(format!("was killed after {} s", limit.as_secs())),
            End::Exited(status) if status.success() => None,
            // What libtest answers for failed tests.
            End::Exited(status) if status.code() == Some(101) && !self.failed.is_empty() => None,
            End::Exited(status) => Some(format!("ended with {status}")),
        }
    }
}
