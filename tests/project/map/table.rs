//! The tables of ARCHITECTURE.md that say where what is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A row: its cells.
pub type Row = Vec<String>;

/// The rows of the first table after this heading or line.
pub fn rows(page: &str, after: &str) -> Vec<Row> {
    let (_, rest) = page.split_once(after).unwrap_or_else(|| panic!("ARCHITECTURE.md: {after:?}"));
    rest.lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// What stands between backticks.
pub fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A row of the map: what arrows point down from, and down to.
#[derive(Debug)]
pub struct Room {
    /// Files, and folders with all that is in them.
    pub places: Vec<PathBuf>,
    /// The files that its text names, from the room's folder or from the root.
    pub named: BTreeSet<PathBuf>,
}

impl Room {
    pub fn of(row: &Row) -> Self {
        let places: Vec<PathBuf> = quoted(&row[0]).iter().map(PathBuf::from).collect();
        let folder = places.first().expect("a place").as_path();
        let mut named: BTreeSet<PathBuf> =
            places.iter().filter(|place| place.extension().is_some()).cloned().collect();
        named.extend(quoted(&row[1]).iter().filter(|name| name.ends_with(".rs")).map(|name| {
            match name.starts_with("src/") {
                true => PathBuf::from(name),
                false => folder.join(name),
            }
        }));
        Self { places, named }
    }

    pub fn has(&self, file: &Path) -> bool {
        self.places.iter().any(|place| file.starts_with(place))
    }
}
