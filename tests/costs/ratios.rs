//! Draws the rows that have a target: their ratios, as measured with each compiler, and the largest
//! ratio that is allowed.

use super::figures::{Figures, Row};
use super::plot::{Frame, Scale};
use super::svg::Side;

const ROW: f64 = 36.0;
/// The compilers of the programs; each has a colour.
const COMPILERS: [&str; 3] = ["g++", "clang++", "Rust"];

pub fn drawn(figures: &Figures) -> String {
    let judged: Vec<(usize, &Row)> = figures
        .parts
        .iter()
        .flat_map(|part| part.rows.iter().map(move |row| (part.compiler(), row)))
        .filter(|(_, row)| row.target.is_some())
        .map(|(compiler, row)| {
            let colour = COMPILERS.iter().position(|name| *name == compiler);
            (colour.expect("a compiler"), row)
        })
        .collect();
    let mut works: Vec<(&str, &str)> = Vec::new();
    for (_, row) in &judged {
        let name = (row.work.as_str(), row.peer.as_str());
        if !works.contains(&name) {
            works.push(name);
        }
    }
    let height = ROW * works.len() as f64;
    let title = [
        "Time of a call, as a part of its peer's",
        "Median and quartiles of many rounds, each beside \
        the peer's in one run. Left is faster; the red line is the target.",
    ];
    let mut frame = Frame::new([960.0, height], [430.0, 44.0], title, figures);
    let reached = judged
        .iter()
        .flat_map(|(_, row)| row.quartiles.into_iter().chain([row.ratio]).chain(row.target));
    let scale = Scale::of(reached.chain([0.5, 2.0]), 2.0, [frame.left, frame.right - 60.0]);
    frame.marks_along(&scale, 2.0, "times the peer");
    frame.legend(&COMPILERS);
    let one = scale.place(1.0);
    frame.svg.line("axis", [one, frame.top], [one, frame.bottom]);
    for (number, (work, peer)) in works.iter().enumerate() {
        let y = frame.top + ROW * (number as f64 + 0.5);
        let left = frame.left - 12.0;
        frame.svg.text("ink", Side::End, 12.0, [left, y - 2.0], work);
        frame.svg.text("dim", Side::End, 10.5, [left, y + 11.0], &format!("beside {peer}"));
        let rows: Vec<_> =
            judged.iter().filter(|(_, row)| row.work == *work && row.peer == *peer).collect();
        let mut numbers = Vec::new();
        for (line, (colour, row)) in rows.iter().enumerate() {
            // The dots lie one below the other, so that none hides another.
            let y = y + 10.0 * (line as f64 - (rows.len() - 1) as f64 / 2.0);
            let [low, high] = row.quartiles.map(|quartile| scale.place(quartile));
            frame.svg.line(&format!("line{colour}"), [low, y], [high, y]);
            frame.svg.dot(&format!("dot{colour}"), [scale.place(row.ratio), y]);
            numbers.push(format!("{:.2}", row.ratio));
        }
        let target = scale.place(rows[0].1.target.expect("judged"));
        frame.svg.line("target", [target, y - 12.0], [target, y + 12.0]);
        frame.svg.text("ink", Side::End, 11.0, [frame.right + 16.0, y + 4.0], &numbers.join(" / "));
    }
    frame.svg.finished("Ratios of the library's calls to those of its peers, with their targets")
}
