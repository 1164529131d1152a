//! Draws how the time of a call grows with the number of objects.

use super::figures::{Figures, Row};
use super::plot::{Frame, Scale};

/// A curve: the rows whose work is this text with a number in it.
pub struct Curve {
    pub title: &'static str,
    /// The texts before and after the number.
    pub work: [&'static str; 2],
    /// The name of the objects that the number counts.
    pub many: &'static str,
}

impl Curve {
    fn count(&self, row: &Row) -> Option<f64> {
        let [before, after] = self.work;
        row.work.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
    }

    /// The numbers and the rows, of the first program that has such rows.
    fn rows<'a>(&self, figures: &'a Figures) -> Vec<(f64, &'a Row)> {
        let of_part = |rows: &'a [Row]| -> Vec<(f64, &'a Row)> {
            rows.iter().filter_map(|row| Some((self.count(row)?, row))).collect()
        };
        let mut parts = figures.parts.iter().map(|part| of_part(&part.rows));
        parts.find(|rows| !rows.is_empty()).unwrap_or_else(|| panic!("no rows of {:?}", self.work))
    }

    pub fn drawn(&self, figures: &Figures) -> String {
        let rows = self.rows(figures);
        let subtitle =
            "Nanoseconds of one of them; median of many rounds, in each beside the peer.";
        let mut frame = Frame::new([760.0, 300.0], [76.0, 44.0], [self.title, subtitle], figures);
        let counts = rows.iter().map(|(count, _)| *count);
        let along = Scale::of(counts, 10.0, [frame.left, frame.right]);
        let times = rows.iter().flat_map(|(_, row)| [row.own, row.of_peer()]);
        let up = Scale::of(times, 10.0, [frame.bottom, frame.top]);
        frame.marks_up(&up, 10.0, "ns");
        frame.marks_along(&along, 10.0, self.many);
        let peer = &rows[0].1.peer;
        frame.legend(&["dcc-cancel", peer]);
        for (colour, time) in [(1, Row::of_peer as fn(&Row) -> f64), (0, |row: &Row| row.own)] {
            let place = |(count, row): &(f64, &Row)| [along.place(*count), up.place(time(row))];
            let points: Vec<[f64; 2]> = rows.iter().map(place).collect();
            frame.svg.path(&format!("line{colour}"), &points);
            points.into_iter().for_each(|point| frame.svg.dot(&format!("dot{colour}"), point));
        }
        frame.svg.finished(&format!("{}, beside {peer}", self.title))
    }
}
