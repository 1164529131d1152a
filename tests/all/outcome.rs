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

/// The numbers in the last line of a program of tests.
#[derive(Clone, Copy)]
pub struct Totals {
    pub passed: usize,
    pub failed: usize,
    pub ignored: usize,
}

impl Totals {
    /// The line is `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
    fn read(line: &str) -> Option<Self> {
        let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let before =
            |what: &str| numbers.split("; ").find_map(|part| part.strip_suffix(what)?.parse().ok());
        Some(Self {
            passed: before(" passed")?,
            failed: before(" failed")?,
            ignored: before(" ignored")?,
        })
    }
}

/// The names in the last list of failures that a program printed.
fn failures(printed: &str) -> Vec<String> {
    let list = printed.rsplit_once("\nfailures:\n").map_or("", |(_, list)| list);
    let names = list.lines().map_while(|line| line.strip_prefix("    "));
    names.map(str::to_owned).collect()
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
    /// What it says at its end; `None`: it ended before that.
    pub totals: Option<Totals>,
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
        // A program that came to its end tells it all once more: a line of a test may be torn by what others
        // print, and a quiet program prints none.
        let totals = printed.lines().rev().find_map(Totals::read);
        let failed = if totals.is_some() { failures(&printed) } else { named("FAILED") };
        Self {
            name: program.name.clone(),
            file: program.file.display().to_string(),
            passed: totals.map_or_else(|| named("ok").len(), |totals| totals.passed),
            totals,
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

    /// Whether it came to its end, with an answer to each of its tests.
    fn is_whole(&self) -> bool {
        self.totals.is_some() && self.unanswered() == 0
    }

    /// Whether it ended well. Its status alone does not tell: a test may have ended the whole program with 0.
    pub fn is_good(&self) -> bool {
        self.is_whole() && matches!(self.end, End::Exited(status) if status.success())
    }

    /// How many tests failed.
    pub fn failures(&self) -> usize {
        self.totals.map_or(self.failed.len(), |totals| totals.failed)
    }

    /// How many tests are not in what was to be run.
    pub fn left_out(&self) -> usize {
        self.totals.map_or(self.ignored.len(), |totals| totals.ignored)
    }

    /// Tests that had begun or not, and have no answer.
    pub fn unanswered(&self) -> usize {
        self.tests.saturating_sub(self.passed + self.failures() + self.left_out())
    }

    /// Why it is not good, beside the tests that failed.
    pub fn trouble(&self) -> Option<String> {
        match &self.end {
            End::NotStarted(why) => Some(format!("could not be started: {why}")),
            End::TookTooLong(limit) => Some(format!("was killed after {} s", limit.as_secs())),
            End::Exited(_) if self.is_good() => None,
            // What libtest answers for failed tests.
            End::Exited(status)
                if status.code() == Some(101) && self.is_whole() && !self.failed.is_empty() =>
            {
                None
            }
            End::Exited(status) => Some(format!("ended with {status}")),
        }
    }
}
