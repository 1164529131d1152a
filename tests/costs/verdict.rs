//! Decides whether operations cost more than their table says.

use super::callgrind::Counts;
use super::table::Table;

/// The differences between a table and newer counts.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Operations that cost more.
    pub grown: Vec<String>,
    /// Operations that only one of the two has.
    pub unlisted: Vec<String>,
    /// Operations that cost less: the table can be tightened.
    pub fallen: Vec<String>,
}

/// The part by which the number of instructions may grow: compilers choose differently when other
/// code near them changes.
const MAY_GROW: f64 = 0.03;
/// The last digit of the table, and a share of work that happens once in many calls.
const ROUNDING: f64 = 0.05;

impl Verdict {
    pub fn of(table: &Table, now: &Table) -> Self {
        let mut verdict = Self::default();
        for row in &now.rows {
            let Some(before) = table.row(&row.operation) else {
                verdict.unlisted.push(format!("{} is not in the table", row.operation));
                continue;
            };
            let named = |differences: Vec<String>| {
                let all = differences.join(", ");
                (!all.is_empty()).then(|| format!("{}: {all}", row.operation))
            };
            verdict.grown.extend(named(grown(&before.counts, &row.counts)));
            verdict.fallen.extend(named(fallen(&before.counts, &row.counts)));
        }
        let gone = table.rows.iter().filter(|row| now.row(&row.operation).is_none());
        verdict.unlisted.extend(gone.map(|row| format!("{} is not counted", row.operation)));
        verdict
    }

    pub fn is_fine(&self) -> bool {
        self.grown.is_empty() && self.unlisted.is_empty()
    }
}

/// The counts that have grown, in words.
fn grown(before: &Counts, now: &Counts) -> Vec<String> {
    let pairs = pairs(before, now).into_iter();
    pairs.filter(Pair::has_grown).map(|pair| pair.shown()).collect()
}

/// The counts that have fallen by as much as would not be allowed to be added.
fn fallen(before: &Counts, now: &Counts) -> Vec<String> {
    let is_less = |pair: &Pair| Pair { before: pair.now, now: pair.before, ..*pair }.has_grown();
    pairs(before, now).into_iter().filter(is_less).map(|pair| pair.shown()).collect()
}

/// One number of an operation, before and now.
struct Pair {
    what: &'static str,
    /// The part by which it may grow.
    slack: f64,
    before: f64,
    now: f64,
}

impl Pair {
    fn has_grown(&self) -> bool {
        self.now > self.before * (1.0 + self.slack) + ROUNDING
    }

    fn shown(&self) -> String {
        format!("{:.2} {} instead of {:.2}", self.now, self.what, self.before)
    }
}

fn pairs(before: &Counts, now: &Counts) -> [Pair; 3] {
    let pair = |what, slack, of: fn(&Counts) -> f64| Pair {
        what,
        slack,
        before: of(before),
        now: of(now),
    };
    [
        pair("instructions", MAY_GROW, |counts| counts.instructions),
        pair("locked", 0.0, |counts| counts.locked),
        pair("system calls", 0.0, |counts| counts.system_calls),
    ]
}

/// The table as it should be now. Rows keep their reasons. A row that grew gets this reason;
/// without a reason the growth is the error. A row that grew by less than the allowed part keeps
/// its old counts: otherwise many small growths would go unseen one by one. Counts of another build
/// cannot count as growth.
pub fn renewed(table: &Table, now: &Table, reason: Option<&str>) -> Result<Table, Vec<String>> {
    let mut renewed = Table { build: now.build.clone(), rows: Vec::new() };
    let mut refused = Vec::new();
    for row in &now.rows {
        let mut row = row.clone();
        if let Some(before) = table.row(&row.operation) {
            let growth = grown(&before.counts, &row.counts);
            row.reason.clone_from(&before.reason);
            match reason {
                _ if table.build != now.build => (),
                _ if growth.is_empty() => row.counts = lower(&before.counts, &row.counts),
                Some(reason) => row.reason = reason.replace('|', "/"),
                None => refused.push(format!("{}: {}", row.operation, growth.join(", "))),
            }
        }
        renewed.rows.push(row);
    }
    if refused.is_empty() { Ok(renewed) } else { Err(refused) }
}

fn lower(before: &Counts, now: &Counts) -> Counts {
    Counts {
        instructions: before.instructions.min(now.instructions),
        locked: before.locked.min(now.locked),
        system_calls: before.system_calls.min(now.system_calls),
    }
}
