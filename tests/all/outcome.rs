//! The outcome of one test program, read from its output.

use crate::programs::Program;
use std::process::ExitStatus;
use std::time::Duration;

/// How a program ended.
pub enum End {
    /// It exited, or a signal ended it.
    Exited(ExitStatus),
    /// It was killed after this time.
    TookTooLong(Duration),
    /// It could not be started.
    NotStarted(String),
}

/// A check that did not run, and why.
pub struct Left {
    pub what: String,
    pub why: String,
}

/// The numbers in the last line that a test program prints.
#[derive(Clone, Copy)]
pub struct Totals {
    pub passed: usize,
    pub failed: usize,
    pub ignored: usize,
}

impl Totals {
    /// Reads a line like `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
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

/// The outcome of one program.
pub struct Outcome {
    pub name: String,
    pub file: String,
    pub end: End,
    pub printed: String,
    pub took: Duration,
    pub processor: Duration,
    /// How many tests it announced at its start, without the tests that filters left out.
    pub tests: usize,
    /// The sums that it printed at its end. `None`: it ended before that.
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
        // A program that came to its end repeats all results in its last lines. Those are read,
        // because other output may tear the line of a test, and a quiet program prints no such
        // lines.
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

    /// Whether it came to its end and each of its tests has a result.
    fn is_whole(&self) -> bool {
        self.totals.is_some() && self.unanswered() == 0
    }

    /// Whether it ended well. The exit status alone does not tell: a test may have ended the whole
    /// program with status 0.
    pub fn is_good(&self) -> bool {
        self.is_whole() && matches!(self.end, End::Exited(status) if status.success())
    }

    /// How many tests failed, by the program's own sums.
    pub fn failures(&self) -> usize {
        self.totals.map_or(self.failed.len(), |totals| totals.failed)
    }

    /// How many tests a filter or `#[ignore]` left out.
    pub fn left_out(&self) -> usize {
        self.totals.map_or(self.ignored.len(), |totals| totals.ignored)
    }

    /// How many tests have no result, whether or not they had begun.
    pub fn unanswered(&self) -> usize {
        self.tests.saturating_sub(self.passed + self.failures() + self.left_out())
    }

    /// Why the program is not good, apart from failed tests.
    pub fn trouble(&self) -> Option<String> {
        match &self.end {
            End::NotStarted(why) => Some(format!("could not be started: {why}")),
            End::TookTooLong(limit) => Some(format!("was killed after {} s", limit.as_secs())),
            End::Exited(_) if self.is_good() => None,
            // The status with which libtest exits after failed tests.
            End::Exited(status)
                if status.code() == Some(101) && self.is_whole() && !self.failed.is_empty() =>
            {
                None
            }
            End::Exited(status) => Some(format!("ended with {status}")),
        }
    }
}
