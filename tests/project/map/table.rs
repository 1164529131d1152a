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

/// The texts between backticks.
pub fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The part of the page below this heading, up to the next heading of the same rank.
pub fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let (_, rest) =
        page.split_once(heading).unwrap_or_else(|| panic!("ARCHITECTURE.md: {heading:?}"));
    rest.split("\n## ").next().unwrap_or_default()
}

/// The first cells of all tables of a part.
fn first_cells(part: &str) -> impl Iterator<Item = &str> {
    part.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
}

/// A room of the map. Arrows may lead from a room to rooms below it.
#[derive(Debug)]
pub struct Room {
    /// Its files, and its folders with all that is in them.
    pub places: Vec<PathBuf>,
    /// The files that its tables name, relative to the room's folder or to the root.
    pub named: BTreeSet<PathBuf>,
    /// All text of the page about the room.
    pub text: String,
}

impl Room {
    /// The rooms of the map from top to bottom. Each has its own heading, which names its places.
    pub fn all(map: &str) -> Vec<Self> {
        let parts = map.split("\n#### ").skip(1);
        parts.map(|part| Self::of(part.split("\n### ").next().unwrap_or_default())).collect()
    }

    /// The room of a heading and what is below it.
    pub fn of(part: &str) -> Self {
        let (heading, text) = part.split_once('\n').unwrap_or((part, ""));
        let places: Vec<PathBuf> = quoted(heading).iter().map(PathBuf::from).collect();
        let folder = places.first().expect("a place").as_path();
        let mut named: BTreeSet<PathBuf> =
            places.iter().filter(|place| place.extension().is_some()).cloned().collect();
        let files = first_cells(text).flat_map(quoted).filter(|name| name.ends_with(".rs"));
        named.extend(files.map(|name| match name.starts_with("src/") {
            true => PathBuf::from(name),
            false => folder.join(name),
        }));
        Self { places, named, text: text.to_owned() }
    }

    pub fn has(&self, file: &Path) -> bool {
        self.places.iter().any(|place| file.starts_with(place))
    }
}
