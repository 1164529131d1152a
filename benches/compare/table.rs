//! The table: each row with its target. At its end it lists the missed targets and what was left
//! out.

use super::figures::Figures;
use super::record::Record;
use super::support;
use super::targets::{TARGETS, Target};

/// The rows that were printed, and what was left out.
#[derive(Default)]
pub struct Table {
    met: usize,
    missed: Vec<String>,
    left_out: Vec<String>,
    judged: Vec<&'static Target>,
    title: String,
    pub record: Record,
}

impl Table {
    /// Begins a part of the table.
    pub fn head(&mut self, title: &str) {
        title.clone_into(&mut self.title);
        self.record.part(title);
        println!("\n{title}");
        println!(
            "{:<52} {:<56} {:>7} {:>15} {:>15} {:>12}  target",
            "work", "beside", "ratio", "quartiles", "rounds x calls", "ns a call"
        );
    }

    pub fn row(&mut self, work: &str, peer: &str, figures: &Figures) {
        let Figures { ratio, quartiles: [low, high], rounds, times, own } = figures;
        let target = TARGETS.iter().find(|target| target.is_of(work, peer));
        self.record.row(work, peer, figures, target.map(|target| target.most));
        let verdict = target.map_or(String::new(), |target| {
            self.judged.push(target);
            if *ratio <= target.most {
                self.met += 1;
                return format!("{} met", target.most);
            }
            let miss = format!(
                "{ratio:.2} instead of {}: {work}, beside {peer}, {}",
                target.most, self.title
            );
            self.missed.push(miss);
            format!("{} MISSED", target.most)
        });
        let spread = format!("{low:.2} to {high:.2}");
        let counts = format!("{rounds} x {times}");
        println!(
            "{work:<52} {peer:<56} {ratio:>7.2} {spread:>15} {counts:>15} {own:>12.2}  {verdict}"
        );
    }

    /// A row that has no peer.
    pub fn amount(&mut self, what: &str, found: f64, most: Option<f64>) {
        let verdict = most.map_or(String::new(), |most| {
            if found <= most {
                self.met += 1;
                return format!("{most} met");
            }
            self.missed.push(format!("{found} instead of {most}: {what}"));
            format!("{most} MISSED")
        });
        println!("{what:<52} {found:>12}  {verdict}");
    }

    /// Adds the rows that a program printed, see figures.hpp. Lines that begin with a space are
    /// only shown.
    pub fn rows(&mut self, lines: &str) {
        for line in lines.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                _ if line.starts_with(' ') => println!("{line}"),
                ["left out", what, why] => self.left_out(what, why),
                ["histogram", ..] | ["place", ..] => self.record.line(line),
                [work, peer, ..] => self.row(work, peer, &Figures::of(&fields[2..])),
                _ => panic!("no row: {line:?}"),
            }
        }
    }

    /// Notes something that was not measured because a package is not installed. With
    /// `DCC_NO_SKIP=1` that is a failure.
    pub fn skipped(&mut self, what: &str, why: &str) {
        support::skip(what, why);
        self.left_out(what, why);
    }

    /// Notes something that cannot be measured here, and why.
    pub fn left_out(&mut self, what: &str, why: &str) {
        self.left_out.push(format!("{what}: {why}"));
    }

    /// Prints the missed targets and what was left out. Returns the number of missed targets. If
    /// all rows were to be measured, a target without a row counts as left out.
    pub fn end(&mut self, is_whole: bool) -> usize {
        for target in TARGETS.iter().filter(|_| is_whole) {
            if !self.judged.iter().any(|judged| std::ptr::eq(*judged, target)) {
                self.left_out.push(format!(
                    "target {} of {}, beside {}: no such row was measured",
                    target.most, target.work, target.peer
                ));
            }
        }
        println!("\n{} targets met, {} missed", self.met, self.missed.len());
        self.missed.iter().for_each(|line| println!("MISSED {line}"));
        self.left_out.iter().for_each(|line| println!("LEFT OUT {line}"));
        self.missed.len()
    }
}
