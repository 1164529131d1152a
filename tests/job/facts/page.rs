//! The table of `docs/job_facts.md`.

use std::collections::BTreeSet;

/// Where a fact can be read, in the order of the table's columns.
pub const COLUMNS: [&str; 5] = ["C", "JSON", "dcc-control", "C++", "Python"];

/// A row of the table.
pub struct Fact {
    /// What it is, in words.
    pub what: String,
    /// The names in each column; none where the cell gives a reason.
    pub names: [Vec<String>; COLUMNS.len()],
}

/// The facts of the page's table, or what is wrong with it.
pub fn facts(page: &str) -> Result<Vec<Fact>, String> {
    let mut rows = page.lines().filter(|line| line.starts_with('|'));
    let header = cells(rows.next().ok_or("there is no table")?);
    if header[1..] != COLUMNS {
        return Err(format!("the columns are {header:?}, not a fact and {COLUMNS:?}"));
    }
    rows.skip(1).map(fact).collect()
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split(" | ").map(str::trim).collect()
}

fn fact(row: &str) -> Result<Fact, String> {
    let cells = cells(row);
    let [what, cells @ ..] = &cells[..] else { return Err(format!("an empty row: {row}")) };
    let cells: &[&str; COLUMNS.len()] =
        cells.try_into().map_err(|_| format!("{what}: {} cells", cells.len()))?;
    let mut found: [Vec<String>; COLUMNS.len()] = Default::default();
    for ((cell, column), names) in cells.iter().zip(COLUMNS).zip(&mut found) {
        *names = self::names(what, cell, column)?;
    }
    Ok(Fact { what: (*what).to_owned(), names: found })
}

/// The names in a cell. A cell without any says why.
fn names(what: &str, cell: &str, column: &str) -> Result<Vec<String>, String> {
    if let Some(reason) = cell.strip_prefix("none: ") {
        return match reason.split_whitespace().count() {
            0..2 => Err(format!("{what}, {column}: why not is said in more than a word")),
            _ => Ok(Vec::new()),
        };
    }
    let names: Vec<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    match names.is_empty() {
        true => {
            Err(format!("{what}, {column}: name it, or write `none: ` and why it is not there"))
        }
        false => Ok(names),
    }
}

/// All names of a column.
pub fn column(facts: &[Fact], name: &str) -> BTreeSet<String> {
    let at = COLUMNS.iter().position(|column| *column == name).expect("a column");
    facts.iter().flat_map(|fact| fact.names[at].iter().cloned()).collect()
}
