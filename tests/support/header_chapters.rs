//! Puts the declarations of the C header into the chapters of `dcc_cancel.h.in`.
//!
//! A line of that file that begins with `@` stands for declarations. `@FILES` stands for those of
//! the named files of `src/ffi`, in the order of their sources; `@ITEMS` for the named
//! declarations; `@HANDLES` for the types of handles. A declaration that `@ITEMS` or `@HANDLES`
//! places is left out of `@FILES`. `@CONTENTS` stands for the titles of the chapters. `@ABOUT`, in
//! the head of a chapter, stands for the comment of a handle's type; the type's own declaration
//! then has only the first sentence of that comment.

use crate::c_items::Item;
use std::collections::BTreeMap;

/// The meaning of a line of the template.
enum Place<'a> {
    Text(&'a str),
    Contents,
    Handles,
    /// The comment of a handle's type, and the text that follows it in the line.
    About(&'a str, &'a str),
    Items(Vec<&'a str>),
    Files(Vec<&'a str>),
}

fn place(line: &str) -> Place<'_> {
    if let Some(rest) = line.strip_prefix(" * @ABOUT ") {
        let name = rest.trim_end_matches(" */");
        return Place::About(name, &rest[name.len()..]);
    }
    let mut words = line.split_whitespace();
    match words.next() {
        Some("@CONTENTS") => Place::Contents,
        Some("@HANDLES") => Place::Handles,
        Some("@ITEMS") => Place::Items(words.collect()),
        Some("@FILES") => Place::Files(words.collect()),
        _ => Place::Text(line),
    }
}

/// The files with declarations, in the header's order.
pub fn files(template: &str) -> Vec<&str> {
    let of = |line| match place(line) {
        Place::Files(names) => names,
        _ => Vec::new(),
    };
    template.lines().flat_map(of).collect()
}

/// The titles of the chapters, with their numbers.
fn titles(template: &str) -> impl Iterator<Item = &str> {
    template.lines().filter_map(|line| {
        let title = line.strip_prefix("/* ")?;
        title
            .starts_with(|letter: char| letter.is_ascii_digit())
            .then(|| title.trim_end_matches(" */"))
    })
}

/// The position of a declaration in a source.
fn position(source: &str, name: &str) -> Option<usize> {
    let defines = |word: &str| {
        let whole = format!("{word} {name}");
        let is_end = |letter: char| !(letter.is_alphanumeric() || letter == '_');
        source
            .match_indices(&whole)
            .find(|(at, _)| source[at + whole.len()..].starts_with(is_end))
            .map(|(at, _)| at)
    };
    ["pub const", "pub struct", "pub type", "fn"].into_iter().find_map(defines)
}

/// The declarations that have no place yet, by name.
struct Left<'a> {
    items: BTreeMap<String, Item>,
    /// Declarations that a line places by name. They are left out where their file is placed.
    named: Vec<&'a str>,
    sources: &'a BTreeMap<&'a str, String>,
}

impl Left<'_> {
    fn take(&mut self, name: &str) -> Item {
        let item = self.items.remove(name);
        item.unwrap_or_else(|| {
            panic!("{name}: there is no such declaration, or it is placed twice")
        })
    }

    fn of_file(&mut self, file: &str) -> Vec<Item> {
        let source = &self.sources[file];
        let names = self.items.keys().filter(|name| !self.named.contains(&name.as_str()));
        let mut found: Vec<(usize, String)> =
            names.filter_map(|name| Some((position(source, name)?, name.clone()))).collect();
        found.sort();
        found.into_iter().map(|(_, name)| self.take(&name)).collect()
    }
}

/// Makes the header. `sources` are the files of `src/ffi` by name.
pub fn fill(template: &str, items: Vec<Item>, sources: &BTreeMap<&str, String>) -> String {
    let mut named = Vec::new();
    let mut handles = Vec::new();
    for line in template.lines() {
        match place(line) {
            Place::Items(names) => named.extend(names),
            Place::About(name, _) => handles.push(name),
            _ => {}
        }
    }
    named.extend(&handles);
    let items: BTreeMap<String, Item> =
        items.into_iter().map(|item| (item.name.clone(), item)).collect();
    let mut left = Left { items, named, sources };
    let handles: Vec<Item> = handles.into_iter().map(|name| left.take(name)).collect();
    let mut header = String::new();
    for line in template.lines() {
        let placed: Vec<Item> = match place(line) {
            Place::Text(text) => {
                header += &format!("{text}\n");
                continue;
            }
            Place::Contents => {
                for title in titles(template) {
                    let space = if title.find('.') == Some(1) { "  " } else { " " };
                    header += &format!(" *  {space}{title}\n");
                }
                continue;
            }
            Place::About(name, end) => {
                let handle = handles.iter().find(|handle| handle.name == name).expect("taken");
                header += &format!("{}{end}\n", handle.comment_inside());
                continue;
            }
            Place::Handles => handles.iter().map(Item::in_brief).collect(),
            Place::Items(names) => names.into_iter().map(|name| left.take(name)).collect(),
            Place::Files(names) => names.into_iter().flat_map(|file| left.of_file(file)).collect(),
        };
        if !header.ends_with("\n\n") {
            header.push('\n');
        }
        header += &paragraph(&placed);
    }
    let forgotten: Vec<&String> = left.items.keys().collect();
    assert!(forgotten.is_empty(), "no chapter has {forgotten:?}");
    header
}

/// Declarations with empty lines between them, except between constants and handles whose comment
/// has one line.
fn paragraph(items: &[Item]) -> String {
    let mut text = String::new();
    for (number, item) in items.iter().enumerate() {
        if number > 0 && !(item.is_short() && items[number - 1].is_short()) {
            text.push('\n');
        }
        text += &item.comment;
        text += &item.code;
        text.push('\n');
    }
    text
}
