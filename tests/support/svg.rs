//! Pictures as text. The colour of a shape is named by what the shape shows, and is light or dark
//! as the reader's system is.
//!
//! A picture has its own background, because the page around it may be light or dark. It needs no
//! font, other picture or script.

#![allow(dead_code, reason = "each kind of picture uses a part of it")]

use std::fmt::Write;

/// A picture that is being drawn.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// Which point of a text lies at its position.
#[derive(Clone, Copy)]
pub enum Side {
    Begin,
    Middle,
    End,
}

/// The colours of a class on a light and on a dark background.
const CLASSES: &[(&str, &str, &str)] = &[
    ("paper", "fill:#ffffff", "fill:#0d1117"),
    ("ink", "fill:#1f2328", "fill:#e6edf3"),
    ("dim", "fill:#59636e", "fill:#9198a1"),
    ("grid", "stroke:#d1d9e0", "stroke:#30363d"),
    ("axis", "stroke:#818b98", "stroke:#6e7681"),
    ("target", "stroke:#cf222e;stroke-width:2.5", "stroke:#ff7b72;stroke-width:2.5"),
    ("dot0", "fill:#0969da", "fill:#58a6ff"),
    ("dot1", "fill:#bc4c00", "fill:#f0883e"),
    ("dot2", "fill:#1a7f37", "fill:#3fb950"),
    ("line0", "stroke:#0969da;stroke-width:2", "stroke:#58a6ff;stroke-width:2"),
    ("line1", "stroke:#bc4c00;stroke-width:2", "stroke:#f0883e;stroke-width:2"),
    ("line2", "stroke:#1a7f37;stroke-width:2", "stroke:#3fb950;stroke-width:2"),
    ("way", "stroke:#59636e;stroke-width:1.6", "stroke:#9198a1;stroke-width:1.6"),
    ("group", "fill:#f6f8fa;stroke:#818b98", "fill:#151b23;stroke:#6e7681"),
    ("plain", "fill:#ffffff;stroke:#818b98", "fill:#0d1117;stroke:#6e7681"),
    ("blue", "fill:#ddf4ff;stroke:#0969da", "fill:#0c2d4d;stroke:#58a6ff"),
    ("green", "fill:#dafbe1;stroke:#1a7f37", "fill:#12331d;stroke:#3fb950"),
    ("orange", "fill:#fff1e5;stroke:#bc4c00", "fill:#3d2310;stroke:#f0883e"),
    ("red", "fill:#ffebe9;stroke:#cf222e", "fill:#42181a;stroke:#ff7b72"),
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn listed(points: &[[f64; 2]]) -> String {
    points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

impl Svg {
    pub fn new(width: f64, height: f64) -> Self {
        let mut svg = Self { width, height, body: String::new() };
        svg.element(format_args!("<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>"));
        svg
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{element}").unwrap();
    }

    pub fn text(&mut self, class: &str, side: Side, size: f64, place: [f64; 2], text: &str) {
        self.text_of_weight("", class, side, size, place, text);
    }

    pub fn bold_text(&mut self, class: &str, side: Side, size: f64, place: [f64; 2], text: &str) {
        self.text_of_weight(" font-weight=\"bold\"", class, side, size, place, text);
    }

    fn text_of_weight(
        &mut self,
        weight: &str,
        class: &str,
        side: Side,
        size: f64,
        [x, y]: [f64; 2],
        text: &str,
    ) {
        let anchor = match side {
            Side::Begin => "start",
            Side::Middle => "middle",
            Side::End => "end",
        };
        let text = escaped(text);
        self.element(format_args!(
            "<text class=\"{class}\" text-anchor=\"{anchor}\" font-size=\"{size}\"{weight} \
             x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
        ));
    }

    pub fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        self.element(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    pub fn dot(&mut self, class: &str, [x, y]: [f64; 2]) {
        self.element(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"
        ));
    }

    pub fn rounded(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2], by: f64) {
        self.element(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\" rx=\"{by}\"/>"
        ));
    }

    /// Adds a filled shape between these points.
    pub fn filled(&mut self, class: &str, points: &[[f64; 2]]) {
        let points = listed(points);
        self.element(format_args!("<polygon class=\"{class}\" points=\"{points}\"/>"));
    }

    /// Adds a line through these points.
    pub fn path(&mut self, class: &str, points: &[[f64; 2]]) {
        let points = listed(points);
        self.element(format_args!(
            "<polyline class=\"{class}\" fill=\"none\" points=\"{points}\"/>"
        ));
    }

    /// Returns the whole picture. `about` describes it for readers who do not see it.
    pub fn finished(self, about: &str) -> String {
        let Self { width, height, body } = self;
        let rules = |of: fn(&(&str, &str, &str)) -> String| -> String {
            let is_used = |class: &str| body.contains(&format!("class=\"{class}\""));
            CLASSES.iter().filter(|of| is_used(of.0)).map(of).collect::<Vec<_>>().join("\n")
        };
        let light = rules(|(class, light, _)| format!(".{class}{{{light}}}"));
        let dark = rules(|(class, _, dark)| format!(".{class}{{{dark}}}"));
        let about = escaped(about);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" \
             font-family=\"system-ui, 'DejaVu Sans', sans-serif\">\n\
             <title>{about}</title>\n<style>\n{light}\n\
             @media (prefers-color-scheme: dark) {{\n{dark}\n}}\n</style>\n{body}</svg>\n"
        )
    }
}
