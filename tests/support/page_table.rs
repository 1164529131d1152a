//! Tables of pages that are the one list of something: each row says where a thing is, place by place.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeSet;

/// A row of such a table.
pub struct Row {
    /// What it is about, in words.
    pub what: String,
    /// The names in each column; none where the cell gives a reason.
    pub names: Vec<Vec<String>>,
}

/// The table with these columns behind its first one.
pub struct Table {
    columns: &'static [&'static str],
    /// Its rows.
    pub rows: Vec<Row>,
}

impl Table {
    /// The table of a page, or what is wrong with it.
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

    /// That of a file of the project.
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

/// Fails if one of the places has what the table of the page lacks, or lacks what that names.
pub fn compare(page: &str, place: &str, there: &BTreeSet<String>, named: &BTreeSet<String>) {
    let lost: Vec<_> = there.difference(named).collect();
    let vain: Vec<_> = named.difference(there).collect();
    assert!(
        lost.is_empty() && vain.is_empty(),
        "{place}: {page} lacks {lost:?}, and names {vain:?}, which are not there"
    );
}
