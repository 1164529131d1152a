//! Draws histograms of how long operations took, each beside that of its peer.

use super::figures::{Figures, Histogram, Place};
use super::plot::{Frame, Scale};
use super::svg::Side;

/// The factor by which each place is wider than the one before, see benches/histogram.hpp.
const WIDER: f64 = 1.5;

fn found<'a>(figures: &'a Figures, work: &str) -> &'a Histogram {
    let mut all = figures.parts.iter().flat_map(|part| &part.histograms);
    all.find(|histogram| histogram.work == work).unwrap_or_else(|| panic!("no histogram of {work}"))
}

pub fn drawn(figures: &Figures, title: &str, work: &str) -> String {
    let Histogram { peer, places, .. } = found(figures, work);
    let subtitle =
        "How many times of all took so long; each step is half as wide again as the one before.";
    let mut frame = Frame::new([760.0, 260.0], [76.0, 44.0], [title, subtitle], figures);
    let ends = places.iter().flat_map(|place| [place.below, place.below / WIDER]);
    let along = Scale::of(ends, 10.0, [frame.left, frame.right]);
    frame.marks_along(&along, 10.0, "nanoseconds");
    frame.legend(&["dcc-cancel", peer]);
    let shares = |of: fn(&Place) -> f64| -> Vec<f64> {
        let all: f64 = places.iter().map(of).sum();
        places.iter().map(|place| of(place) / all).collect()
    };
    let shares = [(1, shares(|place| place.peer)), (0, shares(|place| place.own))];
    let most =
        shares.iter().flat_map(|(_, shares)| shares).fold(0.0_f64, |most, share| most.max(*share));
    let (bottom, height) = (frame.bottom, frame.bottom - frame.top);
    frame.svg.line("axis", [frame.left, bottom], [frame.right, bottom]);
    let part = format!("{:.0} %", most * 100.0);
    frame.svg.text("dim", Side::End, 11.0, [frame.left - 8.0, frame.top + 8.0], &part);
    for (colour, shares) in shares {
        let mut points = Vec::new();
        let mut before = f64::NAN;
        for (place, share) in places.iter().zip(shares) {
            let [from, to] = [place.below / WIDER, place.below].map(|end| along.place(end));
            // The list leaves out places without times.
            if (from - before).abs() > 0.5 {
                points.extend([[before, bottom], [from, bottom]]);
            }
            let y = bottom - height * share / most;
            points.extend([[from, y], [to, y]]);
            before = to;
        }
        points.push([before, bottom]);
        points.retain(|[x, _]| x.is_finite());
        frame.svg.path(&format!("line{colour}"), &points);
    }
    frame.svg.finished(&format!("{title}, beside {peer}"))
}
