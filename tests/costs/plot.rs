//! The parts that all pictures have: a heading, a scale along each side, a legend, and the machine
//! on which the figures were measured.

use super::figures::Figures;
use super::svg::{Side, Svg};

/// A logarithmic scale: values along a line, on which equal distances mean equal ratios.
pub struct Scale {
    /// The smallest and the largest value.
    values: [f64; 2],
    /// The positions of these two.
    places: [f64; 2],
}

impl Scale {
    /// A scale that has room for all values and ends at powers of the base.
    pub fn of(values: impl IntoIterator<Item = f64>, base: f64, places: [f64; 2]) -> Self {
        let logs: Vec<f64> = values.into_iter().map(|value| value.log(base)).collect();
        // The logarithm of a power of the base is a whole number only nearly.
        let least = logs.iter().fold(f64::INFINITY, |least, log| least.min((log + 1e-9).floor()));
        let most = logs.iter().fold(least + 1.0, |most, log| most.max((log - 1e-9).ceil()));
        assert!(least.is_finite() && most.is_finite(), "nothing to be shown, or what is no number");
        Self { values: [base.powf(least), base.powf(most)], places }
    }

    pub fn place(&self, value: f64) -> f64 {
        let ([least, most], [from, to]) = (self.values, self.places);
        from + (to - from) * (value / least).ln() / (most / least).ln()
    }

    /// The powers of the base that lie on the scale.
    pub fn marks(&self, base: f64) -> Vec<f64> {
        let [least, most] = self.values.map(|value| value.log(base).round() as i32);
        (least..=most).map(|power| base.powi(power)).collect()
    }
}

/// A number in the form in which people write it.
pub fn shown(value: f64) -> String {
    match value {
        _ if value >= 1e9 => format!("{}G", value / 1e9),
        _ if value >= 1e6 => format!("{}M", value / 1e6),
        _ if value >= 1e4 => format!("{}k", value / 1e3),
        _ => format!("{value}"),
    }
}

/// The frame of a picture: the texts above, below and left of the drawing.
pub struct Frame {
    pub svg: Svg,
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

const MARGIN: f64 = 24.0;
const HEAD: f64 = 78.0;
const FOOT: f64 = 16.0;

impl Frame {
    /// A picture of this width, with this much room for the drawing, and texts left of it and below
    /// it.
    pub fn new(
        [width, height]: [f64; 2],
        [left, below]: [f64; 2],
        [title, subtitle]: [&str; 2],
        figures: &Figures,
    ) -> Self {
        let facts: Vec<String> = figures.facts.iter().map(|fact| fact.join(": ")).collect();
        let bottom = HEAD + height;
        let foot = bottom + below + 18.0;
        let mut svg = Svg::new(width, foot + FOOT * facts.len() as f64);
        svg.text("ink", Side::Begin, 17.0, [MARGIN, 30.0], title);
        svg.text("dim", Side::Begin, 12.0, [MARGIN, 48.0], subtitle);
        for (number, fact) in facts.iter().enumerate() {
            let place = [MARGIN, foot + FOOT * number as f64];
            svg.text("dim", Side::Begin, 10.5, place, fact);
        }
        Self { svg, left, right: width - MARGIN, top: HEAD, bottom }
    }

    /// Draws the legend in a line above the picture.
    pub fn legend(&mut self, names: &[&str]) {
        let mut x = self.left;
        for (number, name) in names.iter().enumerate() {
            self.svg.dot(&format!("dot{number}"), [x, HEAD - 14.0]);
            self.svg.text("ink", Side::Begin, 12.0, [x + 9.0, HEAD - 10.0], name);
            x += 40.0 + 7.0 * name.len() as f64;
        }
    }

    /// Draws a line and a number at each mark, from left to right.
    pub fn marks_along(&mut self, scale: &Scale, base: f64, what: &str) {
        for mark in scale.marks(base) {
            let x = scale.place(mark);
            self.svg.line("grid", [x, self.top], [x, self.bottom]);
            self.svg.text("dim", Side::Middle, 11.0, [x, self.bottom + 16.0], &shown(mark));
        }
        let middle = (self.left + self.right) / 2.0;
        self.svg.text("ink", Side::Middle, 12.0, [middle, self.bottom + 34.0], what);
    }

    /// The same from bottom to top.
    pub fn marks_up(&mut self, scale: &Scale, base: f64, what: &str) {
        for mark in scale.marks(base) {
            let y = scale.place(mark);
            self.svg.line("grid", [self.left, y], [self.right, y]);
            self.svg.text("dim", Side::End, 11.0, [self.left - 8.0, y + 4.0], &shown(mark));
        }
        self.svg.text("ink", Side::Begin, 12.0, [MARGIN, self.top - 10.0], what);
    }
}
