//! The outcomes of all programs, and the text that tells them.

use crate::outcome::Outcome;
use crate::programs::Program;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;
use std::time::Duration;

/// The outcomes of the programs that have ended so far.
#[derive(Default)]
pub struct Summary {
    outcomes: Vec<Outcome>,
    /// Programs that cargo also runs by itself.
    pub twice: Vec<Program>,
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Adds a line for each reason: the reason, and the checks that it concerns.
fn by_reason<'a>(
    text: &mut String,
    title: &str,
    lefts: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) {
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (program, what, why) in lefts {
        reasons.entry(why).or_default().push(format!("{program}: {what}"));
    }
    for (why, checks) in reasons {
        let why = if why.is_empty() { "no reason given" } else { why };
        let _ = writeln!(text, "{title} ({why}): {}", checks.join(", "));
    }
}

impl Summary {
    /// Adds an outcome. Shows the program's output, unless it ended well and had no tests to run.
    pub fn add(&mut self, outcome: Outcome) {
        if outcome.tests > 0 || !outcome.is_good() {
            let (took, processor) = (seconds(outcome.took), seconds(outcome.processor));
            let mut screen = std::io::stdout().lock();
            let _ = writeln!(screen, "     Running {} ({})", outcome.name, outcome.file);
            let _ = writeln!(screen, "{}", outcome.printed.trim_end());
            let _ =
                writeln!(screen, "     {}: {took}, {processor} of processor time\n", outcome.name);
        }
        self.outcomes.push(outcome);
    }

    pub fn is_good(&self) -> bool {
        self.twice.is_empty() && self.outcomes.iter().all(Outcome::is_good)
    }

    /// The text that is printed at the end.
    pub fn text(&self, took: Duration) -> String {
        let mut text = String::from("=== all test programs\n");
        self.add_times(&mut text);
        let empty: Vec<&str> = self
            .outcomes
            .iter()
            .filter(|one| one.tests == 0)
            .map(|one| one.name.as_str())
            .collect();
        if !empty.is_empty() {
            let _ = writeln!(text, "no test to run here or by this filter: {}", empty.join(", "));
        }
        let lefts =
            self.outcomes.iter().flat_map(|one| one.ignored.iter().map(move |left| (one, left)));
        let lefts =
            lefts.map(|(one, left)| (one.name.as_str(), left.what.as_str(), left.why.as_str()));
        by_reason(&mut text, "not in the core", lefts);
        let lefts =
            self.outcomes.iter().flat_map(|one| one.skipped.iter().map(move |left| (one, left)));
        let lefts =
            lefts.map(|(one, left)| (one.name.as_str(), left.what.as_str(), left.why.as_str()));
        by_reason(&mut text, "skipped", lefts);
        for one in &self.outcomes {
            for name in &one.failed {
                let _ = writeln!(text, "failed: {}: {name}", one.name);
            }
            if let Some(trouble) = one.trouble() {
                let _ = writeln!(
                    text,
                    "failed: {} {trouble}; {} tests have no answer",
                    one.name,
                    one.unanswered()
                );
            }
        }
        for program in &self.twice {
            let _ = writeln!(
                text,
                "failed: cargo runs {} a second time; Cargo.toml needs `[[test]] name = \"{}\" test = false`",
                program.name, program.name
            );
        }
        let sum = |count: fn(&Outcome) -> usize| self.outcomes.iter().map(count).sum::<usize>();
        let good = self.outcomes.iter().filter(|one| one.is_good()).count();
        let processor = self.outcomes.iter().map(|one| one.processor).sum();
        let _ = writeln!(
            text,
            "{} of {} programs are good: {} tests passed, {} failed, {} have no answer, {} not in the core, \
             {} checks skipped; {}, {} of processor time",
            good,
            self.outcomes.len(),
            sum(|one| one.passed),
            sum(Outcome::failures),
            sum(Outcome::unanswered),
            sum(Outcome::left_out),
            sum(|one| one.skipped.len()),
            seconds(took),
            seconds(processor),
        );
        text
    }

    /// Adds how long programs took, the longest first.
    fn add_times(&self, text: &mut String) {
        let mut longest: Vec<&Outcome> = self.outcomes.iter().collect();
        longest.sort_by_key(|one| std::cmp::Reverse(one.processor));
        let times: Vec<String> = longest
            .iter()
            .take(10)
            .map(|one| format!("{} {}", one.name, seconds(one.processor)))
            .collect();
        let _ = writeln!(text, "most processor time: {}", times.join(", "));
    }
}
