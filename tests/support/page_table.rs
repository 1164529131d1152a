//! Tables on pages that are the only list of something. Each row says under which name a thing can
//! be found in each place.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeSet;

/// A row of such a table.
pub struct Row {
    /// What the row is about, in words.
    pub what: String,
    /// The names in each column; empty if the cell gives a reason instead.
    pub names: Vec<Vec<String>>,
}

/// A table whose first column is followed by these columns.
pub struct Table {
    columns: &'static [&'static str],
    /// Its rows.
    pub rows: Vec<Row>,
}

impl Table {
    /// Reads the table of a page, or says what is wrong with it.
    pub fn of(page: &str, columns: &'static [&'static str]) -> Result<Self, String> {
        let is_header = |line: &&str| line.starts_with('|') && cells(line)[1..] == *columns;
        let lines = page.lines().skip_while(|line| !is_header(line));
        let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
        let rows: Vec<Row> = rows.map(|line| row(line, columns)).collect::<Result<_, _>>()?;
        match rows.is_empty() {
            true => Err(format!("there is no table with the columns {columns:?}")),
            false => Ok(Self { columns, rows }),
        }
    }

    /// Reads the table of a page that is a file of the project.
    pub fn read(path: &str, columns: &'static [&'static str]) -> Self {
        let page = std::fs::read_to_string(super::support::root().join(path)).unwrap();
        Self::of(&page, columns).unwrap_or_else(|wrong| panic!("{path}: {wrong}"))
    }

    /// All names of a column.
    pub fn column(&self, name: &str) -> BTreeSet<String> {
        let at = self.columns.iter().position(|column| *column == name).expect("a column");
        self.rows.iter().flat_map(|row| row.names[at].iter().cloned()).collect()
    }
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split(" | ").map(str::trim).collect()
}

fn row(line: &str, columns: &[&str]) -> Result<Row, String> {
    let cells = cells(line);
    let (what, cells) = cells.split_first().expect("a cell");
    if cells.len() != columns.len() {
        return Err(format!("{what}: {} cells, not {}", cells.len(), columns.len()));
    }
    let names = cells.iter().zip(columns).map(|(cell, column)| names(what, cell, column));
    Ok(Row { what: (*what).to_owned(), names: names.collect::<Result<_, _>>()? })
}

/// The names in a cell. A cell without names has to give a reason.
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

/// Fails if this place has a thing that the page's table does not name, or lacks a thing that the
/// table names.
pub fn compare(page: &str, place: &str, there: &BTreeSet<String>, named: &BTreeSet<String>) {
    let lost: Vec<_> = there.difference(named).collect();
    let vain: Vec<_> = named.difference(there).collect();
    assert!(
        lost.is_empty() && vain.is_empty(),
        "{place}: {page} lacks {lost:?}, and names {vain:?}, which are not there"
    );
}
