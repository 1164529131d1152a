//! A drawing in words, a file of `docs/pictures/`. Each line is one thing; one that begins with a space goes
//! on with the line before, and one that begins with `#` is a remark.
//!
//! ```text
//! about: what it shows, for those who do not see it
//! size WIDTH HEIGHT
//! box NAME X Y WIDTH HEIGHT COLOUR: bold line | line | line
//! row X Y HEIGHT NAME: caption
//! field FIRST..LAST WIDTH COLOUR: name | line
//! text X Y begin|middle|end SIZE ink|dim: words
//! arrow NAME.SIDE NAME.SIDE COLOUR above|below|beside: label | line
//! ```
//!
//! A box of the colour `group` has its lines at its top left, all others in the middle. The fields
//! of a row follow it and stand side by side. A side is `left`, `right`, `top` or `bottom`.
//! `@PLACE` after a side moves the end of an arrow along it, to this x or y. An arrow has corners
//! where the sides demand it. `bend PLACE` before the colon says where the middle part of an arrow
//! is.

/// A drawing as it is described.
pub struct Description {
    pub about: String,
    pub size: [f64; 2],
    pub items: Vec<Item>,
}

/// A line of the description.
pub enum Item {
    Box(Boxed),
    Row(Row),
    Text(Words),
    Arrow(Arrow),
}

/// A box with its lines.
pub struct Boxed {
    pub name: String,
    pub corner: [f64; 2],
    pub size: [f64; 2],
    pub colour: String,
    pub lines: Vec<String>,
}

/// Fields side by side, such as the bits of a word.
pub struct Row {
    pub name: String,
    pub corner: [f64; 2],
    pub height: f64,
    pub caption: String,
    pub fields: Vec<Field>,
}

/// A part of a row.
pub struct Field {
    pub first: u32,
    pub last: u32,
    pub width: f64,
    pub colour: String,
    pub lines: Vec<String>,
}

/// A text that stands alone.
pub struct Words {
    pub place: [f64; 2],
    pub side: String,
    pub size: f64,
    pub class: String,
    pub text: String,
}

/// An arrow from one box to another.
pub struct Arrow {
    pub from: End,
    pub to: End,
    pub colour: String,
    pub label_at: String,
    pub bend: Option<f64>,
    pub label: Vec<String>,
}

/// Where an arrow begins or ends.
pub struct End {
    pub name: String,
    pub side: String,
    pub place: Option<f64>,
}

fn number(word: &str) -> f64 {
    word.parse().unwrap_or_else(|_| panic!("{word:?} is not a number"))
}

impl End {
    fn of(word: &str) -> Self {
        let (word, place) = match word.split_once('@') {
            Some((word, place)) => (word, Some(number(place))),
            None => (word, None),
        };
        let (name, side) = word.split_once('.').unwrap_or_else(|| panic!("{word:?} has no side"));
        Self { name: name.to_owned(), side: side.to_owned(), place }
    }
}

/// The lines of a text; bars separate them.
fn lines(text: &str) -> Vec<String> {
    text.split('|').map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

impl Description {
    /// Reads a description.
    pub fn parsed(file: &str) -> Self {
        let mut found = Self { about: String::new(), size: [0.0; 2], items: Vec::new() };
        let file = file.replace("\n ", " ");
        for line in file.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let (head, text) = line.split_once(':').unwrap_or((line, ""));
            let head: Vec<&str> = head.split_whitespace().collect();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            found.add(&head, &text, line);
        }
        found
    }

    fn add(&mut self, head: &[&str], text: &str, line: &str) {
        let item = match *head {
            ["about"] => return text.clone_into(&mut self.about),
            ["size", width, height] => return self.size = [number(width), number(height)],
            ["field", bits, width, colour] => {
                let (first, last) = bits.split_once("..").unwrap_or((bits, bits));
                let Some(Item::Row(row)) = self.items.last_mut() else {
                    panic!("a field of no row: {line}");
                };
                return row.fields.push(Field {
                    first: number(first) as u32,
                    last: number(last) as u32,
                    width: number(width),
                    colour: colour.to_owned(),
                    lines: lines(text),
                });
            }
            ["box", name, x, y, width, height, colour] => Item::Box(Boxed {
                name: name.to_owned(),
                corner: [x, y].map(number),
                size: [width, height].map(number),
                colour: colour.to_owned(),
                lines: lines(text),
            }),
            ["row", x, y, height, name] => Item::Row(Row {
                name: name.to_owned(),
                corner: [x, y].map(number),
                height: number(height),
                caption: text.to_owned(),
                fields: Vec::new(),
            }),
            ["text", x, y, side, size, class] => Item::Text(Words {
                place: [x, y].map(number),
                side: side.to_owned(),
                size: number(size),
                class: class.to_owned(),
                text: text.to_owned(),
            }),
            ["arrow", from, to, colour, label_at, ref rest @ ..] => Item::Arrow(Arrow {
                from: End::of(from),
                to: End::of(to),
                colour: colour.to_owned(),
                label_at: label_at.to_owned(),
                bend: match *rest {
                    [] => None,
                    ["bend", place] => Some(number(place)),
                    _ => panic!("what is to be bent how: {line}"),
                },
                label: lines(text),
            }),
            _ => panic!("not a line of a drawing: {line}"),
        };
        self.items.push(item);
    }

    pub fn boxes(&self) -> impl Iterator<Item = &Boxed> {
        self.items.iter().filter_map(|item| match item {
            Item::Box(of) => Some(of),
            _ => None,
        })
    }

    pub fn boxed(&self, name: &str) -> &Boxed {
        self.boxes().find(|of| of.name == name).unwrap_or_else(|| panic!("no box {name}"))
    }

    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.items.iter().filter_map(|item| match item {
            Item::Row(row) => Some(row),
            _ => None,
        })
    }

    pub fn row(&self, name: &str) -> &Row {
        self.rows().find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}"))
    }

    pub fn arrows(&self) -> impl Iterator<Item = &Arrow> {
        self.items.iter().filter_map(|item| match item {
            Item::Arrow(arrow) => Some(arrow),
            _ => None,
        })
    }
}
