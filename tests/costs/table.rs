//! The table `benches/counts.txt`: the costs of each operation, the build that they were counted
//! with, and the reasons why costs grew.

use super::callgrind::Counts;
use std::fmt::Write;

/// The rows of the table, and the build that was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The compilers and tools, one in a line. Counts of different builds cannot be compared.
    pub build: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub operation: String,
    pub counts: Counts,
    /// The reason why its costs grew; empty if they never did.
    pub reason: String,
}

const ABOUT: &str = "\
# What each operation costs in the release library, its own C++ loop included: instructions, which of them
# are locked, and system calls, among which are reads of the clock. tests/costs/instruction_counts.rs fails
# where one grows and says how this is written anew.
";
const BUILD: &str = "#: ";

impl Table {
    pub fn row(&self, operation: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.operation == operation)
    }

    pub fn parsed(text: &str) -> Self {
        let mut table = Self::default();
        for line in text.lines() {
            if let Some(build) = line.strip_prefix(BUILD) {
                table.build.push(build.to_owned());
            } else if !line.starts_with('#') && !line.is_empty() {
                table.rows.push(Row::parsed(line));
            }
        }
        table
    }

    pub fn written(&self) -> String {
        let mut text = ABOUT.to_owned();
        for line in &self.build {
            writeln!(text, "{BUILD}{line}").unwrap();
        }
        let [name, numbers] = ["# operation", "instructions |  locked |  system |"];
        writeln!(text, "#\n{name:<44} | {numbers} why it grew").unwrap();
        for Row { operation, counts, reason } in &self.rows {
            let Counts { instructions, locked, system_calls } = counts;
            let numbers = format!("{instructions:>12.1} | {locked:>7.2} | {system_calls:>7.2} |");
            writeln!(text, "{}", format!("{operation:<44} | {numbers} {reason}").trim_end())
                .unwrap();
        }
        text
    }
}

impl Row {
    fn parsed(line: &str) -> Self {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [operation, instructions, locked, system_calls, reason] = fields[..] else {
            panic!("no row: {line:?}");
        };
        let number = |text: &str| -> f64 {
            text.parse().unwrap_or_else(|error| panic!("{text:?} in {line:?}: {error}"))
        };
        Self {
            operation: operation.to_owned(),
            counts: Counts {
                instructions: number(instructions),
                locked: number(locked),
                system_calls: number(system_calls),
            },
            reason: reason.to_owned(),
        }
    }
}
