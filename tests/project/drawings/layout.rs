//! Where the things of a drawing are, and the picture that they make.

use super::description::{Arrow, Boxed, Description, End, Item, Row, Words};
use super::letters;
use super::svg::{Side, Svg};

const BOLD: f64 = 14.0;
const PLAIN: f64 = 12.0;
const SMALL: f64 = 10.5;
const LINE: f64 = 17.0;
/// The distance from a line to the text above it.
const GAP: f64 = 7.0;
const HEAD: f64 = 9.0;

/// A rectangle: left, top, right, bottom.
pub type Area = [f64; 4];

/// A picture, and the places of its parts.
pub struct Layout {
    svg: Svg,
    /// Each text and the area that it takes.
    pub texts: Vec<(String, Area)>,
    /// The areas that have a border.
    pub borders: Vec<Area>,
    /// Parts of arrows.
    pub ways: Vec<[[f64; 2]; 2]>,
}

#[derive(Clone, Copy)]
struct Style<'a> {
    class: &'a str,
    size: f64,
    is_bold: bool,
}

const TITLE: Style<'static> = Style { class: "ink", size: BOLD, is_bold: true };
const BODY: Style<'static> = Style { class: "ink", size: PLAIN, is_bold: false };
const NUMBER: Style<'static> = Style { class: "dim", size: SMALL, is_bold: false };

impl Layout {
    pub fn of(description: &Description) -> Self {
        let [width, height] = description.size;
        let mut layout = Self {
            svg: Svg::new(width, height),
            texts: Vec::new(),
            borders: Vec::new(),
            ways: Vec::new(),
        };
        for item in &description.items {
            match item {
                Item::Box(of) => layout.boxed(of),
                Item::Row(row) => layout.row(row),
                Item::Text(words) => layout.words(words),
                Item::Arrow(arrow) => layout.arrow(arrow, description),
            }
        }
        layout
    }

    pub fn finished(self, about: &str) -> String {
        self.svg.finished(about)
    }

    fn text(&mut self, style: Style<'_>, side: Side, [x, y]: [f64; 2], text: &str) {
        let Style { class, size, is_bold } = style;
        let width = letters::width(text, size, is_bold);
        let left = match side {
            Side::Begin => x,
            Side::Middle => x - width / 2.0,
            Side::End => x - width,
        };
        let area = [left, y - 0.76 * size, left + width, y + 0.24 * size];
        self.texts.push((text.to_owned(), area));
        if is_bold {
            self.svg.bold_text(class, side, size, [x, y], text);
        } else {
            self.svg.text(class, side, size, [x, y], text);
        }
    }

    fn bordered(&mut self, colour: &str, [x, y]: [f64; 2], [width, height]: [f64; 2], by: f64) {
        self.svg.rounded(colour, [x, y], [width, height], by);
        self.borders.push([x, y, x + width, y + height]);
    }

    /// Draws lines of text in the middle of an area, the first of them as a title.
    fn middle(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], lines: &[String]) {
        let first = y + height / 2.0 - LINE * (lines.len() as f64 - 1.0) / 2.0 + 0.28 * PLAIN;
        for (number, line) in lines.iter().enumerate() {
            let style = if number == 0 { TITLE } else { BODY };
            let place = [x + width / 2.0, first + LINE * number as f64];
            self.text(style, Side::Middle, place, line);
        }
    }

    fn boxed(&mut self, of: &Boxed) {
        let is_group = of.colour == "group";
        self.bordered(&of.colour, of.corner, of.size, if is_group { 12.0 } else { 8.0 });
        if !is_group {
            return self.middle(of.corner, of.size, &of.lines);
        }
        let [x, y] = of.corner;
        for (number, line) in of.lines.iter().enumerate() {
            let style = if number == 0 { TITLE } else { BODY };
            self.text(style, Side::Begin, [x + 16.0, y + 25.0 + LINE * number as f64], line);
        }
    }

    fn row(&mut self, row: &Row) {
        let [mut x, y] = row.corner;
        self.text(TITLE, Side::Begin, [x, y - 25.0], &row.caption);
        for field in &row.fields {
            let size = [field.width, row.height];
            self.bordered(&field.colour, [x, y], size, 0.0);
            self.middle([x, y], size, &field.lines);
            let above = y - 6.0;
            if field.first == field.last {
                let place = [x + field.width / 2.0, above];
                self.text(NUMBER, Side::Middle, place, &field.first.to_string());
            } else {
                self.text(NUMBER, Side::Begin, [x + 3.0, above], &field.first.to_string());
                let right = [x + field.width - 3.0, above];
                self.text(NUMBER, Side::End, right, &field.last.to_string());
            }
            x += field.width;
        }
    }

    fn words(&mut self, words: &Words) {
        let side = match &*words.side {
            "begin" => Side::Begin,
            "middle" => Side::Middle,
            "end" => Side::End,
            other => panic!("a text begins, ends or is in the middle somewhere, not {other:?}"),
        };
        let style = Style { class: &words.class, size: words.size, is_bold: false };
        self.text(style, side, words.place, &words.text);
    }

    fn arrow(&mut self, arrow: &Arrow, description: &Description) {
        let [from, to] = [&arrow.from, &arrow.to].map(|end| Place::of(end, description));
        let points = way(&from, &to, arrow.bend);
        let (line, dot) = match &*arrow.colour {
            "dim" => ("way", "dim"),
            "blue" => ("line0", "dot0"),
            "orange" => ("line1", "dot1"),
            "green" => ("line2", "dot2"),
            other => panic!("no arrow has the colour {other:?}"),
        };
        // The line ends where the arrow's head begins, which is as wide.
        let (tip, [dx, dy]) = (to.at, to.outward);
        let back = [tip[0] + dx * HEAD, tip[1] + dy * HEAD];
        let sides = [dy * HEAD / 2.0, dx * HEAD / 2.0];
        let mut drawn = points.clone();
        *drawn.last_mut().unwrap() = back;
        self.svg.path(line, &drawn);
        let head = [
            tip,
            [back[0] + sides[0], back[1] + sides[1]],
            [back[0] - sides[0], back[1] - sides[1]],
        ];
        self.svg.filled(dot, &head);
        self.ways.extend(points.windows(2).map(|pair| [pair[0], pair[1]]));
        self.label(arrow, &points);
    }

    /// Draws the label at the longest part of the arrow.
    fn label(&mut self, arrow: &Arrow, points: &[[f64; 2]]) {
        let length = |[a, b]: [[f64; 2]; 2]| (a[0] - b[0]).abs() + (a[1] - b[1]).abs();
        let parts = points.windows(2).map(|pair| [pair[0], pair[1]]);
        let longest = parts.max_by(|a, b| length(*a).total_cmp(&length(*b))).unwrap();
        let [a, b] = longest;
        let (x, y) = (f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1]));
        let further = arrow.label.len() as f64 - 1.0;
        let (side, place) = match &*arrow.label_at {
            "above" => (Side::Middle, [x, y - GAP - LINE * further]),
            "below" => (Side::Middle, [x, y + GAP + 0.76 * PLAIN]),
            "beside" => (Side::Begin, [x + GAP, y + 0.26 * PLAIN - LINE * further / 2.0]),
            other => panic!("a label is above, below or beside its arrow, not {other:?}"),
        };
        for (number, line) in arrow.label.iter().enumerate() {
            self.text(BODY, side, [place[0], place[1] + LINE * number as f64], line);
        }
    }
}

/// The end of an arrow, and the direction away from its box.
struct Place {
    at: [f64; 2],
    outward: [f64; 2],
}

impl Place {
    fn of(end: &End, description: &Description) -> Self {
        let of = description.boxed(&end.name);
        let ([x, y], [width, height]) = (of.corner, of.size);
        let along_x = end.place.unwrap_or(x + width / 2.0);
        let along_y = end.place.unwrap_or(y + height / 2.0);
        let (at, outward) = match &*end.side {
            "left" => ([x, along_y], [-1.0, 0.0]),
            "right" => ([x + width, along_y], [1.0, 0.0]),
            "top" => ([along_x, y], [0.0, -1.0]),
            "bottom" => ([along_x, y + height], [0.0, 1.0]),
            other => panic!("a box has no side {other:?}"),
        };
        Self { at, outward }
    }
}

/// The corner points of an arrow whose parts are vertical or horizontal.
fn way(from: &Place, to: &Place, bend: Option<f64>) -> Vec<[f64; 2]> {
    let ([x1, y1], [x2, y2]) = (from.at, to.at);
    let [is_level, ends_level] = [from, to].map(|end| end.outward[0] != 0.0);
    match (is_level, ends_level) {
        (true, true) if y1 == y2 => vec![from.at, to.at],
        (false, false) if x1 == x2 => vec![from.at, to.at],
        (true, true) => {
            let x = bend.unwrap_or(f64::midpoint(x1, x2));
            vec![from.at, [x, y1], [x, y2], to.at]
        }
        (false, false) => {
            let y = bend.unwrap_or(f64::midpoint(y1, y2));
            vec![from.at, [x1, y], [x2, y], to.at]
        }
        (true, false) => vec![from.at, [x2, y1], to.at],
        (false, true) => vec![from.at, [x1, y2], to.at],
    }
}
